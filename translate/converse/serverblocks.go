package converse

import (
	"bytes"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/eventstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// A tool that Bedrock runs itself leaves its calls (toolUse of the type server_tool_use) and their results (toolResult) in the
// model's turn: https://docs.aws.amazon.com/nova/latest/nova2-userguide/tool-built-in.html. No client can answer them, and
// the model wants them back as they were.

// server returns the block of such a call or result as it came; false if v is a call that is the client's to answer.
func server(member string, v chat.Value) (raw chat.Value, ok bool) {
	if len(v) == 0 || v[0] != '{' || member == "toolUse" && json.Find(v, "type") == nil {
		return nil, false
	}
	raw = make(chat.Value, 0, len(v)+len(member)+5)
	raw = append(append(append(raw, `{"`...), member...), `":`...)
	return append(append(raw, v...), '}'), true
}

// maxServerBlock bounds one such block of a stream, in bytes. It is held until it is whole.
const maxServerBlock = 4 << 20

// serverBlock is one such block as it comes in a stream.
type serverBlock struct {
	member  string // toolUse or toolResult
	start   []byte // the value of its start
	content []byte // of a call the text of the input, of a result the elements of its content
	text    bool   // the last element is a text that may go on: its end is not written
	tooLong bool
}

// add takes a delta of a call, which is a piece of the input's JSON text.
func (b *serverBlock) add(text chat.String) {
	if b.fits(len(text)) {
		b.content = json.AppendUnquoted(b.content, text)
	}
}

// addResult takes a delta of a result: a list of pieces, of which those of text go on where the last one ended.
func (b *serverBlock) addResult(pieces chat.Value) {
	if !b.fits(len(pieces)) {
		return
	}
	w := json.WalkAt(pieces, 0)
	for ok := w.Array(); ok && w.Element(); {
		piece := w.Value()
		tok := json.Find(piece, "text")
		switch text := len(tok) > 0 && tok[0] == '"'; {
		case text && b.text:
			b.content = append(b.content, tok[1:len(tok)-1]...)
			continue
		case b.text:
			b.content = append(b.content, '"', '}')
			b.text = false
			fallthrough
		default:
			if len(b.content) > 0 {
				b.content = append(b.content, ',')
			}
			if b.text = text; text {
				b.content = append(append(b.content, `{"text":`...), tok[:len(tok)-1]...)
			} else {
				b.content = append(b.content, piece...)
			}
		}
	}
}

func (b *serverBlock) fits(n int) bool {
	b.tooLong = b.tooLong || len(b.content)+n > maxServerBlock
	return !b.tooLong
}

// whole returns the whole block; nil if it cannot be told.
func (b *serverBlock) whole() chat.Value {
	if b.text {
		b.content = append(b.content, '"', '}')
	}
	v := bytes.TrimRight(b.start, " \t\r\n")
	v = v[:len(v)-1]
	member, end := `"input":`, ""
	switch {
	case b.member == "toolResult":
		member, end = `"content":[`, "]"
	case len(b.content) == 0:
		b.content = []byte("{}")
	case json.Valid(b.content) != nil:
		b.tooLong = true
	}
	if b.tooLong {
		return nil
	}
	if !bytes.HasSuffix(bytes.TrimRight(v, " \t\r\n"), []byte("{")) {
		v = append(v, ',')
	}
	v = append(append(append(append(v, member...), b.content...), end...), '}')
	raw, _ := server(b.member, v)
	return raw
}

// serverStart opens such a block.
func (d *streamDecoder) serverStart(index int, member string, v chat.Value) {
	if at := d.find(index); at >= 0 {
		d.open[at].server = &serverBlock{member: member, start: bytes.Clone(v)}
	}
}

// serverStop returns the events for such a block that has ended.
func (d *streamDecoder) serverStop(out []chat.Event, b *openBlock) []chat.Event {
	if b.server == nil {
		return out
	}
	raw := b.server.whole()
	if raw == nil {
		d.x.Note("a block of a server tool that is too long, or no JSON, was skipped")
		return out
	}
	return append(out,
		chat.Event{Kind: chat.EventBlockStart, Block: chat.Opaque, Index: b.index, Raw: raw},
		chat.Event{Kind: chat.EventBlockStop, Index: b.index})
}

// serverBlock appends the frames of such a block for a client of Converse's own; none for one of another dialect's.
func (s *streamEncoder) serverBlock(dst []byte, ev *chat.Event) []byte {
	member, v := rules.ServerBlock(ev.Raw)
	if member == "" {
		s.x.Note("a content block that Converse has no word for was skipped")
		return dst
	}
	content := "input"
	if member == "toolResult" {
		content = "content"
	}
	begin := func() json.Writer {
		w := json.NewWriter(s.payload[:0])
		w.Raw(`{"contentBlockIndex":`)
		w.Int(int64(ev.Index))
		return w
	}
	w := begin()
	w.Raw(`"start":{`)
	w.Key(member)
	w.BeginObject()
	var delta chat.Value
	at := json.WalkAt(v, 0)
	for ok := at.Object(); ok && at.Member(); {
		key := string(json.AppendEscaped(nil, string(at.Key())))
		if key == content {
			delta = at.Value()
			continue
		}
		w.Key(key)
		w.Value(at.Value())
	}
	for range 3 {
		w.EndObject()
	}
	s.payload = w.Bytes()
	dst = eventstream.Append(dst, headersBlockStart, s.payload)
	if delta == nil {
		return dst
	}
	w = begin()
	w.Raw(`"delta":{`)
	w.Key(member)
	if member == "toolResult" {
		w.Value(delta)
	} else {
		w.Raw(`{"input":`)
		w.Text(string(json.AppendCompact(nil, delta)))
		w.EndObject()
	}
	w.EndObject()
	w.EndObject()
	s.payload = w.Bytes()
	return eventstream.Append(dst, headersDelta, s.payload)
}
