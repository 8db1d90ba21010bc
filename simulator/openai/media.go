package openai

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// imageTypes are what the API takes as images, by their content.
var imageTypes = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

// imageURL is an http(s) URL or a data URL that holds an image of a known type. Remote images are not fetched: the
// simulator takes them for read.
func imageURL(at string, v any) *failure {
	s, ok := v.(string)
	if !ok {
		return wrongType(at, "a string", v)
	}
	if !strings.HasPrefix(s, "data:") {
		u, err := url.Parse(s)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return invalid(at, "invalid_image_url", "Invalid image URL: '"+at+
				"'. Expected a valid URL, but got a value with an invalid format.")
		}
		return nil
	}
	mediaType, data, f := dataURL(at, s)
	if f != nil {
		return f
	}
	if !strings.HasPrefix(mediaType, "image/") {
		return invalid(at, "invalid_image_format", "Invalid MIME type. Only image types are supported.")
	}
	if !slices.Contains(imageTypes, http.DetectContentType(data)) {
		return invalid(at, "invalid_image_format", "You uploaded an unsupported image. Please make sure your image has "+
			"of one the following formats: ['png', 'jpeg', 'gif', 'webp'].")
	}
	return nil
}

// dataURL takes a base64 data URL apart.
func dataURL(at, s string) (mediaType string, data []byte, f *failure) {
	head, payload, ok := strings.Cut(strings.TrimPrefix(s, "data:"), ",")
	mediaType, encoded := strings.CutSuffix(head, ";base64")
	if !ok || !encoded || mediaType == "" {
		return "", nil, invalid(at, "invalid_base64", "Invalid base64 data URL. Expected a base64-encoded data URL with "+
			"a MIME type (e.g. 'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU=').")
	}
	data, err := base64.StdEncoding.DecodeString(payload)
	if err != nil || len(data) == 0 {
		return "", nil, invalid(at, "invalid_base64", "Invalid base64 data in '"+at+"'.")
	}
	return mediaType, data, nil
}

// fileData is the content of a file part: a data URL.
func fileData(at string, v any) *failure {
	s, ok := v.(string)
	if !ok {
		return wrongType(at, "a string", v)
	}
	_, _, f := dataURL(at, s)
	return f
}

func base64Data(at string, v any) *failure {
	s, ok := v.(string)
	if !ok {
		return wrongType(at, "a string", v)
	}
	if _, err := base64.StdEncoding.DecodeString(s); err != nil || s == "" {
		return invalid(at, "invalid_base64", "Invalid base64 data in '"+at+"'.")
	}
	return nil
}
