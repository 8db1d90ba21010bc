package responses

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// Replay appends the events of a response that is over, those whose numbers are above after. marks are those of the stream in
// which it was sent first, so that the events are the same; nil for a reply that was not streamed: its texts are one delta
// each. Where the marks do not fit, a replay from the middle on is an error, for it would lose words or say them twice.
func Replay(dst []byte, response json.Value, marks []byte, after int64) ([]byte, error) {
	if bytes.ContainsAny(response, "\n\r") { // a line of an event ends there
		response = json.AppendCompact(nil, response)
	}
	r := replay{dst: dst, after: after, marks: marks, marked: marks != nil}
	r.run(response)
	if !r.strayed && len(r.marks) == 0 {
		return r.dst, nil
	}
	if after >= 0 {
		return nil, chat.Invalid("starting_after", "the events of this response cannot be counted again; leave 'starting_after' out to get all of them")
	}
	r = replay{dst: dst, after: after}
	r.run(response)
	return r.dst, nil
}

// replay writes the events of one response.
type replay struct {
	dst     []byte
	from    int // where the event that is being written begins
	seq     int64
	after   int64
	begun   json.Value // the response in its first events
	marks   []byte     // those that are left
	marked  bool
	strayed bool // they do not fit
}

func (r *replay) run(response json.Value) {
	r.begun = edited(response, map[string]string{"status": `"in_progress"`, "output": "[]", "usage": "null", "error": "null", "incomplete_details": "null", "completed_at": "null"})
	for _, name := range [...]string{"response.created", "response.in_progress"} {
		r.lifecycle(name, r.begun)
	}
	output := json.Find(response, "output")
	w := json.WalkAt(output, 0)
	for i, ok := 0, len(output) > 0 && w.Array(); ok && w.Element(); i++ {
		r.item(i, w.Value())
	}
	status := json.String(json.Find(response, "status"))
	r.lifecycle("response."+status.Unquote(), response)
}

// mark reads the mark of the next event, and writes what filled a silence before it.
func (r *replay) mark() uint64 {
	for r.marked {
		m, n := binary.Uvarint(r.marks)
		if n <= 0 {
			r.strayed, r.marked = true, false
			break
		}
		r.marks = r.marks[n:]
		if m != markSilent {
			return m
		}
		r.begin("response.in_progress")
		r.raw(`,"response":`, r.begun)
		r.end()
	}
	return markPlain
}

// event begins an event that follows from the response.
func (r *replay) event(name string) {
	if r.mark() != markPlain {
		r.strayed = true
	}
	r.begin(name)
}

func (r *replay) begin(name string) {
	r.from = len(r.dst)
	r.dst = append(append(append(r.dst, "event: "...), name...), "\ndata: {\"type\":\""...)
	r.dst = append(append(r.dst, name...), `","sequence_number":`...)
	r.dst = strconv.AppendInt(r.dst, r.seq, 10)
}

// end ends the event, and takes it out again where the client has it.
func (r *replay) end() {
	if r.dst = end(r.dst); r.seq <= r.after {
		r.dst = r.dst[:r.from]
	}
	r.seq++
}

func (r *replay) raw(key string, value []byte) { r.dst = append(append(r.dst, key...), value...) }

func (r *replay) number(key string, n int) { r.dst = appendIndex(r.dst, key, n) }

func (r *replay) lifecycle(name string, response json.Value) {
	r.event(name)
	r.raw(`,"response":`, response)
	r.end()
}

// place is where an event belongs.
type place struct {
	output int
	item   json.String // its id
	key    string      // content_index, summary_index; "" for the item itself
	index  int
}

func (r *replay) at(name string, p *place) {
	r.event(name)
	r.where(p)
}

func (r *replay) where(p *place) {
	r.number("output_index", p.output)
	r.raw(`,"item_id":`, p.item)
	if p.key != "" {
		r.number(p.key, p.index)
	}
}

// deltas writes a text in the pieces in which it came. between writes an event that stands between two of them, and reports
// whether there was one.
func (r *replay) deltas(name string, p *place, text json.String, tail string, between func() bool) {
	if len(text) < 2 {
		return
	}
	for inner := text[1 : len(text)-1]; len(inner) > 0; {
		n := len(inner)
		switch m := r.mark(); {
		case m > markDelta && m-markDelta <= uint64(n):
			n = int(m - markDelta)
		case r.marked && m == markPlain && between != nil && between():
			continue
		case r.marked:
			r.strayed, r.marked = true, false
		}
		r.begin(name)
		r.where(p)
		r.raw(`,"delta":"`, inner[:n])
		r.raw(`"`, []byte(tail))
		r.end()
		inner = inner[n:]
	}
}

// item writes the events of one item of the output.
func (r *replay) item(index int, item json.Value) {
	p := &place{output: index, item: json.String(json.Find(item, "id"))}
	kind := json.String(json.Find(item, "type")).Unquote()
	first := map[string]string{"status": `"in_progress"`}
	switch kind {
	case "message":
		first["content"] = "[]"
	case "reasoning":
		first = map[string]string{"status": "", "summary": "[]", "content": "", "encrypted_content": ""}
	case "function_call":
		first["arguments"] = `""`
	case "custom_tool_call":
		first["input"] = `""`
	}
	r.event("response.output_item.added")
	r.number("output_index", index)
	r.raw(`,"item":`, edited(item, first))
	r.end()
	switch kind {
	case "message":
		r.parts(p, "content_index", json.Find(item, "content"), r.said)
	case "reasoning":
		r.parts(p, "summary_index", json.Find(item, "summary"), r.summary)
		r.parts(p, "content_index", json.Find(item, "content"), r.thought)
	case "function_call":
		arguments := json.String(json.Find(item, "arguments"))
		r.deltas("response.function_call_arguments.delta", p, arguments, "", nil)
		r.at("response.function_call_arguments.done", p)
		r.raw(`,"name":`, json.Find(item, "name"))
		r.raw(`,"arguments":`, arguments)
		r.end()
	case "custom_tool_call":
		input := json.String(json.Find(item, "input"))
		r.deltas("response.custom_tool_call_input.delta", p, input, "", nil)
		r.at("response.custom_tool_call_input.done", p)
		r.raw(`,"input":`, input)
		r.end()
	}
	r.event("response.output_item.done")
	r.number("output_index", index)
	r.raw(`,"item":`, item)
	r.end()
}

func (r *replay) parts(p *place, key string, parts json.Value, write func(*place, json.Value)) {
	w := json.WalkAt(parts, 0)
	for i, ok := 0, len(parts) > 0 && w.Array(); ok && w.Element(); i++ {
		write(&place{p.output, p.item, key, i}, w.Value())
	}
}

// said writes a part of a message.
func (r *replay) said(p *place, part json.Value) {
	name, member, tail, empty := "response.output_text", "text", `,"logprobs":[]`, map[string]string{"text": `""`, "annotations": "[]"}
	if string(json.Find(part, "type")) == `"refusal"` {
		name, member, tail, empty = "response.refusal", "refusal", "", map[string]string{"refusal": `""`}
	}
	text := json.String(json.Find(part, member))
	r.at("response.content_part.added", p)
	r.raw(`,"part":`, edited(part, empty))
	r.end()
	annotations := json.Find(part, "annotations")
	w := json.WalkAt(annotations, 0)
	i, more := 0, len(annotations) > 0 && w.Array() && w.Element()
	annotate := func(marked bool) bool {
		if !more {
			return false
		}
		if name := "response.output_text.annotation.added"; marked {
			r.begin(name)
			r.where(p)
		} else {
			r.at(name, p)
		}
		r.number("annotation_index", i)
		r.raw(`,"annotation":`, w.Value())
		r.end()
		i++
		more = w.Element()
		return true
	}
	r.deltas(name+".delta", p, text, tail, func() bool { return annotate(true) })
	for annotate(false) {
	}
	r.at(name+".done", p)
	r.raw(`,"`+member+`":`, text)
	r.raw(tail, nil)
	r.end()
	r.at("response.content_part.done", p)
	r.raw(`,"part":`, part)
	r.end()
}

// summary writes a part of a reasoning's summary.
func (r *replay) summary(p *place, part json.Value) {
	text := json.String(json.Find(part, "text"))
	r.at("response.reasoning_summary_part.added", p)
	r.raw(`,"part":{"type":"summary_text","text":""}`, nil)
	r.end()
	r.deltas("response.reasoning_summary_text.delta", p, text, "", nil)
	r.at("response.reasoning_summary_text.done", p)
	r.raw(`,"text":`, text)
	r.end()
	r.at("response.reasoning_summary_part.done", p)
	r.raw(`,"part":`, part)
	r.end()
}

// thought writes a part of reasoning that is shown as it was.
func (r *replay) thought(p *place, part json.Value) {
	text := json.String(json.Find(part, "text"))
	r.deltas("response.reasoning_text.delta", p, text, "", nil)
	r.at("response.reasoning_text.done", p)
	r.raw(`,"text":`, text)
	r.end()
}

// edited returns an object with the values of some of its members replaced; those that become "" are left out.
func edited(object json.Value, values map[string]string) json.Value {
	var edits []json.Edit
	w := json.WalkAt(object, 0)
	m := json.EditObject(&w, &edits)
	for m.Next() {
		value, is := values[string(m.Key())]
		switch {
		case !is:
			w.Skip()
		case value == "":
			m.Drop()
		default:
			m.Set([]byte(value))
		}
	}
	json.SortEdits(edits)
	return json.AppendEdited(nil, object, edits)
}
