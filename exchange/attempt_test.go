package exchange_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/handler"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/usage"
)

// mute is a call that the upstream takes and never answers.
func mute(ctx context.Context, _ *upstream.Call) (*upstream.Reply, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// twoTargets is a gateway whose gpt-* models live at first, else at second.
func twoTargets(first, second opener, idle time.Duration) (*handler.Gateway, []*upstream.Target) {
	return gatewayOfTwo(first, second, exchange.Config{MaxBody: 1 << 20, StreamIdleTimeout: idle})
}

// observed is twoTargets, and keeps the record of the latest call.
func observed(first, second opener, rec *usage.Record) (*handler.Gateway, []*upstream.Target) {
	return gatewayOfTwo(first, second, exchange.Config{MaxBody: 1 << 20, Observe: func(_ *http.Request, r *usage.Record) { *rec = *r }})
}

func gatewayOfTwo(first, second opener, c exchange.Config) (*handler.Gateway, []*upstream.Target) {
	ups := []*upstream.Named{{Name: "first", Kind: upstream.KindOpenAI, Upstream: first}, {Name: "second", Kind: upstream.KindOpenAI, Upstream: second}}
	targets := []*upstream.Target{{Named: ups[0]}, {Named: ups[1]}}
	route := &upstream.Route{Patterns: []upstream.Pattern{upstream.NewPattern("gpt-*")}, Targets: targets, Policy: upstream.PolicyFirst}
	c.Router = upstream.NewRouter([]*upstream.Route{route}, ups, nil)
	return handler.New(handler.Config{Upstreams: ups, Config: c}), targets
}

func post(ctx context.Context, g *handler.Gateway, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodPost, path, strings.NewReader(body)))
	return w
}

const streamed = `{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"Hi"}]}`

// The silence before a stream's first frame is bounded like any other: an upstream that takes calls and answers none once
// held its clients for as long as they cared to wait, though another target could have answered.
func TestAnUpstreamThatNeverBeginsIsGivenUpForTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{frames: make(chan upstream.Frame, 8)}
		s.frames <- frame(stop)
		s.frames <- frame("[DONE]")
		close(s.frames)
		g, _ := twoTargets(mute, s.Open, time.Minute)
		start := time.Now()
		w := post(t.Context(), g, "/v1/chat/completions", streamed)
		if d := time.Since(start); d != time.Minute || w.Code != http.StatusOK || w.Header().Get("Bedrock-Gateway-Upstream") != "second" || !strings.Contains(w.Body.String(), "[DONE]") {
			t.Errorf("after %s: status %d from %q: %s", d, w.Code, w.Header().Get("Bedrock-Gateway-Upstream"), w.Body)
		}
	})
}

func TestWhereNoUpstreamBeginsTheClientIsToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _ := twoTargets(mute, mute, time.Minute)
		start := time.Now()
		w := post(t.Context(), g, "/v1/chat/completions", streamed)
		if d := time.Since(start); d != 2*time.Minute || w.Code != http.StatusGatewayTimeout || !strings.Contains(w.Body.String(), `"code":"stream_idle_timeout"`) {
			t.Errorf("after %s: status %d: %s", d, w.Code, w.Body)
		}
	})
}

// A whole reply is bounded by reply_timeout, not by silence: models think for minutes and send nothing until they are done.
func TestAWholeReplyIsWaitedForAsLongAsTheClientWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _ := twoTargets(func(context.Context, *upstream.Call) (*upstream.Reply, error) {
			time.Sleep(20 * time.Minute)
			return whole(`{"choices":[]}`), nil
		}, mute, time.Minute)
		if w := post(t.Context(), g, "/v1/chat/completions", `{"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}]}`); w.Code != http.StatusOK {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
	})
}

// A whole reply that never ends held its client for as long as both kept their connections, and the other target was never
// asked: by the time that the first was given up, try_duration was over.
func TestAReplyThatTakesTooLongIsGivenUpForATargetNotAskedYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for path, body := range map[string]string{
			"/v1/chat/completions": `{"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}]}`,
			"/v1/embeddings":       `{"model":"gpt-4o","input":"Hi"}`,
		} {
			g, _ := twoTargets(mute, func(context.Context, *upstream.Call) (*upstream.Reply, error) {
				return whole(`{"choices":[]}`), nil
			}, 0)
			g.ReplyTimeout = 10 * time.Minute
			route, _ := g.Router.Route("gpt-4o")
			route.TryDuration, route.Retries = 30*time.Second, 2
			start := time.Now()
			w := post(t.Context(), g, path, body)
			if d := time.Since(start); d != 10*time.Minute || w.Code != http.StatusOK || w.Header().Get("Bedrock-Gateway-Upstream") != "second" {
				t.Errorf("%s: after %s: status %d from %q: %s", path, d, w.Code, w.Header().Get("Bedrock-Gateway-Upstream"), w.Body)
			}
		}
	})
}

// stalling returns some bytes and then none until it is closed by its context.
type stalling struct {
	io.Reader
	ctx context.Context
}

func (s *stalling) Read(b []byte) (int, error) {
	if n, err := s.Reader.Read(b); !errors.Is(err, io.EOF) {
		return n, err
	}
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}
func (s *stalling) Close() error { return nil }

// A relayed reply that stalls would otherwise stay open, upstream and client, for as long as both keep their connection.
func TestARelayedReplyThatStallsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rec usage.Record
		g := gatewayOf(opener(func(ctx context.Context, _ *upstream.Call) (*upstream.Reply, error) {
			r := whole("")
			r.Body = &stalling{strings.NewReader("data: {}\n\n"), ctx}
			return r, nil
		}), func(c *handler.Config) {
			c.StreamIdleTimeout = time.Minute
			c.Observe = func(_ *http.Request, r *usage.Record) { rec = *r }
		})
		start := time.Now()
		func() {
			defer func() {
				if p := recover(); p != http.ErrAbortHandler { //nolint:errorlint // what is panicked with is this very value
					t.Errorf("ended with %v, so that the client takes the reply for whole", p)
				}
			}()
			post(t.Context(), g, "/v1/completions", `{"model":"gpt-4o","stream":true}`)
		}()
		e, ok := errors.AsType[*chat.Error](rec.Err)
		if d := time.Since(start); d != time.Minute || !ok || e.Code != "stream_idle_timeout" {
			t.Errorf("after %s: %v", d, rec.Err)
		}
	})
}

// A target that was left with a call on its count would get no further calls under least_pending.
func TestATargetsCallsAreCountedDownWhateverHappens(t *testing.T) {
	for name, first := range map[string]opener{
		"a panic":    func(context.Context, *upstream.Call) (*upstream.Reply, error) { panic("bug of a third party's module") },
		"an error":   func(context.Context, *upstream.Call) (*upstream.Reply, error) { return nil, errors.New("broken") },
		"an answer":  func(context.Context, *upstream.Call) (*upstream.Reply, error) { return whole(`{"choices":[]}`), nil },
		"no answer":  func(context.Context, *upstream.Call) (*upstream.Reply, error) { return whole(`<html>`), nil },
		"an outcome": func(context.Context, *upstream.Call) (*upstream.Reply, error) { return nil, chat.Invalid("", "no") },
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/v1/chat/completions", "/v1/embeddings"} {
				g, targets := twoTargets(first, first, time.Minute)
				func() {
					defer func() { _ = recover() }()
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					post(ctx, g, path, `{"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}]}`)
				}()
				// The idle one comes first only if the other has a call on its count.
				route := upstream.Route{Targets: []*upstream.Target{targets[0], targets[1]}, Policy: upstream.PolicyLeastPending}
				err := route.Try(t.Context(), "gpt-4o", func(_ context.Context, to *upstream.Target, _ int) error {
					if to != targets[0] {
						return errors.New("a call is still counted")
					}
					return nil
				})
				if err != nil {
					t.Errorf("%s: %v", path, err)
				}
			}
		})
	}
}

// counting is an upstream that serves a Claude model as Bedrock does, and refuses betas as it sometimes does.
type counting struct{ opener }

func (counting) Offers(string) []upstream.Offer {
	return []upstream.Offer{{Dialect: translate.ByName("claude")}}
}

func (counting) Prepare(x *chat.Exchange) {
	x.Facts = model.Lookup("anthropic.claude-sonnet-4-5-20250929-v1:0")
}

// The try without betas once sent the chat itself, at the price of its answer, in place of the question for its tokens.
func TestTokensAreCountedAgainWithoutTheBetasThatWereRefused(t *testing.T) {
	var ops []upstream.Op
	g := gatewayOf(counting{func(_ context.Context, c *upstream.Call) (*upstream.Reply, error) {
		ops = append(ops, c.Op)
		if len(ops) == 1 {
			return nil, chat.Invalid("", "invalid beta flag")
		}
		return whole(`{"inputTokens":7}`), nil
	}}, nil)
	w := post(t.Context(), g, "/v1/messages/count_tokens", `{"model":"anthropic.claude-sonnet-4-5-20250929-v1:0","messages":[{"role":"user","content":"Hi"}]}`)
	if w.Code != http.StatusOK || w.Body.String() != `{"input_tokens":7}` || len(ops) != 2 || ops[0] != upstream.CountTokens || ops[1] != upstream.CountTokens {
		t.Errorf("status %d: %s; asked for %v", w.Code, w.Body, ops)
	}
}
