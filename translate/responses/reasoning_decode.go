package responses

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// reasoning restores what the model thought before. encrypted_content is an envelope of ours, with the very block in it, or
// OpenAI's own, which its models alone can read. Without either the text is all that there is.
func (d *requestDecoder) reasoning(it *inputItem) {
	text := d.reasoningText(it)
	if d.R.Err() != nil {
		return
	}
	b := chat.Block{Kind: chat.Thinking, Text: text}
	switch name, content, ours := openEnvelope(it.encrypted); {
	case it.encrypted.Empty():
		if text.Blank() {
			d.omit("input.reasoning")
			return // neither text nor what stands for it
		}
	case ours:
		if blocks := servedIn(content); blocks != nil {
			d.assistant(blocks...)
			return
		}
		restored, ok := blockIn(content)
		if !ok {
			d.omit("input.reasoning")
			return
		}
		b = restored
		b.Maker = chat.MakerByName(name)
	default:
		b.Own, b.Maker = chat.Own(it.encrypted), chat.MakerGPT
		if b.Text == nil {
			b.Text = json.String(`""`)
		}
	}
	if d.readable(&b) {
		d.assistant(b)
		return
	}
	d.omit("input.reasoning")
}

// readable reports whether the target can read what its maker signed. Reasoning that nobody signed is the target's to judge.
func (d *requestDecoder) readable(b *chat.Block) bool {
	if d.same || b.Kind == chat.Thinking && b.Own == nil {
		return true
	}
	return b.Maker.ReadableBy(d.x.Facts.Family)
}

// reasoningText joins the texts of content, or else of summary.
func (d *requestDecoder) reasoningText(it *inputItem) json.String {
	for _, list := range []struct {
		v   json.Value
		key []byte
	}{{it.content, contentKey}, {it.summary, summaryKey}} {
		if len(list.v) == 0 {
			continue
		}
		d.scratch = d.scratch[:0]
		d.Where.At(1, list.key)
		d.Within(list.v, d.parts)
		switch len(d.scratch) {
		case 0:
		case 1:
			return d.scratch[0].Text
		default:
			text := append([]byte{'"'}, d.scratch[0].Text[1:len(d.scratch[0].Text)-1]...)
			for i := range d.scratch[1:] {
				t := d.scratch[i+1].Text
				text = append(append(text, `\n\n`...), t[1:max(len(t)-1, 1)]...)
			}
			return append(text, '"')
		}
	}
	return nil
}

var summaryKey = []byte("summary")

// compaction puts the text of an earlier compaction in place of what it was made of. Another maker's cannot be read, and a
// conversation without its beginning is another one.
func (d *requestDecoder) compaction(it *inputItem) {
	name, content, ours := openEnvelope(it.encrypted)
	text := json.String(json.Find(content, "text"))
	switch {
	case ours && name == summaryMaker && len(text) > 1 && text[0] == '"':
		b := chat.Block{Kind: chat.Text, Text: append(json.String(compactedHead), text[1:]...)}
		d.user(chat.Message{Role: chat.User, Content: d.arena.One(b)})
	case d.same:
		d.user(chat.Message{Role: chat.User, Content: d.arena.One(chat.Block{Kind: chat.Opaque, Own: chat.Own(it.raw), Dialect: chat.Responses})})
	case it.encrypted == nil:
		d.Missing(1, "encrypted_content")
	case d.R.Err() == nil:
		e := chat.Invalid(d.Path(), "the compaction at '%s' was made by another provider and cannot be read by the model '%s': begin a new session, or go on with the model that made it", d.Path(), d.x.Model)
		e.Fallback = true
		d.R.Fail(e)
	}
}

// compactedHead begins the message that stands for a compacted conversation.
const compactedHead = `"This is a summary of the conversation so far, which it replaces:\n\n`
