package claude

import (
	"bytes"
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
)

// imageTypes are the images that Claude takes.
var imageTypes = [...]string{"image/png", "image/jpeg", "image/gif", "image/webp"}

const pdfType = "application/pdf"

// mediaBlock reads an image or a document.
func (d *decoder) mediaBlock(level int, kind string) chat.Block {
	r := &d.r
	b := chat.Block{Kind: chat.Image, Media: &chat.Media{}}
	if kind == "document" {
		b.Kind = chat.Document
	}
	found := false
	r.Object()
	for r.Member() {
		d.at(level)
		key := string(r.Key())
		if key == "source" {
			found = true
			d.source(level+1, b.Kind, b.Media)
			continue
		}
		if r.Null() {
			continue
		}
		switch key {
		case "title":
			b.Media.Name = r.Text()
		case "context":
			b.Media.Context = r.String()
		case "citations":
			b.Media.Citations = d.enabled(level + 1)
		case "cache_control":
			b.Cache = d.cache(level + 1)
		case "type":
			r.Skip()
		default:
			d.omit("messages.content.")
		}
	}
	if !found {
		d.missing(level, "source")
	}
	return b
}

// enabled reads {enabled}.
func (d *decoder) enabled(level int) (on bool) {
	r := &d.r
	r.Object()
	for r.Member() {
		if d.at(level); string(r.Key()) == "enabled" {
			on = r.Bool()
		} else {
			r.Skip()
		}
	}
	return on
}

// source reads where the content is: base64, text, content, url or file.
func (d *decoder) source(level int, kind chat.BlockKind, m *chat.Media) {
	r := &d.r
	form := string(d.peek("type"))
	var data chat.String
	r.Object()
	for r.Member() {
		d.at(level)
		switch key := string(r.Key()); {
		case key == "media_type" && !r.Null():
			m.Type = r.Text()
		case key == "data" && (form == "base64" || form == "text"):
			data = r.String()
		case key == "url" && form == "url":
			m.URL = r.Text()
		case key == "file_id" && form == "file":
			m.FileID = r.Text()
		case key == "content" && form == "content":
			if m.Content = d.content(level, inDocument); m.Content == nil && r.Err() == nil {
				d.fail("a document must not be empty")
			}
		default:
			r.Skip()
		}
	}
	if r.Err() != nil {
		return
	}
	switch {
	case form == "base64":
		d.data(level, kind, m, data)
	case form == "text" && kind == chat.Document:
		if m.Text = data; data == nil {
			d.missing(level, "data")
		}
		m.Type = "text/plain"
	case form == "content" && kind == chat.Document:
		if m.Type = ""; m.Content == nil {
			d.missing(level, "content")
		}
	case form == "url":
		if m.Type = ""; m.URL == "" {
			d.missing(level, "url")
		}
	case form == "file":
		if m.Type = ""; m.FileID == "" {
			d.missing(level, "file_id")
		}
	case form == "":
		d.missing(level, "type")
	default:
		d.failAt(level, "type", "Input tag '%s' does not match any of the expected tags", chat.Clip(form))
	}
}

// data checks what came as base64.
func (d *decoder) data(level int, kind chat.BlockKind, m *chat.Media, tok chat.String) {
	switch {
	case tok == nil:
		d.missing(level, "data")
	case kind == chat.Image && !slices.Contains(imageTypes[:], m.Type):
		d.failAt(level, "media_type", "Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'")
	case kind == chat.Document && m.Type != pdfType:
		d.failAt(level, "media_type", "Input should be 'application/pdf'")
	default:
		if m.Data = tok.Bytes(); !chat.Base64(m.Data) {
			d.failAt(level, "data", "invalid base64 data")
		}
	}
}

// searchResult reads {source, title, content, citations}. To others it is a document; here it goes back as it came.
func (d *decoder) searchResult(level int) chat.Block {
	r := &d.r
	m := &chat.Media{}
	b := chat.Block{Kind: chat.Document, Media: m, Dialect: chat.Claude}
	start := r.Offset()
	titled := false
	r.Object()
	for r.Member() {
		d.at(level)
		switch string(r.Key()) {
		case "title":
			titled = true
			m.Name = r.Text()
		case "source":
			m.Context = r.String()
		case "content":
			m.Content = d.content(level, inDocument)
		case "citations":
			if !r.Null() {
				m.Citations = d.enabled(level + 1)
			}
		case "cache_control":
			b.Cache = d.cache(level + 1)
		default:
			r.Skip()
		}
	}
	switch {
	case r.Err() != nil:
		return b
	case !titled:
		d.missing(level, "title")
	case m.Context == nil:
		d.missing(level, "source")
	case m.Content == nil:
		d.missing(level, "content")
	}
	b.Own = chat.Own(bytes.TrimLeft(d.body[start:r.Offset()], " \t\r\n"))
	return b
}

// toolUse reads a call. One whose id came before in the turn is left out: no provider takes an id for two calls.
func (d *decoder) toolUse(level int) (chat.Block, bool) {
	r := &d.r
	t := &chat.Tooling{}
	b := chat.Block{Kind: chat.ToolUse, Tool: t}
	r.Object()
	for r.Member() {
		d.at(level)
		switch string(r.Key()) {
		case "id":
			t.ID = r.Text()
		case "name":
			t.Name = r.Text()
		case "input":
			t.Input = r.ObjectValue()
		case "cache_control":
			b.Cache = d.cache(level + 1)
		case "type", "caller": // the caller is the model, or a tool of its own that other providers do not know
			r.Skip()
		default:
			d.omit("messages.content.")
		}
	}
	switch {
	case r.Err() != nil:
		return b, false
	case t.ID == "":
		d.missing(level, "id")
	case t.Name == "":
		d.missing(level, "name")
	case t.Input == nil:
		d.missing(level, "input")
	}
	return b, d.calls.Add(t.ID, t.Name)
}

// toolResult reads the answer to a call of the assistant's turn before. A second one to the same call is left out.
func (d *decoder) toolResult(level int) (chat.Block, bool) {
	r := &d.r
	t := &chat.Tooling{}
	b := chat.Block{Kind: chat.ToolResult, Tool: t}
	r.Object()
	for r.Member() {
		d.at(level)
		if r.Null() {
			continue
		}
		switch string(r.Key()) {
		case "tool_use_id":
			t.ID = r.Text()
		case "content":
			t.Content = d.content(level, inResult)
		case "is_error":
			t.IsError = r.Bool()
		case "cache_control":
			b.Cache = d.cache(level + 1)
		case "type":
			r.Skip()
		default:
			d.omit("messages.content.")
		}
	}
	switch {
	case r.Err() != nil:
		return b, false
	case t.ID == "":
		d.missing(level, "tool_use_id")
		return b, false
	}
	first, known := d.calls.Answer(t.ID)
	if known {
		return b, first
	}
	d.failAt(level, "tool_use_id", "unexpected `tool_use_id` found in `tool_result` blocks: %s. Each `tool_result` block must have a corresponding `tool_use` block in the previous message.", chat.Clip(t.ID))
	return b, false
}

// thinkingBlock reads what the model thought before; signatures and redacted data stay to the byte.
func (d *decoder) thinkingBlock(level int, kind string) (b chat.Block) {
	r := &d.r
	var signature, data chat.String
	b.Kind = chat.Thinking
	if kind == "redacted_thinking" {
		b.Kind = chat.RedactedThinking
	}
	r.Object()
	for r.Member() {
		d.at(level)
		switch string(r.Key()) {
		case "thinking":
			b.Text = r.String()
		case "signature":
			if !r.Null() {
				signature = r.String()
			}
		case "data":
			data = r.String()
		default:
			r.Skip()
		}
	}
	switch {
	case b.Kind == chat.Thinking && b.Text == nil:
		d.missing(level, "thinking")
	case b.Kind == chat.RedactedThinking && data == nil:
		d.missing(level, "data")
	case b.Kind == chat.RedactedThinking:
		b.Maker, data = rules.Unseal(data)
		b.Own = chat.Own(data)
	case !signature.Empty():
		b.Maker, signature = rules.Unseal(signature)
		b.Own = chat.Own(signature)
	}
	return b
}
