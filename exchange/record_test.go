package exchange_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/usage"
)

// What metrics, logs and traces tell of a call is in its record, the tries that failed too.
func TestTheRecordHasEachTry(t *testing.T) {
	busy := func(context.Context, *upstream.Call) (*upstream.Reply, error) {
		return nil, &chat.Error{Kind: chat.ErrOverloaded, UpstreamStatus: 503, Retryable: true, Fallback: true}
	}
	good := func(context.Context, *upstream.Call) (*upstream.Reply, error) {
		return whole(`{"id":"c-1","choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":2}}`), nil
	}
	var rec usage.Record
	g, _ := observed(busy, good, &rec)
	route, _ := g.Router.Route("gpt-4o")
	route.Retries, route.TryDuration = 1, time.Minute
	if w := post(t.Context(), g, "/v1/chat/completions", `{"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}]}`); w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	want := []struct {
		upstream, cause string
		status          int
	}{{"first", "overloaded", 503}, {"first", "overloaded", 503}, {"second", "", 200}}
	if len(rec.Tries) != len(want) {
		t.Fatalf("got %+v", rec.Tries)
	}
	for i := range want {
		if got := &rec.Tries[i]; got.Upstream != want[i].upstream || got.Model != "gpt-4o" || got.Cause() != want[i].cause || got.Status != want[i].status || got.Start.IsZero() {
			t.Errorf("try %d: got %+v, want %+v", i+1, got, want[i])
		}
	}
	if fallbacks, retries := rec.Fallbacks(); fallbacks != 1 || retries != 1 || rec.Attempts != 3 {
		t.Errorf("%d fallbacks, %d retries, %d attempts", fallbacks, retries, rec.Attempts)
	}
	if rec.Route != "chat" || rec.ReplyID != "c-1" || rec.Duration < rec.FirstByte || rec.FirstByte <= 0 || rec.Usage.Input != 7 || rec.Cause() != "" || rec.Broken() {
		t.Errorf("got %+v", rec)
	}
	if calls, streams := g.Process.Calls(); calls != 0 || streams != 0 {
		t.Errorf("%d calls and %d streams are still counted as under way", calls, streams)
	}
}

func TestTheRecordSaysWhatBrokeACall(t *testing.T) {
	for cause, open := range map[string]opener{
		"unreachable": func(context.Context, *upstream.Call) (*upstream.Reply, error) {
			return nil, &chat.Error{Kind: chat.ErrUpstream, Code: "upstream_unreachable"}
		},
		"rate_limit": func(context.Context, *upstream.Call) (*upstream.Reply, error) {
			return nil, &chat.Error{Kind: chat.ErrRateLimit, UpstreamStatus: 429}
		},
		"invalid_request": func(context.Context, *upstream.Call) (*upstream.Reply, error) {
			return nil, &chat.Error{Kind: chat.ErrInvalidRequest, UpstreamStatus: 400, Message: "the prompt 'SECRET' is too rude"}
		},
		"unreadable": func(context.Context, *upstream.Call) (*upstream.Reply, error) { return whole(`<html>`), nil },
		"internal":   func(context.Context, *upstream.Call) (*upstream.Reply, error) { panic("a bug") },
	} {
		t.Run(cause, func(t *testing.T) {
			var rec usage.Record
			g, _ := observed(open, open, &rec)
			post(t.Context(), g, "/v1/chat/completions", `{"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}]}`)
			if rec.Cause() != cause || rec.Panicked != (cause == "internal") {
				t.Errorf("got %q (%v), want %q", rec.Cause(), rec.Err, cause)
			}
			if text := usage.ErrorText(rec.Err); cause == "invalid_request" && text != "the upstream refused the request; the client has its message, which may quote the request" {
				t.Errorf("the log would say %q", text)
			}
			if n := g.Process.Panics(); n != map[bool]int64{true: 1}[rec.Panicked] {
				t.Errorf("%d panics", n)
			}
		})
	}
}
