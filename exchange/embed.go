package exchange

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/embed"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// parallelInvokes is how many calls of one request are under way at once. A model that takes one text a call answers in about
// a tenth of a second, so a request of 2,048 texts takes half a minute, and stays within what an account may ask in a minute.
const parallelInvokes = 8

// Embed answers with the vectors of what the request names, by as many calls of a target as its model needs. All vectors of
// an answer are of one model: where one call fails for good, all of them are made again by the next target.
func (c *Call) Embed(route *upstream.Route) error {
	req, err := embed.DecodeRequest(&c.Body)
	if err != nil {
		return err
	}
	if err := c.reserve(route); err != nil {
		return err
	}
	var f *fan
	err = route.Try(c.r.Context(), c.Model, func(ctx context.Context, t *upstream.Target, n int) error {
		c.trying(t, n)
		f = new(fan)
		c.begin(&f.invoker, route, t)
		err := f.embed(ctx, req)
		c.spent(&f.invoker)
		c.tried(err)
		return err
	})
	if err != nil {
		return err
	}
	answer := embed.Answer{Vectors: f.vectors, Model: c.Model, Usage: f.usage()}
	c.beginInvoked(&f.invoker, answer.Len())
	if err := answer.Write(c.w); err != nil {
		c.Record.Status, c.Record.Err = statusClientGone, errClientGone
	}
	return nil
}

// fan is one request as several calls at one target.
type fan struct {
	invoker
	plan    *embed.Plan
	vectors []embed.Vector // each call writes those of its own span
}

// embed makes the calls, some at once. The first one that fails for good ends the others, and is the error.
func (f *fan) embed(ctx context.Context, req *embed.Request) error {
	c, t := f.c, f.target
	facts := t.Upstream.(upstream.Embedder).Embedding(f.modelID)
	x := f.exchange()
	var err error
	if f.plan, err = req.Plan(&facts, x); err != nil {
		return err
	}
	c.Record.Dropped = x.Dropped
	if err := c.engine.hold(c.r, &c.held, int64(f.plan.Vectors()*f.plan.VectorSize())); err != nil {
		return err
	}
	f.vectors = make([]embed.Vector, f.plan.Vectors())
	work, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c.watch.await(c.engine.ReplyTimeout, errSlow, cancel)
	defer c.watch.awaited()
	group, work := errgroup.WithContext(work)
	group.SetLimit(parallelInvokes)
	for i := range f.plan.Calls() {
		if work.Err() != nil {
			break
		}
		group.Go(func() error { return f.call(ctx, work, i) })
	}
	err = group.Wait()
	if err == nil && ctx.Err() != nil {
		err = errClientGone // before the first call
	}
	return err
}

// call makes the ith call.
func (f *fan) call(ctx, work context.Context, i int) error {
	body := f.plan.AppendCall(nil, i)
	err := f.invoke(ctx, work, body, func(reply []byte) (int64, error) {
		vectors, tokens, err := f.plan.DecodeReply(reply, i)
		if err == nil {
			from, _ := f.plan.Span(i)
			copy(f.vectors[from:], vectors)
		}
		return tokens, err
	})
	if place := f.plan.Place(i); err != nil && place != "" {
		e := *AsError(ctx, err)
		e.Message, e.Body = place+": "+e.Message, nil
		if e.Kind == chat.ErrInvalidRequest {
			e.Param = "input"
		}
		return &e
	}
	return err
}
