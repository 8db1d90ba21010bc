package handler

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// nativeCall is a call of Bedrock's runtime, as its path says it.
type nativeCall struct {
	model  string
	action string // converse, converse-stream, invoke, invoke-with-response-stream, count-tokens
}

// parseNative reads /model/{id}/{action} of the path as it was sent: AWS clients encode the id as one segment, others
// leave its colons and slashes as they are.
func parseNative(escapedPath string) (n nativeCall, ok bool) {
	rest, ok := strings.CutPrefix(escapedPath, "/model/")
	if !ok {
		return n, false
	}
	i := strings.LastIndexByte(rest, '/')
	if i < 1 {
		return n, false
	}
	id, err := url.PathUnescape(rest[:i])
	if err != nil {
		return n, false
	}
	n = nativeCall{model: id, action: rest[i+1:]}
	switch n.action {
	case "converse", "converse-stream", "invoke", "invoke-with-response-stream", "count-tokens":
		return n, true
	}
	return n, false
}

// isControlPath tells whether a path is one of the listings of Bedrock's control plane.
func isControlPath(path string) bool {
	return path == "/foundation-models" || path == "/inference-profiles" ||
		(strings.HasPrefix(path, "/foundation-models/") || strings.HasPrefix(path, "/inference-profiles/")) && !climbs(path)
}

// serveNative answers a call of Bedrock's runtime. A body of a dialect that is known goes the way of every chat, so that
// its tokens are counted and its model may live anywhere; what Bedrock answers in the same dialect is relayed as it is.
// Any other body is passed on unread.
func (g *Gateway) serveNative(w http.ResponseWriter, r *http.Request, n nativeCall) {
	c := g.newCall(w, r, bedrockForm)
	c.out = bedrockForm.errors
	c.model = n.model
	c.stream = strings.HasSuffix(n.action, "-stream")
	if n.action == "count-tokens" {
		c.serveOpaque(n)
		return
	}
	raw, err := g.readBody(r)
	if err == nil {
		c.raw = raw
		err = c.body.ParseBody(raw)
	}
	if err != nil {
		defer c.observe()
		c.fail(err)
		return
	}
	if strings.HasPrefix(n.action, "converse") {
		c.client = bedrockForm.errors
	} else {
		c.client = invokeDialect(&c.body)
	}
	if c.client == nil {
		c.serveOpaque(n)
		return
	}
	c.out = c.client
	c.serve(func() error { return nil })
}

// invokeDialect tells which dialect the body of an InvokeModel is in; nil for one that is a model's own affair.
func invokeDialect(b *chat.Body) translate.Dialect {
	switch {
	case b.Member("anthropic_version") != nil:
		return translate.ByName("claude")
	case b.Member("inputText") != nil && b.Member("textGenerationConfig") != nil:
		return translate.ByName("titan")
	}
	return nil
}

// serveOpaque passes a call on to the Bedrock upstream that its model routes to, its body unread.
func (c *call) serveOpaque(n nativeCall) {
	c.rec.Dialect, c.rec.Stream = "invoke", c.stream
	defer c.observe()
	err := func() error {
		if c.raw == nil {
			raw, err := c.g.readBody(c.r)
			if err != nil {
				return err
			}
			c.raw = raw
		}
		c.rec.Model = c.model
		if err := c.mayAsk(); err != nil {
			return err
		}
		route, e := c.g.Router.Route(c.model)
		if e != nil {
			return e
		}
		only := route.Only(upstream.KindBedrock, "")
		if only == nil {
			return chat.Invalid("", "this form of request is Bedrock's own; the model '%s' lives elsewhere: use Converse", c.model)
		}
		return c.relayTo(only, func(t *upstream.Target) string {
			return "/model/" + url.PathEscape(t.ModelFor(c.model)) + "/" + n.action
		})
	}()
	if err != nil {
		c.fail(err)
	}
}

// serveControl passes a listing of Bedrock's control plane on to the default Bedrock upstream.
func (g *Gateway) serveControl(w http.ResponseWriter, r *http.Request) {
	c := g.newCall(w, r, bedrockForm)
	c.out = bedrockForm.errors
	c.rec.Dialect = "control"
	defer c.observe()
	route := g.Router.Bedrock()
	if route == nil {
		c.fail(&chat.Error{Kind: chat.ErrNotFound, Message: "no Bedrock upstream is configured"})
		return
	}
	if err := c.relayTo(route, func(*upstream.Target) string { return r.URL.EscapedPath() }); err != nil {
		c.fail(err)
	}
}
