package handler

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// relayedPaths are OpenAI's other endpoints, sent as they are to the OpenAI upstream that the model routes to.
var relayedPaths = [...]string{"embeddings", "images", "audio", "moderations", "completions", "responses"}

func isRelayed(path string) bool {
	rest, ok := strings.CutPrefix(path, "/v1/")
	if !ok || climbs(path) {
		return false
	}
	first, _, _ := strings.Cut(rest, "/")
	for _, p := range relayedPaths {
		if first == p {
			return true
		}
	}
	return false
}

// climbs tells whether a decoded path has a segment that leads elsewhere: /v1/images/../files begins like a path that is
// relayed, and an upstream that resolves it would do anything its API can, with the gateway's own key.
func climbs(path string) bool {
	for segment := range strings.FieldsFuncSeq(path, func(c rune) bool { return c == '/' || c == '\\' }) {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// serveRelay passes a call on without a look at more than its model.
func (g *Gateway) serveRelay(w http.ResponseWriter, r *http.Request) {
	c := g.newCall(w, r, openaiForm)
	c.out = g.openai
	c.rec.Dialect = "openai"
	defer c.observe()
	if err := c.relayOpenAI(); err != nil {
		c.fail(err)
	}
}

func (c *call) relayOpenAI() error {
	var err error
	if c.raw, err = c.g.readBody(c.r); err != nil {
		return err
	}
	route, err := c.relayRoute(c.raw)
	if err != nil {
		return err
	}
	path := strings.TrimPrefix(c.r.URL.EscapedPath(), "/v1")
	return c.relayTo(route, func(*upstream.Target) string { return path })
}

// relayTo sends the request as it came to the route's targets, at the path that each is to be asked at, and the reply
// back.
func (c *call) relayTo(route *upstream.Route, path func(*upstream.Target) string) error {
	ctx, cancel := context.WithCancelCause(c.r.Context())
	defer cancel(nil)
	var reply *upstream.Reply
	var target *upstream.Target
	err := route.Try(ctx, func(ctx context.Context, t *upstream.Target, n int) error {
		c.rec.Attempts, c.rec.Upstream = n, t.Name
		target = t
		t.Begin()
		opened := false
		defer func() {
			if !opened { // in a panic, too
				t.End()
			}
		}()
		var err error
		reply, err = t.Open(ctx, &upstream.Call{
			Op: upstream.Relay, Model: t.ModelFor(c.model), Body: c.raw,
			Method: c.r.Method, Path: path(t), Query: c.r.URL.RawQuery, Header: c.r.Header,
		})
		if err != nil {
			return c.attemptError(ctx, t, err)
		}
		opened = true
		return nil
	})
	if err != nil {
		return err
	}
	defer target.End()
	defer reply.Close() //nolint:errcheck // nothing can be done about it
	return c.copyReply(&attempt{target: target, reply: reply, ctx: ctx, cancel: cancel})
}

// relayRoute finds where the call goes: by its model, or to the default OpenAI upstream if it names none.
func (c *call) relayRoute(body []byte) (*upstream.Route, error) {
	name, err := relayModel(c.r.Header.Get("Content-Type"), body)
	if err != nil {
		return nil, err
	}
	if c.model = name; name == "" {
		if c.caller.Models != nil {
			// The provider would choose: its default, a stored prompt's, that of an answer that is gone on with.
			return nil, &chat.Error{Kind: chat.ErrPermission, Code: "model_not_allowed", Param: "model", Message: "your key is for certain models only, and the request names none"}
		}
		if route := c.g.Router.OpenAI(); route != nil {
			return route, nil
		}
		return nil, &chat.Error{Kind: chat.ErrNotFound, Code: "not_found", Message: c.r.URL.Path + " is served by OpenAI upstreams, and none is configured"}
	}
	c.rec.Model = name
	if err := c.mayAsk(); err != nil {
		return nil, err
	}
	route, e := c.g.Router.Route(name)
	if e != nil {
		return nil, e
	}
	// The body goes as it is: a target that renames the model would be asked for another one.
	only := route.Only(upstream.KindOpenAI, name)
	if only == nil {
		return nil, notServed(route, name, c.r.URL.Path)
	}
	return only, nil
}

// notServed is the 404 for a model that lives at an upstream without this endpoint. Chat is suggested for a model that has
// it, or of which nothing is known.
func notServed(route *upstream.Route, name, path string) *chat.Error {
	e := &chat.Error{Kind: chat.ErrNotFound, Code: "not_found", Param: "model", Message: "the model '" + name + "' is not served on " + path}
	if p := model.PurposeOf(route.Targets[0].ModelFor(name)); p == model.PurposeChat || p == model.PurposeUnknown {
		e.Message += "; use /v1/chat/completions"
	}
	return e
}

// relayModel reads the model's name of a JSON or multipart body; "" if it has none.
func relayModel(contentType string, body []byte) (string, error) {
	media, params, _ := mime.ParseMediaType(contentType)
	if media == "multipart/form-data" {
		model := ""
		form := multipart.NewReader(bytes.NewReader(body), params["boundary"])
		for {
			part, err := form.NextPart()
			if errors.Is(err, io.EOF) {
				return model, nil
			}
			if err != nil {
				return "", &chat.Error{Kind: chat.ErrInvalidRequest, Message: "the multipart body is malformed", Cause: err}
			}
			if part.FormName() != "model" {
				continue
			}
			if model != "" { // which of them counts is each reader's own choice
				return "", chat.Invalid("model", "the multipart body names more than one model")
			}
			b, err := io.ReadAll(io.LimitReader(part, maxModelID+1))
			if err != nil {
				return "", &chat.Error{Kind: chat.ErrInvalidRequest, Message: "the multipart body is malformed", Cause: err}
			}
			model = string(b)
		}
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

// relayedHeaders of an upstream's reply describe its body, and are the client's business on a relay.
var relayedHeaders = [...]string{"Content-Type", "Content-Disposition", "Cache-Control"}

// copyReply writes the reply's bytes as they come.
func (c *call) copyReply(a *attempt) error {
	reply := a.reply
	c.rec.UpstreamRequestID, c.rec.Profile = reply.RequestID, reply.Profile
	c.setHeaders(a)
	for _, name := range relayedHeaders {
		if v := reply.Header[name]; v != nil {
			c.w.Header()[name] = v
		}
	}
	c.rec.Status = reply.Status
	c.w.WriteHeader(reply.Status)
	contentType := reply.Header.Get("Content-Type")
	flush := strings.HasPrefix(contentType, "text/event-stream") || strings.HasPrefix(contentType, "application/vnd.amazon.eventstream")
	rc := http.NewResponseController(c.w)
	buf := getBuffer()
	defer putBuffer(buf)
	for {
		// A silent upstream is given up, as it is in a chat; the time that a slow client takes does not count.
		c.pulse.await(c.g.StreamIdleTimeout, a.cancel)
		n, err := reply.Body.Read(buf.b[:cap(buf.b)])
		c.pulse.awaited()
		if n > 0 {
			if c.rec.FirstByte == 0 {
				c.rec.FirstByte = time.Since(c.start)
			}
			_, werr := c.w.Write(buf.b[:n])
			if werr == nil && flush {
				werr = rc.Flush()
			}
			if werr != nil {
				c.rec.Status, c.rec.Err = statusClientGone, errClientGone
				return nil
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			e := c.streamError(a, err)
			if c.rec.Err = e; e == errClientGone {
				c.rec.Status = statusClientGone
			}
			panic(http.ErrAbortHandler)
		}
	}
}
