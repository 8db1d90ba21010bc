package handler

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// serveNative returns the endpoint of one of the Bedrock runtime's actions: converse, converse-stream, invoke,
// invoke-with-response-stream, count-tokens. A body of a known dialect goes the way of every chat, so that its tokens are
// counted and its model may be anywhere; what Bedrock answers in the same dialect is relayed as it is. Any other body is
// passed on unread.
func serveNative(action string) func(*Gateway, http.ResponseWriter, *http.Request, string) {
	return func(g *Gateway, w http.ResponseWriter, r *http.Request, model string) {
		c := g.NewCall(w, r, bedrockForm)
		c.Model, c.Stream = model, strings.HasSuffix(action, "-stream")
		c.Out = bedrockForm.Errors
		if action == "count-tokens" {
			g.relayNative(c, action)
			return
		}
		if err := c.ReadMembers(); err != nil {
			c.Answer(func() error { return err })
			return
		}
		if strings.HasPrefix(action, "converse") {
			c.Client = bedrockForm.Errors
		} else {
			c.Client = invokeDialect(&c.Body)
		}
		if c.Client == nil {
			g.relayNative(c, action)
			return
		}
		c.Out = c.Client
		c.Chat(nil)
	}
}

// invokeDialect returns the dialect of an InvokeModel body; nil for one that only its model understands.
func invokeDialect(b *chat.Body) translate.Dialect {
	switch {
	case b.Member("anthropic_version") != nil:
		return translate.ByName("claude")
	case b.Member("inputText") != nil && b.Member("textGenerationConfig") != nil:
		return translate.ByName("titan")
	}
	return nil
}

// relayNative passes a call on to the Bedrock upstream that its model routes to, its body unread.
func (g *Gateway) relayNative(c *exchange.Call, action string) {
	c.Record.Dialect, c.Record.Stream = "invoke", c.Stream
	c.Answer(func() error {
		if _, err := c.ReadBody(); err != nil {
			return err
		}
		route, err := c.Route(c.Model)
		if err != nil {
			return err
		}
		only := route.Only(upstream.KindBedrock, "")
		if only == nil {
			return chat.Invalid("", "this form of request is Bedrock's own; the model '%s' lives elsewhere: use Converse", c.Model)
		}
		return c.Relay(only, func(t *upstream.Target) (string, string) {
			return "/model/" + url.PathEscape(t.ModelFor(c.Model)) + "/" + action, ""
		})
	})
}

// serveControl passes a listing of Bedrock's control plane on to the default Bedrock upstream.
func (g *Gateway) serveControl(w http.ResponseWriter, r *http.Request, _ string) {
	c := g.NewCall(w, r, bedrockForm)
	c.Out = bedrockForm.Errors
	c.Record.Dialect = "control"
	c.Answer(func() error {
		route := g.Router.Bedrock()
		if route == nil {
			return &chat.Error{Kind: chat.ErrNotFound, Message: "no Bedrock upstream is configured"}
		}
		id, one := strings.CutPrefix(r.URL.Path, "/foundation-models/")
		switch {
		case c.Caller.Models == nil:
		case one && !c.Caller.May(id):
			return exchange.NotAllowed(id)
		case !one:
			return &chat.Error{Kind: chat.ErrPermission, Code: "model_not_allowed", Message: "your key is for certain models only; those are listed at /v1/models"}
		}
		return c.Relay(route, func(*upstream.Target) (string, string) { return r.URL.EscapedPath(), controlQuery(r.URL) })
	})
}
