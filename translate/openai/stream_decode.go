package openai

import (
	"bytes"
	"errors"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// streamDecoder reads the chunks of one reply. OpenAI's stream has no content blocks; they are made here: one begins
// where deltas of another kind, or of another tool call, begin.
type streamDecoder struct {
	r   json.Reader
	x   *chat.Exchange
	out []chat.Event

	started bool
	ended   bool
	stopped bool // the first choice's finish_reason was seen
	choices choices

	next   int            // index of the next content block
	open   int            // index of the block that is open; -1 if none is
	kind   chat.BlockKind // of that block
	calls  []streamedCall
	called bool

	choicesAt int // where the choices stood in the last chunk that was only content

	// What the event being made holds.
	id, model string
}

// streamedCall is one of the upstream's tool calls.
type streamedCall struct {
	index int // as the upstream counts
	block int // index of the content block
	id    string
}

// NewStreamDecoder returns a decoder for the chunks of one reply: the data of its server-sent events.
//
// Done is true from the last choice's finish_reason on, for servers that leave [DONE] out; the usage, and [DONE] as EventEnd,
// may still follow. A transport that ends cleanly when Done is true ended a whole reply, EventEnd or not.
func (Dialect) NewStreamDecoder(x *chat.Exchange) chat.StreamDecoder {
	return &streamDecoder{x: x, open: -1}
}

// Done reports whether the reply is whole: [DONE] came, or a finish_reason for each choice that began.
func (d *streamDecoder) Done() bool {
	return d.ended || d.stopped && d.choices.begun == d.choices.finished
}

// choices are the indices of those that began and of those that were finished, a bit each. OpenAI allows 128.
type choices struct{ begun, finished [2]uint64 }

func (c *choices) observe(index int64, finished bool) {
	if index >= 128 {
		return
	}
	bit := uint64(1) << (index % 64)
	c.begun[index/64] |= bit
	if finished {
		c.finished[index/64] |= bit
	}
}

// OnlyContent goes by how OpenAI writes a chunk: it is of the first choice, which was not finished, and no
// usage follows.
func (d *streamDecoder) OnlyContent(_, payload []byte) bool {
	end := bytes.TrimSuffix(payload, []byte("}"))
	if i := bytes.LastIndexByte(end, ','); i >= 0 && bytes.HasPrefix(end[i:], []byte(`,"obfuscation":"`)) {
		end = end[:i]
	}
	end = bytes.TrimSuffix(end, []byte(`,"usage":null`))
	return !d.Done() && bytes.HasSuffix(end, []byte(`"finish_reason":null}]`)) && d.ofFirstChoice(payload)
}

// ofFirstChoice looks first where the choices of the last chunk stood: of one reply, they all begin alike.
func (d *streamDecoder) ofFirstChoice(payload []byte) bool {
	if d.choicesAt < len(payload) && bytes.HasPrefix(payload[d.choicesAt:], firstChoice) {
		return true
	}
	i := bytes.Index(payload, firstChoice)
	if i < 0 {
		return false
	}
	d.choicesAt = i
	return true
}

// firstChoice cannot stand within a string, where quotes are escaped.
var firstChoice = []byte(`"choices":[{"index":0,`)

// Decode appends what a chunk means.
func (d *streamDecoder) Decode(out []chat.Event, _, payload []byte) ([]chat.Event, error) {
	if string(bytes.TrimSpace(payload)) == "[DONE]" {
		if !d.ended {
			d.ended = true
			out = append(out, chat.Event{Kind: chat.EventEnd})
		}
		return out, nil
	}
	d.out = out
	d.r.Reset(payload)
	d.chunk()
	out, d.out = d.out, nil
	if err := d.r.End(); err != nil {
		if reported, ok := errors.AsType[*chat.Error](err); ok {
			return out, reported
		}
		return out, chat.Unreadable("a stream event", err)
	}
	return out, nil
}

func (d *streamDecoder) emit(e chat.Event) { d.out = append(d.out, e) }

func (d *streamDecoder) chunk() {
	r := &d.r
	var usage chat.Usage
	tier := json.String(nil)
	r.Object()
	for r.Present() {
		switch string(r.Key()) {
		case "choices":
			r.Array()
			for r.Element() {
				d.choice()
			}
		case "usage":
			readUsage(r, &usage)
		case "id":
			if d.started {
				r.Skip()
			} else {
				d.id = r.MaybeText()
			}
		case "model":
			if d.started {
				r.Skip()
			} else {
				d.model = r.MaybeText()
			}
		case "service_tier":
			tier = r.MaybeString()
		case "error":
			if v := r.Value(); r.Err() == nil {
				r.Fail(decodeError(v))
			}
		default:
			r.Skip()
		}
	}
	if usage.Known && r.Err() == nil {
		d.start()
		d.emit(chat.Event{Kind: chat.EventUsage, Usage: usage, ServiceTier: tier.Unquote()})
	}
}

// start emits the reply's start, once.
func (d *streamDecoder) start() {
	if !d.started {
		d.started = true
		d.emit(chat.Event{Kind: chat.EventStart, ID: d.id, Model: d.model})
	}
}

func (d *streamDecoder) choice() {
	r := &d.r
	finish, index := "", int64(0)
	mark := len(d.out)
	before := *d
	r.Object()
	for r.Present() {
		switch string(r.Key()) {
		case "index":
			index, _ = r.MaybeCount()
		case "delta":
			d.start()
			d.delta()
		case "finish_reason":
			finish = r.MaybeText()
		default:
			r.Skip()
		}
	}
	if index > 0 {
		// Of several choices the first is reported; this one is taken back.
		d.x.Note("the upstream sent more than one choice; the first was told")
		reader := d.r
		*d = before
		d.r, d.out = reader, d.out[:mark]
		d.choices.observe(index, finish != "")
		return
	}
	d.choices.observe(0, finish != "")
	if finish != "" && r.Err() == nil && !d.stopped {
		d.start()
		d.close()
		d.stopped = true
		d.emit(chat.Event{Kind: chat.EventStop, Stop: stopReason(finish, d.called, d.x)})
	}
}

func (d *streamDecoder) delta() {
	r := &d.r
	r.Object()
	for r.Present() {
		switch string(r.Key()) {
		case "content":
			d.text(chat.Text, r.MaybeString())
		case "refusal":
			d.text(chat.Refusal, r.MaybeString())
		case "reasoning_content", "reasoning":
			d.text(chat.Thinking, r.MaybeString())
		case "tool_calls":
			r.Array()
			for r.Element() {
				d.toolCall()
			}
		case "function_call":
			d.functionCall()
		case "annotations":
			d.annotate(r.Value())
		default:
			r.Skip()
		}
	}
}

// text adds to the open block of a kind, or opens one. An empty piece opens none: many chunks have "content":"".
func (d *streamDecoder) text(kind chat.BlockKind, tok json.String) {
	if tok.Empty() {
		return
	}
	if d.open < 0 || d.kind != kind {
		d.begin(kind, chat.Event{})
	}
	d.emit(chat.Event{Kind: chat.EventBlockDelta, Index: d.open, Block: kind, Text: tok})
}

// annotate adds citations to the text, which is open still if they come with it or directly behind it.
func (d *streamDecoder) annotate(annotations json.Value) {
	w := json.WalkAt(annotations, 0)
	for ok := len(annotations) > 0 && w.Array(); ok && w.Element(); {
		c := rules.AnnotatedCitation(w.Value(), d.x)
		if c == nil {
			continue
		}
		if d.open < 0 || d.kind != chat.Text {
			d.begin(chat.Text, chat.Event{})
		}
		d.emit(chat.Event{Kind: chat.EventCitation, Index: d.open, Block: chat.Text, Raw: c})
	}
}

// begin opens the next content block.
func (d *streamDecoder) begin(kind chat.BlockKind, e chat.Event) {
	d.close()
	d.open, d.kind = d.next, kind
	d.next++
	e.Kind, e.Index, e.Block = chat.EventBlockStart, d.open, kind
	d.emit(e)
}

func (d *streamDecoder) close() {
	if d.open >= 0 {
		d.emit(chat.Event{Kind: chat.EventBlockStop, Index: d.open, Block: d.kind})
		d.open = -1
	}
}

// toolCall reads one element of tool_calls: the first of a call has its id and name, the others more of its arguments.
func (d *streamDecoder) toolCall() {
	r := &d.r
	index := -1
	var id, name string
	var arguments json.String
	r.Object()
	for r.Present() {
		switch string(r.Key()) {
		case "index":
			index = r.MaybeIndex()
		case "id":
			id = r.MaybeText()
		case "function", "custom":
			name, arguments = d.function()
		default:
			r.Skip()
		}
	}
	if r.Err() == nil {
		d.call(index, id, name, arguments)
	}
}

// functionCall reads the deprecated form, which has one call and no id.
func (d *streamDecoder) functionCall() {
	name, arguments := d.function()
	if d.r.Err() == nil {
		d.call(0, "", name, arguments)
	}
}

func (d *streamDecoder) function() (name string, arguments json.String) {
	r := &d.r
	if !r.MaybeObject() {
		return "", nil
	}
	for r.Member() {
		switch string(r.Key()) {
		case "name":
			name = r.MaybeText()
		case "arguments", "input":
			if r.Kind() == json.Object { // servers that forget to quote
				arguments = json.Quote(string(r.Value()))
			} else {
				arguments = r.MaybeString()
			}
		default:
			r.Skip()
		}
	}
	return name, arguments
}

// call adds to a tool call or begins one. Some servers send every call with the index 0, or with none: then another id means that
// another call has begun.
func (d *streamDecoder) call(index int, id, name string, arguments json.String) {
	at := -1
	for i := len(d.calls) - 1; i >= 0 && at < 0; i-- {
		if c := &d.calls[i]; (index < 0 || c.index == index) && (id == "" || c.id == id) {
			at = i
		}
	}
	if at < 0 {
		if name == "" {
			d.x.Note("the upstream sent a part of a tool call that never began; it was left out")
			return
		}
		if len(d.calls) == maxCalls {
			d.x.Note("the upstream sent too many tool calls; the rest were left out")
			return
		}
		if id == "" {
			id = "call_" + d.x.ID
		}
		d.called = true
		d.begin(chat.ToolUse, chat.Event{ID: d.x.ClientToolID(id), Name: d.x.ClientToolName(name)})
		at = len(d.calls)
		d.calls = append(d.calls, streamedCall{index: index, block: d.open, id: id})
	}
	if arguments.Empty() {
		return
	}
	d.emit(chat.Event{Kind: chat.EventBlockDelta, Index: d.calls[at].block, Block: chat.ToolUse, Text: arguments})
}

// maxCalls bounds what the gateway remembers of one reply.
const maxCalls = 1024
