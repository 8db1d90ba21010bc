package upstream

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

// Offer is one way to ask an upstream for a model: the dialect of the request, and where the upstream has several, the API
// and the host that it goes to.
type Offer struct {
	// Dialect is what the request is written in; nil for an API whose dialect the gateway does not have.
	Dialect translate.Dialect
	// OwnClients: it is only for clients of that very dialect, because the upstream is not known to have it.
	OwnClients bool
	// Access is zero for an upstream with one API only.
	model.Access
}

// Guards reports whether this way applies the request's guardrail. For an upstream without guardrails it returns true.
func (o *Offer) Guards() bool { return o.API == model.AnyAPI || o.Access.Guards() }
