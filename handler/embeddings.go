package handler

import (
	"net/http"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// serveEmbeddings is POST /v1/embeddings: by Bedrock's embedding models, or relayed to the OpenAI upstream that the model
// routes to.
func (g *Gateway) serveEmbeddings(w http.ResponseWriter, r *http.Request, _ string) {
	g.serveOwn(w, r, ownEndpoint{
		path:  "/embeddings",
		serve: (*exchange.Call).Embed,
		serves: func(t *upstream.Target, modelID string) bool {
			embedder, ok := t.Upstream.(upstream.Embedder)
			return ok && embedder.Embedding(modelID).Form != model.NotEmbedding
		},
	})
}

// ownEndpoint is an endpoint that some models serve by a body of their own, and OpenAI upstreams as it came.
type ownEndpoint struct {
	path   string // below an OpenAI upstream's base URL
	serves func(t *upstream.Target, modelID string) bool
	serve  func(*exchange.Call, *upstream.Route) error
}

// serveOwn serves the endpoint. Where a route's targets are of both sorts, the first one's sort decides: no two models'
// vectors or ranks can be compared.
func (g *Gateway) serveOwn(w http.ResponseWriter, r *http.Request, e ownEndpoint) {
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
			serves := func(t *upstream.Target) bool { return e.serves(t, t.ModelFor(name)) }
			if serves(route.Targets[0]) {
				if err := c.ReadMembers(); err != nil {
					return err
				}
				return e.serve(c, route.Keep(serves))
			}
		}
		route, err := g.relayRoute(c, r, name)
		if err != nil {
			return err
		}
		return c.Relay(route, func(*upstream.Target) (string, string) { return e.path, r.URL.RawQuery })
	})
}
