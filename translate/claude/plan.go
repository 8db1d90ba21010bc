package claude

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
)

// planThinking decides from the client's effort or thinking and the model's ways, and how long the reply may be.
func (e *encoder) planThinking() {
	p, r := &e.thinking, &e.r.Reasoning
	defer e.limit()
	if err := rules.CheckEffort(r.Effort); err != nil {
		e.fail(err)
		return
	}
	ways := e.f.Thinking
	if e.f.Family == model.Unknown {
		ways = model.ThinkingEither // nothing is known: what the client says goes on as it is
	}
	effort := r.Effort != "" && r.Effort != "none"
	// In Claude's own words an effort alone is no wish to reason: it holds for the whole reply.
	asked, off := rules.AsksToThink(r, e.r.Dialect != Name)
	switch {
	case !effort:
	case ways == model.ThinkingNone || ways == model.ThinkingBudget:
		if !asked || e.r.Dialect == Name {
			e.drop(e.word("output_config.effort", rules.ThinkingParam(e.r)))
		}
	case !asked:
		p.Effort = p.ClaudeEffort(r, e.x)
	}
	switch {
	case off && ways == model.ThinkingAlways:
		e.drop(rules.ThinkingParam(e.r))
	case off:
		if r.Thinking == chat.ThinkingOff && (ways == model.ThinkingAdaptive || e.r.Dialect == Name && ways != model.ThinkingNone) {
			p.Kind = "disabled"
		}
	case !asked:
	case ways == model.ThinkingNone:
		e.drop(rules.ThinkingParam(e.r))
	case ways == model.ThinkingBudget, ways == model.ThinkingEither && r.Thinking == chat.ThinkingBudget:
		e.fail(p.ByBudget(e.r, e.x, e.view))
		if p.On && e.r.Dialect == Name && e.f.Thinking == model.ThinkingEither {
			p.Effort = p.ClaudeEffort(r, e.x) // 4-6 takes both
		}
	default:
		p.On, p.Kind, p.Effort = true, "adaptive", p.ClaudeEffort(r, e.x)
	}
}

// limit sets max_tokens, which Claude wants: the client's, else a default.
func (e *encoder) limit() {
	if e.tokens = e.r.MaxTokens; e.tokens <= 0 {
		e.tokens = e.thinking.Limit(defaultMaxTokens, e.f)
	}
}

func (e *encoder) thinkingMember() {
	if e.thinking.Kind != "" {
		e.w.Key("thinking")
		e.thinking.Write(&e.w, e.r.Reasoning.Display)
	}
}

// outputConfig writes the effort and the native format, its schema closed at every object: Claude refuses it otherwise.
func (e *encoder) outputConfig() {
	if e.thinking.Effort == "" && !e.format.Native {
		return
	}
	e.w.Key("output_config")
	e.w.BeginObject()
	if e.thinking.Effort != "" {
		e.w.Key("effort")
		e.w.Text(e.thinking.Effort)
	}
	if e.format.Native {
		schema, err := rules.FormatSchema(e.r.Format.Schema, e.f)
		e.fail(err)
		e.w.Raw(`"format":{"type":"json_schema","schema":`)
		e.w.Value(schema)
		e.w.EndObject()
	}
	e.w.EndObject()
}
