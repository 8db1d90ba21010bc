package exchange

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/usage"
)

// try asks the route's targets, each with the attempt that prepare returns for it, until one answers. The caller closes the
// attempt that is returned.
func (c *Call) try(route *upstream.Route, prepare func(*upstream.Target) (*attempt, error)) (*attempt, error) {
	var a *attempt
	err := route.Try(c.r.Context(), c.Model, func(ctx context.Context, t *upstream.Target, n int) (err error) {
		c.trying(t, n)
		if a == nil || a.target != t {
			a, err = prepare(t)
		}
		if err == nil {
			err = c.open(ctx, a)
		}
		c.tried(err)
		return err
	})
	return a, err
}

// trying begins the record of the nth try.
func (c *Call) trying(t *upstream.Target, n int) {
	c.Record.Attempts = n
	if tries := c.Record.Tries; len(tries) > 0 {
		if last := &tries[len(tries)-1]; last.Upstream == t.Name && last.Model == t.ModelFor(c.Model) {
			c.logTry(nextRetry)
		} else {
			c.logTry(nextTarget)
		}
	}
	if c.Record.Tries == nil {
		c.Record.Tries = c.tries[:0]
	}
	c.Record.Tries = append(c.Record.Tries, usage.Try{Upstream: t.Name, Model: t.ModelFor(c.Model), Start: time.Now()})
	if c.trace != nil {
		c.trace.Try(&c.Record.Tries[len(c.Record.Tries)-1], t.Kind)
	}
}

// tried ends the record of the latest try.
func (c *Call) tried(err error) {
	t := &c.Record.Tries[len(c.Record.Tries)-1]
	t.Took = time.Since(t.Start)
	if e, ok := errors.AsType[*chat.Error](err); ok {
		t.Err, t.Status = e, e.UpstreamStatus
	} else if err != nil {
		t.Err = AsError(c.r.Context(), err)
	} else {
		t.Status = http.StatusOK
	}
	if c.trace != nil {
		c.trace.Tried(t)
	}
}
