package converse

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

// imageFormats, documentFormats, audioFormats and videoFormats are the media types behind the values of ImageFormat,
// DocumentFormat, AudioFormat and VideoFormat. Text of any other kind is a document of format txt.
var (
	imageFormats = [...]mediaFormat{
		{"image/png", "png"}, {"image/jpeg", "jpeg"}, {"image/jpg", "jpeg"}, {"image/gif", "gif"}, {"image/webp", "webp"},
	}
	documentFormats = [...]mediaFormat{
		{"application/pdf", "pdf"},
		{"text/csv", "csv"},
		{"application/csv", "csv"},
		{"application/msword", "doc"},
		{"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"},
		{"application/vnd.ms-excel", "xls"},
		{"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"},
		{"text/html", "html"},
		{"application/xhtml+xml", "html"},
		{"text/plain", "txt"},
		{"text/markdown", "md"},
		{"text/x-markdown", "md"},
		{"application/json", "txt"},
		{"application/xml", "txt"},
		{"application/yaml", "txt"},
		{"application/x-yaml", "txt"},
		{"application/javascript", "txt"},
		{"application/x-ndjson", "txt"},
		{"application/toml", "txt"},
	}
	audioFormats = [...]mediaFormat{
		{"audio/mpeg", "mp3"},
		{"audio/mp3", "mp3"},
		{"audio/wav", "wav"},
		{"audio/x-wav", "wav"},
		{"audio/wave", "wav"},
		{"audio/opus", "opus"},
		{"audio/aac", "aac"},
		{"audio/flac", "flac"},
		{"audio/mp4", "mp4"},
		{"audio/ogg", "ogg"},
		{"audio/x-matroska", "mka"},
		{"audio/x-m4a", "m4a"},
		{"audio/m4a", "m4a"},
		{"audio/pcm", "pcm"},
		{"audio/webm", "webm"},
	}
	videoFormats = [...]mediaFormat{
		{"video/mp4", "mp4"},
		{"video/quicktime", "mov"},
		{"video/x-matroska", "mkv"},
		{"video/webm", "webm"},
		{"video/x-flv", "flv"},
		{"video/mpeg", "mpeg"},
		{"video/x-ms-wmv", "wmv"},
		{"video/3gpp", "three_gp"},
	}
)

type mediaFormat struct{ mediaType, format string }

func format(table []mediaFormat, mediaType string) string {
	for i := range table {
		if table[i].mediaType == mediaType {
			return table[i].format
		}
	}
	return ""
}

// media writes an image, document, audio or video block.
func (e *encoder) media(kind chat.BlockKind, m *chat.Media) {
	switch kind {
	case chat.Image:
		if e.f.NoImages {
			e.refuse(kind)
			return
		}
		f := format(imageFormats[:], m.Type)
		if f == "" && m.Type == "" {
			f = sniffImage(m)
		}
		e.blob(kind, m, f, "png, jpeg, gif and webp")
	case chat.Audio:
		if !e.f.Audio {
			e.refuse(kind)
			return
		}
		e.blob(kind, m, format(audioFormats[:], m.Type), "mp3, wav, flac, ogg, opus, aac and m4a")
	case chat.Video:
		if !e.f.Video {
			e.refuse(kind)
			return
		}
		e.blob(kind, m, format(videoFormats[:], m.Type), "mp4, mov, mkv, webm, flv, mpeg, wmv and 3gp")
	default:
		e.document(m)
	}
}

func (e *encoder) refuse(kind chat.BlockKind) {
	err := chat.Invalid("messages", "the model '%s' takes no content of kind %s", e.x.Model, kind)
	err.Fallback = true
	e.fail(err)
}

// blob writes a block of a format and a source.
func (e *encoder) blob(kind chat.BlockKind, m *chat.Media, format, known string) {
	if format == "" {
		e.fail(chat.Invalid("messages", "content of kind %s and media type '%s' is not supported; Bedrock takes %s", kind, chat.Clip(m.Type), known))
		return
	}
	e.w.BeginObject()
	e.w.Key(kind.String())
	e.w.BeginObject()
	e.w.Key("format")
	e.w.Text(format)
	e.source(kind, m)
	e.w.EndObject()
	e.w.EndObject()
}

// source writes where the content is: in the body, or in S3.
func (e *encoder) source(kind chat.BlockKind, m *chat.Media) {
	uri := m.S3
	if uri == "" && strings.HasPrefix(m.URL, "s3://") {
		uri = m.URL
	}
	e.w.Key("source")
	e.w.BeginObject()
	switch {
	case len(m.Data) > 0:
		e.w.Key("bytes")
		e.w.Plain(m.Data)
	case uri != "":
		e.w.Key("s3Location")
		e.w.BeginObject()
		e.w.Key("uri")
		e.w.Text(uri)
		if m.S3Owner != "" {
			e.w.Key("bucketOwner")
			e.w.Text(m.S3Owner)
		}
		e.w.EndObject()
	case m.URL != "":
		e.fail(chat.Invalid("messages", "content of kind %s is given as a URL, and this gateway does not fetch URLs (fetch_remote_images is off); send it as a data: URL", kind))
	case m.FileID != "":
		err := chat.Invalid("messages", "the file '%s' is not one of this gateway's files", chat.Clip(m.FileID))
		err.Kind = chat.ErrNotFound
		e.fail(err)
	default:
		e.fail(chat.Invalid("messages", "content of kind %s is empty", kind))
	}
	e.w.EndObject()
}

// sniffImage returns an image's format by its first bytes, which are base64.
func sniffImage(m *chat.Media) string {
	for _, s := range [...]mediaFormat{{"iVBOR", "png"}, {"/9j/", "jpeg"}, {"R0lGOD", "gif"}, {"UklGR", "webp"}} {
		if strings.HasPrefix(string(m.Data[:min(len(m.Data), 8)]), s.mediaType) {
			return s.format
		}
	}
	for _, s := range [...]mediaFormat{{".png", "png"}, {".jpg", "jpeg"}, {".jpeg", "jpeg"}, {".gif", "gif"}, {".webp", "webp"}} {
		if uri := m.S3 + m.URL; strings.HasSuffix(strings.ToLower(uri), s.mediaType) {
			return s.format
		}
	}
	return ""
}

// document writes a document block, or the document's text where the model takes none.
func (e *encoder) document(m *chat.Media) {
	f := documentFormat(m)
	if e.f.NoDocuments {
		text, ok := documentText(m, f)
		if !ok {
			e.refuse(chat.Document)
			return
		}
		if quote(text).Blank() {
			e.fail(chat.Invalid("messages", "a document is empty"))
		}
		e.plainText(text)
		return
	}
	if f == "" && m.Content == nil {
		e.fail(chat.Invalid("messages", "a document of media type '%s' is not supported; Bedrock takes pdf, csv, doc, docx, xls, xlsx, html, txt and md", chat.Clip(m.Type)))
		return
	}
	e.w.Raw(`{"document":{`)
	if f != "" {
		e.w.Key("format")
		e.w.Text(f)
	}
	e.w.Key("name")
	e.w.Text(e.documentName(m.Name, f))
	switch {
	case m.Text != nil:
		e.w.Raw(`"source":{"bytes":`)
		e.w.Text(base64.StdEncoding.EncodeToString(m.Text.Bytes()))
		e.w.EndObject()
	case m.Content != nil:
		e.w.Raw(`"source":{"content":[`)
		for i := range m.Content {
			if b := &m.Content[i]; b.Kind == chat.Text && !b.Text.Blank() {
				e.text(b.Text)
			}
		}
		e.w.EndArray()
		e.w.EndObject()
	default:
		e.source(chat.Document, m)
	}
	if m.Context != nil {
		e.w.Key("context")
		e.w.String(m.Context)
	}
	if m.Citations {
		e.w.Raw(`"citations":{"enabled":true}`)
	} else if f == "pdf" && e.f.Family == model.Claude {
		// Without citations Converse gives Claude a PDF's plain text, and not its charts and scans
		// (https://platform.claude.com/docs/en/build-with-claude/pdf-support); the other APIs give it all.
		e.x.Poorer = true
	}
	e.w.EndObject()
	e.w.EndObject()
}

// documentFormat returns a document's format by its media type, or by its name's ending.
func documentFormat(m *chat.Media) string {
	if m.Text != nil {
		return "txt"
	}
	if f := format(documentFormats[:], m.Type); f != "" {
		return f
	}
	if m.Type != "" && m.Type != "application/octet-stream" && !strings.HasPrefix(m.Type, "text/") {
		return ""
	}
	for _, name := range [...]string{m.Name, m.S3} {
		ending := strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
		for i := range documentFormats {
			if documentFormats[i].format == ending {
				return ending
			}
		}
	}
	if strings.HasPrefix(m.Type, "text/") {
		return "txt"
	}
	return ""
}

// documentText returns the text of a document that is text.
func documentText(m *chat.Media, format string) (string, bool) {
	var text []byte
	switch {
	case m.Text != nil:
		text = m.Text.Bytes()
	case m.Content != nil:
		for i := range m.Content {
			text = append(append(text, m.Content[i].Text.Bytes()...), '\n')
		}
	case format == "txt" || format == "csv" || format == "html" || format == "md":
		b := make([]byte, base64.StdEncoding.DecodedLen(len(m.Data)))
		n, err := base64.StdEncoding.Decode(b, m.Data)
		if err != nil || !utf8.Valid(b[:n]) {
			return "", false
		}
		text = b[:n]
	}
	if len(text) == 0 {
		return "", false
	}
	if m.Name == "" {
		return string(text), true
	}
	return m.Name + ":\n" + string(text), true
}

// maxDocumentName is the longest name of a document, in bytes.
const maxDocumentName = 200

// documentName returns a name that Bedrock takes: alphanumerics, single spaces, hyphens, parentheses and square brackets,
// no name twice in a request. An ending that says the format again goes.
func (e *encoder) documentName(own, format string) string {
	if i := strings.LastIndexByte(own, '.'); i >= 0 && strings.EqualFold(own[i+1:], format) {
		own = own[:i]
	}
	b := make([]byte, 0, len(own))
	for i := 0; i < len(own) && len(b) < maxDocumentName-8; i++ {
		switch c := own[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '(', c == ')', c == '[', c == ']':
			b = append(b, c)
		case c == ' ' || c == '\t' || c == '\n':
			if len(b) > 0 && b[len(b)-1] != ' ' {
				b = append(b, ' ')
			}
		case len(b) > 0 && b[len(b)-1] != '-':
			b = append(b, '-')
		}
	}
	name := strings.Trim(string(b), " -")
	if name == "" {
		name = "document"
	}
	free := name
	for n := 2; slices.Contains(e.documents, free); n++ {
		free = name + " (" + strconv.Itoa(n) + ")"
	}
	e.documents = append(e.documents, free)
	return free
}
