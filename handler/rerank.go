package handler

import (
	"net/http"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// serveRerank returns POST /rerank, /v1/rerank and /v2/rerank: Cohere's and Jina's. Documents are ranked by Bedrock's models,
// or the request is relayed to the OpenAI-compatible upstream that the model routes to: those that rank have one path for it
// below their base URL.
func serveRerank(version string) func(*Gateway, http.ResponseWriter, *http.Request, string) {
	return func(g *Gateway, w http.ResponseWriter, r *http.Request, _ string) {
		g.serveOwn(w, r, ownEndpoint{
			path:  "/rerank",
			serve: func(c *exchange.Call, route *upstream.Route) error { return c.Rerank(route, version) },
			serves: func(t *upstream.Target, modelID string) bool {
				ranker, ok := t.Upstream.(upstream.Ranker)
				return ok && ranker.Ranking(modelID).Form != model.NotRanking
			},
		})
	}
}
