package claude

import (
	"bytes"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// maxHeld bounds what is kept back: the words before the forced output tool, and the events of other blocks while a tool
// call is not whole.
const maxHeld = 1 << 20

// streamEncoder writes one reply as Anthropic's server-sent events.
type streamEncoder struct {
	x     *chat.Exchange
	begun bool
	ended bool
	next  int // index of the next block
	cur   block

	waiting []chat.Event // events of other blocks, in order, until the open one is whole
	held    []byte       // text kept back until it is known whether the output tool is called
	size    int          // of both

	calls    bool // a tool of the client's was called
	output   bool // the forced output tool was
	answered bool // and was given something
	answer   int  // the source's index of its block
	stop     chat.StopReason
	sequence chat.String
	usage    chat.Usage
}

// block is the one that is open towards the client: its library takes one at a time.
type block struct {
	open      bool
	source    int // the index that the source gave it
	kind      chat.BlockKind
	filled    bool   // it was given something
	head      []byte // of its deltas, up to their text
	signature []byte // a Thinking block's, unquoted; libraries take the last signature_delta for the whole
	input     inputScan
}

// NewStreamEncoder returns an encoder for one reply.
//
// A stream is message_start; blocks one after another, each with content_block_start, its deltas and content_block_stop,
// their indices dense from 0; message_delta with the stop reason and the usage; and message_stop. The last two come at
// EventEnd and never otherwise. Fragments go out as they come, but for those of a tool call that a source began while
// another was not whole. Text and thinking begin with their first delta, so that no block is empty.
func (Dialect) NewStreamEncoder(x *chat.Exchange) chat.StreamEncoder {
	return &streamEncoder{x: x, answer: -1}
}

// ContentType is that of server-sent events.
func (e *streamEncoder) ContentType() string { return "text/event-stream; charset=utf-8" }

const ping = "event: ping\ndata: {\"type\":\"ping\"}\n\n"

// KeepAlive appends Anthropic's own ping.
func (e *streamEncoder) KeepAlive(dst []byte) []byte { return append(dst, ping...) }

// Error appends an error event; no message_stop comes after it.
func (e *streamEncoder) Error(dst []byte, err *chat.Error) []byte {
	e.ended = true
	dst = append(dst, "event: error\ndata: "...)
	if err.Dialect == Name && json.Valid(err.Body) == nil {
		dst = json.AppendCompact(dst, err.Body)
	} else {
		dst = appendError(dst, err, "")
	}
	return append(dst, '\n', '\n')
}

// deltaEnd ends an event with a delta.
const deltaEnd = "}}\n\n"

// Encode appends the events that an event is worth.
func (e *streamEncoder) Encode(dst []byte, ev *chat.Event) []byte {
	c := &e.cur
	if ev.Kind == chat.EventBlockDelta && c.open && c.source == ev.Index && c.kind == ev.Block && c.kind == chat.Text && len(ev.Text) > 2 {
		dst = append(dst, c.head...) // the commonest
		dst = append(dst, ev.Text...)
		return append(dst, deltaEnd...)
	}
	if e.ended {
		return dst
	}
	if ev.Kind == chat.EventPing {
		return e.KeepAlive(dst)
	}
	if ev.Kind == chat.EventStart || ev.Kind == chat.EventUsage {
		if ev.Usage.Known {
			e.usage = ev.Usage
		}
	}
	if !e.begun {
		dst = e.begin(dst)
	}
	switch ev.Kind {
	case chat.EventBlockStart, chat.EventBlockDelta, chat.EventSignature, chat.EventCitation, chat.EventBlockStop:
		return e.content(dst, ev)
	case chat.EventStop:
		e.stop, e.sequence = ev.Stop, bytes.Clone(ev.StopSequence)
	case chat.EventEnd:
		return e.end(dst)
	case chat.EventStart, chat.EventUsage, chat.EventPing:
	}
	return dst
}

func (e *streamEncoder) begin(dst []byte) []byte {
	e.begun = true
	dst = append(dst, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_"...)
	dst = json.AppendEscaped(dst, e.x.ID)
	dst = append(dst, `","type":"message","role":"assistant","model":`...)
	dst = json.AppendQuoted(dst, e.x.Model)
	dst = append(dst, `,"content":[],"stop_reason":null,"stop_sequence":null,"usage":`...)
	dst = appendUsage(dst, &e.usage, "")
	return append(dst, deltaEnd...)
}

// content takes an event of a block: it is written, or it waits.
func (e *streamEncoder) content(dst []byte, ev *chat.Event) []byte {
	if e.mustWait(ev) {
		return e.wait(dst, ev)
	}
	dst = e.write(dst, ev)
	if len(e.waiting) > 0 && (!e.cur.open || e.cur.input.whole()) {
		dst = e.release(dst)
	}
	return dst
}

// mustWait reports whether an event is of another block than the one that is open, and comes while a tool call is not whole
// or others wait already: blocks keep the order they began in.
func (e *streamEncoder) mustWait(ev *chat.Event) bool {
	c := &e.cur
	switch {
	case c.open && c.source == ev.Index:
		return false
	case len(e.waiting) > 0:
		return true
	}
	return c.open && ev.Kind != chat.EventBlockStop && (c.kind == chat.ToolUse || c.kind == chat.Opaque) && !c.input.whole()
}

func (e *streamEncoder) wait(dst []byte, ev *chat.Event) []byte {
	own := *ev
	own.Text, own.Raw = bytes.Clone(ev.Text), bytes.Clone(ev.Raw)
	e.keep(&own)
	if e.size > maxHeld {
		e.x.Note("a tool call was ended early: too much came for other blocks meanwhile")
		return e.release(dst)
	}
	return dst
}

func (e *streamEncoder) keep(ev *chat.Event) {
	const header = 256 // of an event, about
	e.waiting = append(e.waiting, *ev)
	e.size += len(ev.Text) + len(ev.Raw) + header
}

// release ends the open block and lets go what waited for that; a part of it may have to wait again.
func (e *streamEncoder) release(dst []byte) []byte {
	for len(e.waiting) > 0 {
		dst = e.close(dst)
		waiting := e.waiting
		e.waiting, e.size = nil, len(e.held)
		for i := range waiting {
			if e.mustWait(&waiting[i]) {
				e.keep(&waiting[i])
				continue
			}
			dst = e.write(dst, &waiting[i])
		}
		if e.cur.open && !e.cur.input.whole() {
			break
		}
	}
	return dst
}

// end appends all that is left, the stop reason with the usage, and the terminal event.
func (e *streamEncoder) end(dst []byte) []byte {
	for len(e.waiting) > 0 {
		dst = e.release(dst)
	}
	switch {
	case e.output && !e.answered:
		e.held = append(e.held, "{}"...)
		fallthrough
	case len(e.held) > 0:
		dst = e.enter(dst, chat.Text, -1)
		dst = append(dst, e.cur.head...)
		dst = append(dst, '"')
		dst = append(dst, e.held...)
		dst = append(dst, '"')
		dst = append(dst, deltaEnd...)
	}
	dst = e.close(dst)
	dst = append(dst, "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\""...)
	dst = append(dst, stopName(e.stop, e.calls, e.output, e.x)...)
	dst = append(dst, `","stop_sequence":`...)
	if e.stop == chat.StopSequence && e.sequence != nil {
		dst = append(dst, e.sequence...)
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, `},"usage":`...)
	dst = appendUsage(dst, &e.usage, "")
	e.ended = true
	return append(dst, "}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"...)
}
