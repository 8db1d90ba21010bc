package exchange_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/files/storetest"
	"github.com/open-bedrock/caddy-bedrock-gateway/handler"
	"github.com/open-bedrock/caddy-bedrock-gateway/stored"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// That responses can be stored costs a call nothing whose reply is not: neither one of another dialect nor one that says so.
func TestACallThatStoresNothingCostsNoMore(t *testing.T) {
	store, err := stored.New(stored.Config{Objects: new(storetest.Memory), TTL: time.Hour, MaxSize: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	chatReply := `{"id":"c-1","choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":2}}`
	response := `{"id":"resp_up","object":"response","status":"completed","model":"gpt-4o","store":false,"output":[{"id":"msg_up","type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi","annotations":[]}]}]}`
	cost := func(s *stored.Store, path, body, reply string) float64 {
		g := gatewayOf(opener(func(context.Context, *upstream.Call) (*upstream.Reply, error) { return whole(reply), nil }), func(c *handler.Config) { c.Stored = s })
		return testing.AllocsPerRun(200, func() {
			w := httptest.NewRecorder()
			if g.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))); w.Code != http.StatusOK {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
		})
	}
	for name, tc := range map[string]struct{ path, body, reply string }{
		"chat":                       {"/v1/chat/completions", `{"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}]}`, chatReply},
		"messages":                   {"/v1/messages", `{"model":"gpt-4o","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}`, chatReply},
		"responses with store false": {"/v1/responses", `{"model":"gpt-4o","store":false,"input":"Hi"}`, response},
	} {
		without, with := cost(nil, tc.path, tc.body, tc.reply), cost(store, tc.path, tc.body, tc.reply)
		t.Logf("%s: %.0f allocations, %.0f with a store", name, without, with)
		if with > without {
			t.Errorf("%s: %.0f allocations, %.0f where responses can be stored", name, without, with)
		}
	}
}

// chatAlone is an upstream without Responses, so that the gateway keeps its replies.
type chatAlone struct{ opener }

func (chatAlone) Offers(string) []upstream.Offer {
	return []upstream.Offer{{Dialect: translate.ByName("openai")}}
}

// Packing a conversation needs memory, which is counted like that of requests. Where there is none, the reply is not stored.
func TestAConversationIsPackedWithinTheMemoryOfRequests(t *testing.T) {
	store, err := stored.New(stored.Config{Objects: new(storetest.Memory), TTL: time.Hour, MaxSize: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	opened, end := make(chan struct{}), make(chan struct{})
	var asked atomic.Int32
	g := gatewayOf(chatAlone{opener(func(context.Context, *upstream.Call) (*upstream.Reply, error) {
		if asked.Add(1) == 1 {
			close(opened)
			<-end
		}
		return whole(`{"id":"c-1","choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}`), nil
	})}, func(c *handler.Config) { c.Stored, c.MaxBody, c.MaxBuffered = store, 100_000, 1_000_000 }) // 250,000 for each caller
	ask := func() string {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/responses", strings.NewReader(`{"model":"gpt-4o","input":"`+strings.Repeat("x", 90_000)+`"}`))
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		return w.Body.String()
	}
	first := make(chan string)
	go func() { first <- ask() }()
	<-opened
	second := ask()
	close(end)
	for body, want := range map[string]string{<-first: `"store":true`, second: `"store":false`, ask(): `"store":true`} {
		if !strings.Contains(body, want) || !strings.Contains(body, `"status":"completed"`) {
			t.Errorf("%s, and not %s", body, want)
		}
	}
}
