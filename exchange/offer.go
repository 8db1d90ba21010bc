package exchange

import (
	"errors"
	"slices"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// guardrailHeader is how a request to Bedrock's own paths names a guardrail.
const guardrailHeader = "X-Amzn-Bedrock-Guardrailidentifier"

// prepare writes the request for the target by the offer that carries it: the first in the client's own dialect, whose
// bytes are kept, else the first that can say all of it. Where none can, it is the first of which no other carries more.
func (c *Call) prepare(t *upstream.Target) (*attempt, error) {
	modelID := t.ModelFor(c.Model)
	c.Record.Upstream, c.Record.UpstreamModel, c.Record.API, c.Record.Dropped = t.Name, modelID, "", nil // not those of a target tried before
	var s selection
	list := t.Offers(modelID)
	for _, own := range [...]bool{true, false} {
		for i := range list {
			o := &list[i]
			if isOwn := o.Dialect != nil && !o.Spare && o.Dialect.Name() == c.Client.Name(); isOwn != own || o.OwnClients && !own || s.tried(o) {
				continue
			}
			a, err := c.prepareBy(t, o, modelID)
			if s.take(a, err) {
				c.Record.API, c.Record.Dropped = a.x.Access.String(), a.x.Dropped
				return a, nil
			}
			if err != nil && final(err, own) {
				return nil, err
			}
		}
	}
	if s.best == nil {
		return nil, c.unoffered(&s, list)
	}
	c.Record.API, c.Record.Dropped = s.best.x.Access.String(), s.best.x.Dropped
	return s.best, nil
}

// selection is what has become of the offers so far.
type selection struct {
	best  *attempt
	first error // of the offers that cannot carry the request at all, the preferred one's
	seen  [8]*upstream.Offer
	n     int
}

// tried reports whether an offer need not be looked at: one like it, of another host, has been.
func (s *selection) tried(o *upstream.Offer) bool {
	if o.Dialect == nil {
		return true
	}
	for _, other := range s.seen[:s.n] {
		if other.Dialect.Name() == o.Dialect.Name() && other.Guards() == o.Guards() {
			return true
		}
	}
	if s.n < len(s.seen) {
		s.seen[s.n] = o
		s.n++
	}
	return false
}

// take keeps an attempt if it carries more than the one kept, and reports whether there can be no better.
func (s *selection) take(a *attempt, err error) bool {
	switch {
	case err != nil:
		if s.first == nil {
			s.first = err
		}
		return false
	case len(a.x.Dropped) == 0 && !a.x.Poorer:
		return true
	case s.best == nil || carriesMore(a.x, s.best.x):
		s.best = a
	}
	return false
}

// carriesMore reports whether a request loses only what another loses too, and not all of it.
func carriesMore(x, than *chat.Exchange) bool {
	for _, param := range x.Dropped {
		if !slices.Contains(than.Dropped, param) {
			return false
		}
	}
	if len(x.Dropped) == len(than.Dropped) {
		return than.Poorer && !x.Poorer
	}
	return true
}

// final reports whether an error has nothing to do with the offer: the client left, a file cannot be read, or the client's
// own words are refused in their own form.
func final(err error, own bool) bool {
	e, ok := errors.AsType[*chat.Error](err)
	return !ok || own && !e.Fallback || e.Kind != chat.ErrInvalidRequest && e.Kind != chat.ErrUnsupported
}

// unoffered is the error for a request that no offer carries.
func (c *Call) unoffered(s *selection, list []upstream.Offer) error {
	if s.first != nil {
		return s.first
	}
	var apis []string
	for i := range list {
		if name := list[i].API.String(); len(apis) == 0 || apis[len(apis)-1] != name {
			apis = append(apis, name)
		}
	}
	e := chat.Invalid("model", "the model '%s' has only the API '%s' on Bedrock, which requests in the form '%s' cannot be translated to",
		c.Model, strings.Join(apis, "', '"), c.Client.Name())
	e.Fallback = true
	return e
}

// prepareBy writes the request for the target by one offer.
func (c *Call) prepareBy(t *upstream.Target, o *upstream.Offer, modelID string) (*attempt, error) {
	x := &chat.Exchange{
		Model: c.Model, TargetModel: modelID, Target: o.Dialect.Name(), Access: o.Access, RejectUnsupported: c.engine.RejectUnsupported, Validated: true,
		ID: c.replyID(), Created: c.start.Unix(), Started: c.start, Stored: c.stores(), Previous: c.turn.previous,
	}
	t.Prepare(x)
	x.AutoCache = t.PromptCache == upstream.PromptCacheAuto || t.PromptCache == "" && c.engine.CachePrompts
	if err := c.guarded(x, o); err != nil {
		return nil, err
	}
	if c.noBetas {
		x.Facts = x.Facts.WithoutBetas()
	}
	a := &attempt{target: t, x: x}
	a.call = upstream.Call{Lent: c.lender.to(t.Upstream), Op: upstream.Chat, Model: modelID, Dialect: o.Dialect, Access: o.Access, Stream: c.Stream, Header: c.r.Header}
	same := o.Dialect.Name() == c.Client.Name()
	inline, text, err := c.filesFor(&x.Facts)
	if err != nil {
		return nil, err
	}
	if same && inline == nil {
		err = c.splice(a, text)
		e, ok := errors.AsType[*chat.Error](err)
		if !ok || e.Code != chat.CodeAnew && (e.Code != chat.CodeRemote || c.engine.Images == nil) {
			return a, err
		}
		// Content that the upstream wants by value, which is fetched, or what no edit can say: the request is written anew.
		x.Dropped = nil
	}
	if err := c.translate(a, inline, text); err != nil {
		return nil, err
	}
	a.relayed = same && !x.Aliased()
	return a, nil
}

// guarded refuses an offer that is not known to apply the guardrail of the request, be it configured or asked for. One in
// the body travels by Converse, or in the headers of InvokeModel where the body is written anew.
func (c *Call) guarded(x *chat.Exchange, o *upstream.Offer) error {
	if o.API == model.AnyAPI {
		return nil
	}
	inBody := c.Body.Value("guardrailConfig") != nil && (x.Guardrail == nil || x.GuardrailOverride)
	if x.Guardrail == nil && !inBody && c.r.Header[guardrailHeader] == nil {
		return nil
	}
	if o.Guards() && (!inBody || o.API == model.Converse || o.API == model.Invoke && o.Dialect.Name() != c.Client.Name()) {
		return nil
	}
	e := chat.Invalid("guardrailConfig", "the guardrail cannot be applied: the model '%s' would be asked by Bedrock's API %s on %s, which is not known to apply it as asked for", x.Model, o.API, o.Host)
	e.Code, e.Fallback = "guardrail_not_applied", true
	return e
}
