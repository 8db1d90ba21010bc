package claude

import (
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// defaultMaxTokens is the limit of a reply for which the client gave none, since Claude wants one.
const defaultMaxTokens = 4096

// encoder writes one request body.
type encoder struct {
	w json.Writer
	r *chat.Request
	x *chat.Exchange
	f *model.Facts
	// err is the first thing that went wrong. Writing goes on after it; the bytes are thrown away.
	err error

	view     rules.View
	names    rules.Names
	history  bool // the conversation has calls or results of tools
	tools    toolPlan
	thinking rules.Thinking
	tokens   int64 // the limit of output tokens
	format   rules.Format

	marks rules.Breakpoints
	calls chat.Calls
}

// EncodeRequest appends the body of InvokeModel. The model and whether to stream stand in the URL, not in the body.
func (Dialect) EncodeRequest(dst []byte, r *chat.Request, x *chat.Exchange) ([]byte, error) {
	return encode(dst, r, x, false)
}

// encode writes a request. With asNamed, tools and calls keep the client's names for them, legal or not: the reply is to
// be relayed as it comes.
func encode(dst []byte, r *chat.Request, x *chat.Exchange, asNamed bool) ([]byte, error) {
	r, err := rules.InvokeHeaders(r, x)
	if err != nil {
		return nil, err
	}
	e := encoder{w: json.NewWriter(dst), r: r, x: x, f: &x.Facts}
	if err := rules.OneChoice(r, x); err != nil {
		return nil, err
	}
	if err := rules.LimitOutput(r, x); err != nil {
		return nil, err
	}
	e.view = rules.View{Dialect: chat.Claude, Thinking: rules.KeepsThinking(e.f), Family: e.f.Family}
	e.history = r.HoldsTooling()
	if !asNamed {
		e.names = rules.NamesOf(r, x, ids)
	}
	e.format.Plan(r, x, e.f.NativeSchema)
	e.planThinking()
	e.planTools()
	if e.err != nil {
		return nil, e.err
	}
	e.planMarks()

	e.fail(e.view.Unspoken(r.Messages, x))
	// Tools, system and messages are written in the order of the prompt, since of too many breakpoints the first are left
	// out.
	e.w.BeginObject()
	e.w.Key("anthropic_version")
	e.w.Raw(bedrockVersion)
	e.betas()
	e.w.Key("max_tokens")
	e.w.Int(e.tokens)
	e.toolList()
	e.toolChoice()
	e.system()
	e.messages()
	e.parameters()
	e.thinkingMember()
	e.outputConfig()
	e.extra()
	e.w.EndObject()
	if e.err != nil {
		return nil, e.err
	}
	return autoCached(e.w.Bytes(), len(dst), x), nil
}

func (e *encoder) fail(err error) {
	if e.err == nil && err != nil {
		e.err = err
	}
}

func (e *encoder) drop(param string) { e.fail(e.x.Drop(param)) }

// word returns the client's own name for a parameter: Claude's if it speaks this dialect.
func (e *encoder) word(claudes, others string) string {
	if e.r.Dialect == Name {
		return claudes
	}
	return others
}

// betas writes those that the model takes; any other would be a 400.
func (e *encoder) betas() {
	betas := rules.Betas(e.r, e.x, e.sends)
	if len(betas) == 0 {
		return
	}
	open := false
	for _, b := range keptBetas(nil, splitBetas(nil, betas), e.x) {
		if !open {
			e.w.Key("anthropic_beta")
			e.w.BeginArray()
			open = true
		}
		e.w.Text(b)
	}
	if open {
		e.w.EndArray()
	}
}

// parameters writes what shapes the reply, and drops what Claude cannot be told.
func (e *encoder) parameters() {
	r := e.r
	topP := r.TopP
	if v := r.Temperature; v != nil && e.samples("temperature", v) {
		e.w.Key("temperature")
		e.w.Value(rules.Clamp(v))
		if topP != nil && e.f.OneSampling {
			e.drop("top_p")
			topP = nil
		}
	}
	if topP != nil && e.samples("top_p", topP) {
		e.w.Key("top_p")
		e.w.Value(rules.Clamp(topP))
	}
	if v := r.TopK; v != nil && e.samples("top_k", v) {
		e.w.Key("top_k")
		e.w.Value(v)
	}
	e.stop()
	if r.User != nil {
		e.w.Raw(`"metadata":{"user_id":`)
		e.w.String(r.User)
		e.w.EndObject()
	}
	if len(r.Metadata) > 0 {
		e.drop("metadata")
	}
	for _, p := range [...]struct {
		name string
		v    chat.Value
	}{{"seed", r.Seed}, {"frequency_penalty", r.FrequencyPenalty}, {"presence_penalty", r.PresencePenalty}} {
		if p.v != nil && (p.name == "seed" || !rules.Idle(p.v)) {
			e.drop(p.name)
		}
	}
	if !rules.UsualTier(r.ServiceTier) {
		e.drop("service_tier") // a header's on InvokeModel
	}
	if r.Latency != "" && r.Latency != "standard" {
		e.drop("performanceConfig")
	}
	e.fail(rules.NoGuardrail(r, e.x)) // on InvokeModel it is a header's
	rules.OmitNames(r, e.x)
}

// samples reports whether the model takes the named parameter of sampling; if not, it is dropped.
func (e *encoder) samples(param string, v chat.Value) bool {
	keeps, drops := samples(e.f, e.thinking.On, param, v)
	if drops {
		e.drop(param)
	}
	return keeps
}

// samples reports whether the model keeps the named parameter of sampling, and whether leaving it out changes anything: 1
// is what a model that takes none, or that thinks, does anyway.
// https://platform.claude.com/docs/en/build-with-claude/extended-thinking
func samples(f *model.Facts, thinks bool, param string, v chat.Value) (keeps, drops bool) {
	if !f.NoSampling && !thinks {
		return true, false
	}
	n, err := strconv.ParseFloat(string(v), 64)
	if param == "top_p" && err == nil && n >= leastThinkingTopP && !f.NoSampling {
		return true, false
	}
	return false, param == "top_k" || err != nil || n != 1
}

// leastThinkingTopP is how low top_p may be while Claude reasons; the same page.
const leastThinkingTopP = 0.95

// stop writes the stop sequences. Claude refuses those of white space alone.
func (e *encoder) stop() {
	stops, err := rules.Stops(e.r, e.x, false, e.word("stop_sequences", "stop"))
	e.fail(err)
	if len(stops) == 0 {
		return
	}
	e.w.Key("stop_sequences")
	e.w.BeginArray()
	for _, s := range stops {
		e.w.Text(s)
	}
	e.w.EndArray()
}

// extra writes the members of a Claude body that have no canonical field and that Bedrock takes; the rest is dropped.
func (e *encoder) extra() {
	for i := range e.r.Extra {
		m := &e.r.Extra[i]
		switch {
		case e.r.Dialect == Name && e.betaMember(m.Key):
			e.x.Omit(m.Key)
		case e.r.Dialect == Name && !unknownToBedrock(m.Key):
			e.w.Key(string(json.AppendEscaped(nil, m.Key)))
			e.w.Value(m.Value)
		case !rules.IdleMember(m):
			e.drop(m.Key)
		}
	}
}
