package handler

import (
	"net/http"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// serveEmbeddings is POST /v1/embeddings: by Bedrock's embedding models, or relayed to the OpenAI upstream that the model
// routes to.
func (g *Gateway) serveEmbeddings(w http.ResponseWriter, r *http.Request, _ string) {
	g.serveOwn(w, r, (*exchange.Call).Embed, func(t *upstream.Target, name string) bool {
		e, ok := t.Upstream.(upstream.Embedder)
		return ok && e.Embedding(t.ModelFor(name)).Form != model.NotEmbedding
	})
}

// serveOwn is an endpoint that some models serve by a body of their own, and OpenAI upstreams as it came. Where a route's
// targets are of both sorts, the first one's sort decides: no two models' vectors or scores can be compared.
func (g *Gateway) serveOwn(w http.ResponseWriter, r *http.Request, serve func(*exchange.Call, *upstream.Route) error, serves func(t *upstream.Target, name string) bool) {
	c := g.NewCall(w, r, openaiForm)
	c.Out = openaiForm.Errors
	c.Record.Dialect = c.Out.Name()
	c.Answer(func() error {
		body, err := c.ReadBody()
		if err != nil {
			return err
		}
		name, err := relayModel(r.Header.Get("Content-Type"), body)
		if err != nil {
			return err
		}
		if name != "" {
			route, err := c.Route(name)
			if err != nil {
				return err
			}
			if serves(route.Targets[0], name) {
				if err := c.ReadMembers(); err != nil {
					return err
				}
				return serve(c, route.Keep(func(t *upstream.Target) bool { return serves(t, name) }))
			}
		}
		route, err := g.relayRoute(c, r, name)
		if err != nil {
			return err
		}
		path := strings.TrimPrefix(r.URL.EscapedPath(), "/v1")
		return c.Relay(route, func(*upstream.Target) (string, string) { return path, r.URL.RawQuery })
	})
}
