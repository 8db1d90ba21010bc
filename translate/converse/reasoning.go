package converse

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

// thinkingPlan is how the model is asked to reason.
type thinkingPlan struct {
	on       bool   // the model reasons because this request says so
	kind     string // Claude's thinking.type; "" for none
	budget   int64
	effort   string // Claude's output_config.effort, or the family's own word
	unsaid   bool   // the limit of output tokens may not be sent
	tokens   int64  // that limit
	sampling bool   // temperature and the like may not be sent
}

// Budgets in tokens for OpenAI's efforts, for models that think by budget; minBudget is Claude's own least, answerRoom
// what is left for the answer where the client set no limit:
// https://platform.claude.com/docs/en/build-with-claude/extended-thinking.
var budgets = map[string]int64{"minimal": 1024, "low": 1024, "medium": 2048, "high": 4096, "xhigh": 8192, "max": 16384}

const (
	minBudget  = 1024
	answerRoom = 4096
)

// efforts are OpenAI's, from https://platform.openai.com/docs/api-reference/chat/create, and Claude's max.
func knownEffort(effort string) bool {
	return effort == "none" || budgets[effort] != 0
}

// planThinking decides it from the client's effort or thinking and the model's ways.
func (e *encoder) planThinking() {
	p, r := &e.thinking, &e.r.Reasoning
	p.tokens = e.r.MaxTokens
	if r.Effort != "" && !knownEffort(r.Effort) {
		e.fail(chat.Invalid("reasoning_effort", "unknown reasoning_effort '%s'; known are none, minimal, low, medium, high, xhigh and max", clip(r.Effort)))
		return
	}
	asked := r.Effort != "" && r.Effort != "none" && r.Thinking != chat.ThinkingOff || r.Thinking == chat.ThinkingBudget || r.Thinking == chat.ThinkingAdaptive
	off := !asked && (r.Thinking == chat.ThinkingOff || r.Effort == "none")
	switch {
	case off && e.f.Thinking == model.ThinkingAlways:
		e.drop(e.reasoningParam())
	case off:
		if r.Thinking == chat.ThinkingOff && e.f.Thinking == model.ThinkingAdaptive {
			p.kind = "disabled"
		}
	case !asked:
	case e.f.Thinking == model.ThinkingNone:
		e.drop(e.reasoningParam())
	case e.f.Thinking == model.ThinkingBudget:
		e.thinkByBudget()
	case e.f.Thinking == model.ThinkingEither && r.Thinking == chat.ThinkingBudget:
		p.on, p.kind, p.budget = true, "enabled", max(r.Budget, minBudget)
		e.roomForBudget()
	case e.f.Thinking == model.ThinkingEffort:
		p.on, p.effort = true, e.ownEffort()
		if p.effort == "high" && e.f.Family == model.Nova2 {
			// Nova 2 refuses all three at its highest effort:
			// https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html.
			p.unsaid, p.sampling = true, true
		}
	default:
		p.on, p.kind, p.effort = true, "adaptive", e.claudeEffort()
	}
	p.sampling = p.sampling || p.on && e.f.Family == model.Claude
	if p.unsaid && p.tokens > 0 {
		e.drop("max_tokens")
	}
}

// reasoningParam is the client's word for what it asked.
func (e *encoder) reasoningParam() string {
	if e.r.Reasoning.Effort != "" {
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
	e.roomForBudget()
}

// roomForBudget raises the limit of output tokens above the budget if the client gave none.
func (e *encoder) roomForBudget() {
	p := &e.thinking
	if p.tokens > 0 {
		return
	}
	p.tokens = p.budget + answerRoom
	if most := e.f.MaxOutput; most > p.budget {
		p.tokens = min(p.tokens, most)
	}
}

// continuesWithoutThinking tells whether the last assistant turn calls tools but holds no reasoning, as it does when an
// OpenAI client sends it back.
func (e *encoder) continuesWithoutThinking() bool {
	calls := false
	for m := len(e.r.Messages) - 1; m >= 0; m-- {
		msg := &e.r.Messages[m]
		if msg.Role == chat.User {
			if calls {
				break
			}
			continue
		}
		for i := range msg.Content {
			b := &msg.Content[i]
			if rank(b) == rankThinking && e.visibleBlock(b) {
				return false
			}
			calls = calls || b.Kind == chat.ToolUse
		}
		if !calls {
			break
		}
	}
	return calls
}

// claudeEffort gives output_config.effort; "" for the model's default.
func (e *encoder) claudeEffort() string {
	r := &e.r.Reasoning
	switch effort := r.Effort; {
	case effort == "minimal":
		return "low"
	case effort == "xhigh" && e.f.NoXHigh:
		return "high"
	case effort != "":
		return effort
	}
	if r.Thinking == chat.ThinkingBudget {
		e.x.Note("the model takes no thinking budget: an effort stands for it")
		return effortOf(r.Budget)
	}
	return ""
}

// ownEffort gives the effort in the words of gpt-oss, Nova 2 and DeepSeek: low, medium or high.
func (e *encoder) ownEffort() string {
	r := &e.r.Reasoning
	switch r.Effort {
	case "minimal", "low":
		return "low"
	case "high", "xhigh", "max":
		return "high"
	}
	if r.Thinking == chat.ThinkingBudget {
		return effortOf(r.Budget)
	}
	return "medium"
}

func effortOf(budget int64) string {
	switch {
	case budget <= 2048:
		return "low"
	case budget <= 8192:
		return "medium"
	}
	return "high"
}

// thinkingFields writes the plan as additionalModelRequestFields.
func (e *encoder) thinkingFields(o *object) {
	p := &e.thinking
	if p.kind != "" {
		e.key(o, "thinking")
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
	if p.effort == "" {
		return
	}
	switch e.f.Family {
	case model.Claude:
		e.key(o, "output_config")
		e.w.BeginObject()
		e.w.Key("effort")
		e.w.Text(p.effort)
		e.w.EndObject()
	case model.Nova2:
		e.key(o, "reasoningConfig")
		e.w.Raw(`{"type":"enabled","maxReasoningEffort":`)
		e.w.Text(p.effort)
		e.w.EndObject()
	case model.DeepSeek:
		e.key(o, "reasoning_config")
		e.w.Text(p.effort)
	default:
		e.key(o, "reasoning_effort")
		e.w.Text(p.effort)
	}
}
