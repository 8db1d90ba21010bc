package upstream

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

// Offer is one way to ask an upstream for a model: the dialect of the request, and where the upstream has several, the API
// and the host that it goes to.
type Offer struct {
	// Dialect is what the request is written in; nil where the gateway does not speak what the API takes.
	Dialect translate.Dialect
	// Access is zero where the upstream has but one API.
	model.Access
}

// Guards reports whether a guardrail of the request holds by this offer. Upstreams that know no guardrails have no say.
func (o *Offer) Guards() bool { return o.API == model.AnyAPI || o.Access.Guards() }
