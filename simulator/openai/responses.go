package openai

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/fault"
)

// sealedPrefix begins the encrypted_content of reasoning that this simulator made.
const sealedPrefix = "gAAAAsimulated-"

// sealed is an encrypted_content: the API reads its own only.
func sealed(at string, v any) *failure {
	s, ok := v.(string)
	if !ok {
		return wrongType(at, "a string", v)
	}
	thought, own := strings.CutPrefix(s, sealedPrefix)
	if _, err := base64.StdEncoding.DecodeString(thought); !own || err != nil || thought == "" {
		return invalid(at, "invalid_encrypted_content", "The encrypted content "+shortened(s)+" could not be verified. Reason: Encrypted content could not be decrypted or parsed.")
	}
	return nil
}

func seal(text string) string {
	return sealedPrefix + base64.StdEncoding.EncodeToString([]byte(text))
}

func unsealed(s string) string {
	text, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, sealedPrefix))
	return string(text)
}

func shortened(s string) string {
	if len(s) > 8 {
		return s[:4] + "..." + s[len(s)-4:]
	}
	return s
}

// responses answers as chat does, in items.
func (s *server) responses(w http.ResponseWriter, r *http.Request, body []byte) {
	present, m, name, f := s.read(r, body, chatUse, "", responsesBody)
	if f != nil {
		f.write(w)
		return
	}
	before, input, f := s.recall(present)
	if f != nil {
		f.write(w)
		return
	}
	var q responsesRequest
	if err := json.Unmarshal(marshal(present), &q); err != nil {
		notJSON().write(w)
		return
	}
	if f := q.check(m, present); f != nil {
		f.write(w)
		return
	}
	c := q.chat()
	if n := c.promptTokens() + c.limit(); n > m.context {
		f := overflow(m, n, 0)
		f.Param = orNull("input")
		f.Message = "Your input exceeds the context window of this model. Please adjust your input and try again."
		f.write(w)
		return
	}
	out, spec, _ := s.play(w, r, c.lastUser(), q.Model)
	if out == nil {
		return
	}
	a := answer{finish: "stop"}
	if !spec.NoOutput {
		a = c.answerOf(m, 0, spec)
	}
	p := &response{request: &q, present: present, model: name, series: s.opts.Series, number: s.calls.Load(), answer: &a, used: usageOf(c, []answer{a})}
	p.items = p.makeItems(c, m, spec)
	if n := len(q.Input); n > 0 && q.Input[n-1].Type == "compaction_trigger" {
		p.items = []map[string]any{p.compaction(c)}
	}
	var kept *storedResponse
	if s.storage != nil && (q.Store == nil || *q.Store) {
		kept = s.keep(p, before, input)
	}
	if !q.Stream {
		reply := p.object(p.items, p.status())
		if kept != nil && kept.background {
			reply = kept.now()
		}
		writeJSON(out, http.StatusOK, reply)
		return
	}
	(&responsesStream{stream: newStream(out, spec), response: p}).run()
}

// response is one reply in the making.
type response struct {
	request *responsesRequest
	present map[string]any
	model   string
	series  string // tells its ids from another server's
	number  uint64
	answer  *answer
	used    *usage
	items   []map[string]any
}

// status is how the reply ended: completed, or incomplete with the reason.
func (p *response) status() string {
	switch p.answer.finish {
	case "length", "content_filter":
		return "incomplete"
	}
	return "completed"
}

// echoed are the settings that the reply repeats, with what stands there where the request says nothing.
var echoed = map[string]any{
	"background": false, "instructions": nil, "max_output_tokens": nil, "max_tool_calls": nil, "metadata": map[string]any{},
	"parallel_tool_calls": true, "previous_response_id": nil, "prompt_cache_key": nil, "safety_identifier": nil, "store": true,
	"temperature": 1.0, "tool_choice": "auto", "tools": []any{}, "top_logprobs": 0, "top_p": 1.0, "truncation": "disabled", "user": nil,
	"reasoning": map[string]any{"effort": nil, "summary": nil}, "text": map[string]any{"format": map[string]any{"type": "text"}, "verbosity": "medium"},
	"service_tier": "default",
}

// object is the response object with the given output.
func (p *response) object(output []map[string]any, status string) map[string]any {
	o := map[string]any{
		"id": fmt.Sprintf("resp_%s%042x", p.series, p.number), "object": "response", "created_at": now(), "status": status, "model": p.model,
		"error": nil, "incomplete_details": nil, "output": output, "usage": nil,
	}
	for name, otherwise := range echoed {
		if o[name] = p.present[name]; o[name] == nil {
			o[name] = otherwise
		}
	}
	if status == "in_progress" {
		return o
	}
	if status == "incomplete" {
		reason := "max_output_tokens"
		if p.answer.finish == "content_filter" {
			reason = "content_filter"
		}
		o["incomplete_details"] = map[string]string{"reason": reason}
	}
	o["usage"] = map[string]any{
		"input_tokens": p.used.PromptTokens, "output_tokens": p.used.CompletionTokens, "total_tokens": p.used.TotalTokens,
		"input_tokens_details":  map[string]int{"cached_tokens": p.used.PromptTokensDetails.CachedTokens, "cache_write_tokens": 0},
		"output_tokens_details": map[string]int{"reasoning_tokens": p.used.CompletionDetails.ReasoningTokens},
	}
	return o
}

// makeItems are the output items of the answer: reasoning, words, calls.
func (p *response) makeItems(c *chatRequest, m model, spec fault.Spec) []map[string]any {
	items := []map[string]any{}
	a := p.answer
	id := func(kind string) string { return fmt.Sprintf("%s_%s%034x%08x", kind, p.series, p.number, len(items)) }
	if m.reasons && a.reasoning > 0 && !spec.NoOutput {
		items = append(items, p.reasoning(id("rs"), c, m))
	}
	if spec.UnknownBlock {
		items = append(items, map[string]any{"type": "hologram", "id": id("holo"), "depth": 3})
	}
	var content []any
	if a.text != "" || len(a.calls) == 0 && a.refusal == "" && !spec.NoOutput {
		content = append(content, map[string]any{"type": "output_text", "text": a.text, "annotations": []any{}, "logprobs": []any{}})
	}
	if a.refusal != "" {
		content = append(content, map[string]any{"type": "refusal", "refusal": a.refusal})
	}
	if content != nil {
		items = append(items, map[string]any{"type": "message", "id": id("msg"), "status": p.status(), "role": "assistant", "content": content})
	}
	for i, k := range a.calls {
		callID := fmt.Sprintf("call_%016x%04d", p.number, i)
		if m.limits != nil && m.limits.PositionalIDs {
			callID = fmt.Sprintf("call_%d", i)
		}
		namespace, name, spaced := strings.Cut(k.name, namespaceMark)
		if !spaced {
			name = k.name
		}
		item := map[string]any{"type": "function_call", "id": id("fc"), "call_id": callID, "name": name, "status": "completed", "arguments": k.arguments}
		if k.custom {
			item = map[string]any{"type": "custom_tool_call", "id": id("ctc"), "call_id": callID, "name": name, "status": "completed", "input": k.arguments}
		}
		if spaced {
			item["namespace"] = namespace
		}
		items = append(items, item)
	}
	return items
}

// reasoning is an item of reasoning: its summary and its sealed content only where they are asked for.
func (p *response) reasoning(id string, c *chatRequest, m model) map[string]any {
	thought := "The user said: " + fault.Strip(c.lastUser())
	item := map[string]any{"type": "reasoning", "id": id, "summary": []any{}}
	if m.limits != nil && m.limits.OpenReasoning {
		item["content"] = []any{map[string]any{"type": "reasoning_text", "text": thought}}
		return item
	}
	if p.request.Reasoning.Summary != "" {
		item["summary"] = []any{map[string]any{"type": "summary_text", "text": thought}}
	}
	if slices.Contains(p.request.Include, "reasoning.encrypted_content") {
		item["encrypted_content"] = seal(thought)
	}
	return item
}

// compaction is the one item that answers a compaction_trigger.
func (p *response) compaction(c *chatRequest) map[string]any {
	return map[string]any{
		"type": "compaction", "id": fmt.Sprintf("cmp_%050x", p.number), "encrypted_content": seal("A summary; the user said: " + fault.Strip(c.lastUser())),
	}
}
