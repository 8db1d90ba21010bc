package converse

import (
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// passed are the members of Converse that an OpenAI body may hold as well, at its top level and in Converse's own form:
// what clients write into extra_body. The decoder has checked their form.
var passed = []string{"requestMetadata", "performanceConfig", "serviceTier", "promptVariables", "outputConfig", project, fieldPaths, fieldsMember}

// openAI is the name of the dialect that they are taken from.
const openAI = "openai"

// takePassed returns r with such members in their places, as if a Converse client had sent them.
func takePassed(r *chat.Request, x *chat.Exchange) (*chat.Request, error) {
	if r.Dialect != openAI || !slices.ContainsFunc(r.Extra, func(m chat.Member) bool { return slices.Contains(passed, m.Key) }) {
		return r, nil
	}
	own := *r
	own.Extra, own.Metadata = nil, nil
	d := decoder{x: x}
	for i := range r.Extra {
		m := &r.Extra[i]
		if !slices.Contains(passed, m.Key) {
			own.Extra = append(own.Extra, *m)
			continue
		}
		d.w = json.WalkAt(m.Value, 0)
		if d.member(&own, m.Key); d.err != nil {
			return nil, d.err
		}
	}
	for _, p := range r.Metadata { // OpenAI's own goes there, too
		if !slices.ContainsFunc(own.Metadata, func(o chat.Pair) bool { return o.Key == p.Key }) {
			own.Metadata = append(own.Metadata, p)
		}
	}
	return &own, nil
}

// says reports whether the gateway itself writes the additional field.
func (e *encoder) says(field string) bool {
	switch field {
	case "tool_choice":
		return e.tools.ownChoice()
	case "tools":
		return e.tools.foreign
	case "inferenceConfig":
		return e.r.TopK != nil && (e.f.Family == model.Nova || e.f.Family == model.Nova2)
	case "k":
		return e.r.TopK != nil && e.f.Family == model.Cohere
	case "seed":
		return e.r.Seed != nil && e.f.Family == model.Cohere
	case "frequency_penalty":
		return e.r.FrequencyPenalty != nil
	case "presence_penalty":
		return e.r.PresencePenalty != nil
	case "anthropic_beta":
		return len(rules.Betas(e.r, e.x, e.foreign)) > 0
	}
	return false
}
