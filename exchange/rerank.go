package exchange

import (
	"context"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rerank"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// Rerank answers with the ranks of the request's documents. version is that of Cohere's API, 1 or 2; the documents are in the
// answer where the request, or without its word the version, wants that.
func (c *Call) Rerank(route *upstream.Route, version string) error {
	req, err := rerank.DecodeRequest(&c.Body, version == "1")
	if err != nil {
		return err
	}
	if err := c.reserve(route); err != nil {
		return err
	}
	if err := c.engine.hold(c.r, &c.held, int64(len(c.raw))); err != nil { // the documents are written once more
		return err
	}
	var in invoker
	var results []rerank.Result
	err = route.Try(c.r.Context(), c.Model, func(ctx context.Context, t *upstream.Target, n int) error {
		c.trying(t, n)
		in = invoker{}
		results, err = c.rank(ctx, req, c.begin(&in, route, t))
		c.spent(&in)
		c.tried(err)
		return err
	})
	if err != nil {
		return err
	}
	answer := req.AppendAnswer(nil, results, &rerank.Answer{ID: c.id, Model: c.Model, Version: version, Usage: in.usage()})
	c.beginInvoked(&in, len(answer))
	if _, err := c.w.Write(answer); err != nil {
		c.Record.Status, c.Record.Err = statusClientGone, errClientGone
	}
	return nil
}

// rank asks one target.
func (c *Call) rank(ctx context.Context, req *rerank.Request, in *invoker) (results []rerank.Result, err error) {
	form := in.target.Upstream.(upstream.Ranker).Ranking(in.modelID).Form
	x := in.exchange()
	body, err := req.AppendCall(nil, form, x)
	if err != nil {
		return nil, err
	}
	c.Record.Dropped = x.Dropped
	work, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c.watch.await(c.engine.ReplyTimeout, errSlow, cancel)
	defer c.watch.awaited()
	err = in.invoke(ctx, work, body, func(reply []byte) (int64, error) {
		results, err = req.DecodeReply(reply)
		return -1, err // the body tells no tokens
	})
	return results, err
}
