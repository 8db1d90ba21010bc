package claude

import (
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
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

	seen     survey
	tools    toolPlan
	thinking thinkingPlan
	format   formatPlan

	asNamed   bool
	skipMarks int // cache breakpoints still to be left out
	calls     []call
	callSpace [8]call
}

// survey is what one look over the whole request finds, before anything is written.
type survey struct {
	toolBlocks  bool // the history has calls or results of tools
	illegalName bool // some tool's name must be aliased
	illegalID   bool
}

// EncodeRequest appends the body of InvokeModel. The model and whether to stream stand in the URL, not in the body.
func (Dialect) EncodeRequest(dst []byte, r *chat.Request, x *chat.Exchange) ([]byte, error) {
	return encode(dst, r, x, false)
}

// encode writes a request. With asNamed, tools and calls keep the client's names for them, legal or not: the reply is to
// be relayed as it comes.
func encode(dst []byte, r *chat.Request, x *chat.Exchange, asNamed bool) ([]byte, error) {
	e := encoder{w: json.NewWriter(dst), r: r, x: x, f: &x.Facts, asNamed: asNamed}
	e.calls = e.callSpace[:0]
	if r.N > 1 {
		return nil, &chat.Error{
			Kind: chat.ErrInvalidRequest, Code: "unsupported_parameter", Param: "n", Fallback: true,
			Message: "the model '" + x.Model + "' gives one choice only; leave out n, or send the request several times",
		}
	}
	e.survey()
	e.planFormat()
	e.planThinking()
	e.planTools()
	if e.err != nil {
		return nil, e.err
	}
	e.skipMarks = e.countMarks() - maxMarks

	// Tools, system and messages are written in the order of the prompt, since of too many breakpoints the first are left
	// out.
	e.w.BeginObject()
	e.w.Key("anthropic_version")
	e.w.Raw(bedrockVersion)
	e.betas()
	e.w.Key("max_tokens")
	e.w.Int(e.thinking.tokens)
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
	return e.w.Bytes(), nil
}

func (e *encoder) fail(err error) {
	if e.err == nil && err != nil {
		e.err = err
	}
}

func (e *encoder) drop(param string) { e.fail(e.x.Drop(param)) }

// word gives the client's own name for a parameter: Claude's if it speaks this dialect.
func (e *encoder) word(claudes, others string) string {
	if e.r.Dialect == Name {
		return claudes
	}
	return others
}

// survey looks for what decides how the rest is written.
func (e *encoder) survey() {
	for i := range e.r.Tools {
		if t := &e.r.Tools[i]; t.Raw == nil && !legalName(t.Name) {
			e.seen.illegalName = true
		}
	}
	e.eachTooling(func(b *chat.Block) {
		e.seen.toolBlocks = true
		if b.Kind == chat.ToolUse && !legalName(b.Tool.Name) {
			e.seen.illegalName = true
		}
		if !legalID(b.Tool.ID) {
			e.seen.illegalID = true
		}
	})
	if e.asNamed {
		e.seen.illegalName, e.seen.illegalID = false, false
	}
	if !e.seen.illegalName && !e.seen.illegalID {
		return
	}
	// All that is legal is taken before any alias is made, or an alias may take it.
	for i := range e.r.Tools {
		if t := &e.r.Tools[i]; t.Raw == nil && legalName(t.Name) {
			e.toolName(t.Name)
		}
	}
	e.eachTooling(func(b *chat.Block) {
		if b.Kind == chat.ToolUse && legalName(b.Tool.Name) {
			e.toolName(b.Tool.Name)
		}
		if legalID(b.Tool.ID) {
			e.toolID(b.Tool.ID)
		}
	})
}

func (e *encoder) eachTooling(f func(*chat.Block)) {
	for m := range e.r.Messages {
		for i := range e.r.Messages[m].Content {
			if b := &e.r.Messages[m].Content[i]; b.Tool != nil {
				f(b)
			}
		}
	}
}

func (e *encoder) toolName(own string) string {
	if !e.seen.illegalName {
		return own
	}
	return e.x.ToolName(own, legalName, maxName)
}

func (e *encoder) toolID(own string) string {
	if !e.seen.illegalID {
		return own
	}
	return e.x.ToolID(own, legalID, aliasedID)
}

// betas writes those that the model takes; any other would be a 400.
func (e *encoder) betas() {
	if len(e.r.Betas) == 0 {
		return
	}
	open := false
	for _, b := range keptBetas(nil, e.r.Betas, e.x) {
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
		e.w.Value(clamp(v))
		if topP != nil && e.f.OneSampling {
			e.drop("top_p")
			topP = nil
		}
	}
	if topP != nil && e.samples("top_p", topP) {
		e.w.Key("top_p")
		e.w.Value(clamp(topP))
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
		if p.v != nil && (p.name == "seed" || !idle(p.v)) {
			e.drop(p.name)
		}
	}
	switch r.ServiceTier {
	case "", "auto", "default", "standard_only":
	default:
		e.drop("service_tier") // a header's on InvokeModel
	}
	if r.Latency != "" && r.Latency != "standard" {
		e.drop("performanceConfig")
	}
	if r.Guardrail != nil {
		// Never dropped: the client relies on it. On InvokeModel it is a header's.
		err := chat.Invalid("guardrailConfig", "guardrailConfig cannot be passed on to the model '%s' in this form; leave it to the gateway's configuration", e.x.Model)
		err.Fallback = true
		e.fail(err)
	}
	for i := range r.Messages {
		if r.Messages[i].Name != "" {
			e.x.Omit("messages.name")
			break
		}
	}
}

// samples tells whether the model takes the named parameter of sampling; if not, it is dropped. 1 is what a model that
// takes none, or reasons, does anyway: https://platform.claude.com/docs/en/build-with-claude/extended-thinking.
func (e *encoder) samples(param string, v chat.Value) bool {
	if !e.f.NoSampling && !e.thinking.on {
		return true
	}
	n, err := strconv.ParseFloat(string(v), 64)
	if param == "top_p" && err == nil && n >= leastThinkingTopP && !e.f.NoSampling {
		return true
	}
	if param == "top_k" || err != nil || n != 1 {
		e.drop(param)
	}
	return false
}

// leastThinkingTopP is how low top_p may be while Claude reasons; the same page.
const leastThinkingTopP = 0.95

// clamp brings a number down to Claude's most, 1: OpenAI's temperatures go to 2.
func clamp(v chat.Value) chat.Value {
	if n, err := strconv.ParseFloat(string(v), 64); err == nil && n > 1 {
		return chat.Value("1")
	}
	return v
}

// idle tells whether a parameter's value is the same as leaving it out.
func idle(v chat.Value) bool {
	switch string(v) {
	case "null", "false", "0", "0.0", `""`, "[]", "{}":
		return true
	}
	return false
}

// stop writes the stop sequences: empty ones mean nothing, and Claude refuses those of white space alone.
func (e *encoder) stop() {
	open := false
	for _, s := range e.r.Stop {
		if s == "" {
			continue
		}
		if e.f.NoStop {
			e.drop(e.word("stop_sequences", "stop"))
			return
		}
		if json.Quote(s).Blank() {
			e.x.Omit(e.word("stop_sequences", "stop"))
			continue
		}
		if !open {
			e.w.Key("stop_sequences")
			e.w.BeginArray()
			open = true
		}
		e.w.Text(s)
	}
	if open {
		e.w.EndArray()
	}
}

// extra writes the members of a Claude body that have no canonical field and that Bedrock takes; the rest is dropped.
func (e *encoder) extra() {
	for i := range e.r.Extra {
		m := &e.r.Extra[i]
		switch {
		case e.r.Dialect == Name && !unknownToBedrock(m.Key):
			e.w.Key(string(json.AppendEscaped(nil, m.Key)))
			e.w.Value(m.Value)
		case !idle(m.Value):
			e.drop(m.Key)
		}
	}
}
