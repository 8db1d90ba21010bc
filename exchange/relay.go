package exchange

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// Relay sends the request as it came to the route's targets, at the path and with the query that each is to be asked with,
// and the reply back.
func (c *Call) Relay(route *upstream.Route, to func(*upstream.Target) (path, query string)) error {
	if len(c.raw) > 0 || c.spooled.file != nil || c.inquiry != nil {
		if err := c.reserve(route); err != nil {
			return err
		}
	}
	c.keepReply()
	in := relayed{buf: getBuffer()}
	defer func() { putBuffer(in.buf) }()
	err := route.Try(c.r.Context(), c.Model, func(ctx context.Context, t *upstream.Target, n int) error {
		c.trying(t, n)
		c.Record.Upstream, c.Record.UpstreamModel = t.Name, t.ModelFor(c.Model)
		in.attempt, in.left = &attempt{target: t}, c.engine.ReplyTimeout
		out, header := c.outgoing(ctx)
		in.ctx, in.cancel = context.WithCancelCause(out)
		t.Begin()
		opened := false
		defer func() {
			if !opened { // in a panic, too
				in.cancel(nil)
				t.End()
			}
		}()
		path, query := to(t)
		in.call = upstream.Call{
			Op: upstream.Relay, Model: t.ModelFor(c.Model), Body: c.raw, Lent: c.lender.to(t.Upstream), Form: c.spooled.reader(),
			Method: c.r.Method, Path: path, Query: query, Header: header,
		}
		err := c.openRelay(&in)
		if opened = err == nil; !opened {
			err = c.attemptError(ctx, t, c.givenUp(in.ctx, err))
		}
		c.tried(err)
		return err
	})
	if err != nil {
		return err
	}
	defer in.close()
	return c.copyReply(&in)
}

// relayed is a reply on its way through.
type relayed struct {
	*attempt
	buf   *buffer
	n     int           // bytes at hand in buf, of the last read
	err   error         // what came after them
	left  time.Duration // of reply_timeout
	flush bool          // it is a stream: each piece goes out at once
}

// openRelay sends the call and reads the first piece of the reply, so that one that breaks before it can still become an
// error, or another target's.
func (c *Call) openRelay(in *relayed) error {
	a := in.attempt
	start := time.Now()
	c.watch.await(in.left, errSlow, a.cancel)
	reply, err := a.target.Open(a.ctx, &a.call)
	c.watch.awaited()
	if err != nil {
		return err
	}
	a.reply = reply
	contentType := reply.Header.Get("Content-Type")
	in.flush = strings.HasPrefix(contentType, "text/event-stream") || strings.HasPrefix(contentType, "application/vnd.amazon.eventstream")
	if in.left > 0 {
		in.left = max(in.left-time.Since(start), 1)
	}
	if c.readPiece(in); in.n > 0 || errors.Is(in.err, io.EOF) {
		return nil
	}
	_ = reply.Close()
	return &chat.Error{
		Kind: chat.ErrUpstream, Code: "upstream_error", Message: "the upstream's reply broke before its first byte",
		Retryable: true, Fallback: true, Cause: in.err,
	}
}

// readPiece reads the next piece of the reply. A silent upstream is given up, as it is in a chat, and so is a reply that is not a
// stream and takes too long as a whole; the time that a slow client takes does not count.
func (c *Call) readPiece(in *relayed) {
	limit, cause := c.engine.StreamIdleTimeout, errIdle
	if !in.flush && in.left > 0 && (limit == 0 || in.left < limit) {
		limit, cause = in.left, errSlow
	}
	start := time.Now()
	c.watch.await(limit, cause, in.cancel)
	for in.n, in.err = 0, nil; in.n == 0 && in.err == nil; {
		in.n, in.err = in.reply.Body.Read(in.buf.b[:cap(in.buf.b)])
	}
	c.watch.awaited()
	if in.left > 0 {
		in.left = max(in.left-time.Since(start), 1)
	}
}

// relayedHeaders of an upstream's reply describe its body, and are the client's business on a relay.
var relayedHeaders = [...]string{"Content-Type", "Content-Disposition", "Cache-Control"}

// copyReply writes the reply's bytes as they come.
func (c *Call) copyReply(in *relayed) error {
	reply := in.reply
	c.Record.UpstreamRequestID, c.Record.Profile = reply.RequestID, reply.Profile
	c.setHeaders(in.attempt)
	for _, name := range relayedHeaders {
		if v := reply.Header[name]; v != nil {
			c.w.Header()[name] = v
		}
	}
	c.Record.Status = reply.Status
	c.w.WriteHeader(reply.Status)
	rc := http.NewResponseController(c.w)
	for ; ; c.readPiece(in) {
		if in.n > 0 {
			c.relayedID(in.attempt, in.buf.b[:in.n])
			c.inquiry.note(in.buf.b[:in.n])
			c.said.Answer(in.buf.b[:in.n])
			if c.Record.FirstByte == 0 {
				c.Record.FirstByte = time.Since(c.start)
			}
			_, err := c.w.Write(in.buf.b[:in.n])
			if err == nil && in.flush {
				err = rc.Flush()
			}
			if err != nil {
				c.Record.Status, c.Record.Err = statusClientGone, errClientGone
				return nil
			}
		}
		switch {
		case errors.Is(in.err, io.EOF):
			c.inquired(in)
			return nil
		case in.err != nil:
			e := c.streamError(in.attempt, in.err)
			if c.Record.Err = e; e == errClientGone {
				c.Record.Status = statusClientGone
			}
			_ = rc.Flush() // what came is the client's, with its status, before the connection breaks
			panic(http.ErrAbortHandler)
		}
	}
}
