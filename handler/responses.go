package handler

import (
	"net/http"
	"slices"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
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
	if err == nil {
		err = g.recall(c)
	}
	if err != nil {
		c.Answer(func() error { return err })
		return
	}
	if g.namesNoModel(c) {
		g.send(c, r) // a stored prompt, or an answer that is gone on with, has a model of its own
		return
	}
	c.Chat(nil)
}

// namesNoModel reports whether the model of a request is an OpenAI upstream's to know: that of a stored prompt, or of an answer
// that is gone on with there.
func (g *Gateway) namesNoModel(c *exchange.Call) bool {
	if c.Body.Text("model") != "" {
		return false
	}
	keeper, _ := c.Keeper()
	return keeper != "" || g.DefaultModel == "" && g.Router.OpenAI() != nil
}

// recall puts what the request names of the caller's earlier responses into it, and refuses what it may not name.
func (g *Gateway) recall(c *exchange.Call) error {
	unknown, err := c.Recall()
	if err != nil {
		return err
	}
	openai := g.asksOpenAI(c)
	if openai && g.Anonymous(&c.Caller) && g.one(upstream.KindOpenAI) {
		return nil
	}
	if unknown == nil && c.Body.Value("conversation") != nil {
		unknown = ownerless("conversation")
	}
	if unknown == nil && openai {
		if unknown, err = c.Owns(); err != nil {
			return err
		}
	}
	if unknown == nil {
		return nil
	}
	if openai || g.Stored != nil && unknown.Param != "conversation" {
		return unknown
	}
	return nil // nothing is kept here: the dialect says so
}

// asksOpenAI reports whether the request may go to an OpenAI upstream.
func (g *Gateway) asksOpenAI(c *exchange.Call) bool {
	name := c.Body.Text("model")
	if name == "" {
		if name = g.DefaultModel; name == "" {
			return g.Router.OpenAI() != nil
		}
	}
	route, e := g.Router.Route(name)
	return e == nil && route.Only(upstream.KindOpenAI, "") != nil
}

// serveInputTokens is POST /v1/responses/input_tokens.
func (g *Gateway) serveInputTokens(w http.ResponseWriter, r *http.Request, _ string) {
	c := g.NewCall(w, r, responsesForm)
	c.Client = responsesForm.Errors
	if g.besides(c, r) {
		c.CountTokens()
	}
}

// serveCompact is POST /v1/responses/compact: a turn of the model that sums up the conversation.
func (g *Gateway) serveCompact(w http.ResponseWriter, r *http.Request, _ string) {
	c := g.NewCall(w, r, responsesForm)
	c.Client = translate.ByName("compact")
	if g.besides(c, r) {
		c.Chat(func() error {
			if c.Body.Value("stream") != nil {
				return chat.Invalid("stream", "Unknown parameter: 'stream'.")
			}
			return nil
		})
	}
}

// besides begins a call that OpenAI answers for its own models at a path of its own, and reports whether it is to be answered
// here.
func (g *Gateway) besides(c *exchange.Call, r *http.Request) bool {
	c.Out = c.Client
	c.Record.Dialect = responsesForm.Errors.Name()
	err := c.ReadMembers()
	if err == nil {
		err = g.recall(c)
	}
	if err != nil {
		c.Answer(func() error { return err })
		return false
	}
	if g.namesNoModel(c) || g.hasResponses(c.Body.Text("model")) {
		g.send(c, r)
		return false
	}
	return true
}

// hasResponses reports whether the model routes to an OpenAI upstream that has this API, and is called there as it is here.
func (g *Gateway) hasResponses(name string) bool {
	route, e := g.Router.Route(name)
	if e != nil {
		return false
	}
	only := route.Only(upstream.KindOpenAI, name)
	return only != nil && slices.ContainsFunc(only.Targets[0].Offers(name), func(o upstream.Offer) bool {
		return o.Dialect != nil && o.Dialect.Name() == responsesForm.Errors.Name()
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
