package bedrock

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/fault"
)

// fragmentSize is how many bytes of a tool's input one delta carries.
const fragmentSize = 12

// converseStream writes the events of ConverseStream. As with the real service, a text or reasoning block has no start
// event, a tool block has one, and a tool's input begins with an empty fragment.
func (x *exchange) converseStream(w *fault.Writer, q *converseRequest, a *ask, said *answer) {
	f := x.stream(w, a.fault)
	if a.fault.NoOutput {
		return
	}
	index := 0
	delta := func(kind string, v any) bool {
		return f.event("contentBlockDelta", map[string]any{"contentBlockIndex": index, "delta": map[string]any{kind: v}})
	}
	stop := func() {
		f.event("contentBlockStop", map[string]any{"contentBlockIndex": index})
		index++
	}
	f.event("messageStart", map[string]any{"role": "assistant"})
	switch {
	case said.redacted != nil:
		delta("reasoningContent", map[string]any{"redactedContent": said.redacted})
		stop()
	case said.reasoning != "":
		for _, p := range pieces(said.reasoning) {
			delta("reasoningContent", map[string]any{"text": p})
		}
		if said.signature != "" {
			delta("reasoningContent", map[string]any{"signature": said.signature})
		}
		stop()
	}
	if said.text != "" {
		for _, p := range pieces(said.text) {
			if !delta("text", p) {
				return
			}
		}
		stop()
	}
	if a.fault.UnknownBlock {
		f.event("contentBlockStart", map[string]any{"contentBlockIndex": index, "start": map[string]any{"hologram": map[string]any{"depth": 3}}})
		delta("hologram", map[string]any{"slice": "x"})
		f.event("hologramEvent", map[string]any{"depth": 3})
		stop()
	}
	for _, c := range said.calls {
		f.event("contentBlockStart", map[string]any{
			"contentBlockIndex": index,
			"start":             map[string]any{"toolUse": map[string]any{"toolUseId": c.id, "name": c.name}},
		})
		for _, p := range fragments(string(c.input)) {
			if !delta("toolUse", map[string]any{"input": p}) {
				return
			}
		}
		stop()
	}
	end := map[string]any{"stopReason": said.stop}
	if fields := x.responseFields(q, a, said); fields != nil {
		end["additionalModelResponseFields"] = fields
	}
	f.event("messageStop", end)
	used := said.usage.converse()
	if u := said.usage; x.model.family == "gpt" {
		// Streams of GPT count the cache among the input, and twice in the total.
		used["inputTokens"], used["totalTokens"] = u.input+u.read+u.write, u.input+u.output+2*(u.read+u.write)
	}
	metadata := map[string]any{"usage": used, "metrics": map[string]any{"latencyMs": x.latency()}}
	x.setCommon(metadata, q, a, said)
	f.event("metadata", metadata)
	f.finish()
}

// finish sends an exception that was to come after more frames than there were.
func (f *frames) finish() {
	if !f.over && f.spec.Exception != "" {
		f.spec.ExceptionAt = 0
		f.exception()
	}
}

// fragments splits a tool's input as the real service does: an empty one first, and nothing else for an empty object.
func fragments(input string) []string {
	out := []string{""}
	if input == "{}" {
		return out
	}
	for len(input) > fragmentSize {
		n := fragmentSize
		for n > 1 && input[n]&0xC0 == 0x80 { // not inside a character
			n--
		}
		out, input = append(out, input[:n]), input[n:]
	}
	return append(out, input)
}
