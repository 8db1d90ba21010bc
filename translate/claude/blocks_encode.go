package claude

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

// text writes a text block. Citations are Claude's own or are left out.
func (e *encoder) text(b *chat.Block) {
	e.w.Raw(`{"type":"text","text":`)
	e.w.String(b.Text)
	if b.Own != nil && b.Dialect == chat.Claude {
		e.w.Key("citations")
		e.w.Value(*b.Own)
	}
	e.mark(b.Cache)
	e.w.EndObject()
}

// block writes a visible block.
func (e *encoder) block(b *chat.Block) {
	switch b.Kind {
	case chat.Text, chat.Refusal:
		if b.Guarded {
			e.x.Omit("guarded_text") // the guardrail looks at everything here
		}
		e.text(b)
	case chat.Image:
		e.image(b)
	case chat.Document:
		e.document(b)
	case chat.Audio, chat.Video:
		e.refuse(b.Kind)
	case chat.ToolUse:
		e.w.Raw(`{"type":"tool_use","id":`)
		e.w.Text(e.names.ID(b.Tool.ID))
		e.w.Key("name")
		e.w.Text(e.names.Tool(b.Tool.Name))
		e.w.Key("input")
		if len(b.Tool.Input) == 0 {
			e.w.Raw("{}")
		} else {
			e.w.Value(b.Tool.Input)
		}
		e.mark(b.Cache)
		e.w.EndObject()
	case chat.Thinking:
		e.w.Raw(`{"type":"thinking","thinking":`)
		e.w.String(b.Text)
		e.w.Key("signature")
		e.w.String(b.Signature())
		e.w.EndObject()
	case chat.RedactedThinking:
		e.w.Raw(`{"type":"redacted_thinking","data":`)
		e.w.String(b.Data())
		e.w.EndObject()
	case chat.Opaque:
		e.w.Value(b.Raw())
	case chat.ToolResult: // written before the others: see user
	}
}

// refuse fails: the model takes no content of that kind, though another may.
func (e *encoder) refuse(kind chat.BlockKind) {
	err := chat.Invalid("messages", "the model '%s' takes no content of kind %s", e.x.Model, kind)
	err.Fallback = true
	e.fail(err)
}

// toolResult writes a result; its content as a string if it is one plain text.
func (e *encoder) toolResult(b *chat.Block) {
	t := b.Tool
	e.w.Raw(`{"type":"tool_result","tool_use_id":`)
	e.w.Text(e.names.ID(t.ID))
	switch plain := plainText([]chat.Message{{Content: t.Content}}); {
	case plain != nil && !plain.Text.Blank():
		e.w.Key("content")
		e.w.String(plain.Text)
	case plain == nil && len(t.Content) > 0:
		e.w.Key("content")
		e.w.BeginArray()
		for i := range t.Content {
			e.resultBlock(&t.Content[i], t.ID)
		}
		e.w.EndArray()
	}
	if t.IsError {
		e.w.Raw(`"is_error":true`)
	}
	e.mark(b.Cache)
	e.w.EndObject()
}

func (e *encoder) resultBlock(c *chat.Block, id string) {
	switch c.Kind {
	case chat.Text, chat.Refusal, chat.Image, chat.Document, chat.Opaque:
		if e.view.Block(c) {
			e.block(c)
		} else if c.Kind == chat.Opaque {
			e.drop("messages.content")
		}
	case chat.Audio, chat.Video, chat.ToolUse, chat.ToolResult, chat.Thinking, chat.RedactedThinking:
		e.fail(chat.Invalid("messages", "the result of the tool call '%s' holds a block of kind %s; Claude takes text, images and documents there", chat.Clip(id), c.Kind))
	}
}

// image writes an image block.
func (e *encoder) image(b *chat.Block) {
	if e.f.NoImages {
		e.refuse(chat.Image)
		return
	}
	m := b.Media
	kind := m.Type
	switch kind {
	case "image/jpg":
		kind = "image/jpeg"
	case "":
		kind = sniffImage(m.Data)
	}
	e.w.Raw(`{"type":"image","source":`)
	if len(m.Data) > 0 {
		known := false
		for _, t := range imageTypes {
			known = known || t == kind
		}
		if !known {
			e.fail(chat.Invalid("messages", "an image of media type '%s' is not supported; Claude takes png, jpeg, gif and webp", chat.Clip(m.Type)))
		}
		e.base64(kind, m.Data)
	} else {
		e.elsewhere(chat.Image, m)
	}
	e.mark(b.Cache)
	e.w.EndObject()
}

func (e *encoder) base64(kind string, data []byte) {
	e.w.Raw(`{"type":"base64","media_type":`)
	e.w.Text(kind)
	e.w.Key("data")
	e.w.Plain(data)
	e.w.EndObject()
}

// elsewhere fails: what is not in the body cannot be had by Claude on Bedrock.
func (e *encoder) elsewhere(kind chat.BlockKind, m *chat.Media) {
	e.w.Null()
	e.fail(notInBody(kind, m))
}

// notInBody is the error for content that Bedrock's Claude does not fetch itself.
func notInBody(kind chat.BlockKind, m *chat.Media) *chat.Error {
	switch {
	case m.URL != "":
		return remote(kind)
	case m.FileID != "":
		e := chat.Invalid("messages", "the file '%s' is not one of this gateway's files", chat.Clip(m.FileID))
		e.Kind = chat.ErrNotFound
		return e
	case m.S3 != "":
		e := chat.Invalid("messages", "content of kind %s is given as an S3 location, which InvokeModel does not take; send its bytes", kind)
		e.Fallback = true
		return e
	}
	return chat.Invalid("messages", "content of kind %s is empty", kind)
}

func remote(kind chat.BlockKind) *chat.Error {
	return chat.Invalid("messages", "content of kind %s is given as a URL, and this gateway does not fetch URLs (fetch_remote_images is off); send it as base64", kind)
}

// sniffImage returns an image's type by its first bytes, which are base64.
func sniffImage(data []byte) string {
	for _, s := range [...]struct{ start, kind string }{
		{"iVBOR", "image/png"}, {"/9j/", "image/jpeg"}, {"R0lGOD", "image/gif"}, {"UklGR", "image/webp"},
	} {
		if strings.HasPrefix(string(data[:min(len(data), 8)]), s.start) {
			return s.kind
		}
	}
	return ""
}

// textTypes are the media types besides text/* whose content is text.
var textTypes = [...]string{
	"application/json", "application/xml", "application/yaml", "application/x-yaml", "application/javascript", "application/x-ndjson",
	"application/toml", "application/csv", "application/xhtml+xml",
}

// document writes a document block: a pdf, text, or blocks. Claude takes no other kinds.
func (e *encoder) document(b *chat.Block) {
	if b.Own != nil && b.Dialect == chat.Claude { // a search result
		e.w.Value(b.Raw())
		return
	}
	if e.f.NoDocuments {
		e.refuse(chat.Document)
		return
	}
	m := b.Media
	e.w.Raw(`{"type":"document","source":`)
	switch {
	case m.Text != nil:
		e.w.Raw(`{"type":"text","media_type":"text/plain","data":`)
		e.w.String(m.Text)
		e.w.EndObject()
	case m.Content != nil:
		e.w.Raw(`{"type":"content","content":[`)
		for i := range m.Content {
			if c := &m.Content[i]; (c.Kind == chat.Text || c.Kind == chat.Image) && e.view.Block(c) {
				e.block(c)
			}
		}
		e.w.EndArray()
		e.w.EndObject()
	case len(m.Data) > 0 && (m.Type == pdfType || m.Type == "" && strings.HasPrefix(string(m.Data[:min(len(m.Data), 6)]), "JVBERi")):
		e.base64(pdfType, m.Data)
	case len(m.Data) > 0:
		e.textDocument(m)
	default:
		e.elsewhere(chat.Document, m)
	}
	if m.Name != "" {
		e.w.Key("title")
		e.w.Text(m.Name)
	}
	if m.Context != nil {
		e.w.Key("context")
		e.w.String(m.Context)
	}
	if m.Citations {
		e.w.Raw(`"citations":{"enabled":true}`)
	}
	e.mark(b.Cache)
	e.w.EndObject()
}

// textDocument writes a file of text as plain text.
func (e *encoder) textDocument(m *chat.Media) {
	text := m.Type == "" || strings.HasPrefix(m.Type, "text/")
	for _, t := range textTypes {
		text = text || t == m.Type
	}
	data := make([]byte, base64.StdEncoding.DecodedLen(len(m.Data)))
	n, err := base64.StdEncoding.Decode(data, m.Data)
	if !text || err != nil || !utf8.Valid(data[:n]) {
		e.w.Null()
		refused := chat.Invalid("messages", "a document of media type '%s' is not supported; Claude takes application/pdf and text", chat.Clip(m.Type))
		refused.Fallback = true // Converse takes more
		e.fail(refused)
		return
	}
	e.w.Raw(`{"type":"text","media_type":"text/plain","data":`)
	e.w.Text(string(data[:n]))
	e.w.EndObject()
}

// planMarks says which models take cache breakpoints (one that nothing is known of is asked) and counts those to come.
func (e *encoder) planMarks() {
	unknown := e.f.Family == model.Unknown
	e.marks.Taken, e.marks.Hour = e.f.CachePoints || unknown, e.f.CacheTTL || unknown
	if !e.marks.Taken {
		return
	}
	n := e.marksOf(e.r.System)
	for i := range e.r.Tools {
		if t := &e.r.Tools[i]; t.Raw == nil && e.sends(t) && t.Cache != chat.NoCache {
			n++
		}
	}
	for m := range e.r.Messages {
		n += e.marksOf(e.r.Messages[m].Content)
	}
	e.marks.Expect(n, e.x)
}

func (e *encoder) marksOf(blocks []chat.Block) (n int) {
	for i := range blocks {
		b := &blocks[i]
		if !e.view.Block(b) {
			continue
		}
		if b.Cache != chat.NoCache {
			n++
		}
		switch {
		case b.Tool != nil:
			n += e.marksOf(b.Tool.Content)
		case b.Media != nil && b.Raw() == nil:
			n += e.marksOf(b.Media.Content)
		}
	}
	return n
}

// mark writes the breakpoint c into the object that is open.
func (e *encoder) mark(c chat.Cache) {
	write, ttl, err := e.marks.Next(c, e.x)
	e.fail(err)
	if !write {
		return
	}
	e.w.Raw(`"cache_control":{"type":"ephemeral"`)
	if ttl != "" {
		e.w.Key("ttl")
		e.w.Text(ttl)
	}
	e.w.EndObject()
}
