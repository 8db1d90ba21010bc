package converse

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
)

// thinkingPlan is how the model is asked to reason, and what else of the request that decides.
type thinkingPlan struct {
	rules.Thinking
	unsaid   bool  // the limit of output tokens may not be sent
	tokens   int64 // that limit
	sampling bool  // temperature and the like may not be sent
}

// planThinking decides it from the client's effort or thinking and the model's ways.
func (e *encoder) planThinking() {
	p, r := &e.thinking, &e.r.Reasoning
	p.tokens = e.r.MaxTokens
	if err := rules.CheckEffort(r.Effort); err != nil {
		e.fail(err)
		return
	}
	asked, off := rules.AsksToThink(r, true)
	switch {
	case off && e.f.Thinking == model.ThinkingAlways:
		e.drop(rules.ThinkingParam(e.r))
	case off:
		switch {
		case r.Thinking == chat.ThinkingOff && e.f.Thinking == model.ThinkingAdaptive:
			p.Kind = "disabled"
		case e.f.Family == model.GPT:
			p.Effort = "none"
		case e.f.Family == model.Grok: // it always reasons
			e.drop(rules.ThinkingParam(e.r))
		}
	case !asked:
	case e.f.Thinking == model.ThinkingNone:
		e.drop(rules.ThinkingParam(e.r))
	case e.f.Thinking == model.ThinkingBudget, e.f.Thinking == model.ThinkingEither && r.Thinking == chat.ThinkingBudget:
		e.fail(p.ByBudget(e.r, e.x, e.view))
		if p.On && p.tokens == 0 {
			p.tokens = p.Limit(0, e.f)
		}
	case e.f.Thinking == model.ThinkingEffort:
		p.On, p.Effort = true, e.ownEffort()
		if p.Effort == "high" && e.f.Family == model.Nova2 {
			// Nova 2 refuses all three at its highest effort:
			// https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html.
			p.unsaid, p.sampling = true, true
		}
	default:
		p.On, p.Kind, p.Effort = true, "adaptive", p.ClaudeEffort(r, e.x)
	}
	p.sampling = p.sampling || p.On && e.f.Family == model.Claude
	if p.unsaid && p.tokens > 0 {
		e.drop("max_tokens")
	}
}

// ownEffort returns the effort in the words of the model's family: low, medium or high, and of GPT all but max.
func (e *encoder) ownEffort() string {
	r := &e.r.Reasoning
	if e.f.Family == model.GPT && r.Effort != "" {
		if r.Effort == "max" {
			return "xhigh"
		}
		return r.Effort
	}
	switch r.Effort {
	case "minimal", "low":
		return "low"
	case "high", "xhigh", "max":
		return "high"
	}
	if r.Thinking == chat.ThinkingBudget {
		return rules.EffortOf(r.Budget)
	}
	return "medium"
}

// thinkingFields writes the plan as additionalModelRequestFields.
func (e *encoder) thinkingFields(o *object) {
	p := &e.thinking
	if p.Kind != "" {
		e.key(o, "thinking")
		p.Write(&e.w, e.r.Reasoning.Display)
	}
	if p.Effort == "" {
		return
	}
	switch e.f.Family {
	case model.Claude:
		e.key(o, "output_config")
		e.w.BeginObject()
		e.w.Key("effort")
		e.w.Text(p.Effort)
		e.w.EndObject()
	case model.Nova2:
		e.key(o, "reasoningConfig")
		e.w.Raw(`{"type":"enabled","maxReasoningEffort":`)
		e.w.Text(p.Effort)
		e.w.EndObject()
	case model.DeepSeek:
		e.key(o, "reasoning_config")
		e.w.Text(p.Effort)
	default:
		e.key(o, "reasoning_effort")
		e.w.Text(p.Effort)
	}
}
