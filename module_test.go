package bedrockgateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap/zapcore"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/usage"
)

// caddyRequest returns a request as Caddy's server passes it to a handler.
func caddyRequest() (*http.Request, *caddy.Replacer, *caddyhttp.ExtraLogFields) {
	r := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", nil)
	repl := caddyhttp.NewTestReplacer(r)
	extra := new(caddyhttp.ExtraLogFields)
	ctx := context.WithValue(r.Context(), caddy.ReplacerCtxKey, repl)
	return r.WithContext(context.WithValue(ctx, caddyhttp.ExtraLogFieldsCtxKey, extra)), repl, extra
}

func TestCaller(t *testing.T) {
	r, repl, _ := caddyRequest()
	caller := callerOf("{http.auth.user.id}")
	if c := caller(r); c.Owner != "" || c.Models != nil || !c.May("anything") {
		t.Errorf("an anonymous caller: got %+v", c)
	}
	repl.Set("http.auth.user.id", "alice")
	repl.Set(userModels, "")
	if c := caller(r); c.Owner != "alice" || !c.May("anything") {
		t.Errorf("a user without bounds: got %+v", c)
	}
	repl.Set(userModels, "gpt-* anthropic.claude-3-haiku")
	c := caller(r)
	for model, want := range map[string]bool{
		"gpt-4o": true, "anthropic.claude-3-haiku": true, "anthropic.claude-3-haiku-x": false, "o3": false, "": false,
	} {
		if c.May(model) != want {
			t.Errorf("may ask for %q: %v, want %v", model, !want, want)
		}
	}
	if c := callerOf("")(r); c.Owner != "" {
		t.Errorf("one shared space: got owner %q", c.Owner)
	}
}

func TestStatusOf(t *testing.T) {
	if got := statusOf(fmt.Errorf("reading: %w", caddyhttp.Error(http.StatusRequestEntityTooLarge, errors.New("x")))); got != 413 {
		t.Errorf("got %d", got)
	}
	if got := statusOf(errors.New("x")); got != 0 {
		t.Errorf("got %d", got)
	}
}

func TestObserve(t *testing.T) {
	rec := &usage.Record{
		RequestID: "req_1", Upstream: "eu", Model: "claude", UpstreamModel: "eu.anthropic.claude", Dialect: "openai",
		Attempts: 2, Stream: true, Status: 200, Stop: chat.StopLength, FirstByte: 1500 * time.Millisecond,
		Usage: chat.Usage{Known: true, Input: 10, Output: 0, CacheRead: 3},
	}
	r, repl, _ := caddyRequest()
	new(Gateway).observe(r, rec)
	const all = "{http.bedrock_gateway.upstream} {http.bedrock_gateway.model} {http.bedrock_gateway.upstream_model} " +
		"{http.bedrock_gateway.dialect} {http.bedrock_gateway.input_tokens} {http.bedrock_gateway.output_tokens} " +
		"{http.bedrock_gateway.cache_read_tokens} {http.bedrock_gateway.stop_reason} {http.bedrock_gateway.attempts} " +
		"{http.bedrock_gateway.ttft_ms}"
	if got, want := repl.ReplaceAll(all, "?"), "eu claude eu.anthropic.claude openai 10 0 3 max_tokens 2 1500"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := repl.ReplaceAll("{http.bedrock_gateway.nothing}", "?"); got != "?" {
		t.Errorf("an unknown placeholder is %q", got)
	}

	// Without usage the counts are unknown, which is not zero.
	r, repl, _ = caddyRequest()
	new(Gateway).observe(r, &usage.Record{Model: "m"})
	if got := repl.ReplaceAll("{http.bedrock_gateway.input_tokens} {http.bedrock_gateway.output_tokens} {http.bedrock_gateway.ttft_ms}", "?"); got != "? ? ?" {
		t.Errorf("got %q", got)
	}

	enc := zapcore.NewMapObjectEncoder()
	if err := rec.MarshalLogObject(enc); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"request_id": "req_1", "upstream": "eu", "model": "claude", "upstream_model": "eu.anthropic.claude",
		"attempts": 2, "stream": true, "input_tokens": int64(10), "output_tokens": int64(0), "cache_read_tokens": int64(3),
		"stop_reason": "max_tokens", "ttft": 1500 * time.Millisecond,
	} {
		if enc.Fields[key] != want {
			t.Errorf("%s is %v, want %v", key, enc.Fields[key], want)
		}
	}
	if _, ok := enc.Fields["error"]; ok {
		t.Error("an error where none was")
	}
}
