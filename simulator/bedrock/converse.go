package bedrock

import (
	"encoding/json"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/fault"
)

// converse serves Converse and ConverseStream.
func (x *exchange) converse() *apiError {
	stream := x.seen.Operation == "ConverseStream"
	s := converseShape
	if stream {
		s = converseStreamShape
	}
	q, refused := decodeConverse(s, x.body)
	if refused != nil {
		return refused
	}
	a, refused := q.check(x.model, stream)
	if refused != nil {
		return refused
	}
	a.usage = x.cache.use(q.prefix(x.model), x.opts.Now())
	w, refused := x.reply(a)
	if w == nil {
		return refused
	}
	said := a.answer()
	switch {
	case a.fault.Stop != "":
	case said.stop == "refusal":
		said.stop = "content_filtered"
	case said.stop == "pause_turn":
		said.stop = "end_turn"
	}
	if stream {
		x.converseStream(w, q, a, said)
		return nil
	}
	x.converseOnce(w, q, a, said)
	return nil
}

// decodeConverse reads a body of shape s.
func decodeConverse(s *shape, body []byte) (*converseRequest, *apiError) {
	value, refused := decodeJSON(body)
	if refused != nil {
		return nil, refused
	}
	if refused = s.check(value); refused != nil {
		return nil, refused
	}
	q := &converseRequest{}
	if err := json.Unmarshal(body, q); err != nil {
		return nil, &apiError{name: "SerializationException", message: err.Error()}
	}
	return q, nil
}

// check holds q against every rule, and returns what there is to answer.
func (q *converseRequest) check(m *model, stream bool) (*ask, *apiError) {
	for _, rule := range []func() *apiError{
		func() *apiError { return q.checkModel(m, stream) },
		q.checkConversation,
		func() *apiError { return q.checkPrefill(m) },
		func() *apiError { return q.checkTools(m) },
		func() *apiError { return q.checkMedia(m) },
		func() *apiError { return q.checkExtra(m) },
	} {
		if refused := rule(); refused != nil {
			return nil, refused
		}
	}
	a := q.ask(m)
	extra, _ := q.AdditionalModelRequestFields.(map[string]any)
	budget := false
	if m.family == "claude" {
		p, _ := claudeParameters(extra)
		p.merge(q)
		a.tools = append(a.tools, foreignTools(extra)...)
		a.thinking, a.serial, budget = p.thinks(), p.serial, p.thinking == "enabled"
		if p.choice != "" {
			a.choice, a.forced = p.choice, p.forced
		}
		if f, ok := p.format.(map[string]any); ok {
			a.schema = f["schema"]
		}
	} else {
		a.thinking = otherThinks(m, extra)
	}
	return a, q.checkReasoning(m, budget)
}

// otherThinks reports whether a model that is no Claude shows its reasoning.
func otherThinks(m *model, extra map[string]any) bool {
	switch m.family {
	case "nova2":
		c, _ := extra["reasoningConfig"].(map[string]any)
		return c["type"] == "enabled"
	case "gpt-oss":
		return extra["reasoning_effort"] != nil
	case "deepseek":
		return strings.HasPrefix(m.id, "deepseek.r1") || extra["reasoning_config"] != nil
	}
	return false
}

// ask is what there is to answer; the Claude parameters and the usage are not in it yet.
func (q *converseRequest) ask(m *model) *ask {
	a := &ask{model: m, stops: q.InferenceConfig.StopSequences, messages: len(q.Messages), maxTokens: m.maxTokens}
	if n := q.InferenceConfig.MaxTokens; n != nil {
		a.maxTokens = *n
	}
	for i := range q.System {
		if t := q.System[i].Text; t != nil {
			a.system += *t + "\n"
		}
	}
	a.choice, a.forced = q.toolChoice()
	if q.ToolConfig != nil {
		for _, t := range q.ToolConfig.Tools {
			if t.ToolSpec != nil {
				a.tools = append(a.tools, tool{name: t.ToolSpec.Name, schema: decoded(t.ToolSpec.InputSchema.JSON)})
			}
		}
	}
	if q.OutputConfig != nil && q.OutputConfig.TextFormat != nil {
		a.schema = decoded([]byte(q.OutputConfig.TextFormat.Structure.JSONSchema.Schema))
	}
	if g := q.GuardrailConfig; g != nil {
		a.guardTrace = strings.HasPrefix(g.Trace, "enabled")
	}
	for i := range q.Messages {
		if msg := &q.Messages[i]; msg.Role == "user" {
			a.hear(msg)
		}
	}
	if last := &q.Messages[len(q.Messages)-1]; last.Role == "assistant" {
		for _, b := range last.Content {
			if b.Text != nil {
				a.prefill += *b.Text
			}
		}
	}
	return a
}

// hear takes the last user turn in; it is called for each, the last one stays.
func (a *ask) hear(m *message) {
	a.newest, a.media, a.results = "", nil, nil
	var texts []string
	for i := range m.Content {
		b := &m.Content[i]
		if t := b.plainText(); t != "" {
			texts = append(texts, t)
			a.ordered(t)
		}
		if b.ToolResult != nil {
			a.results = append(a.results, b.ToolResult.said())
		}
		if d := b.describe(); d != "" {
			a.media = append(a.media, d)
		}
	}
	a.text = strings.Join(texts, "\n")
}

// toolChoice is auto, any or tool, and the tool's name.
func (q *converseRequest) toolChoice() (choice, forced string) {
	if q.ToolConfig == nil || q.ToolConfig.ToolChoice == nil {
		return "auto", ""
	}
	switch c := q.ToolConfig.ToolChoice; {
	case c.Any != nil:
		return "any", ""
	case c.Tool != nil:
		return "tool", c.Tool.Name
	}
	return "auto", ""
}

// converseOnce writes the whole reply of Converse.
func (x *exchange) converseOnce(w *fault.Writer, q *converseRequest, a *ask, said *answer) {
	var content []any
	add := func(kind string, v any) { content = append(content, map[string]any{kind: v}) }
	switch {
	case said.redacted != nil:
		add("reasoningContent", map[string]any{"redactedContent": said.redacted})
	case said.reasoning != "":
		text := map[string]any{"text": said.reasoning}
		if said.signature != "" {
			text["signature"] = said.signature
		}
		add("reasoningContent", map[string]any{"reasoningText": text})
	}
	if said.text != "" {
		add("text", said.text)
	}
	if a.fault.UnknownBlock {
		add("hologram", map[string]any{"depth": 3})
	}
	for _, c := range said.calls {
		add("toolUse", map[string]any{"toolUseId": c.id, "name": c.name, "input": c.input})
	}
	reply := map[string]any{
		"metrics":    map[string]any{"latencyMs": x.latency()},
		"output":     map[string]any{"message": map[string]any{"role": "assistant", "content": orEmpty(content)}},
		"stopReason": said.stop,
		"usage":      said.usage.converse(),
	}
	if fields := x.responseFields(q, a, said); fields != nil {
		reply["additionalModelResponseFields"] = fields
	}
	if a.fault.NoOutput {
		delete(reply, "output")
	}
	x.setCommon(reply, q, a, said)
	x.w.Header().Set("Content-Type", "application/json")
	x.send(w, encode(reply))
}

// responseFields are the members of Claude's own reply that additionalModelResponseFieldPaths asks for, nil if none.
func (x *exchange) responseFields(q *converseRequest, a *ask, said *answer) map[string]any {
	if x.model.family != "claude" {
		return nil
	}
	own := x.claudeReply(a, said)
	var fields map[string]any
	for _, path := range q.AdditionalModelResponseFieldPaths {
		name := strings.TrimPrefix(path, "/")
		if v, there := own[name]; there {
			if fields == nil {
				fields = map[string]any{}
			}
			fields[name] = v
		}
	}
	return fields
}

// setCommon sets what a reply and a stream's metadata have alike.
func (x *exchange) setCommon(reply map[string]any, q *converseRequest, a *ask, said *answer) {
	if q.PerformanceConfig != nil {
		reply["performanceConfig"] = map[string]any{"latency": q.PerformanceConfig.Latency}
	}
	if q.ServiceTier != nil {
		reply["serviceTier"] = map[string]any{"type": q.ServiceTier.Type}
	}
	if a.guardTrace {
		reply["trace"] = guardrailTrace(said.stop == "guardrail_intervened")
	}
}

// guardrailTrace is the assessment of a guardrail with one content filter.
func guardrailTrace(intervened bool) map[string]any {
	trace := map[string]any{"actionReason": "No action."}
	if intervened {
		trace["actionReason"] = "Guardrail blocked."
		trace["inputAssessment"] = map[string]any{"simulator": map[string]any{"contentPolicy": map[string]any{
			"filters": []any{map[string]any{"type": "MISCONDUCT", "confidence": "HIGH", "filterStrength": "HIGH", "action": "BLOCKED", "detected": true}},
		}}}
	}
	return map[string]any{"guardrail": trace}
}

// converse is the usage in Converse's form.
func (u usage) converse() map[string]any {
	m := map[string]any{
		"inputTokens": u.input, "outputTokens": u.output, "totalTokens": u.input + u.output + u.read + u.write,
		"cacheReadInputTokens": u.read, "cacheWriteInputTokens": u.write,
	}
	if len(u.written) > 0 {
		details := make([]any, 0, len(u.written))
		for _, d := range u.written {
			details = append(details, map[string]any{"ttl": d.ttl, "inputTokens": d.tokens})
		}
		m["cacheDetails"] = details
	}
	return m
}

func orEmpty(content []any) []any {
	if content == nil {
		return []any{}
	}
	return content
}
