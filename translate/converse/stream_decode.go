package converse

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// NewStreamDecoder returns a decoder for the events of ConverseStream. Exceptions are the transport's.
func (Dialect) NewStreamDecoder(x *chat.Exchange) chat.StreamDecoder {
	d := &streamDecoder{x: x}
	d.open = d.openSpace[:0]
	return d
}

// streamDecoder keeps the blocks that are open: Converse announces tool calls only, text and reasoning begin with their
// first delta.
type streamDecoder struct {
	x         *chat.Exchange
	r         json.Reader
	open      []openBlock
	openSpace [4]openBlock

	started, stopped, counted, ended bool

	stop   chat.StopReason
	fields chat.Value // of the model's own reply
	trace  chat.Value
}

type openBlock struct {
	index int
	kind  chat.BlockKind // Opaque: its deltas are no events
	// server is the block of a tool that Bedrock runs, which is told when it is whole; nil for another Opaque one, of no
	// interest to a client.
	server *serverBlock
}

// maxOpenBlocks bounds what a broken stream can pile up.
const maxOpenBlocks = 256

// Done reports whether messageStop came. The metadata behind it holds only what was counted.
func (d *streamDecoder) Done() bool { return d.stopped }

// Finish ends a reply whose metadata did not come.
func (d *streamDecoder) Finish(out []chat.Event) []chat.Event {
	if d.ended {
		return out
	}
	d.counted = true
	return d.end(out)
}

// OnlyContent goes by the event's type.
func (d *streamDecoder) OnlyContent(name, _ []byte) bool {
	return !d.ended && string(name) == "contentBlockDelta"
}

// Decode reads one event.
func (d *streamDecoder) Decode(out []chat.Event, name, payload []byte) ([]chat.Event, error) {
	d.r.Reset(payload)
	from := len(out)
	if d.ended {
		d.x.Note("an event after the end of the stream was skipped: " + chat.Clip(string(name)))
		return out, nil
	}
	switch string(name) {
	case "contentBlockDelta":
		if index, text, ok := d.textDelta(); ok {
			out = d.start(out)
			at := len(out)
			out = append(out, chat.Event{Kind: chat.EventBlockDelta, Block: chat.Text, Text: text})
			out = d.place(out, at, index)
			break
		}
		d.r.Reset(payload)
		out = d.delta(out)
	case "contentBlockStart":
		out = d.blockStart(out)
	case "contentBlockStop":
		out = d.blockStop(out)
	case "messageStart":
		d.r.Skip()
		out = d.start(out)
	case "messageStop":
		out = d.messageStop(d.start(out))
	case "metadata":
		out = d.metadata(d.start(out))
	default:
		d.x.Note("an unknown stream event was skipped: " + chat.Clip(string(name)))
		return out, nil
	}
	if err := d.r.End(); err != nil {
		d.stopped, d.ended = false, false
		return out[:from], chat.Unreadable("a stream event", err)
	}
	return out, nil
}

func (d *streamDecoder) start(out []chat.Event) []chat.Event {
	if d.started {
		return out
	}
	d.started = true
	return append(out, chat.Event{Kind: chat.EventStart})
}

// textDelta reads what most of a stream is, to the byte as Bedrock writes it: p is padding against guesses from the length of frames.
// It is false for anything else, of which something may have been read.
func (d *streamDecoder) textDelta() (index int, text chat.String, ok bool) {
	r := &d.r
	if !r.Pass(`{"contentBlockIndex":`) {
		return 0, nil, false
	}
	index = r.MaybeIndex()
	if !r.Pass(`,"delta":{"text":`) {
		return 0, nil, false
	}
	text = r.String()
	if r.Pass(`},"p":`) {
		r.String()
		return index, text, r.Pass(`}`) && r.End() == nil
	}
	return index, text, r.Pass(`}}`) && r.End() == nil
}

// delta reads a contentBlockDelta: {"contentBlockIndex":0,"delta":{"text":"…"},"p":"…"}, members in any order.
func (d *streamDecoder) delta(out []chat.Event) []chat.Event {
	out = d.start(out)
	r := &d.r
	index, from := 0, len(out)
	r.Object()
	for r.Member() {
		switch string(r.Key()) {
		case "contentBlockIndex":
			index = r.MaybeIndex()
		case "delta":
			out = d.deltaContent(out)
		default: // p is padding against guesses from the length of frames
			r.Skip()
		}
	}
	if r.Err() != nil {
		return out[:from]
	}
	return d.place(out, from, index)
}

// place sets the index of the events from from on, and opens a block before them if none of their kind is open.
func (d *streamDecoder) place(out []chat.Event, from, index int) []chat.Event {
	for i := from; i < len(out); i++ {
		out[i].Index = index
		at := d.find(index)
		if at >= 0 && d.open[at].kind == chat.Opaque {
			if b := d.open[at].server; b != nil && out[i].Raw != nil {
				b.addResult(out[i].Raw)
			} else if b != nil && out[i].Text != nil {
				b.add(out[i].Text)
			}
			return out[:i]
		}
		kind := out[i].Block
		if kind == chat.Opaque {
			d.x.Note("a delta of a tool's result that did not begin was skipped")
			return out[:i]
		}
		if at >= 0 && d.open[at].kind == kind {
			continue
		}
		if kind == chat.ToolUse {
			d.x.Note("a delta of a tool call that did not begin was skipped")
			return out[:i]
		}
		if len(d.open) == maxOpenBlocks {
			d.r.Fail(&json.SyntaxError{Reason: "too many open content blocks"})
			return out[:i]
		}
		begin := chat.Event{Kind: chat.EventBlockStart, Block: kind, Index: index}
		if out[i].Kind == chat.EventBlockDelta && kind == chat.RedactedThinking {
			begin.Text = out[i].Text // the start of a redacted block is all of it
			out = out[:i]
		}
		if at >= 0 {
			d.open[at].kind = kind
			out = insert(out, i, chat.Event{Kind: chat.EventBlockStop, Index: index})
			i++
		} else {
			d.open = append(d.open, openBlock{index: index, kind: kind})
		}
		out = insert(out, i, begin)
		i++
	}
	return out
}

func insert(out []chat.Event, at int, e chat.Event) []chat.Event {
	out = append(out, chat.Event{})
	copy(out[at+1:], out[at:])
	out[at] = e
	return out
}

func (d *streamDecoder) find(index int) int {
	for i := range d.open {
		if d.open[i].index == index {
			return i
		}
	}
	return -1
}

// deltaContent reads the delta object; the events get their index later.
func (d *streamDecoder) deltaContent(out []chat.Event) []chat.Event {
	r := &d.r
	if !r.MaybeObject() {
		return out
	}
	for r.Member() {
		switch string(r.Key()) {
		case "text":
			if tok := r.MaybeString(); tok != nil {
				out = append(out, chat.Event{Kind: chat.EventBlockDelta, Block: chat.Text, Text: tok})
			}
		case "toolUse":
			if !r.MaybeObject() {
				continue
			}
			for r.Member() {
				if string(r.Key()) != "input" {
					r.Skip()
				} else if tok := r.MaybeString(); tok != nil {
					out = append(out, chat.Event{Kind: chat.EventBlockDelta, Block: chat.ToolUse, Text: tok})
				}
			}
		case "reasoningContent":
			out = d.reasoning(out)
		case "toolResult":
			out = append(out, chat.Event{Kind: chat.EventBlockDelta, Block: chat.Opaque, Raw: r.Value()})
		case "citation":
			if v := value(r); v != nil {
				out = append(out, chat.Event{Kind: chat.EventCitation, Block: chat.Text, Raw: v})
			}
		default:
			d.x.Note("an unknown delta was skipped: " + chat.Clip(string(r.Key())))
			r.Skip()
		}
	}
	return out
}

func (d *streamDecoder) reasoning(out []chat.Event) []chat.Event {
	r := &d.r
	if !r.MaybeObject() {
		return out
	}
	for r.Member() {
		e := chat.Event{Kind: chat.EventBlockDelta, Block: chat.Thinking}
		switch string(r.Key()) {
		case "text":
		case "signature":
			e.Kind = chat.EventSignature
		case "redactedContent":
			e.Block = chat.RedactedThinking
		default:
			d.x.Note("an unknown delta of reasoning was skipped: " + chat.Clip(string(r.Key())))
			r.Skip()
			continue
		}
		if e.Text = r.MaybeString(); e.Text != nil {
			out = append(out, e)
		}
	}
	return out
}

// blockStart reads a contentBlockStart. Only tool calls and results have one that says anything.
func (d *streamDecoder) blockStart(out []chat.Event) []chat.Event {
	out = d.start(out)
	r := &d.r
	e := chat.Event{Kind: chat.EventBlockStart, Block: chat.Opaque}
	said := false
	var own chat.Value
	member := ""
	r.Object()
	for r.Member() {
		switch string(r.Key()) {
		case "contentBlockIndex":
			e.Index = r.MaybeIndex()
		case "start":
			if !r.MaybeObject() {
				continue
			}
			for r.Member() {
				said = true
				if member = string(r.Key()); member != "toolUse" && member != "toolResult" {
					d.x.Note("an unknown content block was skipped: " + chat.Clip(member))
					r.Skip()
					continue
				}
				v := r.Value()
				if _, ok := server(member, v); ok || member == "toolResult" {
					own = v
					continue
				}
				var inner json.Reader
				inner.Reset(v)
				t := decodeToolUse(&inner)
				e.Block, e.ID, e.Name = chat.ToolUse, d.x.ClientToolID(t.ID), d.x.ClientToolName(t.Name)
			}
		default:
			r.Skip()
		}
	}
	if r.Err() != nil || !said {
		return out // an empty start is text's: its deltas will tell
	}
	if at := d.find(e.Index); at >= 0 {
		if d.open[at].kind != chat.Opaque {
			out = append(out, chat.Event{Kind: chat.EventBlockStop, Index: e.Index})
		}
		d.open[at] = openBlock{index: e.Index, kind: e.Block}
	} else if len(d.open) < maxOpenBlocks {
		d.open = append(d.open, openBlock{index: e.Index, kind: e.Block})
	} else {
		r.Fail(&json.SyntaxError{Reason: "too many open content blocks"})
		return out
	}
	if e.Block == chat.Opaque {
		if len(own) > 0 && own[0] == '{' {
			d.serverStart(e.Index, member, own)
		}
		return out
	}
	return append(out, e)
}

func (d *streamDecoder) blockStop(out []chat.Event) []chat.Event {
	r := &d.r
	index := 0
	r.Object()
	for r.Member() {
		if string(r.Key()) == "contentBlockIndex" {
			index = r.MaybeIndex()
		} else {
			r.Skip()
		}
	}
	at := d.find(index)
	if r.Err() != nil || at < 0 {
		return out // of a block without content, which nobody heard of
	}
	b := d.open[at]
	d.open = append(d.open[:at], d.open[at+1:]...)
	if b.kind == chat.Opaque {
		return d.serverStop(out, &b)
	}
	return append(out, chat.Event{Kind: chat.EventBlockStop, Index: index})
}
