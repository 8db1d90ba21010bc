package extract

import (
	"strings"
)

const (
	htmlType = "text/html"
	jsonType = "application/json"
)

// byType are the kinds with an extractor of their own; all others are taken for plain text, if they are text.
var byType = map[string]extractor{
	jsonType:    structuredJSON,
	"text/json": structuredJSON,
}

// bySuffix are structured syntax suffixes (RFC 6838, 4.2.8).
var bySuffix = map[string]extractor{
	"json": structuredJSON,
}

func extractorFor(mediaType string) extractor {
	t := bareOf(mediaType)
	if f, ok := byType[t]; ok {
		return f
	}
	if _, suffix, ok := strings.Cut(t, "+"); ok {
		if f, ok := bySuffix[suffix]; ok {
			return f
		}
	}
	return plain
}

// bareOf is a media type without parameters.
func bareOf(mediaType string) string {
	t, _, _ := strings.Cut(mediaType, ";")
	return t
}
