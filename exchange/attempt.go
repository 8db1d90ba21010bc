package exchange

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/openai"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/responses"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// attempt is the call in the words of one target, and what the target answered.
type attempt struct {
	target *upstream.Target
	x      *chat.Exchange
	call   upstream.Call
	// ctx is of the upstream's work, which lasts no longer than the client's interest and can be ended earlier by cancel.
	ctx    context.Context
	cancel context.CancelCauseFunc
	// relayed: the client's own dialect was spoken. If the answer is to be in it, too, its bytes are relayed.
	relayed bool
	// hidesUsage: the stream's usage was asked for by the gateway alone, so its chunk is taken out again.
	hidesUsage bool
	reply      *upstream.Reply
	body       *buffer // the whole reply's body, read; nil for a stream
}

// splice edits the client's own bytes for an upstream of its own dialect.
func (c *Call) splice(a *attempt, context chat.String) error {
	e := chat.Edits{Context: context, Betas: c.Betas, AskUsage: c.Stream && a.call.Dialect == c.engine.openai && a.target.AskUsage()}
	if a.x.TargetModel != c.Body.Text("model") {
		e.Model = a.x.TargetModel
	}
	c.fileParts(&e)
	a.x.IncludeUsage = includesUsage(c.Body.Value("stream_options"))
	a.hidesUsage = e.AskUsage && !a.x.IncludeUsage
	var err error
	a.call.Body, err = a.call.Dialect.Splice(nil, &c.Body, &e, a.x)
	a.relayed = !a.x.Aliased()
	return err
}

// includesUsage reads OpenAI's stream_options.include_usage.
func includesUsage(options chat.Value) bool {
	if options == nil {
		return false
	}
	r := json.NewReader(options)
	include := false
	r.Object()
	for r.Member() {
		if string(r.Key()) == "include_usage" && r.Kind() == json.True {
			include = true
		}
		r.Skip()
	}
	return include
}

// translate writes the request anew in the target's dialect, the files before its question.
func (c *Call) translate(a *attempt, inline []chat.Block, context chat.String) error {
	if err := c.holdDecoded(); err != nil {
		return err
	}
	req, err := c.Client.DecodeRequest(c.Body.Raw, a.x)
	if err != nil {
		return err
	}
	req.Model = a.x.TargetModel
	req.Betas = append(req.Betas, c.Betas...)
	req.Stream = c.Stream
	a.x.IncludeUsage = req.IncludeUsage
	a.hidesUsage = !req.IncludeUsage
	if context != nil {
		inline = append(inline, chat.Block{Kind: chat.Text, Text: context})
	}
	if inline != nil {
		req.Prepend(inline...)
	}
	if err := c.resolveFiles(a, req); err != nil {
		return err
	}
	for i := range req.Messages {
		noteDocuments(a.x, req.Messages[i].Content)
	}
	if name := a.call.Dialect.Name(); name != openai.Name && name != responses.Name || a.x.Facts.InlineImages { // OpenAI fetches for itself
		if err := c.fetchImages(req); err != nil {
			return err
		}
	}
	a.call.Body, err = a.call.Dialect.EncodeRequest(c.lender.lend(len(c.Body.Raw)+len(context)+512), req, a.x)
	a.call.Beside = a.x.Headers
	return err
}

// holdDecoded holds what the canonical request will take: next to nothing beside most bodies, many times as much as a body
// of thousands of small parts.
func (c *Call) holdDecoded() error {
	if c.decoded || len(c.Body.Raw) < unnamed {
		return nil
	}
	c.decoded = true
	return c.engine.hold(c.r, &c.held, blockSize*int64(bytes.Count(c.Body.Raw, []byte{'{'})))
}

// open sends the attempt and waits for the reply to begin; a whole reply is read to its end, so that one that breaks can
// be asked for again.
func (c *Call) open(ctx context.Context, a *attempt) error {
	a.target.Begin()
	opened := false
	defer func() {
		if !opened { // in a panic, too
			a.cancel(nil)
			a.target.End()
		}
	}()
	out, header := c.outgoing(ctx)
	a.call.Header = header
	a.ctx, a.cancel = context.WithCancelCause(out)
	c.beginDraft(a)
	err := c.openCured(a)
	if err == nil {
		opened = true
		c.Record.UpstreamRequestID, c.Record.Profile = a.reply.RequestID, a.reply.Profile
		return nil
	}
	return c.attemptError(ctx, a.target, c.givenUp(a.ctx, err))
}

// givenUp returns the error for an upstream that was given up because it took too long, and err itself if that is not what
// ended its work. Another target is tried; this one is not tried again.
func (c *Call) givenUp(ctx context.Context, err error) error {
	e := &chat.Error{Kind: chat.ErrTimeout, Fallback: true, Cause: err}
	switch context.Cause(ctx) { //nolint:errorlint // these very values are the causes
	case errIdle:
		e.Code = "stream_idle_timeout"
		e.Message = fmt.Sprintf("the upstream's stream was silent for %s and was given up", c.engine.StreamIdleTimeout)
	case errSlow:
		e.Code = "reply_timeout"
		e.Message = fmt.Sprintf("the upstream did not finish its reply within %s and was given up", c.engine.ReplyTimeout)
	default:
		return err
	}
	return e
}

// attemptError returns the error of a failed attempt, which decides whether there is another try.
func (c *Call) attemptError(ctx context.Context, t *upstream.Target, err error) error {
	if ctx.Err() != nil {
		return errClientGone
	}
	var e *chat.Error
	if !errors.As(err, &e) {
		e = &chat.Error{Kind: chat.ErrUpstream, Code: "upstream_error", Message: "the upstream cannot be reached", Retryable: true, Cause: err}
	}
	e.Upstream = t.Name
	return e
}

func (c *Call) tryOpen(a *attempt) error {
	if a.call.Stream {
		c.watch.await(c.engine.StreamIdleTimeout, errIdle, a.cancel)
	} else {
		c.watch.await(c.engine.ReplyTimeout, errSlow, a.cancel)
	}
	defer c.watch.awaited()
	reply, err := a.target.Open(a.ctx, &a.call)
	if err != nil {
		return err
	}
	a.reply = reply
	if reply.Streamed() {
		return nil
	}
	a.body = getBuffer()
	if err := a.body.fill(reply.Body); err != nil {
		_ = reply.Close()
		putBuffer(a.body)
		a.reply, a.body = nil, nil
		if errors.Is(err, errReplyTooLarge) {
			return &chat.Error{Kind: chat.ErrUpstream, Code: "upstream_error", Message: err.Error()}
		}
		return &chat.Error{Kind: chat.ErrUpstream, Code: "upstream_error", Message: "the upstream's reply broke before its end", Retryable: true, Cause: err}
	}
	return nil
}

func (a *attempt) close() {
	_ = a.reply.Close()
	a.cancel(nil)
	a.target.End()
	if a.body != nil {
		putBuffer(a.body)
	}
}

// relays reports whether the upstream's own bytes are the answer.
func (c *Call) relays(a *attempt) bool { return a.relayed && a.call.Dialect.Name() == c.Out.Name() }

// setHeaders sets the headers about the upstream and its answer; a is nil when no upstream answered.
func (c *Call) setHeaders(a *attempt) {
	h := c.w.Header()
	values := make([]string, 0, 5) // of the headers that nearly every answer has
	one := func(name, value string) {
		if value != "" {
			values = append(values, value)
			h[name] = values[len(values)-1 : len(values) : len(values)]
		}
	}
	one(c.form.IDHeader, c.Record.RequestID)
	one("Bedrock-Gateway-Upstream", c.Record.Upstream)
	one("Bedrock-Gateway-Api", c.Record.API)
	if c.Record.Attempts > 1 {
		h.Set("Bedrock-Gateway-Attempts", strconv.Itoa(c.Record.Attempts))
	}
	if len(c.Record.Dropped) > 0 {
		h.Set("Bedrock-Gateway-Dropped", listed(c.Record.Dropped))
	}
	if a == nil {
		c.limitHeaders(h)
		return
	}
	one("Bedrock-Gateway-Profile", a.reply.Profile)
	if c.form.Native && a.reply.RequestID != "" {
		h[c.form.IDHeader] = []string{a.reply.RequestID} // what AWS support asks for
	} else {
		one("Bedrock-Gateway-Upstream-Request-Id", a.reply.RequestID)
	}
	keepHeaders(h, a.reply.Header, c.form.Native)
	c.limitHeaders(h)
}

// The bounds of what Bedrock-Gateway-Dropped lists. Names are the client's own, and no client reads a header without end.
const (
	maxListed     = 32
	maxListedName = 64 // bytes
)

// listed returns the names as one header's value.
func listed(names []string) string {
	var b strings.Builder
	for i, name := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		if i == maxListed {
			b.WriteString("...")
			break
		}
		if len(name) > maxListedName {
			name = name[:maxListedName] + "..."
		}
		b.WriteString(name)
	}
	return b.String()
}

// note writes what the translation found odd to the log.
func (c *Call) note(x *chat.Exchange) {
	for _, line := range x.Notes {
		c.engine.Logger.Warn(line, zap.String("request_id", c.Record.RequestID), zap.String("upstream", c.Record.Upstream), zap.String("model", x.TargetModel))
	}
}
