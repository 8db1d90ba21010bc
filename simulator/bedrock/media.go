package bedrock

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
)

// Bounds on images and documents of one message, from the documentation of the Message type.
const (
	maxImages        = 20
	maxImageBytes    = 3_932_160 // 3.75 MB
	maxDocuments     = 5
	maxDocumentBytes = 4_718_592 // 4.5 MB
	maxCachePoints   = 4
)

// documentName is the legal form of a document's name; doubled says what it must not have besides.
var (
	documentName = regexp.MustCompile(`^[a-zA-Z0-9\s\-()\[\]]+$`)
	doubled      = regexp.MustCompile(`\s\s`)
)

// checkMedia holds images, documents, video, audio and cache points against the model and the documented bounds.
func (q *converseRequest) checkMedia(m *model) *apiError {
	names := map[string]bool{}
	points := 0
	for i := range q.System {
		if refused := m.checkCachePoint(q.System[i].CachePoint, &points); refused != nil {
			return refused
		}
	}
	if q.ToolConfig != nil {
		for _, t := range q.ToolConfig.Tools {
			if refused := m.checkCachePoint(t.CachePoint, &points); refused != nil {
				return refused
			}
		}
	}
	for i := range q.Messages {
		images, documents, texts := 0, 0, 0
		for j := range q.Messages[i].Content {
			b, at := &q.Messages[i].Content[j], fmt.Sprintf("messages.%d.content.%d", i, j)
			if b.Text != nil {
				texts++
			}
			inner := []block{*b}
			if b.ToolResult != nil {
				inner = b.ToolResult.Content
			}
			for k := range inner {
				c := &inner[k]
				if c.Image != nil {
					images++
				}
				if c.Document != nil {
					documents++
					if names[c.Document.Name] {
						return invalid("The document at %s has a name that another document of the conversation has: %s. Provide unique document names and try again.", at, c.Document.Name)
					}
					names[c.Document.Name] = true
				}
				if refused := m.checkMedium(c, at); refused != nil {
					return refused
				}
			}
			if j == 0 && b.CachePoint != nil {
				return invalid("The cachePoint block at %s has nothing before it to cache.", at)
			}
			if refused := m.checkCachePoint(b.CachePoint, &points); refused != nil {
				return refused
			}
		}
		switch {
		case images > maxImages:
			return invalid("The message at messages.%d has %d images. The limit is %d.", i, images, maxImages)
		case documents > maxDocuments:
			return invalid("The message at messages.%d has %d documents. The limit is %d.", i, documents, maxDocuments)
		case texts == 0 && hasDocument(&q.Messages[i]):
			return invalid("The content field in the Message object at messages.%d has a document block and no text block. Add a text block and try again.", i)
		}
	}
	return nil
}

func hasDocument(m *message) bool {
	for i := range m.Content {
		if m.Content[i].Document != nil {
			return true
		}
	}
	return false
}

func (m *model) checkCachePoint(c *cacheMark, points *int) *apiError {
	if c == nil {
		return nil
	}
	*points++
	switch {
	case !m.cache:
		return &apiError{name: "AccessDeniedException", message: "You invoked an unsupported model or your request did not allow prompt caching. See the documentation for more information."}
	case *points > maxCachePoints:
		return modelError("A maximum of 4 blocks with cache_control may be provided. Found %d.", *points)
	case c.TTL == "1h" && !m.cacheHour:
		return invalid("This model doesn't support the cachePoint ttl 1h.")
	}
	return nil
}

// checkMedium holds one image, document, video or audio against the model and its own bytes.
func (m *model) checkMedium(b *block, at string) *apiError {
	switch {
	case b.Image != nil:
		if !m.images {
			return invalid("This model doesn't support the image content block that you provided at %s. Remove the image and try again.", at)
		}
		return checkImage(b.Image.Format, &b.Image.Source, at)
	case b.Document != nil:
		if !m.documents {
			return invalid("This model doesn't support documents. Try again without including documents in the conversation.")
		}
		return m.checkDocument(b.Document, at)
	case b.Video != nil && !m.video:
		return invalid("This model doesn't support the video content block that you provided at %s.", at)
	case b.Audio != nil && !m.audio:
		return invalid("This model doesn't support the audio content block that you provided at %s.", at)
	}
	return nil
}

func checkImage(format string, s *source, at string) *apiError {
	if s.S3Location != nil {
		return nil
	}
	if len(s.Bytes) == 0 {
		return invalid("The image at %s is empty.", at)
	}
	if len(s.Bytes) > maxImageBytes {
		return modelError("%s.image.source.base64: image exceeds 5 MB maximum: %d bytes > %d bytes", at, len(s.Bytes), maxImageBytes)
	}
	is := sniffImage(s.Bytes)
	if is == "" {
		return modelError("Could not process image")
	}
	if is != format {
		return modelError("%s.image.source.base64.data: Image does not match the provided media type image/%s", at, format)
	}
	return nil
}

// sniffImage is the format of an image by its first bytes, empty if it is none of Bedrock's four.
func sniffImage(b []byte) string {
	switch http.DetectContentType(b) {
	case "image/png":
		return "png"
	case "image/jpeg":
		return "jpeg"
	case "image/gif":
		return "gif"
	case "image/webp":
		return "webp"
	}
	return ""
}

func (m *model) checkDocument(d *mediaDocument, at string) *apiError {
	if !documentName.MatchString(d.Name) || doubled.MatchString(d.Name) {
		return invalid("The document file name at %s.document.name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, and square brackets. The name can't contain more than one consecutive whitespace character.", at)
	}
	s := &d.Source
	switch {
	case d.Citations != nil && d.Citations.Enabled && m.family != "claude":
		return invalid("This model doesn't support citations.")
	case s.S3Location != nil || s.Text != nil || len(s.Content) > 0:
		return nil
	case len(s.Bytes) == 0:
		return invalid("The document at %s is empty.", at)
	case len(s.Bytes) > maxDocumentBytes:
		return invalid("The document at %s is larger than the limit of 4.5 MB.", at)
	case d.Format == "pdf" && !bytes.HasPrefix(s.Bytes, []byte("%PDF-")):
		return modelError("The PDF specified was not valid.")
	case (d.Format == "docx" || d.Format == "xlsx") && !bytes.HasPrefix(s.Bytes, []byte("PK\x03\x04")):
		return modelError("The %s document could not be read.", d.Format)
	}
	return nil
}
