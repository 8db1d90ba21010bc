package responses

import (
	"slices"
	"strconv"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

const (
	maxName = 64
	maxID   = 64
	// minOutput is the least limit of a reply that the API takes.
	minOutput = 16
)

// clientNames are the names that parameters have in the clients' dialects, for the list of what was dropped.
var clientNames = map[string]map[string]string{
	"stop": {"claude": "stop_sequences", "titan": "stopSequences", "converse": "stopSequences"},
}

func clientName(r *chat.Request, param string) string {
	if name := clientNames[param][r.Dialect]; name != "" {
		return name
	}
	return param
}

// requestEncoder writes one request body.
type requestEncoder struct {
	w   json.Writer
	r   *chat.Request
	x   *chat.Exchange
	own bool // the client speaks this dialect
	// effort is the reasoning.effort that goes out, summary whether the model's thoughts are asked for; sealed: what it needs
	// of them in the next turn is.
	effort          string
	summary, sealed bool
	marks           rules.Breakpoints
	calls           []madeCall
	err             error
}

// EncodeRequest appends the body of POST /v1/responses. Nothing is stored: what the model thought travels in the
// conversation, sealed.
func (Dialect) EncodeRequest(dst []byte, r *chat.Request, x *chat.Exchange) ([]byte, error) {
	e := requestEncoder{w: json.NewWriter(dst), r: r, x: x, own: r.Dialect == Name}
	if err := rules.OneChoice(r, x); err != nil {
		return nil, err
	}
	if err := rules.LimitOutput(r, x); err != nil {
		return nil, err
	}
	if err := rules.CheckEffort(r.Reasoning.Effort); err != nil {
		return nil, err
	}
	rules.BoundOutput(r, x)
	// Names that are legal as they are first, so that no alias takes one.
	for i := range r.Tools {
		if rules.LegalName(r.Tools[i].Name) {
			e.toolName(r.Tools[i].Name)
		}
	}
	e.planReasoning()
	e.planMarks()
	w := &e.w
	w.BeginObject()
	w.Key("model")
	if x.TargetModel != "" {
		w.Text(x.TargetModel)
	} else {
		w.Text(r.Model)
	}
	e.tools()
	w.Key("input")
	w.BeginArray()
	e.system()
	e.messages()
	w.EndArray()
	e.reasoning()
	e.sampling()
	e.text()
	e.rest()
	w.EndObject()
	return w.Bytes(), e.err
}

func (e *requestEncoder) fail(err error) {
	if e.err == nil && err != nil {
		e.err = err
	}
}

func (e *requestEncoder) drop(param string) { e.fail(e.x.Drop(param)) }

func (e *requestEncoder) toolName(own string) string {
	return e.x.ToolName(own, rules.LegalName, maxName)
}

// planReasoning decides how the model is to reason, and what of its thoughts is asked for. Claude's and Converse's clients
// get them where they ask: a block that is no text surprises others.
func (e *requestEncoder) planReasoning() {
	p, x := &e.r.Reasoning, e.x
	effort, param := p.Effort, rules.ThinkingParam(e.r)
	asked, off := rules.AsksToThink(p, true)
	switch {
	case effort != "":
	case p.Thinking == chat.ThinkingBudget:
		effort = rules.EffortOf(p.Budget)
	case p.Thinking == chat.ThinkingOff && x.Facts.Family == model.GPT && copied(x):
		effort = "none"
	}
	if !reasons(x) {
		if x.Facts.Family == model.Unknown && !copied(x) {
			e.effort, e.summary = effort, asked // nothing is known of it: what the client says goes on as it is
		} else if asked {
			e.drop(param)
		}
		return
	}
	if effort == "none" && x.Facts.Chat.NoEffortNone {
		e.drop(param)
		effort = ""
	}
	e.effort = effort
	shown := asked || e.r.Dialect != "claude" && e.r.Dialect != "converse"
	e.summary = shown && !off
	e.sealed = shown && effort != "none"
}

// reasoning writes what planReasoning decided.
func (e *requestEncoder) reasoning() {
	w := &e.w
	w.Raw(`"store":false`)
	switch include := e.extra(Name, "include"); {
	case include != nil:
		w.Key("include")
		w.Value(withSealed(include, e.sealed))
	case e.sealed:
		w.Raw(`"include":["reasoning.encrypted_content"]`)
	}
	summary := e.extra(Name, "reasoning.summary")
	switch {
	case summary == nil && e.summary && !e.own, summary != nil && !takesSummary(e.x, chat.String(summary).Unquote()):
		summary = chat.Value(`"auto"`)
	}
	open := false
	member := func(key string, v chat.Value) {
		if v == nil {
			return
		}
		if !open {
			w.Key("reasoning")
			w.BeginObject()
			open = true
		}
		w.Key(key)
		w.Value(v)
	}
	if e.effort != "" {
		member("effort", chat.Value(json.Quote(e.effort)))
	}
	member("summary", summary)
	member("context", e.extra(Name, "reasoning.context"))
	member("mode", e.extra(Name, "reasoning.mode"))
	if open {
		w.EndObject()
	}
}

// withSealed adds the sealed reasoning to a list of what a reply is to include.
func withSealed(include chat.Value, sealed bool) chat.Value {
	const content = `"reasoning.encrypted_content"`
	w := json.WalkAt(include, 0)
	if !w.Array() {
		if sealed {
			return chat.Value("[" + content + "]")
		}
		return include
	}
	out := json.NewWriter(nil)
	out.BeginArray()
	for w.Element() {
		v := w.Value()
		if string(v) == content {
			if !sealed {
				continue
			}
			sealed = false
		}
		out.Value(v)
	}
	if sealed {
		out.Raw(content)
	}
	out.EndArray()
	return out.Bytes()
}

func (e *requestEncoder) sampling() {
	w, r := &e.w, e.r
	if n := r.MaxTokens; n > 0 {
		if n < minOutput {
			e.drop("max_tokens below " + strconv.Itoa(minOutput))
			n = minOutput
		}
		w.Key("max_output_tokens")
		w.Int(n)
	}
	e.sample("temperature", r.Temperature)
	e.sample("top_p", r.TopP)
	if r.TopK != nil {
		e.drop("top_k")
	}
	for _, p := range [...]struct {
		name string
		v    chat.Value
	}{{"seed", r.Seed}, {"frequency_penalty", r.FrequencyPenalty}, {"presence_penalty", r.PresencePenalty}} {
		if p.v != nil && (p.name == "seed" || !rules.Idle(p.v)) {
			e.drop(p.name)
		}
	}
	if slices.ContainsFunc(r.Stop, func(s string) bool { return s != "" }) {
		e.drop(clientName(r, "stop"))
	}
}

// sample writes a number that says how to choose among words, where the model takes it.
func (e *requestEncoder) sample(param string, v chat.Value) {
	if v == nil {
		return
	}
	takes, lost := takesSampling(e.x, param, v, e.effort)
	switch {
	case takes:
		e.w.Key(param)
		e.w.Value(v)
	case lost:
		e.drop(param)
	}
}

// text writes the format of the reply's text.
func (e *requestEncoder) text() {
	w, f := &e.w, e.r.Format
	verbosity := e.extra("openai", "verbosity")
	if e.own {
		verbosity = e.extra(Name, "text.verbosity")
	}
	if f == nil && verbosity == nil {
		return
	}
	w.Key("text")
	w.BeginObject()
	if verbosity != nil {
		w.Key("verbosity")
		w.Value(verbosity)
	}
	if f != nil {
		w.Key("format")
		e.format(f)
	}
	w.EndObject()
}

func (e *requestEncoder) format(f *chat.Format) {
	w := &e.w
	if f.Schema == nil && f.Name == "" {
		w.Raw(`{"type":"json_object"}`)
		return
	}
	w.Raw(`{"type":"json_schema","name":`)
	if rules.LegalName(f.Name) {
		w.Text(f.Name)
	} else {
		w.Raw(`"response"`) // only a label; the API wants one of legal characters
	}
	if !f.Description.Empty() {
		w.Key("description")
		w.String(f.Description)
	}
	w.Key("schema")
	if f.Schema != nil {
		w.Value(f.Schema)
	} else {
		w.Raw("{}")
	}
	if f.Strict != nil {
		w.Key("strict")
		w.Bool(*f.Strict)
	}
	w.EndObject()
}

func (e *requestEncoder) rest() {
	w, r := &e.w, e.r
	if r.Stream {
		w.Key("stream")
		w.Bool(true)
	}
	if tier := r.ServiceTier; tier != "" {
		switch {
		case takesTier(e.x, tier):
			w.Key("service_tier")
			w.Text(tier)
		case !rules.UsualTier(tier):
			e.drop("service_tier")
		}
	}
	if r.User != nil {
		w.Key("user")
		w.String(r.User)
	}
	if len(r.Metadata) > 0 {
		w.Key("metadata")
		w.BeginObject()
		for _, p := range r.Metadata {
			w.Key(string(json.AppendEscaped(nil, p.Key)))
			w.Text(p.Value)
		}
		w.EndObject()
	}
	if r.Guardrail != nil {
		e.drop("guardrailConfig")
	}
	if r.Latency != "" && r.Latency != "standard" {
		e.drop("performanceConfig")
	}
	if len(r.Betas) > 0 {
		e.drop("anthropic_beta")
	}
	rules.OmitNames(r, e.x)
	for i := range r.Extra {
		e.extraMember(&r.Extra[i])
	}
}

// compared is the member of prompt_cache_options that names another response.
const compared = "comparison_response_id"

// chatMembers are the members that Chat Completions and Responses have in common.
var chatMembers = []string{"prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "safety_identifier", "moderation"}

// extraMember writes a member that has no canonical field, if the API has it.
func (e *requestEncoder) extraMember(m *chat.Member) {
	switch {
	case e.own:
		e.ownExtra(m)
	case e.r.Dialect == "openai" && m.Key == "verbosity":
	case e.r.Dialect == "openai" && slices.Contains(chatMembers, m.Key):
		v := m.Value
		if m.Key == "prompt_cache_options" && json.Find(v, compared) != nil {
			// Chat has no such member, and whose response it names was looked at by nobody.
			e.drop(m.Key + "." + compared)
			v = edited(v, map[string]string{compared: ""})
		}
		e.w.Key(m.Key)
		e.w.Value(v)
	case !rules.Idle(m.Value):
		e.drop(m.Key)
	}
}

// extra returns a member of a body in the given dialect that has no canonical field; nil if there is none.
func (e *requestEncoder) extra(dialect, key string) chat.Value {
	if e.r.Dialect == dialect {
		for i := range e.r.Extra {
			if m := &e.r.Extra[i]; m.Key == key && string(m.Value) != "null" {
				return m.Value
			}
		}
	}
	return nil
}

// ownExtra writes a member of the client's own body that has no canonical field.
func (e *requestEncoder) ownExtra(m *chat.Member) {
	switch m.Key {
	case "include", "reasoning.summary", "reasoning.context", "reasoning.mode", "text.verbosity":
		return // written already
	case "top_logprobs":
		e.sample(m.Key, m.Value)
		return
	}
	if strings.Contains(m.Key, ".") { // within an object, and newer than this
		e.drop(m.Key)
		return
	}
	e.w.Key(string(json.AppendEscaped(nil, m.Key)))
	e.w.Value(m.Value)
}

// planMarks counts the cache breakpoints to come. Models before GPT-5.6 take none: they cache by themselves, and nothing is
// lost but a hint.
func (e *requestEncoder) planMarks() {
	if e.marks.Taken = e.x.Facts.CacheMarks; !e.marks.Taken {
		return
	}
	e.marks.Hour = true
	n := 0
	for _, b := range e.r.System {
		if b.Cache != chat.NoCache {
			n++
		}
	}
	for i := range e.r.Messages {
		m := &e.r.Messages[i]
		for j := range m.Content {
			if b := &m.Content[j]; b.Cache != chat.NoCache && marked(m, b) {
				n++
			}
		}
	}
	e.marks.Expect(n, e.x)
}

// marked reports whether a block's breakpoint has a place: an input part of a message. In an assistant's words and among
// tools there is none; the next one covers them.
func marked(m *chat.Message, b *chat.Block) bool {
	switch b.Kind {
	case chat.Text, chat.Image, chat.Document:
		return m.Role == chat.User
	case chat.ToolResult:
		return true
	default:
		return false
	}
}

// mark writes the breakpoint c into the part that is open. A breakpoint lasts 30 minutes, or 12 hours where an hour was
// asked for. https://developers.openai.com/api/docs/guides/prompt-caching
func (e *requestEncoder) mark(c chat.Cache) {
	if c == chat.NoCache || !e.marks.Taken {
		return
	}
	write, ttl, err := e.marks.Next(c, e.x)
	e.fail(err)
	if !write {
		return
	}
	e.w.Raw(`"prompt_cache_breakpoint":{"mode":"explicit"`)
	if ttl == "1h" {
		e.w.Raw(`"ttl":"12h"`)
	}
	e.w.EndObject()
}
