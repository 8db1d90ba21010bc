package handler

import (
	"net/http"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
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
	c.Chat(func() error {
		// What no model can be asked for is refused by the dialect; what OpenAI keeps for all of the gateway's users is here.
		if route, e := g.Router.Route(name); e == nil && route.Only(upstream.KindOpenAI, "") != nil {
			return g.checkObjects(c, r, raw)
		}
		return nil
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
