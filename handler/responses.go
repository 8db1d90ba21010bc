package handler

import (
	"net/http"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// serveResponses is POST /v1/responses, and Bedrock's own path of it: OpenAI's Responses, for any model of any upstream.
func (g *Gateway) serveResponses(w http.ResponseWriter, r *http.Request, _ string) {
	c := g.NewCall(w, r, responsesForm)
	c.Client = responsesForm.Errors
	c.Out = c.Client
	c.Record.Dialect = c.Client.Name()
	raw, err := c.ReadBody()
	if err == nil && g.Router.OpenAI() != nil && (len(raw) == 0 || strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/")) {
		g.relay(c, r) // what is no chat is OpenAI's to refuse
		return
	}
	if err == nil {
		err = c.ReadMembers()
	}
	if err != nil {
		c.Answer(func() error { return err })
		return
	}
	name := c.Body.Text("model")
	if name == "" && g.DefaultModel == "" && g.Router.OpenAI() != nil {
		g.relay(c, r) // a stored prompt, or an answer that is gone on with, has a model of its own
		return
	}
	route, e := g.Router.Route(name)
	if name == "" || e != nil {
		c.Chat(nil) // which has the words for it
		return
	}
	switch {
	case unwritten(route, upstream.KindOpenAI, name):
		g.relay(c, r)
	case unwritten(route, upstream.KindBedrock, name):
		g.relayResponses(c, r, name)
	default:
		c.Chat(nil)
	}
}

// unwritten reports whether a target of the kind speaks Responses, but is not asked in it otherwise than by a relay.
func unwritten(route *upstream.Route, kind, name string) bool {
	own := name
	if kind != upstream.KindOpenAI {
		own = ""
	}
	only := route.Only(kind, own)
	if only == nil {
		return false
	}
	for i := range only.Targets {
		offers := only.Targets[i].Offers(only.Targets[i].ModelFor(name))
		for j := range offers {
			o := &offers[j]
			if kind == upstream.KindOpenAI && o.Dialect != nil && o.Dialect.Name() == "responses" {
				return false
			}
			if kind == upstream.KindBedrock && o.API == model.Responses {
				return true // until bodies of the dialect can be spliced
			}
		}
	}
	return kind == upstream.KindOpenAI
}

// relayResponses sends the request as it is, but for the name of its model, to the Bedrock upstream that the model routes to.
func (g *Gateway) relayResponses(c *exchange.Call, r *http.Request, name string) {
	c.Answer(func() error {
		route, err := c.Route(name)
		if err != nil {
			return err
		}
		only := route.Only(upstream.KindBedrock, "")
		if only == nil {
			return &chat.Error{Kind: chat.ErrNotFound, Code: "not_found", Param: "model", Message: "the model '" + name + "' is not Bedrock's; use /v1/responses"}
		}
		return c.Relay(only, func(*upstream.Target) (string, string) { return "/openai/v1/responses", "" })
	})
}

// serveWebSocket refuses Responses over a WebSocket. On a 426 Codex goes on by HTTP in the same turn; on other answers it
// tries five times at each start.
func (g *Gateway) serveWebSocket(w http.ResponseWriter, r *http.Request, _ string) {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		g.refuseMethod(w, r, &resource{form: &responsesForm, allow: http.MethodPost})
		return
	}
	w.Header().Set("Allow", http.MethodPost)
	g.Fail(w, r, &responsesForm, exchange.NewID(), &chat.Error{
		Kind: chat.ErrInvalidRequest, Status: http.StatusUpgradeRequired, Code: "websocket_not_supported",
		Message: "Responses are not served over WebSockets here; send a POST, which streams as well",
	})
}
