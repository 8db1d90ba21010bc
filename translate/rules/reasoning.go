package rules

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// Budgets in tokens for OpenAI's efforts, for models that think by budget; minBudget is Claude's own least, answerRoom
// what is left for the answer where the client set no limit:
// https://platform.claude.com/docs/en/build-with-claude/extended-thinking.
var budgets = map[string]int64{"minimal": 1024, "low": 1024, "medium": 2048, "high": 4096, "xhigh": 8192, "max": 16384}

const (
	minBudget  = 1024
	answerRoom = 4096
)

// Thinking is how a model is asked to reason, in Claude's words. The zero value does not ask.
type Thinking struct {
	On     bool   // the model reasons because this request says so
	Kind   string // thinking.type; "" for none
	Budget int64  // in tokens, with Kind "enabled"
	Effort string // output_config.effort, or another family's own word; "" for none
}

// CheckEffort is an error for an effort that no provider knows: OpenAI's, from
// https://platform.openai.com/docs/api-reference/chat/create, and Claude's max.
func CheckEffort(effort string) error {
	if effort == "" || effort == "none" || budgets[effort] != 0 {
		return nil
	}
	return chat.Invalid("reasoning_effort", "unknown reasoning_effort '%s'; known are none, minimal, low, medium, high, xhigh and max", chat.Clip(effort))
}

// AsksToThink returns what the client says of the model's reasoning: to do it, not to do it, or neither. effortAsks says
// whether an effort alone is a wish to reason.
func AsksToThink(r *chat.Reasoning, effortAsks bool) (asked, off bool) {
	asked = r.Thinking == chat.ThinkingBudget || r.Thinking == chat.ThinkingAdaptive ||
		effortAsks && r.Thinking == chat.ThinkingUnset && r.Effort != "" && r.Effort != "none"
	return asked, !asked && (r.Thinking == chat.ThinkingOff || r.Effort == "none")
}

// ThinkingParam is the client's word for what it asked of the model's reasoning.
func ThinkingParam(r *chat.Request) string {
	switch {
	case r.Dialect == responses:
		return "reasoning.effort"
	case r.Reasoning.Effort == "", r.Dialect == claude && r.Reasoning.Thinking != chat.ThinkingUnset:
		return "thinking"
	case r.Dialect == claude:
		return "output_config.effort"
	}
	return "reasoning_effort"
}

// ByBudget asks a model that needs a number of tokens. Claude refuses a budget below 1024 or not below the limit of the
// whole reply, and a continued tool call whose turn does not begin with reasoning: then the wish is dropped.
func (t *Thinking) ByBudget(r *chat.Request, x *chat.Exchange, v View) error {
	if v.ContinuesWithoutThinking(r.Messages) {
		x.Note("reasoning was left out: the tool call to be continued came without its thinking blocks")
		return x.Drop(ThinkingParam(r))
	}
	want := budgets[r.Reasoning.Effort]
	switch {
	case r.Reasoning.Thinking == chat.ThinkingBudget:
		want = max(r.Reasoning.Budget, minBudget)
	case want == 0:
		want = budgets["high"]
	}
	limit := r.MaxTokens
	if limit <= 0 {
		limit = x.Facts.MaxOutput
	}
	if limit > 0 && r.Reasoning.Thinking != chat.ThinkingBudget {
		if limit <= minBudget {
			return x.Drop(ThinkingParam(r))
		}
		want = min(want, max(limit*3/4, minBudget))
	}
	t.On, t.Kind, t.Budget = true, "enabled", want
	return nil
}

// Limit returns the limit of the reply's tokens where the client gave none: above the budget if there is one, else usual,
// and never above the model's own.
func (t *Thinking) Limit(usual int64, f *model.Facts) int64 {
	limit := usual
	if t.Budget > 0 {
		limit = t.Budget + answerRoom
	}
	if f.MaxOutput > t.Budget {
		limit = min(limit, f.MaxOutput)
	}
	return limit
}

// ClaudeEffort returns output_config.effort for what the client asked, t's budget aside; "" for the model's default.
func (t *Thinking) ClaudeEffort(r *chat.Reasoning, x *chat.Exchange) string {
	switch effort := r.Effort; {
	case effort == "none":
		return ""
	case effort == "minimal":
		return "low"
	case effort == "xhigh" && x.Facts.NoXHigh:
		return "high"
	case effort != "":
		return effort
	case r.Thinking != chat.ThinkingBudget || t.Budget > 0:
		return ""
	}
	x.Note("the model takes no thinking budget: an effort stands for it")
	return EffortOf(r.Budget)
}

// EffortOf returns the effort that stands for a budget of so many tokens: low, medium or high.
func EffortOf(budget int64) string {
	switch {
	case budget <= 2048:
		return "low"
	case budget <= 8192:
		return "medium"
	}
	return "high"
}

// Write writes Claude's thinking object.
func (t *Thinking) Write(w *json.Writer, display chat.Value) {
	w.BeginObject()
	w.Key("type")
	w.Text(t.Kind)
	if t.Budget > 0 {
		w.Key("budget_tokens")
		w.Int(t.Budget)
	}
	if display != nil && t.On {
		w.Key("display")
		w.Value(display)
	}
	w.EndObject()
}
