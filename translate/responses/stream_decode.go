package responses

import (
	"bytes"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// NewStreamDecoder returns a decoder for the events of one response: the data of its server-sent events.
//
// Done is true from response.completed or response.incomplete on, and not before: nothing else says that the reply is
// whole.
func (Dialect) NewStreamDecoder(x *chat.Exchange) chat.StreamDecoder {
	d := &streamDecoder{x: x}
	d.items = d.space[:0]
	return d
}

// streamDecoder reads the events of one response. An item becomes one content block, or a block for each of a message's
// parts.
type streamDecoder struct {
	x     *chat.Exchange
	r     json.Reader
	items []readingItem
	space [4]readingItem

	started bool
	waiting bool // an in_progress has come
	called  bool // a tool was
	done    bool
	next    int // index of the next content block
}

// readingItem is what is known of one output item.
type readingItem struct {
	output int // the index that the upstream gave it
	// The content block that is open, if one is.
	open   bool
	block  int
	kind   chat.BlockKind
	part   int  // of the item, that the block is of
	filled bool // the part has been given something
	told   bool // the client was told something of the item
	over   bool // its output_item.done came
	custom bool // a call with free text as its input
}

// maxItems bounds what the gateway remembers of one reply.
const maxItems = 1024

// frame is what an event says.
type frame struct {
	kind   chat.String
	output int         // output_index
	part   int         // content_index or summary_index
	text   chat.String // what is added, or the whole of a part that is done
	object chat.Value  // the item, the response, the annotation
}

// OnlyContent goes by the event's name: a delta is a piece of an item.
func (d *streamDecoder) OnlyContent(name, _ []byte) bool {
	return !d.done && bytes.HasSuffix(name, delta)
}

var delta = []byte(".delta")

// Done reports whether the response's last event has come.
func (d *streamDecoder) Done() bool { return d.done }

// Decode reads one event by the type in its data; its name is not looked at.
func (d *streamDecoder) Decode(out []chat.Event, _, payload []byte) ([]chat.Event, error) {
	if string(payload) == "[DONE]" { // of chat; some servers send it here, too
		return out, nil
	}
	r := &d.r
	r.Reset(payload)
	var f frame
	r.Object()
	for r.Present() {
		switch string(r.Key()) {
		case "type":
			f.kind = r.MaybeString()
		case "output_index":
			f.output = r.MaybeIndex()
		case "content_index", "summary_index":
			f.part = r.MaybeIndex()
		case "delta", "text", "refusal", "arguments", "input":
			f.text = r.MaybeString()
		case "item", "response", "annotation":
			f.object = r.Value()
		default: // item_id, sequence_number, part, logprobs, obfuscation
			r.Skip()
		}
	}
	if err := r.End(); err != nil {
		return out, chat.Unreadable("a stream event", err)
	}
	if d.done {
		d.x.Note("an event after the end of the stream was skipped")
		return out, nil
	}
	return d.translate(out, &f, payload)
}

func (d *streamDecoder) translate(out []chat.Event, f *frame, payload []byte) ([]chat.Event, error) {
	switch string(f.kind) {
	case `"response.output_text.delta"`:
		return d.add(out, chat.Text, f, false), nil
	case `"response.output_text.done"`:
		return d.add(out, chat.Text, f, true), nil
	case `"response.refusal.delta"`:
		return d.add(out, chat.Refusal, f, false), nil
	case `"response.refusal.done"`:
		return d.add(out, chat.Refusal, f, true), nil
	case `"response.reasoning_summary_text.delta"`:
		return d.add(out, chat.Thinking, f, false), nil
	case `"response.reasoning_summary_text.done"`:
		return d.add(out, chat.Thinking, f, true), nil
	case `"response.reasoning_text.delta"`, `"response.reasoning_text.done"`:
		f.part += maxItems // behind the summary's
		return d.add(out, chat.Thinking, f, string(f.kind) == `"response.reasoning_text.done"`), nil
	case `"response.function_call_arguments.delta"`, `"response.custom_tool_call_input.delta"`:
		return d.addInput(out, f, false), nil
	case `"response.function_call_arguments.done"`, `"response.custom_tool_call_input.done"`:
		return d.addInput(out, f, true), nil
	case `"response.output_text.annotation.added"`:
		return d.annotate(out, f), nil
	case `"response.output_item.added"`:
		return d.itemAdded(out, f), nil
	case `"response.output_item.done"`:
		return d.itemDone(out, f), nil
	case `"response.created"`, `"response.queued"`, `"response.in_progress"`:
		return d.begin(out, f), nil
	case `"response.completed"`, `"response.incomplete"`, `"response.failed"`, `"response.cancelled"`:
		return d.end(out, f)
	case `"error"`:
		return out, reportedError(payload)
	case "":
		if json.Find(payload, "error") != nil {
			return out, reportedError(payload)
		}
		d.x.Note("a stream event without a type was skipped")
	default: // the beginning and end of parts, and what OpenAI's own tools do
		if !bytes.HasPrefix(f.kind, prefix) {
			d.x.Note("an unknown stream event was skipped: " + chat.Clip(f.kind.Unquote()))
		}
	}
	return out, nil
}

var prefix = []byte(`"response.`)

// begin reads the response of an event before the reply's own. One that is repeated says that the provider is still there.
func (d *streamDecoder) begin(out []chat.Event, f *frame) []chat.Event {
	if d.started {
		if string(f.kind) == `"response.in_progress"` && !d.waiting {
			d.waiting = true
			return out
		}
		return append(out, chat.Event{Kind: chat.EventPing})
	}
	d.waiting = string(f.kind) == `"response.in_progress"`
	return d.start(out, f.object)
}

// start tells the reply's start, once.
func (d *streamDecoder) start(out []chat.Event, response chat.Value) []chat.Event {
	if d.started {
		return out
	}
	d.started = true
	e := chat.Event{Kind: chat.EventStart}
	r := json.NewReader(response)
	for ok := len(response) > 0 && r.MaybeObject(); ok && r.Present(); {
		switch string(r.Key()) {
		case "id":
			e.ID = r.MaybeText()
		case "model":
			e.Model = r.MaybeText()
		default:
			r.Skip()
		}
	}
	return append(out, e)
}

// find returns the item of the given index; nil if none is known.
func (d *streamDecoder) find(output int) *readingItem {
	for i := len(d.items) - 1; i >= 0; i-- {
		if d.items[i].output == output {
			return &d.items[i]
		}
	}
	return nil
}

// item returns the item of the given index, a new one if need be; nil if there are too many.
func (d *streamDecoder) item(output int) *readingItem {
	if it := d.find(output); it != nil {
		return it
	}
	if len(d.items) == maxItems {
		d.x.Note("the upstream sent too many output items; the rest were left out")
		return nil
	}
	d.items = append(d.items, readingItem{output: output})
	return &d.items[len(d.items)-1]
}

// open begins a content block of the item.
func (d *streamDecoder) open(out []chat.Event, it *readingItem, e chat.Event) []chat.Event {
	out = d.close(out, it)
	it.open, it.told, it.filled, it.block, it.kind = true, true, false, d.next, e.Block
	d.next++
	e.Kind, e.Index = chat.EventBlockStart, it.block
	return append(out, e)
}

func (d *streamDecoder) close(out []chat.Event, it *readingItem) []chat.Event {
	if !it.open {
		return out
	}
	it.open = false
	return append(out, chat.Event{Kind: chat.EventBlockStop, Index: it.block, Block: it.kind})
}

// add adds to a text, a refusal or a thought. whole: the frame has all of the part, which says something only where its
// deltas were left out.
func (d *streamDecoder) add(out []chat.Event, kind chat.BlockKind, f *frame, whole bool) []chat.Event {
	if f.text.Empty() {
		return out
	}
	it := d.item(f.output)
	if it == nil {
		return out
	}
	same := it.open && it.kind == kind
	if same && it.part == f.part && it.filled {
		if whole {
			return out
		}
		return append(out, chat.Event{Kind: chat.EventBlockDelta, Index: it.block, Block: kind, Text: f.text}) // the commonest
	}
	if it.over {
		d.x.Note("a piece of an output item that had ended was skipped")
		return out
	}
	out = d.start(out, nil)
	switch {
	case !same || it.part != f.part && kind != chat.Thinking:
		out = d.open(out, it, chat.Event{Block: kind})
	case it.part != f.part && it.filled:
		out = append(out, chat.Event{Kind: chat.EventBlockDelta, Index: it.block, Block: kind, Text: paragraph})
	}
	it.part, it.filled = f.part, true
	return append(out, chat.Event{Kind: chat.EventBlockDelta, Index: it.block, Block: kind, Text: f.text})
}

var paragraph = chat.String(`"` + between + `"`)

// addInput adds to the input of a call that has begun.
func (d *streamDecoder) addInput(out []chat.Event, f *frame, whole bool) []chat.Event {
	it := d.find(f.output)
	if it == nil || !it.open || it.kind != chat.ToolUse {
		if !whole {
			d.x.Note("the upstream sent a part of a tool call that never began; it was left out")
		}
		return out
	}
	if f.text.Empty() || whole && it.filled {
		return out
	}
	text := f.text
	if it.custom {
		text = customPiece(text, !it.filled)
	}
	it.filled = true
	return append(out, chat.Event{Kind: chat.EventBlockDelta, Index: it.block, Block: chat.ToolUse, Text: text})
}

// A custom tool's free text is the member of an object, as a call's input has to be: customHead stands before it and
// customTail behind it, both quoted as pieces of JSON text are.
const (
	customHead = `{\"input\":\"`
	customTail = `"\"}"`
)

// customPiece quotes a piece of free text once more: within the object it is a string, and the object travels as one.
func customPiece(tok chat.String, first bool) chat.String {
	out := make(chat.String, 0, len(tok)+len(customHead)+8)
	out = append(out, '"')
	if first {
		out = append(out, customHead...)
	}
	return append(json.AppendEscaped(out, tok[1:len(tok)-1]), '"')
}

// annotate adds a citation to a text, which begins with it where servers leave deltas out.
func (d *streamDecoder) annotate(out []chat.Event, f *frame) []chat.Event {
	it := d.item(f.output)
	if it == nil || it.over {
		return out
	}
	c := rules.AnnotatedCitation(f.object, d.x)
	if c == nil {
		return out
	}
	if !it.open || it.kind != chat.Text || it.part != f.part {
		out = d.open(d.start(out, nil), it, chat.Event{Block: chat.Text})
		it.part = f.part
	}
	return append(out, chat.Event{Kind: chat.EventCitation, Index: it.block, Block: chat.Text, Raw: c})
}

// itemAdded begins an item. Only a call is told already: messages and thoughts begin with their first words.
func (d *streamDecoder) itemAdded(out []chat.Event, f *frame) []chat.Event {
	out = d.start(out, nil)
	it := d.item(f.output)
	if it == nil || it.told || it.over || len(f.object) == 0 {
		return out
	}
	v := readItem(f.object)
	it.custom = string(v.kind) == `"custom_tool_call"`
	if string(v.kind) != `"function_call"` && !it.custom || v.name == "" {
		return out
	}
	d.called = true
	return d.open(out, it, chat.Event{Block: chat.ToolUse, ID: d.x.ClientToolID(v.callID), Name: v.toolName(d.x)})
}

// itemDone ends an item. What of it was not told before is told now.
func (d *streamDecoder) itemDone(out []chat.Event, f *frame) []chat.Event {
	out = d.start(out, nil)
	it := d.item(f.output)
	if it == nil || it.over || len(f.object) == 0 {
		return out
	}
	it.over = true
	if !it.told {
		return d.whole(out, it, f.object)
	}
	if !it.open {
		return out
	}
	v := readItem(f.object)
	switch it.kind {
	case chat.Thinking:
		if !v.encrypted.Empty() {
			out = append(out, chat.Event{Kind: chat.EventSignature, Index: it.block, Block: chat.Thinking, Text: v.encrypted})
		}
	case chat.ToolUse:
		if it.custom {
			if f.text = v.input; !it.filled {
				if f.text.Empty() {
					f.text = chat.String(`""`)
				}
				out = append(out, chat.Event{Kind: chat.EventBlockDelta, Index: it.block, Block: chat.ToolUse, Text: customPiece(f.text, true)})
			}
			out = append(out, chat.Event{Kind: chat.EventBlockDelta, Index: it.block, Block: chat.ToolUse, Text: chat.String(customTail)})
			break
		}
		if f.text = v.arguments; v.argumentsObject != nil {
			f.text = json.Quote(string(json.AppendCompact(nil, v.argumentsObject)))
		}
		out = d.addInput(out, f, true)
	default:
	}
	return d.close(out, it)
}

// whole tells an item of which nothing was told before.
func (d *streamDecoder) whole(out []chat.Event, it *readingItem, v chat.Value) []chat.Event {
	for _, b := range appendItem(nil, v, d.x) {
		e := chat.Event{Block: b.Kind}
		text := b.Text
		switch b.Kind {
		case chat.ToolUse:
			d.called = true
			e.ID, e.Name = b.Tool.ID, b.Tool.Name
			text = json.Quote(string(json.AppendCompact(nil, b.Tool.Input)))
		case chat.RedactedThinking:
			e.Text, text = b.Data(), nil
		default:
		}
		out = d.open(out, it, e)
		if !text.Empty() {
			out = append(out, chat.Event{Kind: chat.EventBlockDelta, Index: it.block, Block: b.Kind, Text: text})
		}
		if s := b.Signature(); s != nil {
			out = append(out, chat.Event{Kind: chat.EventSignature, Index: it.block, Block: b.Kind, Text: s})
		}
		w := json.WalkAt(b.Citations(), 0)
		for ok := b.Citations() != nil && w.Array(); ok && w.Element(); {
			out = append(out, chat.Event{Kind: chat.EventCitation, Index: it.block, Block: b.Kind, Raw: w.Value()})
		}
	}
	return d.close(out, it)
}

// end reads the whole response of the last event: why it ended, and what was used. Items that it alone has are told.
func (d *streamDecoder) end(out []chat.Event, f *frame) ([]chat.Event, error) {
	end := responseDecoder{x: d.x}
	if len(f.object) > 0 && f.object[0] == '{' {
		end.read(json.NewReader(f.object))
	}
	end.status = string(f.kind[len(prefix) : len(f.kind)-1]) // the event's word counts
	out = d.start(out, f.object)
	if end.usage.Known {
		out = append(out, chat.Event{Kind: chat.EventUsage, Usage: end.usage})
	}
	if err := end.failed(); err != nil {
		return out, err
	}
	w := json.WalkAt(end.output, 0)
	for i, ok := 0, len(end.output) > 0 && w.Array(); ok && w.Element(); i++ {
		f.output, f.object = i, w.Value()
		out = d.itemDone(out, f)
	}
	for i := range d.items {
		out = d.close(out, &d.items[i])
	}
	d.done = true
	out = append(out, chat.Event{Kind: chat.EventStop, Stop: end.stop(d.called)})
	return append(out, chat.Event{Kind: chat.EventEnd}), nil
}
