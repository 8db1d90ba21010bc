package exchange_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/handler"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/usage"
)

// converseDown speaks Converse, which has no words for a seed, and is down.
type converseDown struct{ scripted }

func (*converseDown) Offers(string) []upstream.Offer {
	return []upstream.Offer{{Dialect: translate.ByName("converse")}}
}

func (*converseDown) Open(context.Context, *upstream.Call) (*upstream.Reply, error) {
	return nil, &chat.Error{Kind: chat.ErrOverloaded, Message: "down", Fallback: true}
}

// converseStrict has a model that takes no prefill: a request with one is refused before it is sent.
type converseStrict struct{ converseDown }

func (*converseStrict) Prepare(x *chat.Exchange) { x.Facts = model.Facts{NoPrefill: true} }

// What did not reach one target is not said of the next, which refused the request for another reason: the header would
// send somebody looking in the wrong place.
func TestDroppedIsOfTheTargetNamedBesideIt(t *testing.T) {
	first := &upstream.Named{Name: "first", Kind: upstream.KindBedrock, Upstream: new(converseDown)}
	last := &upstream.Named{Name: "last", Kind: upstream.KindBedrock, Upstream: new(converseStrict)}
	route := &upstream.Route{Patterns: []upstream.Pattern{upstream.NewPattern("m")}, Targets: []*upstream.Target{{Named: first}, {Named: last}}}
	var rec usage.Record
	g := handler.New(handler.Config{Config: exchange.Config{
		Router: upstream.NewRouter([]*upstream.Route{route}, nil, nil), MaxBody: 1 << 20,
		Observe: func(_ *http.Request, r *usage.Record) { rec = *r },
	}})
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(`{"model":"m","seed":7,"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"So"}]}`)))
	if rec.Upstream != "last" || w.Code != http.StatusBadRequest || w.Header().Get("Bedrock-Gateway-Dropped") != "" {
		t.Errorf("upstream %s, status %d, dropped %q: %s", rec.Upstream, w.Code, w.Header().Get("Bedrock-Gateway-Dropped"), w.Body)
	}
}
