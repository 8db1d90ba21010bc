package openai

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/fault"
)

// responsesBody is POST /v1/responses (types/responses/response_create_params.py of the openai Python library 3.54.0).
// Of the members' insides only the types are looked at.
var responsesBody = shape([]string{"input"}, members{
	"model": str, "input": textOr("array", list(1, unbounded, jsonObject)),
	"access_programs": jsonObject, "background": orNullable(boolean), "background_options": jsonObject,
	"context_management": orNullable(list(0, unbounded, jsonObject)), "conversation": anything, "image": jsonObject,
	"include": orNullable(list(0, unbounded, str)), "instructions": orNullable(str),
	"max_output_tokens": orNullable(integer(16, unbounded)), "max_tool_calls": orNullable(integer(1, unbounded)),
	"metadata": orNullable(metadata), "moderation": orNullable(moderation), "parallel_tool_calls": orNullable(boolean),
	"previous_response_id": orNullable(str), "prompt": orNullable(jsonObject), "prompt_cache_key": str,
	"prompt_cache_options": jsonObject, "prompt_cache_retention": orNullable(oneOf("in_memory", "24h")),
	"reasoning": orNullable(jsonObject), "safety_identifier": upTo(64), "service_tier": orNullable(str),
	"store": orNullable(boolean), "stream": orNullable(boolean), "stream_options": orNullable(jsonObject),
	"temperature": orNullable(decimal(0, 2)), "text": jsonObject, "tool_choice": anything,
	"tools": list(0, 128, jsonObject), "top_logprobs": orNullable(integer(0, 20)), "top_p": orNullable(decimal(0, 1)),
	"truncation": orNullable(oneOf("auto", "disabled")), "user": str,
})

// responses answers with one message that echoes the input's newest text.
func (s *server) responses(w http.ResponseWriter, r *http.Request, body []byte) {
	present, _, name, f := read(r, body, chatUse, "", responsesBody)
	if f != nil {
		f.write(w)
		return
	}
	input := newestText(present["input"])
	out, spec, _ := s.play(w, r, input, present["model"].(string))
	if out == nil {
		return
	}
	call := s.calls.Load()
	said := "You said: " + fault.Strip(input)
	itemID := fmt.Sprintf("msg_%08d", call)
	object := func(status string, output []any) map[string]any {
		return map[string]any{
			"id": fmt.Sprintf("resp_%08d", call), "object": "response", "created_at": now(), "status": status, "model": name,
			"error": nil, "incomplete_details": nil, "instructions": present["instructions"], "metadata": map[string]any{},
			"output": output, "parallel_tool_calls": true, "temperature": 1.0, "tool_choice": "auto", "tools": []any{}, "top_p": 1.0,
		}
	}
	item := func(status string, content []any) map[string]any {
		return map[string]any{"type": "message", "id": itemID, "status": status, "role": "assistant", "content": content}
	}
	part := func(text string) map[string]any {
		return map[string]any{"type": "output_text", "text": text, "annotations": []any{}}
	}
	whole := object("completed", []any{item("completed", []any{part(said)})})
	whole["usage"] = map[string]any{
		"input_tokens": tokens(input), "input_tokens_details": map[string]int{"cached_tokens": 0},
		"output_tokens": tokens(said), "output_tokens_details": map[string]int{"reasoning_tokens": 0},
		"total_tokens": tokens(input) + tokens(said),
	}
	if present["stream"] != true {
		writeJSON(out, http.StatusOK, whole)
		return
	}
	e := newStream(out, spec)
	number := 0
	event := func(kind string, more map[string]any) bool {
		more["type"], more["sequence_number"] = kind, number
		number++
		return e.data(kind, marshal(more))
	}
	at := func(more map[string]any) map[string]any {
		more["item_id"], more["output_index"], more["content_index"] = itemID, 0, 0
		return more
	}
	if !event("response.created", map[string]any{"response": object("in_progress", []any{})}) ||
		!event("response.output_item.added", map[string]any{"output_index": 0, "item": item("in_progress", []any{})}) ||
		!event("response.content_part.added", at(map[string]any{"part": part("")})) {
		return
	}
	for _, p := range pieces(said) {
		if !event("response.output_text.delta", at(map[string]any{"delta": p, "logprobs": []any{}})) {
			return
		}
	}
	if event("response.output_text.done", at(map[string]any{"text": said, "logprobs": []any{}})) &&
		event("response.content_part.done", at(map[string]any{"part": part(said)})) &&
		event("response.output_item.done", map[string]any{"output_index": 0, "item": item("completed", []any{part(said)})}) {
		event("response.completed", map[string]any{"response": whole})
	}
}

// newestText is the input itself, or all the text of its last message.
func newestText(input any) string {
	if s, ok := input.(string); ok {
		return s
	}
	items, _ := input.([]any)
	for _, item := range slices.Backward(items) {
		m, _ := item.(map[string]any)
		switch c := m["content"].(type) {
		case string:
			return c
		case []any:
			var all strings.Builder
			for _, p := range c {
				part, _ := p.(map[string]any)
				text, _ := part["text"].(string)
				all.WriteString(text)
			}
			return all.String()
		}
	}
	return ""
}
