package bedrock

import (
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// offers are the model tables' ways to ask a model, with their dialects: made once, for a request allocates none. The key
// is the first of the ways.
var offers = func() map[*model.Access][]upstream.Offer {
	made := map[*model.Access][]upstream.Offer{}
	for _, list := range model.AllAccesses() {
		all := offersOf(list)
		for i := range list {
			made[&list[i]] = all[i:]
		}
	}
	return made
}()

func offersOf(list []model.Access) []upstream.Offer {
	made := make([]upstream.Offer, len(list))
	for i, a := range list {
		made[i] = upstream.Offer{Access: a, Dialect: translate.ByName(a.Speaks())}
	}
	return made
}

// Offers are the APIs that serve the model, on the hosts where they do, best first.
func (u *Upstream) Offers(modelID string) []upstream.Offer {
	o := u.override(modelID)
	f := u.factsBy(o, modelID)
	if o != nil && (o.api != model.AnyAPI || o.host != model.AnyHost) {
		return o.offers(f, modelID)
	}
	list := f.Accesses(false)
	return offers[&list[0]][:len(list):len(list)]
}

// override returns the first matching override; nil if there is none.
func (u *Upstream) override(modelID string) *override {
	for i := range u.overrides {
		if o := &u.overrides[i]; o.pattern.Match(modelID) {
			return o
		}
	}
	return nil
}

// offers are the model's ways that the operator allows. For a model that the tables do not have, the
// configured way is offered.
func (o *override) offers(f model.Facts, modelID string) []upstream.Offer {
	var list []model.Access
	for _, mantle := range []bool{false, true} {
		for _, a := range f.Accesses(mantle) {
			if (o.api == model.AnyAPI || a.API == o.api) && (o.host == model.AnyHost || a.Host == o.host) && !slices.Contains(list, a) {
				a.Spare = false // because it is configured
				list = append(list, a)
			}
		}
	}
	if list == nil {
		list = []model.Access{f.Assume(modelID, o.api, o.host)}
	}
	if o.host == model.AnyHost && list[0].Host == model.Runtime {
		list = slices.DeleteFunc(list, func(a model.Access) bool { return a.Host == model.Mantle })
	}
	return offersOf(list)
}

// Prepare puts what is known of the model into x, as the API that is asked has it, and the guardrail of every request.
func (u *Upstream) Prepare(x *chat.Exchange) {
	x.Facts = u.facts(x.TargetModel)
	switch x.Access.API {
	case model.Chat:
		x.Facts = x.Facts.ByChat()
	case model.Responses:
		x.Facts = x.Facts.ByResponses()
	case model.AnyAPI, model.Converse, model.Invoke, model.Messages:
	}
	x.Guardrail, x.GuardrailOverride = u.guardrailConfig, u.guardrail.AllowOverride
}

// AskUsage returns true: OpenAI's chat reports a stream's usage only on request.
func (u *Upstream) AskUsage() bool { return true }

// Interface guard
var _ upstream.UsageAsker = (*Upstream)(nil)
