package handler

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/usage"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// call is one chat request on its way. It lives in one goroutine.
type call struct {
	g      *Gateway
	w      http.ResponseWriter
	r      *http.Request
	id     string
	start  time.Time
	caller Caller

	form    form
	raw     []byte // the body as it came; nil before it was read
	body    chat.Body
	members [16]json.Member   // room for body's
	client  translate.Dialect // what the request is written in
	out     translate.Dialect // what the answer is to be written in
	model   string            // as the client named it
	stream  bool
	files   []files.File // those asked about
	context chat.String  // their content where all of it goes as text, to any model; nil if it does not
	betas   []string     // of the anthropic-beta header
	noBetas bool         // the upstream refused one: none is sent any more

	rec   usage.Record
	pulse pulse // of the answer's stream
}

// targetFormats are the words of ?target_format=, in lower case.
var targetFormats = map[string]string{
	"openai":         "openai",
	"bedrock_claude": "claude", "claude": "claude", "anthropic": "claude",
	"bedrock_titan": "titan", "titan": "titan",
}

// serveChat is POST /v1/chat/completions: any dialect in, OpenAI's or the one asked for out.
func (g *Gateway) serveChat(w http.ResponseWriter, r *http.Request) {
	c := g.newCall(w, r, openaiForm)
	c.out, c.betas = g.openai, betas(r.Header)
	c.serve(func() error {
		if err := c.targetFormat(); err != nil {
			return err
		}
		name, err := translate.Detect(&c.body)
		if err != nil {
			return err
		}
		if c.client = translate.ByName(name); c.client == nil {
			return chat.Invalid("", "requests in the form '%s' are not taken on this path", name)
		}
		return nil
	})
}

// newCall begins a call of an endpoint.
func (g *Gateway) newCall(w http.ResponseWriter, r *http.Request, f form) *call {
	c := &call{g: g, w: w, r: r, form: f, id: newID(), start: time.Now(), caller: g.Caller(r)}
	c.rec.RequestID = requestID(c.id)
	return c
}

// serve runs the call: read, detect (the endpoint's own word), route, try, answer.
func (c *call) serve(detect func() error) {
	defer c.observe()
	if err := c.run(detect); err != nil {
		c.fail(err)
	}
}

// observe tells who wants to know that the call is over.
func (c *call) observe() {
	if c.g.Observe != nil {
		c.g.Observe(c.r, &c.rec)
	}
}

// fail answers with the error, in the form of the answer that was asked for.
func (c *call) fail(err error) {
	e := asError(c.r.Context(), err)
	c.rec.Status, c.rec.Err = e.StatusCode(), e
	c.setHeaders(nil)
	if !c.form.native && c.out != nil {
		c.form.errors = c.out // errors take the form of the answer that was asked for
	}
	c.g.fail(c.w, c.r, &c.form, c.id, e)
}

// read reads the request as far as it takes to know where it goes.
func (c *call) read(detect func() error) (*upstream.Route, error) {
	if c.raw == nil {
		var err error
		if c.raw, err = c.g.readBody(c.r); err != nil {
			return nil, err
		}
		c.body.Members = c.members[:0]
		if err := c.body.ParseBody(c.raw); err != nil {
			return nil, err
		}
	}
	if err := detect(); err != nil {
		return nil, err
	}
	c.rec.Dialect = c.client.Name()
	if err := c.readMembers(); err != nil {
		return nil, err
	}
	route, e := c.g.Router.Route(c.model)
	if e != nil {
		return nil, e
	}
	return route, c.readFiles()
}

func (c *call) run(detect func() error) error {
	route, err := c.read(detect)
	if err != nil {
		return err
	}
	if limited, ok := c.out.(translate.Limited); ok && c.out != c.client {
		req, err := c.client.DecodeRequest(c.body.Raw, &chat.Exchange{Model: c.model, TargetModel: c.model})
		if err != nil {
			return err
		}
		if err := limited.CanAnswer(req); err != nil {
			return err
		}
	}
	var a *attempt
	err = route.Try(c.r.Context(), func(ctx context.Context, t *upstream.Target, n int) error {
		c.rec.Attempts = n
		if a == nil || a.target != t {
			var err error
			if a, err = c.prepare(t); err != nil {
				return err
			}
		}
		return c.open(ctx, a)
	})
	if err != nil {
		return err
	}
	defer a.close()
	if c.stream {
		c.pump(a)
		return nil
	}
	return c.answer(a)
}

// targetFormat reads ?target_format=.
func (c *call) targetFormat() error {
	if c.r.URL.RawQuery == "" {
		return nil
	}
	format := c.r.URL.Query().Get("target_format")
	if format == "" {
		return nil
	}
	name, known := targetFormats[strings.ToLower(format)]
	d := translate.ByName(name)
	if !known || d == nil {
		return chat.Invalid("target_format", "unknown target_format '%s'; use openai, bedrock_claude or bedrock_titan", format)
	}
	c.out = d
	return nil
}

// readMembers takes from the body what routing needs. On Bedrock's own paths it is all in the path.
func (c *call) readMembers() error {
	if c.form.native {
		c.rec.Model, c.rec.Stream = c.model, c.stream
		return c.mayAsk()
	}
	for _, key := range [...]string{"model", "model_id"} {
		v := c.body.Value(key)
		if v == nil {
			continue
		}
		if v[0] != '"' {
			return chat.Invalid(key, "'%s' must be a string", key)
		}
		c.model = chat.String(v).Unquote()
		break
	}
	if c.model == "" {
		c.model = c.g.DefaultModel
	}
	if c.model == "" {
		return chat.Invalid("model", "you must provide a model parameter, or the gateway a default_model")
	}
	c.rec.Model = c.model
	if err := c.mayAsk(); err != nil {
		return err
	}
	switch v := c.body.Value("stream"); string(v) {
	case "true":
		c.stream = true
	case "false", "":
	default:
		return chat.Invalid("stream", "'stream' must be a boolean")
	}
	c.rec.Stream = c.stream
	return nil
}

// maxModelID bounds a model's name in bytes, as Bedrock does: it stands in logs, errors and paths.
const maxModelID = 2048

// mayAsk refuses a model that the caller's key does not allow, or that can be none.
func (c *call) mayAsk() error {
	if len(c.model) > maxModelID {
		c.rec.Model = ""
		return chat.Invalid("model", "the model's name is longer than %d bytes", maxModelID)
	}
	if c.caller.May(c.model) {
		return nil
	}
	return &chat.Error{Kind: chat.ErrPermission, Code: "model_not_allowed", Param: "model", Message: "your key does not allow the model '" + c.model + "'"}
}
