package gatewaytest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// ResponseStream reads the events of a stream of OpenAI's Responses as strict clients do, and returns the first rule that is
// broken: numbers without gaps, one counter for output_index, one id an item, items announced in the order in which they stand
// in the output, every item that was added done, and a final output that equals what was streamed. ended says how it ended:
// completed, incomplete, failed or error; "" if it did not.
func ResponseStream(body string) (ended string, err error) {
	c := responseChecker{}
	for frame := range strings.SplitSeq(body, "\n\n") {
		if strings.TrimSpace(frame) == "" || strings.HasPrefix(frame, ":") {
			continue
		}
		if c.ended != "" {
			return c.ended, fmt.Errorf("an event behind the last: %.200s", frame)
		}
		if err := c.frame(frame); err != nil {
			return c.ended, fmt.Errorf("%w\nin %.400s", err, frame)
		}
	}
	return c.ended, nil
}

// translatedResponse reports whether a body is a stream of Responses with an id of the gateway's own.
func translatedResponse(body string) bool {
	first, _, _ := strings.Cut(body, "\n\n")
	return strings.HasPrefix(first, "event: response.created\n") && ownResponse.MatchString(first)
}

// ownResponse finds a response of the gateway's own, and ownItem what the id of an item of it is: with its place in the output.
var (
	ownResponse = regexp.MustCompile(`"id":"resp_([0-9a-f]{32})"`)
	ownItem     = regexp.MustCompile(`^[a-z]{2,4}_([0-9a-f]{32})_(\d+)$`)
)

type responseChecker struct {
	events int
	last   int64 // number of the last event
	id     string
	items  []*streamedItem
	ended  string
}

// streamedItem is an item that was announced.
type streamedItem struct {
	id, kind string
	parts    []*streamedPart
	text     map[string]string // what deltas added, by their event's name
	whole    any               // when it is done
}

type streamedPart struct {
	kind, text string
	done       bool
}

type object = map[string]any

func text(o object, key string) string {
	s, _ := o[key].(string)
	return s
}

func number(o object, key string) (int64, bool) {
	n, ok := o[key].(float64)
	return int64(n), ok
}

func (c *responseChecker) frame(frame string) error {
	var name, data string
	for line := range strings.SplitSeq(frame, "\n") {
		if v, ok := strings.CutPrefix(line, "event: "); ok {
			name = v
		} else if v, ok := strings.CutPrefix(line, "data: "); ok {
			data += v
		}
	}
	var e object
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		return fmt.Errorf("data that is no JSON object: %w", err)
	}
	if text(e, "type") != name {
		return fmt.Errorf("the event %q has the type %q", name, text(e, "type"))
	}
	n, ok := number(e, "sequence_number")
	if !ok {
		return fmt.Errorf("no sequence_number")
	}
	again := name == "response.in_progress" && c.events > 1 && n == c.last // what fills a silence of a relay
	if !again && n != c.last+1 && c.events > 0 || c.events == 0 && n != 0 {
		return fmt.Errorf("number %d behind %d", n, c.last)
	}
	c.last = n
	if c.events++; c.events == 2 && name != "response.in_progress" && name != "response.queued" && name != "response.failed" && name != "error" {
		return fmt.Errorf("%s stands where response.in_progress does", name)
	}
	return c.event(name, e)
}

func (c *responseChecker) event(name string, e object) error {
	switch name {
	case "response.created", "response.in_progress", "response.queued", "response.completed", "response.incomplete", "response.failed":
		return c.lifecycle(strings.TrimPrefix(name, "response."), e)
	case "error":
		if text(e, "message") == "" {
			return fmt.Errorf("an error without a message")
		}
		c.ended = name
		return nil
	case "response.output_item.added":
		return c.added(e)
	}
	at, ok := number(e, "output_index")
	if !ok || at < 0 || int(at) >= len(c.items) {
		return fmt.Errorf("output_index %v of an item that was not announced", e["output_index"])
	}
	it := c.items[at]
	if it.whole != nil {
		return fmt.Errorf("an event of the item %s, which is done", it.id)
	}
	if name == "response.output_item.done" {
		return it.close(e)
	}
	if text(e, "item_id") != it.id {
		return fmt.Errorf("item_id %q at the place of %q", text(e, "item_id"), it.id)
	}
	return it.event(strings.TrimPrefix(name, "response."), e)
}

func (c *responseChecker) lifecycle(status string, e object) error {
	r, _ := e["response"].(object)
	id := text(r, "id")
	switch {
	case id == "" || c.id != "" && id != c.id:
		return fmt.Errorf("the response's id is %q, and was %q", id, c.id)
	case (status == "created") != (c.events == 1):
		return fmt.Errorf("event %d is response.%s", c.events-1, status)
	case r["output"] == nil || text(r, "object") != "response" || text(r, "model") == "":
		return fmt.Errorf("the response lacks output, object or model")
	}
	if _, ok := number(r, "created_at"); !ok {
		return fmt.Errorf("created_at is no number")
	}
	c.id = id
	switch status {
	case "created", "in_progress", "queued":
		return nil
	case "failed":
		if e, _ := r["error"].(object); text(e, "code") == "" || text(e, "message") == "" {
			return fmt.Errorf("a failed response without an error's code and message")
		}
		c.ended = status
		return nil
	}
	if text(r, "status") != status {
		return fmt.Errorf("the response's status is %q", text(r, "status"))
	}
	if why, _ := r["incomplete_details"].(object); (status == "incomplete") != (text(why, "reason") != "") {
		return fmt.Errorf("incomplete_details %v", r["incomplete_details"])
	}
	output, _ := r["output"].([]any)
	if len(output) != len(c.items) {
		return fmt.Errorf("%d items were streamed, %d are in the output", len(c.items), len(output))
	}
	for i, it := range c.items {
		if it.whole == nil {
			return fmt.Errorf("the item %s was added and is not done", it.id)
		}
		if !reflect.DeepEqual(it.whole, output[i]) {
			return fmt.Errorf("item %d of the output is not what was streamed: %v", i, it.whole)
		}
	}
	c.ended = status
	return nil
}

func (c *responseChecker) added(e object) error {
	item, _ := e["item"].(object)
	it := &streamedItem{id: text(item, "id"), kind: text(item, "type"), text: map[string]string{}}
	if at, ok := number(e, "output_index"); !ok || int(at) != len(c.items) {
		return fmt.Errorf("output_index %v of item %d", e["output_index"], len(c.items))
	}
	if it.id == "" || it.kind == "" {
		return fmt.Errorf("an item without id or type")
	}
	if own := ownResponse.FindStringSubmatch(`"id":"` + c.id + `"`); own != nil {
		if m := ownItem.FindStringSubmatch(it.id); m == nil || m[1] != own[1] || m[2] != strconv.Itoa(len(c.items)) {
			return fmt.Errorf("the id %s of item %d does not name its place in the response %s", it.id, len(c.items), c.id)
		}
	}
	for _, other := range c.items {
		if other.id == it.id {
			return fmt.Errorf("two items have the id %s", it.id)
		}
	}
	c.items = append(c.items, it)
	return nil
}

// deltas are the events that add text, with the event and its member that repeat all of it, and the member of the item that
// does.
var deltas = map[string]struct{ done, member string }{
	"function_call_arguments.delta": {"function_call_arguments.done", "arguments"},
	"custom_tool_call_input.delta":  {"custom_tool_call_input.done", "input"},
	"reasoning_summary_text.delta":  {"reasoning_summary_text.done", "text"},
	"reasoning_text.delta":          {"reasoning_text.done", "text"},
	"output_text.delta":             {"output_text.done", "text"},
	"refusal.delta":                 {"refusal.done", "refusal"},
}

func (it *streamedItem) event(name string, e object) error {
	switch name {
	case "content_part.added":
		part, _ := e["part"].(object)
		if at, ok := number(e, "content_index"); !ok || int(at) != len(it.parts) {
			return fmt.Errorf("content_index %v of part %d", e["content_index"], len(it.parts))
		}
		it.parts = append(it.parts, &streamedPart{kind: text(part, "type")})
		return nil
	case "output_text.delta", "refusal.delta", "output_text.annotation.added", "content_part.done", "output_text.done", "refusal.done":
		return it.part(name, e)
	}
	if d, ok := deltas[name]; ok && d.done != "" {
		it.text[d.done] += text(e, "delta")
		return nil
	}
	for _, d := range deltas {
		if d.done == name && text(e, d.member) != it.text[name] {
			return fmt.Errorf("%s is %q, and %q was streamed", d.member, text(e, d.member), it.text[name])
		}
	}
	return nil
}

func (it *streamedItem) part(name string, e object) error {
	at, ok := number(e, "content_index")
	if !ok || int(at) >= len(it.parts) || it.parts[at].done {
		return fmt.Errorf("content_index %v of a part that is not open", e["content_index"])
	}
	p := it.parts[at]
	switch name {
	case "output_text.delta":
		if _, ok := e["logprobs"].([]any); !ok {
			return fmt.Errorf("no logprobs, which are required")
		}
		p.text += text(e, "delta")
	case "refusal.delta":
		p.text += text(e, "delta")
	case "output_text.done", "refusal.done":
		if whole := text(e, deltas[strings.TrimSuffix(name, "done")+"delta"].member); whole != p.text {
			return fmt.Errorf("the whole text is %q, and %q was streamed", whole, p.text)
		}
	case "content_part.done":
		part, _ := e["part"].(object)
		if text(part, "type") != p.kind || text(part, "text")+text(part, "refusal") != p.text {
			return fmt.Errorf("the part that is done is not what was streamed: %q", p.text)
		}
		p.done = true
	}
	return nil
}

func (it *streamedItem) close(e object) error {
	item, _ := e["item"].(object)
	if text(item, "id") != it.id || text(item, "type") != it.kind {
		return fmt.Errorf("the item %s of type %s is done as %v", it.id, it.kind, item)
	}
	content, _ := item["content"].([]any)
	if it.kind == "message" && len(content) != len(it.parts) {
		return fmt.Errorf("%d parts were streamed, %d are in the message", len(it.parts), len(content))
	}
	for i, p := range it.parts {
		part, _ := content[i].(object)
		if !p.done || text(part, "text")+text(part, "refusal") != p.text {
			return fmt.Errorf("part %d of the message is not what was streamed", i)
		}
	}
	for _, d := range deltas {
		if streamed := it.text[d.done]; streamed != "" && (d.member == "arguments" || d.member == "input") && text(item, d.member) != streamed {
			return fmt.Errorf("the item's %s is not what was streamed", d.member)
		}
	}
	it.whole = any(item)
	return nil
}
