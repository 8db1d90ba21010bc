package claude

import (
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// thinkingPlan is how the model is asked to reason.
type thinkingPlan struct {
	on     bool   // the model reasons because this request says so
	kind   string // thinking.type; "" for none
	budget int64
	effort string // output_config.effort; "" for none
	tokens int64  // the limit of output tokens
}

// Budgets in tokens for OpenAI's efforts, for models that think by budget; minBudget is Claude's own least, answerRoom
// what is left for the answer where the client set no limit:
// https://platform.claude.com/docs/en/build-with-claude/extended-thinking.
var budgets = map[string]int64{"minimal": 1024, "low": 1024, "medium": 2048, "high": 4096, "xhigh": 8192, "max": 16384}

const (
	minBudget  = 1024
	answerRoom = 4096
)

// planThinking decides from the client's effort or thinking and the model's ways, and how long the reply may be.
func (e *encoder) planThinking() {
	p, r := &e.thinking, &e.r.Reasoning
	defer e.limit()
	if r.Effort != "" && r.Effort != "none" && budgets[r.Effort] == 0 {
		e.fail(chat.Invalid("reasoning_effort", "unknown reasoning_effort '%s'; known are none, minimal, low, medium, high, xhigh and max", clip(r.Effort)))
		return
	}
	ways := e.f.Thinking
	if e.f.Family == model.Unknown {
		ways = model.ThinkingEither // nothing is known: what the client says goes on as it is
	}
	effort := r.Effort != "" && r.Effort != "none"
	// In Claude's own words an effort alone is no wish to reason: it holds for the whole reply.
	asked := r.Thinking == chat.ThinkingBudget || r.Thinking == chat.ThinkingAdaptive ||
		effort && r.Thinking == chat.ThinkingUnset && e.r.Dialect != Name
	off := !asked && (r.Thinking == chat.ThinkingOff || r.Effort == "none")
	switch {
	case !effort:
	case ways == model.ThinkingNone || ways == model.ThinkingBudget:
		if !asked || e.r.Dialect == Name {
			e.drop(e.word("output_config.effort", "reasoning_effort"))
		}
	case !asked:
		p.effort = e.effort()
	}
	switch {
	case off && ways == model.ThinkingAlways:
		e.drop(e.reasoningParam())
	case off:
		if r.Thinking == chat.ThinkingOff && (ways == model.ThinkingAdaptive || e.r.Dialect == Name && ways != model.ThinkingNone) {
			p.kind = "disabled"
		}
	case !asked:
	case ways == model.ThinkingNone:
		e.drop(e.reasoningParam())
	case ways == model.ThinkingBudget, ways == model.ThinkingEither && r.Thinking == chat.ThinkingBudget:
		e.thinkByBudget()
	default:
		p.on, p.kind, p.effort = true, "adaptive", e.effort()
	}
}

// reasoningParam is the client's word for what it asked.
func (e *encoder) reasoningParam() string {
	if e.r.Dialect != Name && e.r.Reasoning.Effort != "" {
		return "reasoning_effort"
	}
	return "thinking"
}

// thinkByBudget asks a model that needs a number of tokens. Claude refuses a budget below 1024 or not below the limit of
// the whole reply, and a continued tool call whose turn does not begin with reasoning.
func (e *encoder) thinkByBudget() {
	p, r := &e.thinking, &e.r.Reasoning
	if e.continuesWithoutThinking() {
		e.drop(e.reasoningParam())
		e.x.Note("reasoning was left out: the tool call to be continued came without its thinking blocks")
		return
	}
	want := budgets[r.Effort]
	switch {
	case r.Thinking == chat.ThinkingBudget:
		want = max(r.Budget, minBudget)
	case want == 0:
		want = budgets["high"]
	}
	if limit := e.r.MaxTokens; limit > 0 && r.Thinking != chat.ThinkingBudget {
		if limit <= minBudget {
			e.drop(e.reasoningParam())
			return
		}
		want = min(want, max(limit*3/4, minBudget))
	}
	p.on, p.kind, p.budget = true, "enabled", want
	if e.r.Dialect == Name && e.f.Thinking == model.ThinkingEither {
		p.effort = e.effort() // 4-6 takes both
	}
}

// limit sets max_tokens: the client's, else a default with room for the reasoning, never above the model's own.
func (e *encoder) limit() {
	p := &e.thinking
	if p.tokens = e.r.MaxTokens; p.tokens > 0 {
		return
	}
	p.tokens = defaultMaxTokens
	if p.budget > 0 {
		p.tokens = p.budget + answerRoom
	}
	if most := e.f.MaxOutput; most > p.budget {
		p.tokens = min(p.tokens, most)
	}
}

// continuesWithoutThinking tells whether the last assistant turn calls tools but holds no reasoning, as it does when an
// OpenAI client sends it back or another model made it.
func (e *encoder) continuesWithoutThinking() bool {
	calls, inTurn := false, false
	for m := len(e.r.Messages) - 1; m >= 0; m-- {
		msg := &e.r.Messages[m]
		if !e.visible(msg) {
			continue
		}
		if msg.Role == chat.User {
			if inTurn {
				break
			}
			continue
		}
		inTurn = true
		for i := range msg.Content {
			b := &msg.Content[i]
			if rank(b) == rankThinking && e.visibleBlock(b) {
				return false
			}
			calls = calls || b.Kind == chat.ToolUse
		}
	}
	return calls
}

// effort gives output_config.effort; "" for the model's default.
func (e *encoder) effort() string {
	r := &e.r.Reasoning
	switch effort := r.Effort; {
	case effort == "none":
		return ""
	case effort == "minimal":
		return "low"
	case effort == "xhigh" && e.f.NoXHigh:
		return "high"
	case effort != "":
		return effort
	case r.Thinking != chat.ThinkingBudget || e.thinking.budget > 0:
		return ""
	}
	e.x.Note("the model takes no thinking budget: an effort stands for it")
	switch {
	case r.Budget <= 2048:
		return "low"
	case r.Budget <= 8192:
		return "medium"
	}
	return "high"
}

func (e *encoder) thinkingMember() {
	p := &e.thinking
	if p.kind == "" {
		return
	}
	e.w.Key("thinking")
	e.w.BeginObject()
	e.w.Key("type")
	e.w.Text(p.kind)
	if p.budget > 0 {
		e.w.Key("budget_tokens")
		e.w.Int(p.budget)
	}
	if d := e.r.Reasoning.Display; d != nil && p.on {
		e.w.Key("display")
		e.w.Value(d)
	}
	e.w.EndObject()
}

// formatPlan is how the structure that the client asked for is brought about.
type formatPlan struct {
	native      bool
	instruction string // to the model, behind the system text
}

func (p *formatPlan) instruct(text string) {
	if p.instruction != "" {
		p.instruction += "\n"
	}
	p.instruction += text
}

// outputToolName is the name of the tool that stands for a format, if the client has none of that name.
const outputToolName = "structured_output"

// planFormat decides it: natively where the model can, else by a tool that the model must call, else in words. A format
// without a schema is asked for in words alone.
func (e *encoder) planFormat() {
	f := e.r.Format
	switch {
	case f == nil:
	case f.Schema == nil:
		e.format.instruct("Reply with one valid JSON object and nothing else: no text around it, no code fence.")
	case e.f.NativeSchema, e.r.Dialect == Name: // in its own words, it is for the model to take or to refuse
		e.format.native = true
	case e.f.NoTools:
		e.format.instruct("Reply with one valid JSON value that matches this JSON Schema, and nothing else: no text around it, no code fence.\n" +
			string(json.AppendCompact(nil, f.Schema)))
	case e.r.ToolChoice.Kind == chat.ToolsNamed || e.r.ToolChoice.Kind == chat.ToolsAny && len(e.r.Tools) > 0:
		// The client itself forces a call: there will be no text to give a structure to.
	default:
		e.x.OutputTool = outputToolName
		for slices.ContainsFunc(e.r.Tools, func(t chat.Tool) bool { return t.Name == e.x.OutputTool }) {
			e.x.OutputTool += "_"
		}
	}
}

// outputConfig writes the effort and the native format, its schema closed at every object: Claude refuses it otherwise.
func (e *encoder) outputConfig() {
	if e.thinking.effort == "" && !e.format.native {
		return
	}
	e.w.Key("output_config")
	e.w.BeginObject()
	if e.thinking.effort != "" {
		e.w.Key("effort")
		e.w.Text(e.thinking.effort)
	}
	if e.format.native {
		e.w.Raw(`"format":{"type":"json_schema","schema":`)
		e.w.Value(closedSchema(e.r.Format.Schema))
		e.w.EndObject()
	}
	e.w.EndObject()
}
