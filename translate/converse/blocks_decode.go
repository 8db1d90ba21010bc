package converse

import (
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/decode"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// blocks reads an array of content blocks. A cache point stands on the block before it.
func (d *decoder) blocks(param string) (to []chat.Block) {
	if !d.array(param) {
		return nil
	}
	inner := decoder{x: d.x}
	for d.w.Element() {
		if decode.Long(to) {
			to = decode.Grow(to, d.w.Left())
		}
		if d.w.Kind() != json.Object {
			d.fail(param, "an array of content blocks")
			return nil
		}
		raw := d.w.Value()
		inner.w = json.WalkAt(raw, 0)
		inner.w.Object()
		if !inner.w.Member() {
			continue
		}
		if string(inner.w.Key()) == "cachePoint" {
			if len(to) > 0 {
				to[len(to)-1].Cache = inner.cachePoint()
			}
		} else {
			b := chat.Block{Dialect: chat.Converse}
			if inner.block(&b, string(inner.w.Key())) {
				to = append(to, b)
			} else if inner.err == nil {
				to = append(to, chat.Block{Kind: chat.Opaque, Own: chat.Own(raw), Dialect: chat.Converse})
			}
		}
		if inner.err != nil {
			d.err = inner.err
			d.w = json.Walker{}
			return nil
		}
	}
	return to
}

// block reads the value of a block's one member; false if it is none that has a canonical form.
func (d *decoder) block(b *chat.Block, key string) bool {
	switch key {
	case "text":
		b.Kind, b.Text = chat.Text, d.str("messages.content.text")
	case "image":
		b.Kind, b.Media = chat.Image, d.media(imageFormats[:])
	case "document":
		b.Kind, b.Media = chat.Document, d.media(documentFormats[:])
	case "video":
		b.Kind, b.Media = chat.Video, d.media(videoFormats[:])
	case "audio":
		b.Kind, b.Media = chat.Audio, d.media(audioFormats[:])
	case "toolUse":
		b.Kind, b.Tool = chat.ToolUse, d.toolUse()
		return b.Tool != nil
	case "toolResult":
		if ahead := d.w; json.Find(ahead.Value(), "type") != nil {
			return false // of a tool that Bedrock ran
		}
		b.Kind, b.Tool = chat.ToolResult, d.toolResult()
	case "reasoningContent":
		return d.reasoning(b)
	case "citationsContent":
		return d.citations(b)
	case "guardContent":
		return d.guardContent(b)
	case "json": // in a tool's result
		b.Kind, b.Text = chat.Text, quote(string(json.AppendCompact(nil, d.w.Value())))
	default:
		return false
	}
	return true
}

func (d *decoder) cachePoint() chat.Cache {
	c := chat.CacheDefault
	if d.object("cachePoint") {
		for d.w.Member() {
			if string(d.w.Key()) == "ttl" {
				var known bool
				if c, known = chat.CacheFor(d.text("cachePoint.ttl")); !known {
					d.fail("cachePoint.ttl", "5m or 1h")
				}
			} else {
				d.w.Skip()
			}
		}
	}
	return c
}

// media reads a block of a format and a source; formats is the table of its kind.
func (d *decoder) media(formats []mediaFormat) *chat.Media {
	m := &chat.Media{}
	if !d.object("messages.content") {
		return m
	}
	for d.w.Member() {
		switch string(d.w.Key()) {
		case "format":
			own := d.text("messages.content.format")
			for i := range formats {
				if formats[i].format == own {
					m.Type = formats[i].mediaType
					break
				}
			}
		case "name":
			m.Name = d.text("messages.content.document.name")
		case "context":
			m.Context = d.str("messages.content.document.context")
		case "citations":
			m.Citations = string(json.Find(d.w.Value(), "enabled")) == "true"
		case "source":
			d.source(m)
		default:
			d.w.Skip()
		}
	}
	return m
}

func (d *decoder) source(m *chat.Media) {
	if !d.object("messages.content.source") {
		return
	}
	for d.w.Member() {
		switch string(d.w.Key()) {
		case "bytes":
			tok := d.str("messages.content.source.bytes")
			if m.Data = tok.Bytes(); !chat.Base64(m.Data) {
				d.fail("messages.content.source.bytes", "base64")
			}
		case "s3Location":
			v := d.objectValue("messages.content.source.s3Location")
			m.S3 = chat.String(textOf(json.Find(v, "uri"))).Unquote()
			m.S3Owner = chat.String(textOf(json.Find(v, "bucketOwner"))).Unquote()
			if !strings.HasPrefix(m.S3, "s3://") {
				d.fail("messages.content.source.s3Location.uri", "an s3:// URI")
			}
		case "text":
			m.Text = d.str("messages.content.source.text")
		case "content":
			m.Content = d.blocks("messages.content.source.content")
		default:
			d.w.Skip()
		}
	}
}

// textOf returns v if it is a string.
func textOf(v chat.Value) chat.Value {
	if len(v) > 0 && v[0] == '"' {
		return v
	}
	return nil
}

func (d *decoder) toolUse() *chat.Tooling {
	t := &chat.Tooling{Input: chat.Value("{}")}
	ours := true
	if !d.object("messages.content.toolUse") {
		return nil
	}
	for d.w.Member() {
		switch string(d.w.Key()) {
		case "toolUseId":
			t.ID = d.text("messages.content.toolUse.toolUseId")
		case "name":
			t.Name = d.text("messages.content.toolUse.name")
		case "input":
			t.Input = d.objectValue("messages.content.toolUse.input")
		case "type": // server_tool_use: the provider's own
			ours = false
			d.w.Skip()
		default:
			d.w.Skip()
		}
	}
	if !ours {
		return nil
	}
	return t
}

func (d *decoder) toolResult() *chat.Tooling {
	t := &chat.Tooling{}
	if !d.object("messages.content.toolResult") {
		return t
	}
	for d.w.Member() {
		switch string(d.w.Key()) {
		case "toolUseId":
			t.ID = d.text("messages.content.toolResult.toolUseId")
		case "content":
			t.Content = d.blocks("messages.content.toolResult.content")
		case "status":
			t.IsError = d.text("messages.content.toolResult.status") == "error"
		default:
			d.w.Skip()
		}
	}
	return t
}

func (d *decoder) reasoning(b *chat.Block) (known bool) {
	if !d.object("messages.content.reasoningContent") {
		return false
	}
	for d.w.Member() {
		switch string(d.w.Key()) {
		case "reasoningText":
			b.Kind, b.Own, known = chat.Thinking, nil, true
			for ok := d.object("messages.content.reasoningContent.reasoningText"); ok && d.w.Member(); {
				switch string(d.w.Key()) {
				case "text":
					b.Text = d.str("messages.content.reasoningContent.reasoningText.text")
				case "signature":
					var signature chat.String
					if signature = d.str("messages.content.reasoningContent.reasoningText.signature"); signature != nil {
						b.Maker, signature = rules.Unseal(signature)
					}
					b.Own = chat.Own(signature)
				default:
					d.w.Skip()
				}
			}
		case "redactedContent":
			b.Kind, known = chat.RedactedThinking, true
			var data chat.String
			if data = d.str("messages.content.reasoningContent.redactedContent"); data != nil {
				b.Maker, data = rules.UnsealBytes(data)
			}
			b.Own = chat.Own(data)
		default:
			d.w.Skip()
		}
	}
	return known
}

// citations reads a citationsContent of one piece of text; one of several stays as it is.
func (d *decoder) citations(b *chat.Block) bool {
	v := d.objectValue("messages.content.citationsContent")
	w := json.WalkAt(json.Find(v, "content"), 0)
	n := 0
	if w.Array() {
		for ; w.Element(); n++ {
			b.Text = chat.String(textOf(json.Find(w.Value(), "text")))
		}
	}
	b.Kind, b.Own = chat.Text, chat.Own(json.Find(v, "citations"))
	return n == 1 && b.Text != nil
}

// guardContent reads what is marked for the guardrail: elsewhere it is text or an image like any other.
func (d *decoder) guardContent(b *chat.Block) bool {
	v := d.objectValue("messages.content.guardContent")
	if t := textOf(json.Find(json.Find(v, "text"), "text")); t != nil {
		b.Kind, b.Text = chat.Text, chat.String(t)
		return true
	}
	if image := json.Find(v, "image"); image != nil {
		inner := decoder{w: json.WalkAt(image, 0), x: d.x}
		b.Kind, b.Media = chat.Image, inner.media(imageFormats[:])
		d.err = inner.err
		return true
	}
	return false
}
