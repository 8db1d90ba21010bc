package claude

import (
	"bytes"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// NewStreamDecoder returns a decoder for the events of one Message: the data of Anthropic's server-sent events, or what
// the chunks of InvokeModelWithResponseStream hold, which have no names of their own.
func (Dialect) NewStreamDecoder(x *chat.Exchange) chat.StreamDecoder {
	d := &streamDecoder{x: x}
	d.open = d.openSpace[:0]
	return d
}

// streamDecoder keeps what later events add to: the blocks that are open and the usage.
type streamDecoder struct {
	x         *chat.Exchange
	r         json.Reader
	usage     chat.Usage
	tier      string // the service tier, as message_start names it
	open      []openBlock
	openSpace [4]openBlock
	done      bool
}

type openBlock struct {
	index int
	kind  chat.BlockKind
}

// maxOpenBlocks bounds what a broken stream can pile up.
const maxOpenBlocks = 256

// OnlyContent goes by the event's type, where it stands first, as Anthropic sends it.
func (d *streamDecoder) OnlyContent(_, payload []byte) bool {
	return !d.done && bytes.HasPrefix(payload, []byte(`{"type":"content_block_delta",`))
}

// Done reports whether message_stop has come.
func (d *streamDecoder) Done() bool { return d.done }

// event is what one payload says.
type event struct {
	kind  chat.String
	index int

	// of its delta
	delta             chat.String // type
	text              chat.String // text, partial_json, thinking or signature, by that type
	citation          chat.Value
	stop, stopMatched chat.String

	// block and message are values of their own.
	block, message, failure chat.Value
}

// Decode reads one event by the type in its payload. Its name is not looked at.
func (d *streamDecoder) Decode(out []chat.Event, _, payload []byte) ([]chat.Event, error) {
	r := &d.r
	r.Reset(payload)
	var ev event
	if !d.done && d.textDelta(&ev) {
		return d.blockDelta(out, &ev), nil
	}
	r.Reset(payload)
	from, told := d.usage, false
	r.Object()
	for r.Member() {
		switch string(r.Key()) {
		case "type":
			ev.kind = r.MaybeString()
		case "index":
			ev.index = r.MaybeIndex()
		case "delta":
			d.delta(&ev)
		case "content_block":
			ev.block = r.Value()
		case "message":
			ev.message = r.Value()
		case "usage":
			told = true
			decodeUsage(r, &d.usage)
		case "error":
			ev.failure = r.Value()
		default: // p is padding; amazon-bedrock-invocationMetrics repeats the usage
			r.Skip()
		}
	}
	if err := r.End(); err != nil {
		d.usage = from
		return out, chat.Unreadable("a stream event", err)
	}
	if d.done {
		if string(ev.kind) != `"ping"` {
			d.x.Note("an event after the end of the stream was skipped")
		}
		return out, nil
	}
	return d.translate(out, &ev, told)
}

// textDelta reads what most of a stream is, to the byte as Anthropic writes it; false for anything else, of which something may have
// been read.
func (d *streamDecoder) textDelta(ev *event) bool {
	r := &d.r
	if !r.Pass(`{"type":"content_block_delta","index":`) {
		return false
	}
	ev.index = r.MaybeIndex()
	if !r.Pass(`,"delta":{"type":"text_delta","text":`) {
		return false
	}
	ev.delta, ev.text = typeTextDelta, r.String()
	return r.Pass(`}}`) && r.End() == nil
}

var typeTextDelta = chat.String(`"text_delta"`)

// delta reads a delta. A signature_delta has its text in signature and an input_json_delta in partial_json, so that
// there is one text whichever it is.
func (d *streamDecoder) delta(ev *event) {
	r := &d.r
	if !r.MaybeObject() {
		return
	}
	for r.Member() {
		switch string(r.Key()) {
		case "type":
			ev.delta = r.MaybeString()
		case "text", "partial_json", "thinking", "signature":
			ev.text = r.MaybeString()
		case "citation":
			ev.citation = r.Value()
		case "stop_reason":
			ev.stop = r.MaybeString()
		case "stop_sequence":
			ev.stopMatched = r.MaybeString()
		default:
			r.Skip()
		}
	}
}

func (d *streamDecoder) translate(out []chat.Event, ev *event, told bool) ([]chat.Event, error) {
	switch string(ev.kind) {
	case `"content_block_delta"`:
		return d.blockDelta(out, ev), nil
	case `"content_block_start"`:
		return d.blockStart(out, ev)
	case `"content_block_stop"`:
		for i := range d.open {
			if d.open[i].index == ev.index {
				d.open = append(d.open[:i], d.open[i+1:]...)
				return append(out, chat.Event{Kind: chat.EventBlockStop, Index: ev.index}), nil
			}
		}
	case `"message_start"`:
		return d.start(out, ev), nil
	case `"message_delta"`:
		if ev.stop != nil {
			out = append(out, chat.Event{Kind: chat.EventStop, Stop: stopReasons.Read(ev.stop, d.x), StopSequence: ev.stopMatched})
		}
		if told && d.usage.Known {
			out = append(out, chat.Event{Kind: chat.EventUsage, Usage: d.usage, ServiceTier: d.tier})
		}
	case `"message_stop"`:
		d.done = true
		for i := range d.open { // by a provider that did not close them
			out = append(out, chat.Event{Kind: chat.EventBlockStop, Index: d.open[i].index})
		}
		d.open = d.open[:0]
		return append(out, chat.Event{Kind: chat.EventEnd}), nil
	case `"ping"`:
		return append(out, chat.Event{Kind: chat.EventPing}), nil
	case `"error"`:
		return out, decodeError(ev.failure)
	case "":
		if ev.failure != nil {
			return out, decodeError(ev.failure)
		}
		d.x.Note("a stream event without a type was skipped")
	default:
		d.x.Note("an unknown stream event was skipped: " + chat.Clip(ev.kind.Unquote()))
	}
	return out, nil
}

// start reads the message of a message_start, which has the usage of the input.
func (d *streamDecoder) start(out []chat.Event, ev *event) []chat.Event {
	e := chat.Event{Kind: chat.EventStart}
	if ev.message != nil {
		r := json.NewReader(ev.message)
		if r.MaybeObject() {
			for r.Member() {
				switch string(r.Key()) {
				case "id":
					e.ID = r.MaybeString().Unquote()
				case "model":
					e.Model = r.MaybeString().Unquote()
				case "usage":
					d.tier = decodeUsage(r, &d.usage)
				default:
					r.Skip()
				}
			}
		}
	}
	e.Usage = d.usage
	return append(out, e)
}

func (d *streamDecoder) find(index int) int {
	for i := range d.open {
		if d.open[i].index == index {
			return i
		}
	}
	return -1
}

// blockStart begins a block. Providers that say in it what belongs into deltas are understood, too.
func (d *streamDecoder) blockStart(out []chat.Event, ev *event) ([]chat.Event, error) {
	b, ok := replyBlock(ev.block, d.x)
	if !ok {
		d.x.Note("a content block that cannot be understood was skipped")
		return out, nil
	}
	if at := d.find(ev.index); at >= 0 {
		out = append(out, chat.Event{Kind: chat.EventBlockStop, Index: ev.index})
		d.open[at].kind = b.Kind
	} else if len(d.open) == maxOpenBlocks {
		return out, chat.Unreadable("more open content blocks", nil)
	} else {
		d.open = append(d.open, openBlock{ev.index, b.Kind})
	}
	e := chat.Event{Kind: chat.EventBlockStart, Block: b.Kind, Index: ev.index}
	first := chat.Event{Kind: chat.EventBlockDelta, Block: b.Kind, Index: ev.index, Text: b.Text}
	switch b.Kind {
	case chat.ToolUse:
		e.ID, e.Name = b.Tool.ID, b.Tool.Name
		if w := json.WalkAt(b.Tool.Input, 0); w.Object() && w.Member() {
			first.Text = json.Quote(string(json.AppendCompact(nil, b.Tool.Input)))
		}
	case chat.RedactedThinking:
		e.Text = b.Data()
	case chat.Opaque:
		e.Raw = b.Raw()
	default:
	}
	if out = append(out, e); !first.Text.Empty() {
		out = append(out, first)
	}
	if signature := b.Signature(); !signature.Empty() {
		out = append(out, chat.Event{Kind: chat.EventSignature, Block: chat.Thinking, Index: ev.index, Text: signature})
	}
	return out, nil
}

// blockDelta adds to a block.
func (d *streamDecoder) blockDelta(out []chat.Event, ev *event) []chat.Event {
	e := chat.Event{Kind: chat.EventBlockDelta, Index: ev.index, Text: ev.text}
	switch string(ev.delta) {
	case `"text_delta"`:
		e.Block = chat.Text
	case `"input_json_delta"`:
		e.Block = chat.ToolUse
	case `"thinking_delta"`:
		e.Block = chat.Thinking
	case `"signature_delta"`:
		e.Kind, e.Block = chat.EventSignature, chat.Thinking
	case `"citations_delta"`:
		if ev.citation == nil {
			return out
		}
		e.Kind, e.Block, e.Raw = chat.EventCitation, chat.Text, ev.citation
		return append(out, e)
	default:
		d.x.Note("an unknown delta was skipped: " + chat.Clip(ev.delta.Unquote()))
		return out
	}
	if e.Text == nil {
		return out
	}
	at := d.find(ev.index)
	switch {
	case at >= 0 && d.open[at].kind == e.Block:
	case at >= 0 && d.open[at].kind == chat.Opaque && e.Block == chat.ToolUse:
		e.Block = chat.Opaque // input of a tool of the model's own
	case at < 0 && e.Block != chat.ToolUse && len(d.open) < maxOpenBlocks:
		d.open = append(d.open, openBlock{ev.index, e.Block})
		out = append(out, chat.Event{Kind: chat.EventBlockStart, Block: e.Block, Index: ev.index})
	default:
		d.x.Note("a delta of a content block that did not begin was skipped")
		return out
	}
	return append(out, e)
}
