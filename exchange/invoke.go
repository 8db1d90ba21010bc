package exchange

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// beginInvoked begins the answer that was made of what the invoker got.
func (c *Call) beginInvoked(in *invoker, size int) {
	c.setHeaders(&attempt{target: in.target, reply: in.first})
	h := c.w.Header()
	c.costHeader(h)
	h["Content-Type"] = JSONType
	h["Content-Length"] = []string{strconv.Itoa(size)}
	c.Record.Status, c.Record.FirstByte = http.StatusOK, time.Since(c.start)
	c.w.WriteHeader(http.StatusOK)
}

// spent takes over what the calls of an invoker used, whether or not they got anywhere.
func (c *Call) spent(in *invoker) {
	in.mu.Lock()
	defer in.mu.Unlock()
	c.Record.Attempts += in.retries
	c.Record.Panicked = c.Record.Panicked || in.panicked
	if in.first != nil {
		c.Record.UpstreamRequestID, c.Record.Profile = in.first.RequestID, in.first.Profile
	}
	used := in.usage()
	c.Record.Usage.Input += used.Input
	c.Record.Usage.Known = used.Known
}

// usage returns what the replies counted; it is known only where all of them did.
func (in *invoker) usage() chat.Usage {
	return chat.Usage{Known: in.counted > 0 && in.uncounted == 0, Input: in.tokens}
}

// invoker sends bodies of a model's own form to one target. It is safe for concurrent use.
type invoker struct {
	c       *Call
	route   *upstream.Route // with the one target
	target  *upstream.Target
	modelID string
	lent    *upstream.Lent

	mu                 sync.Mutex
	first              *upstream.Reply // the first that came, closed: its headers
	tokens             int64
	counted, uncounted int // replies
	retries            int
	panicked           bool
}

// begin makes in ready for one of the route's targets, and returns it.
func (c *Call) begin(in *invoker, route *upstream.Route, t *upstream.Target) *invoker {
	in.c, in.route, in.target, in.modelID = c, route.At(t), t, t.ModelFor(c.Model)
	in.lent = c.lender.to(t.Upstream)
	c.Record.Upstream, c.Record.UpstreamModel, c.Record.API = t.Name, in.modelID, model.Invoke.String()
	return in
}

// exchange returns what planning the calls needs to know.
func (in *invoker) exchange() *chat.Exchange {
	return &chat.Exchange{Model: in.c.Model, TargetModel: in.modelID, RejectUnsupported: in.c.engine.RejectUnsupported}
}

// invoke sends one body, again where another try may help, and has read take the reply. ctx is the request's, work the
// upstream's, which ends earlier when another call failed. read returns the tokens that the reply counts, below 0 for none.
func (in *invoker) invoke(ctx, work context.Context, body []byte, read func(reply []byte) (int64, error)) (err error) {
	c := in.c
	defer func() {
		if v := recover(); v != nil {
			err = c.engine.Panicked(v, c.Record.RequestID)
			in.mu.Lock()
			in.panicked = true
			in.mu.Unlock()
		}
	}()
	work, header := c.outgoing(work)
	call := upstream.Call{Op: upstream.Invoke, Model: in.modelID, Body: body, Lent: in.lent, Header: header}
	err = in.route.Try(work, c.Model, func(work context.Context, t *upstream.Target, n int) error {
		if n > 1 {
			in.mu.Lock()
			in.retries++
			in.mu.Unlock()
		}
		err := in.once(work, &call, read)
		if err == nil || work.Err() != nil && ctx.Err() == nil && context.Cause(work) != errSlow { //nolint:errorlint // this very value is the cause
			return err // or another call has failed, which is the one to tell
		}
		return c.attemptError(ctx, t, c.givenUp(work, err))
	})
	if e, ok := err.(*chat.Error); ok && e.Retryable { //nolint:errorlint // attemptError made it
		again := *e
		again.Retryable, again.Fallback = false, true // this target has had its tries
		return &again
	}
	return err
}

// once sends the call once.
func (in *invoker) once(work context.Context, call *upstream.Call, read func(reply []byte) (int64, error)) error {
	in.target.Begin()
	defer in.target.End()
	reply, err := in.target.Open(work, call)
	if err != nil {
		return err
	}
	defer reply.Close() //nolint:errcheck // it was read to its end, or broke
	buf := getBuffer()
	defer putBuffer(buf)
	if err := buf.fill(reply.Body); err != nil {
		return &chat.Error{Kind: chat.ErrUpstream, Code: "upstream_error", Message: "the upstream's reply broke before its end", Retryable: true, Cause: err}
	}
	tokens, err := read(buf.b)
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.first == nil {
		in.first = reply
	}
	switch {
	case err != nil:
	case tokens >= 0:
		in.tokens += tokens
		in.counted++
	case reply.Usage.Known:
		in.tokens += reply.Usage.Input
		in.counted++
	default:
		in.uncounted++
	}
	return err
}
