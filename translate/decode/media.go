package decode

import (
	"bytes"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// imageTypes are the images that OpenAI, Claude and Converse take alike.
var imageTypes = map[string]string{
	"image/png": "image/png", "image/jpeg": "image/jpeg", "image/jpg": "image/jpeg", "image/gif": "image/gif", "image/webp": "image/webp",
}

// audioTypes are the media types of input_audio's formats.
var audioTypes = map[string]string{
	"wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac", "opus": "audio/opus", "ogg": "audio/ogg", "aac": "audio/aac",
	"m4a": "audio/mp4", "webm": "audio/webm",
}

// ImageSource reads the URL of an image.
func (c *Cursor) ImageSource(m *chat.Media, tok json.String) {
	url := tok.Bytes()
	scheme, _, found := bytes.Cut(url[:min(len(url), 16)], []byte(":"))
	if !found {
		scheme = nil
	}
	switch strings.ToLower(string(scheme)) {
	case "data":
		kind, data := c.DataURL(url)
		m.Data = data
		if m.Type = imageTypes[kind]; m.Type == "" {
			c.Fail("unsupported image type '%s': use image/png, image/jpeg, image/gif or image/webp", kind)
		}
	case "http", "https":
		m.URL = string(url)
	case "s3":
		m.S3 = string(url)
	default:
		if c.R.Err() == nil {
			c.Fail("invalid image URL: expected a base64 data URL, or one that begins with https://, http:// or s3://")
		}
	}
}

// DataURL takes a data URL apart: its media type in lower case, without parameters, and its base64.
func (c *Cursor) DataURL(url []byte) (kind string, data []byte) {
	head, data, ok := bytes.Cut(url[len("data:"):], []byte(","))
	head, is64 := bytes.CutSuffix(head, []byte(";base64"))
	if !ok || !is64 {
		c.Fail("invalid data URL: expected data:<media type>;base64,<data>")
		return "", nil
	}
	if at := bytes.IndexByte(head, ';'); at >= 0 {
		head = head[:at]
	}
	if !chat.Base64(data) {
		c.Fail("invalid base64 data")
	}
	return strings.ToLower(string(head)), data
}

// FileData reads a file given as a data URL, or as bare base64: then the type follows from the name.
func (c *Cursor) FileData(m *chat.Media, tok json.String) {
	data := tok.Bytes()
	if bytes.HasPrefix(data, []byte("data:")) {
		m.Type, m.Data = c.DataURL(data)
	} else if m.Data = data; !chat.Base64(data) {
		c.Fail("invalid file data: expected a base64 data URL")
	}
}

// InputAudio reads {data, format}; its members stand at level of the path.
func (c *Cursor) InputAudio(level int) *chat.Media {
	r := &c.R
	m := &chat.Media{}
	format := ""
	r.Object()
	for r.Member() {
		c.At(level)
		switch string(r.Key()) {
		case "data":
			if m.Data = r.String().Bytes(); !chat.Base64(m.Data) {
				c.Fail("invalid base64 data")
			}
		case "format":
			format = r.Text()
		default:
			r.Skip()
		}
	}
	switch m.Type = audioTypes[format]; {
	case m.Data == nil:
		c.Missing(level, "data")
	case format == "":
		c.Missing(level, "format")
	case m.Type == "":
		c.FailAt(level, "format", "unsupported audio format '%s': use wav or mp3", format)
	}
	return m
}
