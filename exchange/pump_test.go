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

// scripted is an upstream whose one stream is what a test sends through its channel.
type scripted struct {
	frames chan upstream.Frame // closed: the stream ends cleanly
	closed bool
}

func (s *scripted) Prepare(x *chat.Exchange) { x.Facts = model.Facts{} }
func (s *scripted) Offers(string) []upstream.Offer {
	return []upstream.Offer{{Dialect: translate.ByName("openai")}}
}
func (s *scripted) Check(context.Context) error                          { return nil }
func (s *scripted) ListModels(context.Context) ([]upstream.Model, error) { return nil, nil }

func (s *scripted) Open(ctx context.Context, _ *upstream.Call) (*upstream.Reply, error) {
	r := &upstream.Reply{Status: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}}}
	return r, r.Stream(&scriptedFrames{s, ctx})
}

type scriptedFrames struct {
	*scripted
	ctx context.Context
}

func (f *scriptedFrames) Next() (upstream.Frame, error) {
	select {
	case frame, ok := <-f.frames:
		if !ok {
			return upstream.Frame{}, io.EOF
		}
		return frame, nil
	case <-f.ctx.Done():
		return upstream.Frame{}, f.ctx.Err()
	}
}
func (f *scriptedFrames) Buffered() bool { return len(f.frames) > 0 }
func (f *scriptedFrames) Close() error   { f.closed = true; return nil }

func frame(data string) upstream.Frame {
	return upstream.Frame{Payload: []byte(data), Raw: []byte("data: " + data + "\n\n")}
}

const (
	hello = `{"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}`
	stop  = `{"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`
)

// serveScripted runs one streamed chat against the script and tells how it ended.
func serveScripted(ctx context.Context, s *scripted, idle, keepAlive time.Duration) (body string, rec usage.Record, aborted bool) {
	named := &upstream.Named{Name: "openai", Kind: upstream.KindOpenAI, Upstream: s}
	g := handler.New(handler.Config{Upstreams: []*upstream.Named{named}, Config: exchange.Config{
		Router:  upstream.NewRouter(nil, []*upstream.Named{named}, nil),
		MaxBody: 1 << 20, StreamIdleTimeout: idle, KeepAlive: keepAlive,
		Observe: func(_ *http.Request, r *usage.Record) { rec = *r },
	}})
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/chat/completions", strings.NewReader(`{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"Hi"}]}`))
	func() {
		defer func() {
			if p := recover(); p != nil {
				if err, ok := p.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
					panic(p)
				}
				aborted = true
			}
		}()
		g.ServeHTTP(w, r)
	}()
	return w.Body.String(), rec, aborted
}

func TestSilenceIsFilledWithCommentsUntilTheStreamGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{frames: make(chan upstream.Frame, 8)}
		go func() {
			s.frames <- frame(hello)
			time.Sleep(35 * time.Second) // the bubble's clock: no real time passes
			s.frames <- frame(stop)
			s.frames <- frame("[DONE]")
			close(s.frames)
		}()
		body, rec, aborted := serveScripted(t.Context(), s, 5*time.Minute, 15*time.Second)
		if n := strings.Count(body, ": ping\n\n"); n != 2 || aborted || rec.Err != nil {
			t.Errorf("%d comments in 35 s of silence at one each 15 s, aborted %v, err %v:\n%s", n, aborted, rec.Err, body)
		}
		if !strings.HasSuffix(body, "data: [DONE]\n\n") || rec.Stop != chat.StopEnd {
			t.Errorf("the stream did not end as it should, stop %v:\n%s", rec.Stop, body)
		}
	})
}

func TestASilentUpstreamIsGivenUpAndTheClientTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{frames: make(chan upstream.Frame, 8)}
		s.frames <- frame(hello)
		start := time.Now()
		body, rec, aborted := serveScripted(t.Context(), s, time.Minute, 15*time.Second)
		if d := time.Since(start); d != time.Minute {
			t.Errorf("given up after %s, want 1m", d)
		}
		if !strings.Contains(body, `"code":"stream_idle_timeout"`) || strings.Contains(body, "[DONE]") || !aborted || rec.Err == nil || !s.closed {
			t.Errorf("aborted %v, upstream closed %v, err %v:\n%s", aborted, s.closed, rec.Err, body)
		}
	})
}

func TestAClientThatLeavesEndsTheUpstreamAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{frames: make(chan upstream.Frame, 8)}
		s.frames <- frame(hello)
		ctx, leave := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, leave)
		start := time.Now()
		body, rec, _ := serveScripted(ctx, s, time.Minute, 0)
		if d := time.Since(start); d != 3*time.Second || !s.closed || rec.Status != exchange.StatusClientGone {
			t.Errorf("ended after %s, upstream closed %v, status %d", d, s.closed, rec.Status)
		}
		if strings.Contains(body, "error") {
			t.Errorf("an error was written to a client that is gone:\n%s", body)
		}
	})
}

// An upstream that said everything but keeps its connection open must not keep the client waiting for more.
func TestAnUpstreamThatDoesNotHangUpIsLeftAMomentAfterItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{frames: make(chan upstream.Frame, 8)}
		s.frames <- frame(stop)
		s.frames <- frame("[DONE]")
		start := time.Now()
		body, rec, aborted := serveScripted(t.Context(), s, 5*time.Minute, 15*time.Second)
		if d := time.Since(start); d != exchange.LingerTime || aborted || rec.Err != nil || !strings.HasSuffix(body, "data: [DONE]\n\n") {
			t.Errorf("ended after %s, aborted %v, err %v:\n%s", d, aborted, rec.Err, body)
		}
	})
}

// A relay need not understand what it relays. It once took a chunk that it could not read for an error that the upstream
// told of, and cut the stream behind it without a word to the client.
func TestAChunkThatCannotBeReadIsRelayedAndTheStreamGoesOn(t *testing.T) {
	s := &scripted{frames: make(chan upstream.Frame, 8)}
	for _, data := range []string{hello, "not json", `{"choices":"odd"}`, stop, "[DONE]"} {
		s.frames <- frame(data)
	}
	close(s.frames)
	body, rec, aborted := serveScripted(t.Context(), s, 0, 0)
	if aborted || rec.Err != nil || rec.Stop != chat.StopEnd || !strings.Contains(body, "data: not json\n\n") || !strings.HasSuffix(body, "data: [DONE]\n\n") {
		t.Errorf("aborted %v, stop %v, err %v:\n%s", aborted, rec.Stop, rec.Err, body)
	}
}

// An error that the upstream tells of is passed on once, and nothing makes the stream look whole.
func TestAnErrorThatTheUpstreamTellsOfEndsARelayedStream(t *testing.T) {
	s := &scripted{frames: make(chan upstream.Frame, 8)}
	for _, data := range []string{hello, `{"error":{"message":"boom","type":"server_error"}}`, "[DONE]"} {
		s.frames <- frame(data)
	}
	close(s.frames)
	body, rec, aborted := serveScripted(t.Context(), s, 0, 0)
	if !aborted || rec.Err == nil || strings.Count(body, "boom") != 1 || strings.Contains(body, "[DONE]") {
		t.Errorf("aborted %v, err %v:\n%s", aborted, rec.Err, body)
	}
}
