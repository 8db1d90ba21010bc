package exchange

import (
	"context"
	"net/http"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/usage"
)

// Trace is the trace of one call. It belongs to the call's goroutine, but for Outgoing.
type Trace interface {
	// Request takes the parameters of the request: member returns a member of its body, nil if it has none.
	Request(member func(name string) chat.Value)
	// Try and Tried begin and end the span of a try at an upstream of a kind.
	Try(t *usage.Try, kind string)
	Tried(t *usage.Try)
	// Outgoing returns the context and the headers for what is sent to the upstream.
	Outgoing(ctx context.Context, header http.Header) (context.Context, http.Header)
	// End ends the trace.
	End(r *usage.Record)
}

// outgoing returns the context for what is sent to an upstream, and the headers of which the upstream passes on some.
func (c *Call) outgoing(ctx context.Context) (context.Context, http.Header) {
	if c.trace == nil {
		return ctx, c.r.Header
	}
	return c.trace.Outgoing(ctx, c.r.Header)
}
