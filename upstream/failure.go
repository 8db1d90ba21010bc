package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// maxErrorBody bounds how much of an error's body is read.
const maxErrorBody = 1 << 20

// ReadError reads the body of an error, up to maxErrorBody, and closes it.
func ReadError(res *http.Response) []byte {
	defer res.Body.Close() //nolint:errcheck // nothing can be done about it
	body, err := io.ReadAll(io.LimitReader(res.Body, maxErrorBody))
	if err != nil {
		return nil
	}
	return body
}

// RoundTrip sends the request by rt and returns the reply's head. Its error is a *chat.Error, or that of the request's
// context. A reply whose status no HTTP client could act on is a broken upstream: one outside of 200 to 599, or 101, after
// which the connection speaks a protocol that nobody asked for. The caller closes the reply's body.
func RoundTrip(rt http.RoundTripper, req *http.Request) (*http.Response, error) {
	res, err := rt.RoundTrip(req)
	if err != nil {
		return nil, Unreachable(req.Context(), err)
	}
	if res.StatusCode < http.StatusOK || res.StatusCode > 599 {
		_ = res.Body.Close()
		return nil, &chat.Error{
			Kind: chat.ErrUpstream, Code: "upstream_error", Retryable: true, Fallback: true,
			Message: fmt.Sprintf("the upstream answered with status %03d, which is not one of a reply", res.StatusCode),
		}
	}
	return res, nil
}

// Plain returns an error for a compressed reply, and closes it. Requests ask for identity: the gateway reads replies, and
// does not pass their coding on to clients.
func Plain(res *http.Response) error {
	coding := res.Header.Get("Content-Encoding")
	if coding == "" || strings.EqualFold(coding, "identity") {
		return nil
	}
	_ = res.Body.Close()
	return &chat.Error{
		Kind: chat.ErrUpstream, Code: "upstream_error", Fallback: true,
		Message: "the upstream compressed its reply although the request asked for identity; turn compression off at the upstream or at the proxy before it",
	}
}

// RetryAfter returns how long the provider asks to wait: retry-after-ms, else retry-after in seconds or as a date
// (RFC 9110, section 10.2.3). It returns 0 if neither is there or can be read.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil {
		return seconds(ms / 1000)
	}
	v := h.Get("Retry-After")
	if s, err := strconv.ParseFloat(v, 64); err == nil {
		return seconds(s)
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// maxRetryAfter bounds the wait that a provider asks for.
const maxRetryAfter = 24 * time.Hour

func seconds(s float64) time.Duration {
	if math.IsNaN(s) || s <= 0 {
		return 0
	}
	return time.Duration(min(s, maxRetryAfter.Seconds()) * float64(time.Second))
}

// Unreachable returns the error for a call without an answer. Only the log has the cause, which names addresses.
func Unreachable(ctx context.Context, cause error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e := &chat.Error{Kind: chat.ErrUpstream, Code: "upstream_unreachable", Message: "the upstream cannot be reached", Retryable: true, Fallback: true, Cause: cause}
	var ne net.Error
	if errors.As(cause, &ne) && ne.Timeout() {
		e.Kind, e.Code, e.Message = chat.ErrTimeout, "upstream_timeout", "the upstream did not answer in time"
	}
	return e
}

// traceHeaders continue the client's trace at the upstream (W3C Trace Context).
var traceHeaders = [...]string{"Traceparent", "Tracestate"}

// PassHeaders copies the named headers, and those of the trace, from the client's request to the upstream's. Nothing
// else of a client's headers reaches an upstream.
func PassHeaders(dst, src http.Header, names ...string) {
	for _, name := range traceHeaders {
		if v := src[name]; v != nil {
			dst[name] = v
		}
	}
	for _, name := range names {
		if v := src[name]; v != nil {
			dst[name] = v
		}
	}
}
