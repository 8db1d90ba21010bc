package handler

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// serveMessages is POST /v1/messages: Anthropic's own path, for any model of any upstream.
func (g *Gateway) serveMessages(w http.ResponseWriter, r *http.Request) {
	c := g.newCall(w, r, anthropicForm)
	c.client, c.out = translate.ByName("claude"), translate.ByName("claude")
	c.betas = betas(r.Header)
	c.serve(func() error { return nil })
}

// betas reads the names of the anthropic-beta headers.
func betas(h http.Header) []string {
	var names []string
	for _, v := range h["Anthropic-Beta"] {
		for name := range strings.SplitSeq(v, ",") {
			if name = strings.TrimSpace(name); name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}

// serveCountTokens is POST /v1/messages/count_tokens: by Bedrock's CountTokens for the models that it serves, and an
// honest 501 for the others.
func (g *Gateway) serveCountTokens(w http.ResponseWriter, r *http.Request) {
	c := g.newCall(w, r, anthropicForm)
	c.client, c.out = translate.ByName("claude"), translate.ByName("claude")
	c.betas = betas(r.Header)
	c.rec.Dialect = c.client.Name()
	defer c.observe()
	if err := c.countTokens(); err != nil {
		c.fail(err)
	}
}

func (c *call) countTokens() error {
	route, err := c.read(func() error { return nil })
	if err != nil {
		return err
	}
	c.stream = false
	c.rec.Stream = false
	var a *attempt
	err = route.Try(c.r.Context(), func(ctx context.Context, t *upstream.Target, n int) error {
		c.rec.Attempts = n
		if a == nil || a.target != t {
			var err error
			if a, err = c.prepareCount(t); err != nil {
				return err
			}
		}
		return c.open(ctx, a)
	})
	if err != nil {
		return err
	}
	defer a.close()
	n, err := decodeCount(a.body.b)
	if err != nil {
		return c.unreadable(a, err)
	}
	c.setHeaders(a)
	c.rec.Status = http.StatusOK
	c.rec.FirstByte = time.Since(c.start)
	jw := json.NewWriter(nil)
	jw.BeginObject()
	jw.Key("input_tokens")
	jw.Int(n)
	jw.EndObject()
	c.w.Header()["Content-Type"] = jsonType
	_, _ = c.w.Write(jw.Bytes())
	return nil
}

// prepareCount writes the request for the target: the body that InvokeModel would get, in base64.
func (c *call) prepareCount(t *upstream.Target) (*attempt, error) {
	modelID := t.ModelFor(c.model)
	x := &chat.Exchange{Model: c.model, TargetModel: modelID, RejectUnsupported: c.g.RejectUnsupported}
	t.Prepare(x)
	c.rec.Upstream, c.rec.UpstreamModel = t.Name, modelID
	takesClaude := false
	for _, o := range t.Offers(modelID) {
		takesClaude = takesClaude || o.Dialect != nil && o.Dialect.Name() == c.client.Name()
	}
	if !takesClaude || !x.Facts.CountTokens {
		return nil, &chat.Error{
			Kind: chat.ErrUnsupported, Fallback: true,
			Message: "tokens of the model '" + c.model + "' cannot be counted ahead: its provider has no call for it; the reply's usage tells them",
		}
	}
	a := &attempt{target: t, x: x}
	a.call = upstream.Call{Op: upstream.CountTokens, Model: modelID, Dialect: c.client, Header: c.r.Header}
	inline, text, err := c.filesFor(&x.Facts)
	if err != nil {
		return nil, err
	}
	if inline == nil {
		err = c.splice(a, text)
	} else {
		err = c.translate(a, inline, text)
	}
	if err != nil {
		return nil, err
	}
	body := []byte(`{"input":{"invokeModel":{"body":"`)
	body = base64.StdEncoding.AppendEncode(body, a.call.Body)
	a.call.Body = append(body, `"}}}`...)
	c.rec.Dropped = x.Dropped
	return a, nil
}

// decodeCount reads {"inputTokens":n}.
func decodeCount(body []byte) (int64, error) {
	n := int64(-1)
	r := json.NewReader(body)
	for r.Object(); r.Member(); {
		if string(r.Key()) == "inputTokens" {
			n = r.Int()
		} else {
			r.Skip()
		}
	}
	if err := r.End(); err != nil {
		return 0, err
	}
	if n < 0 {
		return 0, chat.Unreadable("a token count", nil)
	}
	return n, nil
}
