package exchange

import (
	"fmt"

	"github.com/open-bedrock/caddy-bedrock-gateway/stored"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// A request of Responses may name what was kept of earlier ones. What the gateway keeps is put into the request before any
// upstream sees it; what an upstream keeps stays named, and goes to that upstream alone.

// keeper is the upstream that keeps what a request names, and the model that was asked for there.
type keeper struct{ upstream, model string }

// Recall puts what the request names of the caller's responses into its body. It returns the error for a name of which nothing
// is known, which the body still has: it may be for a caller that needs no record. The body was read by ReadMembers.
func (c *Call) Recall() (unknown *chat.Error, err error) {
	names, err := stored.NamesIn(&c.Body)
	if err != nil || !names.Any() {
		return nil, err
	}
	got, err := c.engine.Stored.Recall(c.r.Context(), c.asker(), &c.Body, names)
	if err != nil {
		return nil, err
	}
	c.keeper = keeper{got.Upstream, got.Model}
	c.turn = turn{previous: names.Previous(), before: got.Before, input: got.Input}
	if got.Body != nil {
		c.raw = got.Body
		if err := c.Body.ParseBody(c.raw); err != nil {
			return nil, fmt.Errorf("a request with what it named: %w", err)
		}
	}
	return got.Unknown, nil
}

// asker is the call's caller, as the store of responses knows it.
func (c *Call) asker() stored.Asker {
	return stored.Asker{
		Owner: c.Caller.Owner, May: c.Caller.May, MaxBody: c.engine.MaxBody,
		Hold: func(n int64) error { return c.engine.hold(c.r, &c.held, n) },
	}
}

// Owns returns the error for an item of the request that OpenAI would look up by its id and that is not known to be the caller's.
func (c *Call) Owns() (*chat.Error, error) {
	return c.engine.Stored.Owns(c.r.Context(), c.asker(), &c.Body)
}

// Find returns what is known of a response's id: the caller's record, or which upstream keeps it for the caller.
func (c *Call) Find(id string) (*stored.Record, *stored.Kept, error) {
	a := c.asker()
	return c.engine.Stored.Find(c.r.Context(), &a, id)
}

// Keeper returns the upstream that keeps what the request names, and the model that was asked for there; "" if none does.
func (c *Call) Keeper() (upstream, model string) { return c.keeper.upstream, c.keeper.model }

// at returns the route with the targets of the upstream that keeps what the request names alone.
func (k *keeper) at(route *upstream.Route, model string) (*upstream.Route, error) {
	if k.upstream == "" {
		return route, nil
	}
	only := route.Keep(func(t *upstream.Target) bool { return t.Name == k.upstream })
	if only == nil {
		return nil, chat.Invalid("model", "what the request names is kept by the upstream '%s', which does not serve the model '%s' here; send the whole conversation in 'input'", k.upstream, model)
	}
	return only, nil
}
