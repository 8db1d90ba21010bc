package exchange

import (
	"errors"
	"net/http"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/files/extract"
	"github.com/open-bedrock/caddy-bedrock-gateway/limit"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/usage"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// Call is one request on its way to a model and back. An endpoint sets the exported fields that its path decides, then
// calls Chat, CountTokens or Relay once. A Call belongs to one goroutine, that of its request.
type Call struct {
	Client translate.Dialect // the dialect of the request; nil until it is detected
	Out    translate.Dialect // the dialect of the answer
	Model  string            // as the client named it
	Stream bool
	Betas  []string  // of the anthropic-beta header
	Body   chat.Body // the request's members, once ReadMembers or Chat has read them
	Caller Caller
	Record usage.Record

	engine  *Engine
	w       http.ResponseWriter
	r       *http.Request
	id      string
	start   time.Time
	form    Form
	held    held            // the memory of the body and what is made of it
	lender  lender          // that memory
	raw     []byte          // the body as it came; nil until it is read
	spooled spooled         // the body, where it is too large for memory
	members [16]json.Member // storage of Body.Members
	files   []files.File    // those that the request asks about
	context chat.String     // their content where all of it goes as text, to any model; nil otherwise
	reading extract.Request // what taking their text has cost
	decoded bool            // held counts what is made of the body, too
	noBetas bool            // the upstream refused a beta: none is sent any more
	lease   *limit.Lease    // nil where no limit holds
	input   int64           // tokens of the request, estimated where a limit holds
	pieces  int64           // frames of the reply's stream so far
	watch   watchdog        // of the answer's stream
	tries   [2]usage.Try    // storage of Record.Tries
	said    *usage.Said     // nil: nobody wants to know
	core    string          // of the reply's id, where that is not the request's; "" where it is
	turn    turn            // of a conversation that is kept
	keeper  keeper          // of what the request names
	inquiry *inquiry        // nil: the call makes a response, and asks for none
	keep    *keeping        // nil: nothing of the reply is kept
	trace   Trace           // nil: the call is not traced
}

// NewCall begins a call that is answered in the given form.
func (en *Engine) NewCall(w http.ResponseWriter, r *http.Request, f Form) *Call {
	c := &Call{engine: en, w: w, r: r, form: f, id: NewID(), start: time.Now(), Caller: en.Config.Caller(r)}
	en.Process.note(&c.Caller)
	c.said = en.Content.Begin()
	if en.Config.Trace != nil {
		c.trace = en.Config.Trace(r)
	}
	c.Record.RequestID, c.Record.Start = RequestID(c.id), c.start
	return c
}

// Chat makes the call: read, detect, route, try, answer. detect is called once the body is read, to set Client and to
// refuse what the endpoint does not take; it is nil where the endpoint has set Client.
func (c *Call) Chat(detect func() error) {
	c.Answer(func() error { return c.chat(detect) })
}

// Answer runs the rest of an endpoint, answers with its error if it returns one, and observes the call.
func (c *Call) Answer(run func() error) {
	c.engine.Process.calls.Add(1)
	defer c.giveBack()
	defer c.observe()
	defer c.held.release()
	defer c.endKeeping()
	defer c.spooled.close()
	defer c.recovered()
	if err := run(); err != nil {
		c.fail(err)
	}
}

// giveBack gives back the memory of the bodies; it may be called again. A large conversation may still be
// packed, to be kept.
func (c *Call) giveBack() {
	if c.keep == nil || c.keep.ready == nil {
		c.lender.close()
	}
}

// observe settles a call that is over, and hands over its record.
func (c *Call) observe() {
	defer c.engine.Process.calls.Add(-1) // at last: who finds no call under way finds all of them counted
	c.Record.Duration = time.Since(c.start)
	c.Record.Price(c.engine.Prices)
	c.settle()
	if c.engine.Observe != nil {
		c.engine.Observe(c.r, &c.Record)
	}
	c.said.Write(&c.Record)
	if c.trace != nil {
		c.spoken()
		c.trace.End(&c.Record)
	}
}

// fail answers with the error, in the form of the answer that was asked for.
func (c *Call) fail(err error) {
	e := AsError(c.r.Context(), err)
	c.Record.Status, c.Record.Err = e.StatusCode(), e
	c.setHeaders(nil)
	if !c.form.Native && c.Out != nil {
		c.form.Errors = c.Out // errors take the form of the answer that was asked for
	}
	if tries := c.Record.Tries; len(tries) > 0 && tries[len(tries)-1].Err == e {
		c.logTry(nextNone)
		c.form.answer(c.w, c.r, c.id, e)
		return
	}
	c.engine.Fail(c.w, c.r, &c.form, c.id, e)
}

// ReadBody reads the request's body, at most Config.MaxBody bytes, and returns it. Another call returns the same bytes.
func (c *Call) ReadBody() ([]byte, error) {
	if c.raw == nil {
		var err error
		if c.raw, err = c.engine.readBody(c.r, &c.held, &c.lender); err != nil {
			return nil, err
		}
		c.said.Request(c.raw)
	}
	return c.raw, nil
}

// ReadMembers reads the request's body and its members into Body.
func (c *Call) ReadMembers() error {
	if c.Body.Members != nil {
		return nil
	}
	raw, err := c.ReadBody()
	if err != nil {
		return err
	}
	c.Body.Members = c.members[:0]
	if err := c.Body.ParseBody(raw); err != nil {
		return err
	}
	if c.trace != nil {
		c.trace.Request(c.Body.Value)
	}
	return nil
}

// read reads the request as far as its route depends on it.
func (c *Call) read(detect func() error) (*upstream.Route, error) {
	if err := c.ReadMembers(); err != nil {
		return nil, err
	}
	if detect != nil {
		if err := detect(); err != nil {
			return nil, err
		}
	}
	c.Record.Dialect = c.Client.Name()
	if err := c.readRouting(); err != nil {
		return nil, err
	}
	route, err := c.route()
	if err != nil {
		return nil, err
	}
	return route, c.readFiles()
}

func (c *Call) chat(detect func() error) error {
	route, err := c.read(detect)
	if err != nil {
		return err
	}
	if limited, ok := c.Out.(translate.Limited); ok && c.Out != c.Client {
		req, err := c.Client.DecodeRequest(c.Body.Raw, &chat.Exchange{Model: c.Model, TargetModel: c.Model, Validated: true})
		if err != nil {
			return err
		}
		if err := limited.CanAnswer(req); err != nil {
			return err
		}
	}
	if err := c.reserve(route); err != nil {
		return err
	}
	c.keepReply()
	a, err := c.try(route, c.prepare)
	if err != nil {
		return err
	}
	defer a.close()
	if c.Stream {
		c.pump(a)
		return nil
	}
	return c.answer(a)
}

// readRouting takes from the body what routing depends on. On Bedrock's own paths all of that is in the path.
func (c *Call) readRouting() error {
	if c.form.Native {
		c.Record.Model, c.Record.Stream = c.Model, c.Stream
		return c.mayAsk()
	}
	for _, key := range [...]string{"model", "model_id"} {
		v := c.Body.Value(key)
		if v == nil {
			continue
		}
		if v[0] != '"' {
			return chat.Invalid(key, "'%s' must be a string", key)
		}
		c.Model = chat.String(v).Unquote()
		break
	}
	if c.Model == "" {
		c.Model = c.engine.DefaultModel
	}
	if c.Model == "" {
		return chat.Invalid("model", "you must provide a model parameter, or the gateway a default_model")
	}
	c.Record.Model = c.Model
	if err := c.mayAsk(); err != nil {
		return err
	}
	switch v := c.Body.Value("stream"); string(v) {
	case "true":
		c.Stream = true
	case "false", "":
	default:
		return chat.Invalid("stream", "'stream' must be a boolean")
	}
	c.Record.Stream = c.Stream
	return nil
}

// MaxModelID bounds a model's name in bytes, as Bedrock does: it stands in logs, errors and paths.
const MaxModelID = 2048

// mayAsk refuses a model that the caller's key does not allow, and a name too long for a model.
func (c *Call) mayAsk() error {
	if len(c.Model) > MaxModelID {
		c.Record.Model = ""
		return chat.Invalid("model", "the model's name is longer than %d bytes", MaxModelID)
	}
	if c.Caller.May(c.Model) {
		return nil
	}
	return NotAllowed(c.Model)
}

// NotAllowed is the error for a model that is not for the caller.
func NotAllowed(name string) *chat.Error {
	return NoModel(name, errors.New("the caller's key does not allow it"))
}

// NoModel is the error for a model that is not there, or not for the caller. OpenAI's words do not tell which, so that a key
// for certain models does not tell the names of others; the cause is for the log.
func NoModel(name string, cause error) *chat.Error {
	return &chat.Error{
		Kind: chat.ErrNotFound, Code: "model_not_found", Param: "model", Cause: cause,
		Message: "The model `" + name + "` does not exist or you do not have access to it.",
	}
}

// route returns the route of the call's model. A caller with a key for certain models does not get to know of others.
func (c *Call) route() (*upstream.Route, error) {
	route, e := c.engine.Router.Route(c.Model)
	switch {
	case e == nil:
		return c.keeper.at(route, c.Model)
	case c.Caller.Models != nil:
		return nil, NoModel(c.Model, e)
	}
	return nil, e
}

// Route sets the call's model and returns its route: that of a relay, whose body the gateway does not read further.
func (c *Call) Route(model string) (*upstream.Route, error) {
	c.Model, c.Record.Model = model, model
	if err := c.mayAsk(); err != nil {
		return nil, err
	}
	return c.route()
}
