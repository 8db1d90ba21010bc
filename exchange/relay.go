package exchange

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// Relay sends the request as it came to the route's targets, at the path that each is to be asked at, and the reply
// back.
func (c *Call) Relay(route *upstream.Route, path func(*upstream.Target) string) error {
	ctx, cancel := context.WithCancelCause(c.r.Context())
	defer cancel(nil)
	var reply *upstream.Reply
	var target *upstream.Target
	err := route.Try(ctx, c.Model, func(ctx context.Context, t *upstream.Target, n int) error {
		c.Record.Attempts, c.Record.Upstream = n, t.Name
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
			Op: upstream.Relay, Model: t.ModelFor(c.Model), Body: c.raw,
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

// relayedHeaders of an upstream's reply describe its body, and are the client's business on a relay.
var relayedHeaders = [...]string{"Content-Type", "Content-Disposition", "Cache-Control"}

// copyReply writes the reply's bytes as they come.
func (c *Call) copyReply(a *attempt) error {
	reply := a.reply
	c.Record.UpstreamRequestID, c.Record.Profile = reply.RequestID, reply.Profile
	c.setHeaders(a)
	for _, name := range relayedHeaders {
		if v := reply.Header[name]; v != nil {
			c.w.Header()[name] = v
		}
	}
	c.Record.Status = reply.Status
	c.w.WriteHeader(reply.Status)
	contentType := reply.Header.Get("Content-Type")
	flush := strings.HasPrefix(contentType, "text/event-stream") || strings.HasPrefix(contentType, "application/vnd.amazon.eventstream")
	rc := http.NewResponseController(c.w)
	buf := getBuffer()
	defer putBuffer(buf)
	for {
		// A silent upstream is given up, as it is in a chat; the time that a slow client takes does not count.
		c.watch.await(c.engine.StreamIdleTimeout, a.cancel)
		n, err := reply.Body.Read(buf.b[:cap(buf.b)])
		c.watch.awaited()
		if n > 0 {
			if c.Record.FirstByte == 0 {
				c.Record.FirstByte = time.Since(c.start)
			}
			_, werr := c.w.Write(buf.b[:n])
			if werr == nil && flush {
				werr = rc.Flush()
			}
			if werr != nil {
				c.Record.Status, c.Record.Err = statusClientGone, errClientGone
				return nil
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			e := c.streamError(a, err)
			if c.Record.Err = e; e == errClientGone {
				c.Record.Status = statusClientGone
			}
			panic(http.ErrAbortHandler)
		}
	}
}
