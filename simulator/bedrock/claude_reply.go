package bedrock

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/fault"
)

// claudeStop is the stop reason in Claude's words.
func claudeStop(a *ask, said *answer) string {
	if a.fault.Stop != "" {
		return said.stop
	}
	switch said.stop {
	case "guardrail_intervened", "content_filtered":
		return "refusal"
	}
	return said.stop
}

// usage is the usage in Claude's form.
func (u usage) claude() map[string]any {
	byTTL := map[string]int{}
	for _, w := range u.written {
		byTTL[w.ttl] += w.tokens
	}
	return map[string]any{
		"input_tokens": u.input, "output_tokens": u.output,
		"cache_creation_input_tokens": u.write, "cache_read_input_tokens": u.read,
		"cache_creation": map[string]any{"ephemeral_5m_input_tokens": byTTL["5m"], "ephemeral_1h_input_tokens": byTTL["1h"]},
	}
}

// claudeFrame is the message without content, usage or stop.
func (x *exchange) claudeFrame() map[string]any {
	return map[string]any{
		"id": fmt.Sprintf("msg_bdrk_%024x", x.number), "type": "message", "role": "assistant",
		"model": claudeModel(x.model), "content": []any{}, "stop_reason": nil, "stop_sequence": nil,
	}
}

// claudeBlocks are the content blocks of the answer.
func claudeBlocks(a *ask, said *answer) []map[string]any {
	out := []map[string]any{}
	switch {
	case said.redacted != nil:
		out = append(out, map[string]any{"type": "redacted_thinking", "data": base64.StdEncoding.EncodeToString(said.redacted)})
	case said.reasoning != "":
		out = append(out, map[string]any{"type": "thinking", "thinking": said.reasoning, "signature": said.signature})
	}
	if said.text != "" {
		out = append(out, map[string]any{"type": "text", "text": said.text})
	}
	if a.fault.UnknownBlock {
		out = append(out, map[string]any{"type": "hologram", "depth": 3})
	}
	for _, c := range said.calls {
		out = append(out, map[string]any{"type": "tool_use", "id": claudeCallID(c.id), "name": c.name, "input": c.input})
	}
	return out
}

// claudeCallID has the look of a tool id of Claude on Bedrock.
func claudeCallID(id string) string {
	return "toolu_bdrk_01" + strings.TrimPrefix(id, "tooluse_")
}

// claudeReply is the whole reply of InvokeModel.
func (x *exchange) claudeReply(a *ask, said *answer) map[string]any {
	m := x.claudeFrame()
	m["content"], m["stop_reason"], m["usage"] = claudeBlocks(a, said), claudeStop(a, said), said.usage.claude()
	if said.sequence != "" {
		m["stop_sequence"] = said.sequence
	}
	if guardedCall(x.r) {
		m["amazon-bedrock-guardrailAction"] = "NONE"
		if a.fault.Filtered != "" {
			m["amazon-bedrock-guardrailAction"] = "INTERVENED"
		}
	}
	return m
}

// claudeStream writes the chunks of InvokeModelWithResponseStream. The last one carries the invocation's metrics.
func (x *exchange) claudeStream(w *fault.Writer, a *ask, said *answer) {
	f := x.stream(w, a.fault)
	if a.fault.NoOutput {
		return
	}
	start := x.claudeFrame()
	begun := said.usage
	begun.output = 1
	start["usage"] = begun.claude()
	f.chunk(map[string]any{"type": "message_start", "message": start})
	for i, b := range claudeBlocks(a, said) {
		if !f.claudeBlock(i, b) {
			return
		}
	}
	if a.fault.UnknownBlock {
		f.chunk(map[string]any{"type": "hologram_event", "depth": 3})
	}
	delta := map[string]any{"stop_reason": claudeStop(a, said), "stop_sequence": nil}
	if said.sequence != "" {
		delta["stop_sequence"] = said.sequence
	}
	f.chunk(map[string]any{"type": "message_delta", "delta": delta, "usage": map[string]any{
		"input_tokens": said.usage.input, "output_tokens": said.usage.output,
		"cache_creation_input_tokens": said.usage.write, "cache_read_input_tokens": said.usage.read,
	}})
	end := map[string]any{"type": "message_stop"}
	if !x.sse {
		end["amazon-bedrock-invocationMetrics"] = x.metrics(said.usage)
	}
	f.chunk(end)
	f.finish()
}

// claudeBlock writes start, deltas and stop of one content block.
func (f *frames) claudeBlock(i int, b map[string]any) bool {
	begin := func(block map[string]any) {
		f.chunk(map[string]any{"type": "content_block_start", "index": i, "content_block": block})
	}
	delta := func(kind, member string, v any) {
		f.chunk(map[string]any{"type": "content_block_delta", "index": i, "delta": map[string]any{"type": kind, member: v}})
	}
	switch b["type"] {
	case "text":
		begin(map[string]any{"type": "text", "text": ""})
		for _, p := range pieces(b["text"].(string)) {
			delta("text_delta", "text", p)
		}
	case "thinking":
		begin(map[string]any{"type": "thinking", "thinking": "", "signature": ""})
		for _, p := range pieces(b["thinking"].(string)) {
			delta("thinking_delta", "thinking", p)
		}
		delta("signature_delta", "signature", b["signature"])
	case "tool_use":
		begin(map[string]any{"type": "tool_use", "id": b["id"], "name": b["name"], "input": map[string]any{}})
		for _, p := range fragments(compact(encode(b["input"]))) {
			delta("input_json_delta", "partial_json", p)
		}
	case "hologram":
		begin(b)
		delta("hologram_delta", "slice", "x")
	default:
		begin(b)
	}
	return f.chunk(map[string]any{"type": "content_block_stop", "index": i})
}
