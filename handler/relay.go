package handler

import (
	"bytes"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// serveRelay is one of OpenAI's other endpoints: the request is sent as it is to the OpenAI upstream that its model routes
// to. Only the model's name is read.
func (g *Gateway) serveRelay(w http.ResponseWriter, r *http.Request, _ string) {
	c := g.NewCall(w, r, openaiForm)
	c.Out = openaiForm.Errors
	c.Record.Dialect = c.Out.Name()
	g.relay(c, r)
}

// relay sends the call as it is, if it names nothing that is another caller's.
func (g *Gateway) relay(c *exchange.Call, r *http.Request) {
	body, err := c.ReadBody()
	if err == nil {
		err = g.checkObjects(c, r, body)
	}
	if err != nil {
		c.Answer(func() error { return err })
		return
	}
	g.send(c, r)
}

// send sends the call as it is.
func (g *Gateway) send(c *exchange.Call, r *http.Request) {
	c.Answer(func() error {
		if err := checkScope(c, r); err != nil {
			return err
		}
		body, err := c.ReadBody()
		if err != nil {
			return err
		}
		name, err := relayModel(r.Header.Get("Content-Type"), body)
		if err != nil {
			return err
		}
		route, err := g.relayRoute(c, r, name)
		if err != nil {
			return err
		}
		path := strings.TrimPrefix(apiPath(r.URL.EscapedPath()), "/v1")
		return c.Relay(route, func(*upstream.Target) (string, string) { return path, r.URL.RawQuery })
	})
}

// relayRoute finds where the call goes: by its model, or to the default OpenAI upstream if it names none.
func (g *Gateway) relayRoute(c *exchange.Call, r *http.Request, name string) (*upstream.Route, error) {
	if keeper, model := c.Keeper(); name == "" && keeper != "" && model != "" {
		return c.Route(model) // that of the answer that is gone on with
	}
	if name == "" {
		if c.Caller.Models != nil {
			// The provider would choose: its default, a stored prompt's, that of an answer that is gone on with.
			return nil, &chat.Error{Kind: chat.ErrPermission, Code: "model_not_allowed", Param: "model", Message: "your key is for certain models only, and the request names none"}
		}
		if route := g.Router.OpenAI(); route != nil {
			return route, nil
		}
		return nil, &chat.Error{Kind: chat.ErrNotFound, Code: "not_found", Message: r.URL.Path + " is served by OpenAI upstreams, and none is configured"}
	}
	route, err := c.Route(name)
	if err != nil {
		return nil, err
	}
	// The body goes as it is: a target that renames the model would be asked for another one.
	only := route.Only(upstream.KindOpenAI, name)
	if only == nil {
		return nil, notServed(route, name, r.URL.Path)
	}
	return only, nil
}

// closed reports whether a form ends with its last boundary. A form cut at the one before looks whole to some readers.
func closed(form []byte, boundary string) bool {
	i := bytes.LastIndex(form, []byte("--"+boundary))
	return i >= 0 && bytes.HasPrefix(form[i+2+len(boundary):], []byte("--"))
}

// servedOn are the endpoints that models of a purpose have. Chat is suggested for a model of which nothing is known, too.
var servedOn = map[model.Purpose]string{
	model.PurposeChat: "/v1/chat/completions", model.PurposeUnknown: "/v1/chat/completions", model.PurposeEmbedding: "/v1/embeddings",
	model.PurposeRerank: "/v1/rerank",
}

// notServed is the 404 for a model that lives at an upstream without this endpoint.
func notServed(route *upstream.Route, name, path string) *chat.Error {
	e := &chat.Error{Kind: chat.ErrNotFound, Code: "not_found", Param: "model", Message: "the model '" + name + "' is not served on " + path}
	if other := servedOn[model.PurposeOf(route.Targets[0].ModelFor(name))]; other != "" && other != path {
		e.Message += "; use " + other
	}
	return e
}

// relayModel reads the model's name of a JSON or multipart body; "" if it has none.
func relayModel(contentType string, body []byte) (string, error) {
	media, params, _ := mime.ParseMediaType(contentType)
	if media == "multipart/form-data" {
		name, err := formModel(multipart.NewReader(bytes.NewReader(body), params["boundary"]))
		if err == nil && !closed(body, params["boundary"]) {
			err = errCutForm
		}
		return name, err
	}
	if len(body) == 0 {
		return "", nil
	}
	var b chat.Body
	if err := b.ParseBody(body); err != nil {
		return "", err
	}
	return b.Text("model"), nil
}
