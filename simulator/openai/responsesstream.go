package openai

import (
	"fmt"
	"maps"
)

// responsesStream sends a reply's items as events, in the order in which the API sends them: every item is announced,
// grows by deltas and is done before the next; numbers count without gaps.
type responsesStream struct {
	*stream
	*response
	number int

	collect bool // the events are kept in frames, and none is sent
	frames  [][]byte
}

// event sends one event with the next number, after the exception if its turn has come. It reports whether the stream goes
// on.
func (s *responsesStream) event(kind string, more map[string]any) bool {
	if s.collect {
		more["type"], more["sequence_number"] = kind, len(s.frames)
		s.frames = append(s.frames, fmt.Appendf(nil, "event: %s\ndata: %s\n\n", kind, marshal(more)))
		return true
	}
	if s.spec.Exception != "" && s.events == s.spec.ExceptionAt {
		f := refused(s.spec.Exception)
		code := f.Code
		if code == nil {
			code = orNull(f.Type)
		}
		s.frame("error", marshal(map[string]any{"type": "error", "code": code, "message": f.Message, "param": f.Param, "sequence_number": s.number}))
		s.broken = true
	}
	more["type"], more["sequence_number"] = kind, s.number
	s.number++
	s.frame(kind, marshal(more))
	return !s.broken
}

func (s *responsesStream) run() {
	if !s.event("response.created", map[string]any{"response": s.object([]map[string]any{}, "in_progress")}) ||
		!s.event("response.in_progress", map[string]any{"response": s.object([]map[string]any{}, "in_progress")}) {
		return
	}
	for i, item := range s.items {
		if !s.item(i, item) {
			return
		}
	}
	s.event("response."+s.status(), map[string]any{"response": s.object(s.items, s.status())})
}

// item sends the events of one item.
func (s *responsesStream) item(i int, item map[string]any) bool {
	begun := maps.Clone(item)
	if begun["status"] != nil {
		begun["status"] = "in_progress"
	}
	delete(begun, "encrypted_content")
	for name, empty := range map[string]any{"content": []any{}, "summary": []any{}, "arguments": "", "input": ""} {
		if begun[name] != nil {
			begun[name] = empty
		}
	}
	if !s.event("response.output_item.added", map[string]any{"output_index": i, "item": begun}) {
		return false
	}
	at := func(more map[string]any) map[string]any {
		more["item_id"], more["output_index"] = item["id"], i
		return more
	}
	on := true
	switch item["type"] {
	case "reasoning":
		on = s.summary(item, at)
	case "message":
		on = s.content(item, at)
	case "function_call":
		on = s.growing("response.function_call_arguments", "arguments", item, at)
	case "custom_tool_call":
		on = s.growing("response.custom_tool_call_input", "input", item, at)
	}
	return on && s.event("response.output_item.done", map[string]any{"output_index": i, "item": item})
}

// placed puts an event at its place.
type placed func(map[string]any) map[string]any

func (s *responsesStream) summary(item map[string]any, at placed) bool {
	parts, _ := item["summary"].([]any)
	for k, one := range parts {
		text := one.(map[string]any)["text"].(string)
		here := func(more map[string]any) map[string]any { more["summary_index"] = k; return at(more) }
		if !s.event("response.reasoning_summary_part.added", here(map[string]any{"part": map[string]any{"type": "summary_text", "text": ""}})) {
			return false
		}
		for _, p := range pieces(text) {
			if !s.event("response.reasoning_summary_text.delta", here(map[string]any{"delta": p})) {
				return false
			}
		}
		if !s.event("response.reasoning_summary_text.done", here(map[string]any{"text": text})) ||
			!s.event("response.reasoning_summary_part.done", here(map[string]any{"part": one})) {
			return false
		}
	}
	return true
}

func (s *responsesStream) content(item map[string]any, at placed) bool {
	parts, _ := item["content"].([]any)
	for k, one := range parts {
		part := one.(map[string]any)
		here := func(more map[string]any) map[string]any { more["content_index"] = k; return at(more) }
		member, kind, empty := "text", "response.output_text", map[string]any{"type": "output_text", "text": "", "annotations": []any{}, "logprobs": []any{}}
		if part["type"] == "refusal" {
			member, kind, empty = "refusal", "response.refusal", map[string]any{"type": "refusal", "refusal": ""}
		}
		if !s.event("response.content_part.added", here(map[string]any{"part": empty})) {
			return false
		}
		whole := part[member].(string)
		for _, p := range pieces(whole) {
			delta := map[string]any{"delta": p}
			if member == "text" {
				delta["logprobs"] = []any{}
			}
			if !s.event(kind+".delta", here(delta)) {
				return false
			}
		}
		done := map[string]any{member: whole}
		if member == "text" {
			done["logprobs"] = []any{}
		}
		if !s.event(kind+".done", here(done)) || !s.event("response.content_part.done", here(map[string]any{"part": part})) {
			return false
		}
	}
	return true
}

// growing sends the arguments of a call piece by piece.
func (s *responsesStream) growing(kind, member string, item map[string]any, at placed) bool {
	whole := item[member].(string)
	for _, p := range fragments(whole, 8) {
		if !s.event(kind+".delta", at(map[string]any{"delta": p})) {
			return false
		}
	}
	return s.event(kind+".done", at(map[string]any{member: whole}))
}
