package translation_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// limited runs the gateway with a limit; words are of its block.
func limited(t *testing.T, words ...string) (*gatewaytest.Gateway, *gatewaytest.Upstream) {
	t.Helper()
	u := gatewaytest.NewUpstream(t)
	return gatewaytest.Start(t, fmt.Sprintf("bedrock_gateway {\n\topenai sk-1 {\n\t\tbase_url %[1]s/v1\n\t}\n\tbedrock us-east-1 {\n\t\tendpoint %[1]s\n\t\tcredentials AKIDEXAMPLE secret\n\t}\n\tlimit mine {\n\t\tkey {http.request.header.X-User}\n\t\t%[2]s\n\t}\n}", u.URL, strings.Join(words, "\n\t\t"))), u
}

// as posts a body as a user.
func as(t *testing.T, g *gatewaytest.Gateway, user, path, body string) *gatewaytest.Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, gatewaytest.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-User", user)
	return g.Do(t, req)
}

// wordOf is a reply of so many tokens.
func wordOf(tokens int) gatewaytest.Reply {
	return gatewaytest.Reply{
		Header: map[string]string{"X-Ratelimit-Remaining-Tokens": "77777", "X-Ratelimit-Limit-Requests": "9"},
		Body:   fmt.Sprintf(`{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Word"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":%d,"total_tokens":%d}}`, tokens-1, tokens),
	}
}

const chatPath = "/v1/chat/completions"

// TestRequestLimit shows a limit of requests for each user, in the words of each dialect.
func TestRequestLimit(t *testing.T) {
	g, u := limited(t, "requests 2 1h")
	u.Play(wordOf(5))
	const body = `{"model":"gpt-4o",` + hi + `}`
	for i, remaining := range []string{"1", "0"} {
		if a := as(t, g, "a", chatPath, body); a.Status != 200 || a.Header.Get("X-Ratelimit-Limit-Requests") != "2" || a.Header.Get("X-Ratelimit-Remaining-Requests") != remaining {
			t.Errorf("request %d: got %d %v", i+1, a.Status, a.Header)
		}
	}
	a := as(t, g, "a", chatPath, body)
	if a.Status != 429 || !gatewaytest.SameJSON(a.Body, fault("rate_limit_error", "", "rate_limit_exceeded", "rate limit reached for requests: the limit 'mine' is 2 per 1h0m0s; try again in ")) {
		t.Errorf("the third: got %d %s", a.Status, a.Body)
	}
	if got := a.Header.Get("Retry-After"); got != "1800" && got != "1799" {
		t.Errorf("Retry-After: %s", got)
	}
	if len(u.Seen()) != 2 {
		t.Errorf("the upstream was asked %d times", len(u.Seen()))
	}
	if a := as(t, g, "b", chatPath, body); a.Status != 200 {
		t.Errorf("another user: got %d %s", a.Status, a.Body)
	}
	claude := as(t, g, "a", "/v1/messages", `{"model":"anthropic.claude-3-5-sonnet-20241022-v2:0","max_tokens":5,`+hi+`}`)
	if claude.Status != 429 || !strings.Contains(claude.Body, `"type":"rate_limit_error"`) || claude.Header.Get("Anthropic-Ratelimit-Requests-Remaining") != "0" || claude.Header.Get("X-Ratelimit-Limit-Requests") != "" {
		t.Errorf("in Claude's words: got %d %s %v", claude.Status, claude.Body, claude.Header)
	}
	native := as(t, g, "a", "/model/amazon.nova-pro-v1:0/converse", `{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}`)
	if native.Status != 429 || native.Header.Get("X-Amzn-Errortype") != "ThrottlingException" {
		t.Errorf("in Bedrock's words: got %d %s %v", native.Status, native.Body, native.Header)
	}
	if a := as(t, g, "a", "/v1/embeddings", `{"model":"text-embedding-3-small","input":"A"}`); a.Status != 429 {
		t.Errorf("an endpoint that is relayed: got %d %s", a.Status, a.Body)
	}
}

// TestTokenLimit shows that tokens are those that the provider reports, that the upstream's own headers do not reach the
// client, and that a request that failed used none.
func TestTokenLimit(t *testing.T) {
	g, u := limited(t, "tokens 1000 1h", "models gpt-*")
	const body = `{"model":"gpt-4o",` + hi + `,"max_tokens":10}`
	u.Play(gatewaytest.Reply{Status: 400, Body: `{"error":{"message":"E"}}`})
	if a := as(t, g, "a", chatPath, body); a.Status != 400 {
		t.Fatalf("got %d %s", a.Status, a.Body)
	}
	u.Play(wordOf(600))
	for i := range 2 {
		a := as(t, g, "a", chatPath, body)
		if a.Status != 200 || a.Header.Get("X-Ratelimit-Limit-Tokens") != "1000" || a.Header.Get("X-Ratelimit-Limit-Requests") != "" || a.Header.Get("X-Ratelimit-Remaining-Tokens") == "77777" {
			t.Errorf("request %d: got %d %v", i+1, a.Status, a.Header)
		}
	}
	if a := as(t, g, "a", chatPath, body); a.Status != 429 || !strings.Contains(a.Body, "rate limit reached for tokens") {
		t.Errorf("in debt: got %d %s", a.Status, a.Body)
	}
	if a := as(t, g, "b", chatPath, `{"model":"gpt-4o","messages":[{"role":"user","content":"`+strings.Repeat("word ", 1000)+`"}]}`); a.Status != 413 || !strings.Contains(a.Body, "too large for the limit 'mine'") {
		t.Errorf("what can never fit: got %d %s", a.Status, a.Body)
	}
	u.Play(content(`{"text":"Word"}`, "end_turn"))
	if a := as(t, g, "a", chatPath, `{"model":"amazon.nova-pro-v1:0",`+hi+`}`); a.Status != 200 || a.Header.Get("X-Ratelimit-Limit-Tokens") != "" {
		t.Errorf("a model that the limit is not for: got %d %v", a.Status, a.Header)
	}
}

// Hanging up early is not free: the input and what was streamed are counted.
func TestTokensOfClientsThatLeave(t *testing.T) {
	g, u := limited(t, "tokens 100 1h", "concurrent 1")
	began := make(chan struct{})
	u.Play(gatewaytest.Reply{Body: gatewaytest.SSE(chunk(`"choices":[{"index":0,"delta":{"content":"Word"}}]`)), Hang: true, Began: began})
	ctx, cancel := context.WithCancel(t.Context())
	res := g.Open(ctx, t, chatPath, `{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"`+strings.Repeat("word ", 50)+`"}]}`)
	<-began
	cancel()
	_ = res.Body.Close()
	<-u.Gone()
	u.Play(wordOf(5))
	// The one that left had about 80 tokens of input. It is settled when another may run.
	var next *gatewaytest.Answer
	waitFor(t, func() bool {
		next = as(t, g, "", chatPath, `{"model":"gpt-4o",`+hi+`,"max_tokens":1}`)
		return !strings.Contains(next.Body, "concurrent requests")
	})
	if left := next.Header.Get("X-Ratelimit-Remaining-Tokens"); len(left) != 1 {
		t.Errorf("%s tokens are left: %d %s", left, next.Status, next.Body)
	}
}

// waitFor asks until what happens in another goroutine is seen.
func waitFor(t *testing.T, seen func() bool) {
	t.Helper()
	for range 5000 {
		if seen() {
			return
		}
	}
	t.Error("it did not come about")
}

// TestConcurrentLimit shows how many requests may run at once.
func TestConcurrentLimit(t *testing.T) {
	g, u := limited(t, "concurrent 1")
	until, began := make(chan struct{}), make(chan struct{})
	u.Play(gatewaytest.Reply{Body: "{", Until: until, Rest: wordOf(5).Body[1:], Began: began}, wordOf(5))
	over := make(chan struct{})
	go func() {
		defer close(over)
		if res, err := g.Try(context.Background(), chatPath, `{"model":"gpt-4o",`+hi+`}`); err == nil {
			_ = res.Body.Close()
		}
	}()
	<-began
	if a := as(t, g, "", chatPath, `{"model":"gpt-4o",`+hi+`}`); a.Status != 429 || a.Header.Get("Retry-After") != "1" {
		t.Errorf("a second one: got %d %s", a.Status, a.Body)
	}
	close(until)
	<-over
	waitFor(t, func() bool { return as(t, g, "", chatPath, `{"model":"gpt-4o",`+hi+`}`).Status == 200 })
}

// TestLimitsSurviveReloads shows that a reload does not forget what was used.
func TestLimitsSurviveReloads(t *testing.T) {
	u := gatewaytest.NewUpstream(t, wordOf(5))
	directives := func(more string) string {
		return fmt.Sprintf("bedrock_gateway {\n\topenai sk-1 {\n\t\tbase_url %s/v1\n\t}\n\tlimit mine {\n\t\trequests 1 month\n\t}\n\t%s\n}", u.URL, more)
	}
	g := gatewaytest.Start(t, directives(""))
	ask := func(want int) {
		t.Helper()
		if a := g.Post(t, chatPath, `{"model":"gpt-4o",`+hi+`}`); a.Status != want {
			t.Errorf("got %d %s", a.Status, a.Body)
		}
	}
	ask(200)
	ask(429)
	g.Load(t, directives("default_model gpt-4o"))
	ask(429)
}

// TestTheStoreOfLimitsIsAway shows what becomes of requests where there is no Redis: they are counted here, or refused.
func TestTheStoreOfLimitsIsAway(t *testing.T) {
	const body = `{"model":"gpt-4o",` + hi + `}`
	start := func(t *testing.T, word string) (*gatewaytest.Gateway, *gatewaytest.Upstream) {
		t.Helper()
		u := gatewaytest.NewUpstream(t, wordOf(5))
		return gatewaytest.Start(t, fmt.Sprintf("handle /metrics {\n\tmetrics\n}\nbedrock_gateway {\n\topenai sk-1 {\n\t\tbase_url %s/v1\n\t}\n\tlimit mine {\n\t\trequests 2 1h\n\t}\n\tlimits_store redis unix://%s %s\n}", u.URL, t.TempDir()+"/none", word)), u
	}
	t.Run("allow", func(t *testing.T) {
		g, u := start(t, "")
		before := metric(t, g, "limits_store_local_total")
		for i, want := range []int{200, 200, 429} {
			if a := as(t, g, "a", chatPath, body); a.Status != want {
				t.Errorf("request %d: got %d %s", i+1, a.Status, a.Body)
			}
		}
		if n := len(u.Seen()); n != 2 {
			t.Errorf("the upstream was asked %d times", n)
		}
		if n := metric(t, g, "limits_store_local_total") - before; n != 3 {
			t.Errorf("%d calls were told as counted here", n)
		}
		if metric(t, g, "limits_store_failures_total") == 0 {
			t.Error("no failure of the store was told")
		}
	})
	t.Run("deny", func(t *testing.T) {
		g, u := start(t, "{\n\t\ton_error deny\n\t}")
		before := metric(t, g, "limits_store_denied_total")
		a := as(t, g, "a", chatPath, body)
		if a.Status != 503 || a.Header.Get("Retry-After") != "1" || !gatewaytest.SameJSON(a.Body, fault("api_error", "", "limits_unknown", "the limit 'mine' cannot be checked at the moment; try again in 1s")) {
			t.Errorf("got %d %s %v", a.Status, a.Body, a.Header)
		}
		if n := len(u.Seen()); n != 0 {
			t.Errorf("the upstream was asked %d times", n)
		}
		if n := metric(t, g, "limits_store_denied_total") - before; n != 1 {
			t.Errorf("%d calls were told as refused", n)
		}
	})
}

// metric returns a counter of the gateway's, which is of the whole process and outlives gateways.
func metric(t *testing.T, g *gatewaytest.Gateway, name string) int {
	t.Helper()
	for line := range strings.Lines(g.Get(t, "/metrics").Body) {
		if value, ok := strings.CutPrefix(line, "caddy_bedrock_gateway_"+name+" "); ok {
			n, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("the metrics do not have %s", name)
	return 0
}

// TestCostLimit shows that what calls cost is what their tokens cost by the configured prices, and that a model without a
// price is refused, or let through uncounted.
func TestCostLimit(t *testing.T) {
	u := gatewaytest.NewUpstream(t)
	g := gatewaytest.Start(t, fmt.Sprintf("bedrock_gateway {\n\topenai sk-1 {\n\t\tbase_url %[1]s/v1\n\t}\n\tbedrock us-east-1 {\n\t\tendpoint %[1]s\n\t\tcredentials AKIDEXAMPLE secret\n\t}\n\troute either {\n\t\tto openai gpt-4o\n\t\tto bedrock amazon.nova-pro-v1:0\n\t}\n\tprice gpt-* {\n\t\tinput 1000\n\t\toutput 1000\n\t}\n\tlimit mine {\n\t\tkey {http.request.header.X-User}\n\t\tcost 1 1h\n\t}\n}", u.URL))
	const body = `{"model":"gpt-4o",` + hi + `,"max_tokens":10}`
	u.Play(wordOf(600)) // 60 cents
	for i := range 2 {
		if a := as(t, g, "a", chatPath, body); a.Status != 200 || a.Header.Get("X-Ratelimit-Limit-Tokens") != "" {
			t.Errorf("request %d: got %d %s", i+1, a.Status, a.Body)
		}
	}
	a := as(t, g, "a", chatPath, body)
	if a.Status != 429 || !gatewaytest.SameJSON(a.Body, fault("rate_limit_error", "", "rate_limit_exceeded", "rate limit reached for cost: the limit 'mine' is $1 per 1h0m0s; try again in ")) {
		t.Errorf("in debt: got %d %s", a.Status, a.Body)
	}
	if got := a.Header.Get("Retry-After"); len(got) < 3 || len(got) > 4 { // 13 minutes or so
		t.Errorf("Retry-After: %s", got)
	}
	if a := as(t, g, "b", chatPath, `{"model":"gpt-4o","messages":[{"role":"user","content":"`+strings.Repeat("word ", 1000)+`"}]}`); a.Status != 413 || !strings.Contains(a.Body, "it costs about $1.2") || !strings.Contains(a.Body, "and the limit is $1 per 1h0m0s") {
		t.Errorf("what can never fit: got %d %s", a.Status, a.Body)
	}
	for _, model := range []string{"amazon.nova-pro-v1:0", "either"} {
		if a := as(t, g, "c", chatPath, `{"model":"`+model+`",`+hi+`}`); a.Status != 403 || !strings.Contains(a.Body, "the model 'amazon.nova-pro-v1:0' has no price, and the limit 'mine' is one of cost") || !strings.Contains(a.Body, "'price'") || !strings.Contains(a.Body, "model_without_price") {
			t.Errorf("%s: got %d %s", model, a.Status, a.Body)
		}
	}
	if n := len(u.Seen()); n != 2 {
		t.Errorf("the upstream was asked %d times, want the first two", n)
	}
}

// TestCostLimitWithoutPrices shows unpriced allow.
func TestCostLimitWithoutPrices(t *testing.T) {
	g, u := limited(t, "cost 0.001 1h", "unpriced allow")
	u.Play(content(`{"text":"Word"}`, "end_turn"))
	for range 3 {
		if a := as(t, g, "a", chatPath, `{"model":"amazon.nova-pro-v1:0",`+hi+`}`); a.Status != 200 {
			t.Errorf("got %d %s", a.Status, a.Body)
		}
	}
}
