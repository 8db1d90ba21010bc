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
	// Asked and Answered take what was said, where it is to be written down; clean takes out what is to be redacted, and
	// bounds the rest.
	Asked(r *chat.Request, clean func([]byte) []byte)
	Answered(blocks []chat.Block, stop string, clean func([]byte) []byte)
	// End ends the trace.
	End(r *usage.Record)
}

// spoken adds to the trace what the log of prompts and replies has, if there is one: of chats, where the bound of that log
// left the request whole.
func (c *Call) spoken() {
	said := c.said
	if said == nil || c.Client == nil || c.Record.Dialect == "" {
		return
	}
	x := &chat.Exchange{Model: c.Model, TargetModel: c.Model}
	if req, err := c.Client.DecodeRequest(said.Asked(), x); err == nil {
		c.trace.Asked(req, said.Clean)
	}
	blocks := said.Blocks()
	if reply := said.Reply(); blocks == nil && reply != nil && c.Out != nil {
		if res, err := c.Out.DecodeResponse(reply, x); err == nil {
			blocks = res.Content
		}
	}
	if blocks != nil {
		c.trace.Answered(blocks, c.Record.StopReason(), said.Clean)
	}
}

// outgoing returns the context for what is sent to an upstream, and the headers of which the upstream passes on some.
func (c *Call) outgoing(ctx context.Context) (context.Context, http.Header) {
	if c.trace == nil {
		return ctx, c.r.Header
	}
	return c.trace.Outgoing(ctx, c.r.Header)
}
