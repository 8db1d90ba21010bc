package extract

import (
	"bytes"
	"fmt"
	"strings"
)

const (
	htmlType = "text/html"
	jsonType = "application/json"
	ooxml    = "application/vnd.openxmlformats-officedocument."
)

// byType are the kinds with an extractor of their own; all others are taken for plain text, if they are text.
var byType = map[string]extractor{
	jsonType:                              structuredJSON,
	"text/json":                           structuredJSON,
	"text/csv":                            commaSeparated,
	"application/csv":                     commaSeparated,
	"text/x-csv":                          commaSeparated,
	"text/tab-separated-values":           commaSeparated,
	"application/xml":                     structuredXML,
	"text/xml":                            structuredXML,
	htmlType:                              readableHTML,
	"application/xhtml+xml":               readableHTML,
	ooxml + "wordprocessingml.document":   wordDocument,
	ooxml + "spreadsheetml.sheet":         spreadsheet,
	ooxml + "presentationml.presentation": presentation,
	"application/vnd.ms-word.document.macroenabled.12": wordDocument,
	"application/vnd.ms-excel.sheet.macroenabled.12":   spreadsheet,
	"image/png":                    imageNote,
	"image/jpeg":                   imageNote,
	"image/jpg":                    imageNote,
	"image/gif":                    imageNote,
	"image/webp":                   imageNote,
	"application/pdf":              portableDocument,
	"application/x-pdf":            portableDocument,
	"application/zip":              zipped,
	"application/x-zip-compressed": zipped,
}

// bySuffix are structured syntax suffixes (RFC 6838, 4.2.8).
var bySuffix = map[string]extractor{
	"json": structuredJSON,
	"xml":  structuredXML,
}

func extractorFor(mediaType string) extractor {
	t := bareOf(mediaType)
	if f, ok := byType[t]; ok {
		return f
	}
	if i := strings.LastIndexByte(t, '+'); i >= 0 {
		if f, ok := bySuffix[t[i+1:]]; ok {
			return f
		}
	}
	return plain
}

// zipped looks for a document in what was only known as a zip archive.
func zipped(in *input, out *output) error {
	head, _ := in.Peek(sniffLen)
	for _, kind := range []struct {
		folder string
		f      extractor
	}{{"word/", wordDocument}, {"xl/", spreadsheet}, {"ppt/", presentation}} {
		if bytes.Contains(head, []byte(kind.folder)) {
			return kind.f(in, out)
		}
	}
	return fmt.Errorf("%w: zip archive", ErrUnsupported)
}

// bareOf is a media type without parameters.
func bareOf(mediaType string) string {
	t, _, _ := strings.Cut(mediaType, ";")
	return t
}
