package openai

import (
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// The names that parameters have in the clients' dialects, for the list of what was dropped.
var clientNames = map[string]map[string]string{
	"reasoning_effort": {"responses": "reasoning.effort"},
	"response_format":  {"claude": "output_config.format", "converse": "outputConfig", "responses": "text.format"},
	"stop":             {"claude": "stop_sequences", "titan": "stopSequences", "converse": "stopSequences"},
}

func clientName(r *chat.Request, param string) string {
	if name := clientNames[param][r.Dialect]; name != "" {
		return name
	}
	return param
}

// requestEncoder writes one request body.
type requestEncoder struct {
	w json.Writer
	r *chat.Request
	x *chat.Exchange

	model   string       // the upstream's name for it
	own     bool         // the target is OpenAI itself
	reasons bool         // it is one of OpenAI's that reason: they take an effort and refuse sampling
	effort  string       // the reasoning_effort that goes out; "" for none
	scratch []chat.Block // content of the message being written
	err     error
}

// EncodeRequest appends a chat.completions body. A stream always asks for its usage, which the gateway counts. Prompt
// cache breakpoints are left out: OpenAI caches prefixes by itself, and nothing is lost but a hint.
func (Dialect) EncodeRequest(dst []byte, r *chat.Request, x *chat.Exchange) ([]byte, error) {
	e := requestEncoder{w: json.NewWriter(dst), r: r, x: x, model: x.TargetModel}
	if e.model == "" {
		e.model = r.Model
	}
	if err := rules.LimitOutput(r, x); err != nil {
		return nil, err
	}
	rules.BoundOutput(r, x)
	known := facts(x, e.model)
	e.own = known.Family == model.GPT
	e.reasons = e.own && known.Thinking == model.ThinkingEffort
	// Names that are legal as they are first, so that no alias takes one.
	for i := range r.Tools {
		if rules.LegalName(r.Tools[i].Name) {
			e.toolName(r.Tools[i].Name)
		}
	}
	e.w.BeginObject()
	e.w.Key("model")
	e.w.Text(e.model)
	e.messages()
	e.tools()
	e.planEffort()
	e.sampling()
	if e.effort != "" {
		e.w.Key("reasoning_effort")
		e.w.Text(e.effort)
	}
	e.format()
	e.rest()
	e.w.EndObject()
	return e.w.Bytes(), e.err
}

func (e *requestEncoder) fail(param, format string, args ...any) {
	if e.err == nil {
		e.err = chat.Invalid(param, format, args...)
	}
}

func (e *requestEncoder) drop(param string) {
	if err := e.x.Drop(param); err != nil && e.err == nil {
		e.err = err
	}
}

func (e *requestEncoder) toolName(own string) string {
	return e.x.ToolName(own, rules.LegalName, maxName)
}

// toolID returns a call's id, shortened to what OpenAI takes.
func (e *requestEncoder) toolID(own string) string { return e.x.ToolID(own, legalID, maxID) }

func (e *requestEncoder) number(key string, v json.Value) {
	if v != nil {
		e.w.Key(key)
		e.w.Value(v)
	}
}

func (e *requestEncoder) sampling() {
	w, r := &e.w, e.r
	if r.MaxTokens > 0 {
		// max_tokens is deprecated at OpenAI and refused by models that reason; other servers know nothing else.
		if e.own {
			w.Key("max_completion_tokens")
		} else {
			w.Key("max_tokens")
		}
		w.Int(r.MaxTokens)
	}
	e.sample("temperature", r.Temperature, "1")
	e.sample("top_p", r.TopP, "1")
	if r.TopK != nil {
		e.drop("top_k")
	}
	e.sample("frequency_penalty", r.FrequencyPenalty, "0")
	e.sample("presence_penalty", r.PresencePenalty, "0")
	e.number("seed", r.Seed)
	if r.N > 0 {
		w.Key("n")
		w.Int(r.N)
	}
	e.stop()
}

// sample writes a number that says how to choose among words. Models that reason take the default and nothing else.
func (e *requestEncoder) sample(key string, v json.Value, usual string) {
	if e.x.Facts.Chat.Copy {
		if v != nil && refusedByCopy(e.x, key, v, e.effort == "none") {
			if string(v) != usual {
				e.drop(key)
			}
			return
		}
		e.number(key, v)
		return
	}
	if v != nil && string(v) != usual && (e.x.Facts.NoSampling || e.reasons) {
		e.drop(key)
		return
	}
	e.number(key, v)
}

// stop writes at most four stop sequences; the API refuses more, and the first are as good as any.
func (e *requestEncoder) stop() {
	stop := e.r.Stop
	if len(stop) == 0 {
		return
	}
	if e.x.Facts.NoStop || e.reasons {
		e.drop(clientName(e.r, "stop"))
		return
	}
	if len(stop) > maxStop {
		e.drop(clientName(e.r, "stop") + "[" + strconv.Itoa(maxStop) + ":]")
		stop = stop[:maxStop]
	}
	e.w.Key("stop")
	e.w.BeginArray()
	for _, s := range stop {
		e.w.Text(s)
	}
	e.w.EndArray()
}

// planEffort decides the effort, made of Claude's budget if need be. OpenAI's models that do not reason refuse it.
func (e *requestEncoder) planEffort() {
	p := &e.r.Reasoning
	effort, asked := p.Effort, clientName(e.r, "reasoning_effort")
	switch {
	case effort != "" || p.Thinking != chat.ThinkingBudget:
	case p.Budget < 2048:
		effort, asked = "low", "thinking"
	case p.Budget < 4096:
		effort, asked = "medium", "thinking"
	default:
		effort, asked = "high", "thinking"
	}
	switch {
	case e.x.Facts.Chat.Copy:
		if effort == "" && p.Thinking == chat.ThinkingOff && !e.x.Facts.Chat.NoEffortNone {
			effort, asked = "none", "thinking"
		}
		var lost bool
		if effort, lost = copyEffort(e.x, effort, len(e.r.Tools) > 0); lost {
			e.drop(asked)
		}
		e.effort = effort
	case effort == "" || effort == "none": // none is what there is without the parameter
	case e.own && !e.reasons:
		e.drop(asked)
	default:
		e.effort = effort
	}
}

func (e *requestEncoder) format() {
	w, f := &e.w, e.r.Format
	if f == nil {
		return
	}
	if f.Schema != nil && e.x.Facts.Chat.Copy && e.x.Facts.Chat.NoSchema {
		e.drop(clientName(e.r, "response_format"))
		return
	}
	w.Key("response_format")
	w.BeginObject()
	w.Key("type")
	if f.Schema == nil && f.Name == "" {
		w.Raw(`"json_object"`)
		w.EndObject()
		return
	}
	w.Raw(`"json_schema"`)
	w.Key("json_schema")
	w.BeginObject()
	w.Key("name")
	if rules.LegalName(f.Name) {
		w.Text(f.Name)
	} else {
		w.Raw(`"response"`) // only a label; the API wants one of legal characters
	}
	if !f.Description.Empty() {
		w.Key("description")
		w.String(f.Description)
	}
	if f.Schema != nil {
		w.Key("schema")
		w.Value(f.Schema)
	}
	if f.Strict != nil {
		w.Key("strict")
		w.Bool(*f.Strict)
	}
	w.EndObject()
	w.EndObject()
}

// serviceTiers are those that OpenAI knows.
var serviceTiers = map[string]bool{"auto": true, "default": true, "flex": true, "priority": true, "scale": true, "fast": true}

func (e *requestEncoder) rest() {
	w, r := &e.w, e.r
	if r.Stream {
		w.Key("stream")
		w.Bool(true)
		w.Key("stream_options")
		w.Raw(`{"include_usage":true}`)
	}
	if r.ServiceTier != "" {
		if serviceTiers[r.ServiceTier] {
			w.Key("service_tier")
			w.Text(r.ServiceTier)
		} else {
			e.drop("service_tier")
		}
	}
	if r.User != nil {
		w.Key("user")
		w.String(r.User)
	}
	if len(r.Metadata) > 0 {
		e.metadata()
	}
	if r.Guardrail != nil {
		e.drop("guardrailConfig")
	}
	if r.Latency != "" {
		e.drop("performanceConfig")
	}
	if len(r.Betas) > 0 {
		e.drop("anthropic_beta")
	}
	for _, m := range r.Extra {
		if r.Dialect != Name || refusedByCopy(e.x, m.Key, m.Value, e.effort == "none") {
			e.drop(m.Key)
			continue
		}
		w.Key(string(json.AppendEscaped(nil, m.Key)))
		w.Value(m.Value)
	}
}

// metadata is for stored completions only; OpenAI refuses it on others, so another dialect's does not travel.
func (e *requestEncoder) metadata() {
	if e.r.Dialect != Name {
		e.drop("metadata")
		return
	}
	e.w.Key("metadata")
	e.w.BeginObject()
	for _, p := range e.r.Metadata {
		e.w.Key(string(json.AppendEscaped(nil, p.Key)))
		e.w.Text(p.Value)
	}
	e.w.EndObject()
}
