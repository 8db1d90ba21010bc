package responses

import (
	"slices"
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// streamEncoder writes one reply as the events of a response. Items are numbered as they are announced, and each is kept
// whole for the terminal event, which repeats them all.
type streamEncoder struct {
	x *chat.Exchange
	k *kept

	seq   int64 // the next sequence_number
	begun bool
	over  bool // the terminal event was sent
	count int  // items announced so far

	done      []byte // the items that are done, one behind the other
	spans     []span // where in done they stand
	spanSpace [8]span

	message   streamMessage
	items     []openItem // open, but for the message
	itemSpace [4]openItem
	run       servedRun // of tools that the provider ran

	value int    // index of the content block of the forced output tool; -1 if it was not called
	held  []byte // text kept back until it is known whether that tool is called, without quotes

	stop    chat.StopReason
	stopped bool
	usage   chat.Usage

	relayed json.Value // of a relayed stream: the response object of its first events

	marks []byte // what a replay needs to know of the events, where the gateway keeps the reply
}

// span is where an item stands in what is done.
type span struct{ index, from, to int }

// NewStreamEncoder returns an encoder for one reply.
//
// A stream is response.created, response.in_progress, the items, and response.completed or response.incomplete with all of
// them, which comes at EventEnd and never otherwise. There is no [DONE].
func (Dialect) NewStreamEncoder(x *chat.Exchange) chat.StreamEncoder {
	e := &streamEncoder{x: x, k: keptOf(x), value: -1}
	e.spans, e.items = e.spanSpace[:0], e.itemSpace[:0]
	e.message.block = -1
	return e
}

// ContentType is that of server-sent events.
func (e *streamEncoder) ContentType() string { return "text/event-stream; charset=utf-8" }

// KeepAlive appends response.in_progress once more: Codex counts the time since the last event, and comments are none.
func (e *streamEncoder) KeepAlive(dst []byte) []byte {
	switch {
	case e.over:
		return dst
	case e.relayed != nil:
		dst = e.eventNumbered(dst, "response.in_progress", e.seq-1) // the upstream goes on counting
		dst = append(dst, `,"response":`...)
		dst = append(dst, e.relayed...)
		return end(dst)
	case !e.begun:
		return append(dst, ": ping\n\n"...)
	}
	dst = e.lifecycle(dst, "response.in_progress", &replyStatus{status: "in_progress"})
	e.remark(markSilent)
	return dst
}

// Encode appends the events that a canonical event is worth.
func (e *streamEncoder) Encode(dst []byte, ev *chat.Event) []byte {
	if !e.begun && ev.Kind != chat.EventPing {
		dst = e.begin(dst)
	}
	if e.k.compact {
		return e.compaction(dst, ev)
	}
	switch ev.Kind {
	case chat.EventBlockDelta:
		return e.delta(dst, ev)
	case chat.EventStart, chat.EventUsage:
		if ev.Usage.Known {
			e.usage = ev.Usage
		}
	case chat.EventBlockStart:
		return e.blockStart(dst, ev)
	case chat.EventSignature:
		if it := e.find(ev.Index); it != nil && it.kind == chat.Thinking {
			it.signature = appendInner(it.signature, ev.Text)
		}
	case chat.EventCitation:
		e.cite(ev)
	case chat.EventBlockStop:
		return e.blockStop(dst, ev)
	case chat.EventStop:
		if e.stop, e.stopped = ev.Stop, true; e.stop != chat.StopMalformed {
			return e.closeAll(dst)
		}
	case chat.EventEnd:
		return e.finish(dst)
	case chat.EventPing: // the gateway fills silences by itself
	}
	return dst
}

func (e *streamEncoder) begin(dst []byte) []byte {
	e.begun = true
	dst = e.lifecycle(dst, "response.created", &replyStatus{status: "in_progress"})
	return e.lifecycle(dst, "response.in_progress", &replyStatus{status: "in_progress"})
}

// finish appends the terminal event.
func (e *streamEncoder) finish(dst []byte) []byte {
	if e.over {
		return dst
	}
	if e.stop != chat.StopMalformed { // a call that could not be read must not be run: its item is never done
		dst = e.closeAll(dst)
	}
	e.over = true
	s := stopStatus(e.stop, e.x)
	s.usage = &e.usage
	return e.lifecycle(dst, "response."+s.status, &s)
}

// Error appends response.failed, or where no response has begun the event error. Nothing may follow it. Items that are not
// done stay so: a call without all of its arguments must not be run.
func (e *streamEncoder) Error(dst []byte, err *chat.Error) []byte {
	code, message := failure(err)
	switch {
	case e.over:
		return dst
	case e.begun:
		e.over = true
		return e.lifecycle(dst, "response.failed", &replyStatus{status: "failed", code: code, message: message, kind: errorType(err)})
	case e.relayed != nil:
		e.over = true
		dst = e.event(dst, "response.failed")
		dst = append(dst, `,"response":`...)
		return end(appendFailed(dst, e.relayed, code, message, errorType(err)))
	}
	e.over = true
	dst = e.event(dst, "error")
	dst = append(dst, `,"code":`...)
	dst = json.AppendQuoted(dst, code)
	dst = append(dst, `,"message":`...)
	dst = json.AppendQuoted(dst, message)
	dst = append(dst, `,"param":`...)
	if err.Param == "" {
		dst = append(dst, "null"...)
	} else {
		dst = json.AppendQuoted(dst, err.Param)
	}
	return end(dst)
}

// lifecycle appends an event with the response as it stands: with the items that are done, once it is over.
func (e *streamEncoder) lifecycle(dst []byte, name string, s *replyStatus) []byte {
	dst = e.event(dst, name)
	dst = append(dst, `,"response":`...)
	dst = replyHead(dst, e.x, s)
	if e.over {
		slices.SortFunc(e.spans, func(a, b span) int { return a.index - b.index })
		for i, at := range e.spans {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, e.done[at.from:at.to]...)
		}
	}
	return end(replyTail(dst, e.k, s))
}

// event appends an event up to its number, which is the next.
func (e *streamEncoder) event(dst []byte, name string) []byte {
	e.seq++
	e.mark(markPlain)
	return e.eventNumbered(dst, name, e.seq-1)
}

func (e *streamEncoder) eventNumbered(dst []byte, name string, n int64) []byte {
	dst = append(dst, "event: "...)
	dst = append(dst, name...)
	dst = append(dst, "\ndata: {\"type\":\""...)
	dst = append(dst, name...)
	dst = append(dst, `","sequence_number":`...)
	return strconv.AppendInt(dst, n, 10)
}

// end appends the rest of an event.
func end(dst []byte) []byte { return append(dst, "}\n\n"...) }

// at appends where an item stands.
func at(dst []byte, index int) []byte {
	dst = append(dst, `,"output_index":`...)
	return strconv.AppendInt(dst, int64(index), 10)
}

// of appends which item an event is about, and where it stands.
func (e *streamEncoder) of(dst []byte, prefix string, index int) []byte {
	dst = append(at(dst, index), `,"item_id":`...)
	return appendID(dst, prefix, e.x, index)
}

// finished keeps the item that dst has from from on, and ends the event that it stands in.
func (e *streamEncoder) finished(dst []byte, index, from int) []byte {
	start := len(e.done)
	e.done = slices.Grow(e.done, len(dst)-from)
	e.done = append(e.done, dst[from:]...)
	e.spans = append(e.spans, span{index, start, len(e.done)})
	return end(dst)
}

// appendInner appends what stands between the quotes of a string.
func appendInner(dst []byte, tok json.String) []byte {
	if len(tok) < 2 {
		return dst
	}
	return append(dst, tok[1:len(tok)-1]...)
}
