package observe_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// logged returns the log's lines of a logger, or of all loggers for "", each as its members.
func logged(t *testing.T, g *gatewaytest.Gateway, logger string) []map[string]any {
	t.Helper()
	data, err := os.ReadFile(g.Log)
	if err != nil {
		t.Fatal(err)
	}
	var lines []map[string]any
	for text := range strings.Lines(string(data)) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if logger == "" || line["logger"] == logger {
			lines = append(lines, line)
		}
	}
	return lines
}

// An upstream that fails every call once filled the log with its failures, or at INFO left no trace of them at all.
func TestAFailedAttemptHasALineAndAHundredHaveOneToo(t *testing.T) {
	busy := gatewaytest.NewUpstream(t, gatewaytest.Reply{Status: http.StatusServiceUnavailable, Body: `{"error":{"message":"busy"}}`})
	g := gatewaytest.Start(t, `bedrock_gateway {
	upstream one openai k {
		base_url `+busy.URL+`/v1
	}
	upstream two openai k {
		base_url `+busy.URL+`/v1
	}
	max_fails 0
	route m {
		to one gpt-4o
		to two gpt-4o
		retries 0
	}
}`)
	for range 100 {
		if a := g.Post(t, "/v1/chat/completions", fmt.Sprintf(ask, "m")); a.Status != http.StatusServiceUnavailable {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	var warned []string
	for _, line := range logged(t, g, "http.handlers.bedrock_gateway") {
		if line["level"] == "warn" {
			warned = append(warned, fmt.Sprint(line["msg"], "|", line["upstream"], "|", line["cause"], "|", line["upstream_status"], "|", line["next"]))
		}
	}
	want := []string{"attempt failed|one|overloaded|503|the next target", "attempt failed|two|overloaded|503|none: the client gets the error"}
	if fmt.Sprint(warned) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", warned, want)
	}
}

// What an upstream says of a request may quote it.
func TestAnUpstreamsWordsOnARequestStayOutOfTheLog(t *testing.T) {
	rude := gatewaytest.NewUpstream(t, gatewaytest.Reply{Status: http.StatusBadRequest, Body: `{"error":{"message":"the text 'MARKER' is not allowed","type":"invalid_request_error"}}`})
	g := gatewaytest.Start(t, "log\nbedrock_gateway {\n openai k {\n base_url "+rude.URL+"/v1\n }\n}")
	for _, body := range []string{fmt.Sprintf(ask, "gpt-4o"), strings.Replace(fmt.Sprintf(ask, "gpt-4o"), "{", `{"stream":true,`, 1)} {
		if a := g.Post(t, "/v1/chat/completions", body); a.Status != http.StatusBadRequest || !strings.Contains(a.Body, "MARKER") {
			t.Errorf("the client does not learn why: %d %s", a.Status, a.Body)
		}
	}
	for _, line := range logged(t, g, "") {
		if text := fmt.Sprint(line); strings.Contains(text, "MARKER") || line["level"] == "warn" && strings.Contains(text, "bedrock_gateway") {
			t.Errorf("logged %s", text)
		}
	}
}

func TestPromptsAndRepliesHaveALogOfTheirOwn(t *testing.T) {
	up := gatewaytest.NewUpstream(t)
	up.PlayAt("/v1/chat/completions", gatewaytest.Reply{Body: answered},
		gatewaytest.Reply{Body: gatewaytest.SSE(
			`{"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}`,
			`{"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"lo sk-secret \"x\""},"finish_reason":null}]}`,
			`{"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t","type":"function","function":{"name":"f","arguments":"{\"a\":"}}]},"finish_reason":null}]}`,
			`{"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]},"finish_reason":null}]}`,
			`{"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}`,
			`[DONE]`)})
	up.PlayAt("/v1/embeddings", gatewaytest.Reply{Body: `{"data":[]}`})
	config := "bedrock_gateway {\n openai k {\n base_url " + up.URL + "/v1\n }\n %s\n}"
	g := gatewaytest.Start(t, fmt.Sprintf(config, "log_content {\n max 600\n redact sk-[a-z]+\n}"))
	stream := `{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"my key is sk-secret` + strings.Repeat("é", 400) + `"}]}`
	g.Post(t, "/v1/chat/completions", fmt.Sprintf(ask, "gpt-4o"))
	g.Post(t, "/v1/chat/completions", stream)
	g.Post(t, "/v1/embeddings", `{"model":"gpt-4o","input":"text"}`)
	lines := logged(t, g, "http.handlers.bedrock_gateway.content")
	want := []struct{ request, reply string }{
		{fmt.Sprintf(ask, "gpt-4o"), answered},
		{strings.Replace(stream, "sk-secret", "[redacted]", 1), `[{"type":"text","text":"Hello [redacted] \"x\""},{"type":"tool_use","name":"f","input":"{\"a\":1}"}]`},
		{`{"model":"gpt-4o","input":"text"}`, `{"data":[]}`},
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines: %v", len(lines), lines)
	}
	for i, line := range lines {
		request, reply := want[i].request, want[i].reply
		if i == 1 {
			request = request[:strings.Index(request, "é")]
			request += strings.Repeat("é", (600-len(request))/2)
		}
		if line["request"] != request || line["reply"] != reply || line["request_id"] == nil || line["model"] != "gpt-4o" || line["upstream"] != "openai" {
			t.Errorf("line %d: got %v\nwant %s\n%s", i, line, request, reply)
		}
	}
	for _, line := range logged(t, g, "") {
		if strings.Contains(fmt.Sprint(line), "sk-secret") {
			t.Errorf("what is to be redacted is in the log: %v", line)
		}
	}

	// Off unless it is asked for.
	g.Load(t, fmt.Sprintf(config, ""))
	post(t, g, "/v1/chat/completions", fmt.Sprintf(ask, "gpt-4o"))
	if n := len(logged(t, g, "http.handlers.bedrock_gateway.content")); n != len(want) {
		t.Errorf("%d lines", n)
	}
}

func TestTheUsageLogHasALineForEachCall(t *testing.T) {
	up := gatewaytest.NewUpstream(t, gatewaytest.Reply{Body: answered, Header: map[string]string{"x-request-id": "up-1"}})
	g := gatewaytest.Start(t, `api_key_auth {
	key alice key-of-alice-0123456789 {
		tags team-a prod
	}
}
bedrock_gateway {
	openai k {
		base_url `+up.URL+`/v1
	}
	price gpt-4o {
		input 1
		output 2
	}
	usage_log
}`)
	for _, model := range []string{"gpt-4o", "o3", "nowhere"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, gatewaytest.URL+"/v1/chat/completions", strings.NewReader(fmt.Sprintf(ask, model)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer key-of-alice-0123456789")
		g.Do(t, req)
	}
	lines := logged(t, g, "http.handlers.bedrock_gateway.usage")
	if len(lines) != 3 {
		t.Fatalf("got %v", lines)
	}
	for i, want := range []map[string]any{
		{
			"level": "info", "msg": "call", "user_id": "alice", "tags": "team-a prod", "route": "chat", "model": "gpt-4o", "upstream": "openai", "upstream_model": "gpt-4o", "upstream_request_id": "up-1", "served_model": "gpt-4o",
			"status": 200.0, "stream": false, "attempts": 1.0, "input_tokens": 800.0, "output_tokens": 500.0, "cache_read_tokens": 200.0, "cache_write_tokens": 0.0, "cost": 0.002, "stop_reason": "end_turn", "cause": nil,
		},
		{"model": "o3", "status": 200.0, "input_tokens": 800.0, "cost": nil},
		{"user_id": "alice", "model": "nowhere", "status": 404.0, "input_tokens": nil, "cost": nil, "cause": "not_found", "upstream": "", "attempts": 0.0},
	} {
		for key, v := range want {
			if lines[i][key] != v {
				t.Errorf("call %d: %s is %v, want %v", i, key, lines[i][key], v)
			}
		}
	}
}
