// Package observe_test looks at what the gateway tells of its calls, through a whole Caddy: costs, logs, metrics, traces and
// the status page.
package observe_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

const (
	ask      = `{"model":"%s","messages":[{"role":"user","content":"Hi"}]}`
	answered = `{"id":"c-1","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1000,"completion_tokens":500,"total_tokens":1500,"prompt_tokens_details":{"cached_tokens":200}}}`
)

// costOf asks for a model and returns the header with the call's cost, and the last line of the log's gateway object.
func costOf(t *testing.T, g *gatewaytest.Gateway, model string) (header, log string) {
	t.Helper()
	a := post(t, g, "/v1/chat/completions", fmt.Sprintf(ask, model))
	if a == nil || a.Status != http.StatusOK {
		t.Fatalf("got %+v", a)
	}
	return a.Header.Get("Bedrock-Gateway-Cost"), accessLog(t, g)
}

// accessLog returns the access log's latest line.
func accessLog(t *testing.T, g *gatewaytest.Gateway) string {
	t.Helper()
	data, err := os.ReadFile(g.Log)
	if err != nil {
		t.Fatal(err)
	}
	found := ""
	for line := range strings.Lines(string(data)) {
		if strings.Contains(line, `"http.log.access`) {
			found = line
		}
	}
	return found
}

func TestCostOfACall(t *testing.T) {
	up := gatewaytest.NewUpstream(t, gatewaytest.Reply{Body: answered})
	prices := filepath.Join(t.TempDir(), "prices.json")
	if err := os.WriteFile(prices, []byte(`{"gpt-4o": {"input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05, "cache_read_input_token_cost": 1.25e-06}, "gpt-4.1": {"input_cost_per_token": 1}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	directives := `log
bedrock_gateway {
	openai sk-test {
		base_url ` + up.URL + `/v1
	}
	price gpt-4.1 {
		input 2
		output 8
		cache_read 0.5
	}
	price_file ` + prices + `
	%s
}`
	g := gatewaytest.Start(t, fmt.Sprintf(directives, "cost_header"))
	for model, want := range map[string]string{
		"gpt-4o":  "0.00725", // 800 × 2.5 + 200 × 1.25 + 500 × 10, for a million
		"gpt-4.1": "0.0057",  // the configuration's own price comes first
		"gpt-5":   "",        // no price: no cost, and never 0
	} {
		header, log := costOf(t, g, model)
		if header != want {
			t.Errorf("%s: the header says %q, want %q", model, header, want)
		}
		if want == "" && strings.Contains(log, `"cost"`) || want != "" && !strings.Contains(log, `"cost":`+want+`,`) {
			t.Errorf("%s: the log says %s", model, log)
		}
	}
	// Whoever does not ask for the header keeps the prices to himself.
	g.Load(t, fmt.Sprintf(directives, ""))
	if header, log := costOf(t, g, "gpt-4o"); header != "" || !strings.Contains(log, `"cost":0.00725,`) {
		t.Errorf("the header says %q, the log %s", header, log)
	}
}

// The tier is named by the reply, since a provider may serve a request in another one than was asked for.
func TestCostOfAStreamInAServiceTier(t *testing.T) {
	openai := gatewaytest.NewUpstream(t, gatewaytest.Reply{Body: gatewaytest.SSE(
		`{"id":"c-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","service_tier":"priority","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}`,
		`{"id":"c-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","service_tier":"priority","choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":500,"total_tokens":1500}}`,
		`[DONE]`)})
	bedrock := gatewaytest.NewUpstream(t, gatewaytest.Reply{Body: gatewaytest.Frames(
		`messageStart {"role":"assistant"}`, `contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"Hi"}}`, `contentBlockStop {"contentBlockIndex":0}`,
		`messageStop {"stopReason":"end_turn"}`, `metadata {"usage":{"inputTokens":1000,"outputTokens":500,"totalTokens":1500},"metrics":{"latencyMs":1},"serviceTier":{"type":"flex"}}`)})
	prices := filepath.Join(t.TempDir(), "prices.json")
	if err := os.WriteFile(prices, []byte(`{"gpt-4o": {"input_cost_per_token": 1e-06, "output_cost_per_token": 1e-06, "input_cost_per_token_priority": 3e-06},
		"amazon.nova-lite-v1:0": {"input_cost_per_token": 4e-06, "output_cost_per_token": 4e-06, "input_cost_per_token_flex": 2e-06}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	g := gatewaytest.Start(t, `log
bedrock_gateway {
	openai sk-test {
		base_url `+openai.URL+`/v1
	}
	bedrock us-east-1 {
		endpoint `+bedrock.URL+`
		credentials AKIDEXAMPLE secret
	}
	price_file `+prices+`
}`)
	for model, want := range map[string]string{"gpt-4o": "0.0035", "amazon.nova-lite-v1:0": "0.004"} {
		a := g.Post(t, "/v1/chat/completions", strings.Replace(fmt.Sprintf(ask, model), `{`, `{"stream":true,`, 1))
		if log := accessLog(t, g); a.Status != http.StatusOK || !strings.Contains(log, `"cost":`+want+`,`) {
			t.Errorf("%s: %d %s; the log says %s", model, a.Status, a.Body, log)
		}
	}
}

// What a stream cost is known at its end: a client that reads trailers gets it there, and others get no trailer.
func TestCostOfAStream(t *testing.T) {
	up := gatewaytest.NewUpstream(t, gatewaytest.Reply{
		Header: map[string]string{"Content-Type": "text/event-stream"},
		Body: gatewaytest.SSE(`{"id":"c-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}`,
			`{"id":"c-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":500,"total_tokens":1500}}`, "[DONE]"),
	})
	g := gatewaytest.Start(t, "encode\nbedrock_gateway {\n\topenai sk-test {\n\t\tbase_url "+up.URL+"/v1\n\t}\n\tprice gpt-4o {\n\t\tinput 2\n\t\toutput 8\n\t}\n\tcost_header\n}")
	for te, want := range map[string]string{"": "", "trailers": "0.006", "gzip;q=0.5, trailers": "0.006", "gzip": ""} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, gatewaytest.URL+"/v1/chat/completions",
			strings.NewReader(`{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"Hi"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		if te != "" {
			req.Header.Set("Te", te)
		}
		res, err := g.Client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || !strings.HasSuffix(string(body), "data: [DONE]\n\n") {
			t.Errorf("%v: %s", err, body)
		}
		if got := res.Trailer.Get("Bedrock-Gateway-Cost"); got != want {
			t.Errorf("TE %q: the trailer says %q, want %q", te, got, want)
		}
	}
}
