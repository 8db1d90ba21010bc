package exchange_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/handler"
	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// ofResponses is a scripted upstream that has Responses itself.
type ofResponses struct{ *scripted }

func (ofResponses) Offers(string) []upstream.Offer {
	return []upstream.Offer{{Dialect: translate.ByName("responses")}}
}

// respond runs one stream of Responses against an upstream.
func respond(ctx context.Context, u upstream.Upstream) (body string, aborted bool) {
	named := &upstream.Named{Name: "openai", Kind: upstream.KindOpenAI, Upstream: u}
	g := handler.New(handler.Config{Upstreams: []*upstream.Named{named}, Config: exchange.Config{
		Router: upstream.NewRouter(nil, []*upstream.Named{named}, nil), MaxBody: 1 << 20, StreamIdleTimeout: time.Minute, KeepAlive: 15 * time.Second,
	}})
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/responses", strings.NewReader(`{"model":"gpt-4o","stream":true,"input":"Hi"}`))
	func() {
		defer func() {
			if p := recover(); p != nil {
				err, ok := p.(error)
				if aborted = ok && errors.Is(err, http.ErrAbortHandler); !aborted {
					panic(p)
				}
			}
		}()
		g.ServeHTTP(w, r)
	}()
	return w.Body.String(), aborted
}

// Codex ends a turn after five minutes without an event, and comments are none to it.
func TestSilenceInAStreamOfResponsesIsFilledWithEvents(t *testing.T) {
	event := func(name, members string) upstream.Frame {
		f := frame(`{"type":"` + name + `",` + members + `}`)
		f.Name, f.Raw = []byte(name), append([]byte("event: "+name+"\n"), f.Raw...)
		return f
	}
	response := func(status string) string {
		return `"response":{"id":"resp_up","object":"response","created_at":1,"model":"gpt-4o","status":"` + status + `","incomplete_details":null,"output":[]}`
	}
	for name, tc := range map[string]struct {
		begin, rest []upstream.Frame
		relayed     bool
	}{
		"translated": {[]upstream.Frame{frame(hello)}, []upstream.Frame{frame(stop), frame("[DONE]")}, false},
		"relayed": {
			[]upstream.Frame{event("response.created", `"sequence_number":0,`+response("in_progress")), event("response.in_progress", `"sequence_number":1,`+response("in_progress"))},
			[]upstream.Frame{event("response.completed", `"sequence_number":2,`+response("completed"))},
			true,
		},
	} {
		for _, breaks := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &scripted{frames: make(chan upstream.Frame, 8)}
					for _, f := range tc.begin {
						s.frames <- f
					}
					go func() {
						time.Sleep(35 * time.Second) // the bubble's clock: no real time passes
						for _, f := range tc.rest {
							if !breaks {
								s.frames <- f
							}
						}
						close(s.frames)
					}()
					var u upstream.Upstream = s
					if tc.relayed {
						u = ofResponses{s}
					}
					body, aborted := respond(t.Context(), u)
					if n := strings.Count(body, "event: response.in_progress\n"); n != 3 || strings.Contains(body, ": ping") {
						t.Errorf("%d events in_progress, and not 1 and 2 more in 35 s of silence:\n%s", n, body)
					}
					ended, err := gatewaytest.ResponseStream(body)
					if want := map[bool]string{false: "completed", true: "failed"}[breaks]; err != nil || ended != want || aborted != breaks {
						t.Errorf("ended %q, aborted %v: %v\n%s", ended, aborted, err, body)
					}
				})
			})
		}
	}
}
