// Package tracing makes the spans of calls, where Caddy's directive tracing stands before the gateway: one for a call, by
// OpenTelemetry's conventions for generative AI, and one below it for each try at an upstream, whose trace goes on there.
package tracing

import (
	"context"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/usage"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

const scope = "github.com/open-bedrock/caddy-bedrock-gateway"

// Call is the trace of one call. It belongs to the call's goroutine, but for Outgoing.
type Call struct {
	tracer trace.Tracer
	ctx    context.Context
	span   trace.Span
	kind   string // of the latest upstream
	try    trace.Span
	tryCtx context.Context
	tries  int
	server atomic.Pointer[string] // host:port that the latest try was sent to
}

// Begin returns the trace of the request's call; nil, at no cost, where the request is not traced or not sampled.
func Begin(r *http.Request) *Call {
	parent := trace.SpanFromContext(r.Context())
	if !parent.IsRecording() {
		return nil
	}
	c := &Call{tracer: parent.TracerProvider().Tracer(scope)}
	c.ctx, c.span = c.tracer.Start(r.Context(), "chat", trace.WithSpanKind(trace.SpanKindClient))
	return c
}

// Request takes the parameters of the request; member returns a member of its body, nil if it has none.
func (c *Call) Request(member func(name string) chat.Value) {
	for _, n := range numbers {
		for _, name := range n.members {
			outer, inner, nested := strings.Cut(name, ".")
			v := member(outer)
			if nested && v != nil {
				v = json.Find(v, inner)
			}
			f, err := strconv.ParseFloat(string(v), 64)
			switch {
			case err != nil || n.key == "gen_ai.request.choice.count" && f == 1:
				continue
			case n.whole:
				c.span.SetAttributes(n.key.Int64(int64(f)))
			default:
				c.span.SetAttributes(n.key.Float64(f))
			}
			break
		}
	}
}

// Try begins the span of a try at an upstream of a kind.
func (c *Call) Try(t *usage.Try, kind string) {
	c.kind = kind
	c.server.Store(nil)
	c.tryCtx, c.try = c.tracer.Start(c.ctx, "try "+t.Upstream, trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(t.Start), trace.WithAttributes(
		keyProvider.String(provider(kind)), keyModel.String(chat.Clip(t.Model)), keyUpstream.String(t.Upstream)))
	if c.tries > 0 {
		c.try.SetAttributes(keyResend.Int(c.tries))
	}
	c.tries++
}

// Outgoing returns the context for a call to the upstream, and its headers, by which the trace goes on there.
func (c *Call) Outgoing(ctx context.Context, header http.Header) (context.Context, http.Header) {
	own := make(http.Header, len(header)+2)
	maps.Copy(own, header)
	propagation.TraceContext{}.Inject(c.tryCtx, propagation.HeaderCarrier(own))
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GetConn: func(hostPort string) { c.server.Store(&hostPort) }}), own
}

// Tried ends the span of the latest try.
func (c *Call) Tried(t *usage.Try) {
	if c.try == nil {
		return
	}
	c.try.SetAttributes(c.address()...)
	if t.Status != 0 {
		c.try.SetAttributes(keyStatus.Int(t.Status))
	}
	fail(c.try, t.Cause())
	c.try.End(trace.WithTimestamp(t.Start.Add(t.Took)))
	c.try = nil
}

func (c *Call) address() []attribute.KeyValue {
	at := c.server.Load()
	if at == nil {
		return nil
	}
	host, port, err := net.SplitHostPort(*at)
	n, perr := strconv.Atoi(port)
	if err != nil || perr != nil {
		return nil
	}
	return []attribute.KeyValue{keyAddress.String(host), keyPort.Int(n)}
}

func fail(s trace.Span, cause string) {
	if cause != "" {
		s.SetAttributes(keyError.String(cause))
		s.SetStatus(codes.Error, cause)
	}
}

func provider(kind string) string {
	if name, ok := providers[kind]; ok {
		return name
	}
	return kind
}

// End ends the spans of a call that is over.
func (c *Call) End(r *usage.Record) {
	if c.try != nil { // it panicked
		c.Tried(&r.Tries[len(r.Tries)-1])
	}
	operation := "chat"
	if name, ok := operations[r.Route]; ok {
		operation = name
	}
	attributes := append(make([]attribute.KeyValue, 0, 24), keyOperation.String(operation), keyID.String(r.RequestID))
	add := func(key attribute.Key, value string) {
		if value != "" {
			attributes = append(attributes, key.String(value))
		}
	}
	name := operation
	model := r.UpstreamModel
	if model == "" {
		model = r.Model
	} else {
		name += " " + chat.Clip(model)
	}
	add(keyModel, chat.Clip(model))
	if r.Model != model {
		add(keyOriginal, chat.Clip(r.Model))
	}
	if c.kind != "" {
		add(keyProvider, provider(c.kind))
	}
	add(keyUpstream, r.Upstream)
	add(keyAPI, r.API)
	add(keyResponseID, r.ReplyID)
	add(keyServed, r.ServedModel)
	attributes = append(attributes, c.address()...)
	if r.Stream {
		attributes = append(attributes, keyStream.Bool(true))
		if r.FirstByte > 0 {
			attributes = append(attributes, keyFirstChunk.Float64(r.FirstByte.Round(time.Microsecond).Seconds()))
		}
	}
	if reason := r.StopReason(); reason != "" {
		attributes = append(attributes, keyFinish.StringSlice([]string{reason}))
	}
	if u := &r.Usage; u.Known {
		attributes = append(attributes, keyInput.Int64(u.Prompt()), keyOutput.Int64(u.Output), keyCacheRead.Int64(u.CacheRead), keyCacheWrite.Int64(u.CacheWrite))
		if u.ReasoningKnown {
			attributes = append(attributes, keyReasoning.Int64(u.Reasoning))
		}
	}
	if r.Priced {
		attributes = append(attributes, keyCost.Float64(r.Cost.Dollars()))
	}
	c.span.SetName(name)
	c.span.SetAttributes(attributes...)
	fail(c.span, r.Cause())
	c.span.End(trace.WithTimestamp(r.Start.Add(r.Duration)))
}
