package bedrockgateway_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

const (
	chat  = `{"model":"gpt-4o","messages":[{"role":"user","content":"a secret question"}]}`
	reply = `{"id":"c1","object":"chat.completion","created":1,"model":"gpt-4o-2024","choices":[{"index":0,"message":{"role":"assistant","content":"a secret answer"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}`
)

func jsonReply(body string) gatewaytest.Reply {
	return gatewaytest.Reply{Header: map[string]string{"Content-Type": "application/json"}, Body: body}
}

func post(t *testing.T, g *gatewaytest.Gateway, header, value, body string) *gatewaytest.Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, gatewaytest.URL+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(header, value)
	return g.Do(t, req)
}

// A client's key authenticates it, limits the models it may ask for, and is not forwarded.
func TestKeysThroughTheGateway(t *testing.T) {
	u := gatewaytest.NewUpstream(t, jsonReply(reply))
	g := gatewaytest.Start(t, fmt.Sprintf(`api_key_auth {
	key alice sk-alice
	key bob sk-bob {
		models claude-* o3
	}
}
bedrock_gateway {
	openai sk-upstream {
		base_url %s/v1
	}
}`, u.URL))
	for _, tc := range []struct {
		name, header, value string
		status              int
		want                string
	}{
		{"a good key", "Authorization", "Bearer sk-alice", 200, "a secret answer"},
		{"another header", "X-Api-Key", "sk-alice", 200, "a secret answer"},
		{"no key", "X-Other", "x", 401, "No API key was given"},
		{"a wrong key", "Api-Key", "sk-eve", 401, `"code":"invalid_api_key"`},
		{"a model out of bounds", "Authorization", "Bearer sk-bob", 404, "The model `gpt-4o` does not exist or you do not have access to it."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			u.Play(jsonReply(reply))
			a := post(t, g, tc.header, tc.value, chat)
			if a.Status != tc.status || !strings.Contains(a.Body, tc.want) {
				t.Errorf("got %d %s", a.Status, a.Body)
			}
			seen := u.Seen()
			if tc.status != http.StatusOK {
				if len(seen) != 0 {
					t.Errorf("the upstream was asked all the same: %+v", seen)
				}
				return
			}
			if len(seen) != 1 {
				t.Fatalf("the upstream was asked %d times", len(seen))
			}
			if got := seen[0].Header.Get("Authorization"); got != "Bearer sk-upstream" {
				t.Errorf("the upstream was sent Authorization %q", got)
			}
			for name, values := range seen[0].Header {
				if strings.Contains(strings.Join(values, " "), "sk-alice") {
					t.Errorf("the client's key went on in %s", name)
				}
			}
		})
	}
}

// What a key may not ask for is the same 404 as what is not there, and is not listed; the access log says which it was.
func TestModelsOutOfAKeysBounds(t *testing.T) {
	u := gatewaytest.NewUpstream(t)
	u.PlayAt("/v1/models", jsonReply(`{"object":"list","data":[{"id":"gpt-4o","object":"model"},{"id":"o3","object":"model"}]}`))
	g := gatewaytest.Start(t, fmt.Sprintf(`log
api_key_auth {
	key bob sk-bob {
		models o3 nothing*
	}
}
bedrock_gateway {
	openai sk-upstream {
		base_url %s/v1
	}
}`, u.URL))
	for _, model := range []string{"gpt-4o", "nothing-served"} {
		want := "The model `" + model + "` does not exist or you do not have access to it."
		if a := post(t, g, "Authorization", "Bearer sk-bob", strings.ReplaceAll(chat, "gpt-4o", model)); a.Status != http.StatusNotFound || !strings.Contains(a.Body, `"`+want+`","type":"invalid_request_error","param":"model","code":"model_not_found"`) {
			t.Errorf("%s: got %d %s", model, a.Status, a.Body)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, gatewaytest.URL+"/v1/models", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer sk-bob")
	if a := g.Do(t, req); a.Status != http.StatusOK || strings.Contains(a.Body, "gpt-4o") || !strings.Contains(a.Body, `"o3"`) {
		t.Errorf("the listing: got %d %s", a.Status, a.Body)
	}
	logged, err := os.ReadFile(g.Log)
	if err != nil {
		t.Fatal(err)
	}
	for _, cause := range []string{"have access to it.: the caller's key does not allow it", "have access to it.: the model 'nothing-served' is not served here"} {
		if !strings.Contains(string(logged), cause) {
			t.Errorf("%q does not stand in the log:\n%s", cause, logged)
		}
	}
}

// The access log has the tokens and the upstream of a chat, never its content.
func TestAccessLog(t *testing.T) {
	u := gatewaytest.NewUpstream(t, jsonReply(reply))
	t.Setenv("GATEWAY_TEST_KEY", "sk-upstream")
	g := gatewaytest.Start(t, fmt.Sprintf(`log
log_append tokens {http.bedrock_gateway.output_tokens}
bedrock_gateway {
	openai {env.GATEWAY_TEST_KEY} {
		base_url %s/v1
	}
}`, u.URL))
	a := post(t, g, "X-Other", "x", chat)
	if a.Status != http.StatusOK {
		t.Fatalf("got %d %s", a.Status, a.Body)
	}
	raw, err := os.ReadFile(g.Log)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"a secret question", "a secret answer", "sk-upstream"} {
		if strings.Contains(string(raw), secret) {
			t.Errorf("%q stands in the log:\n%s", secret, raw)
		}
	}
	var line struct {
		Msg    string `json:"msg"`
		Tokens any    `json:"tokens"`
		Chat   struct {
			RequestID string `json:"request_id"`
			Upstream  string `json:"upstream"`
			Model     string `json:"model"`
			Dialect   string `json:"dialect"`
			Attempts  int    `json:"attempts"`
			Input     int    `json:"input_tokens"`
			Output    int    `json:"output_tokens"`
			Stop      string `json:"stop_reason"`
		} `json:"bedrock_gateway"`
	}
	found := false
	for text := range strings.Lines(string(raw)) {
		if strings.Contains(text, `"handled request"`) {
			found = true
			if err := json.Unmarshal([]byte(text), &line); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
		}
	}
	c := line.Chat
	if !found || c.RequestID != a.Header.Get("X-Request-Id") || c.Upstream != "openai" || c.Model != "gpt-4o" ||
		c.Dialect != "openai" || c.Attempts != 1 || c.Input != 7 || c.Output != 3 || c.Stop != "end_turn" {
		t.Errorf("got %+v", line)
	}
	if fmt.Sprint(line.Tokens) != "3" {
		t.Errorf("log_append got %v tokens", line.Tokens)
	}
}

// On reload Caddy cleans up the old configuration while its streams continue: they
// end normally, and new requests use the new configuration.
func TestReloadKeepsStreams(t *testing.T) {
	goOn := make(chan struct{})
	release := sync.OnceFunc(func() { close(goOn) })
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"role":"assistant","content":"before"},"finish_reason":null}]}`+"\n\n")
		_ = http.NewResponseController(w).Flush()
		<-goOn
		_, _ = io.WriteString(w, `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"after"},"finish_reason":"stop"}]}`+"\n\ndata: [DONE]\n\n")
	}))
	defer upstream.Close()
	defer release() // without it, a failing test would wait for the handler
	const config = `bedrock_gateway {
	openai sk-%[2]s {
		base_url %[1]s/v1
	}
	default_model %[2]s
}`
	g := gatewaytest.Start(t, fmt.Sprintf(config, upstream.URL, "old"))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, gatewaytest.URL+"/v1/chat/completions",
		strings.NewReader(`{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"x"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	res, err := g.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	lines := bufio.NewReader(res.Body)
	if first, err := lines.ReadString('\n'); err != nil || !strings.Contains(first, "before") {
		t.Fatalf("got %q, %v", first, err)
	}

	second := gatewaytest.NewUpstream(t, jsonReply(reply))
	g.Load(t, fmt.Sprintf(config, second.URL, "gpt-new"))
	if status := postAfterReload(t, g, `{"messages":[{"role":"user","content":"x"}]}`); status != http.StatusOK {
		t.Errorf("after the reload: got %d", status)
	}
	if seen := second.Seen(); len(seen) != 1 || !strings.Contains(seen[0].Body, "gpt-new") || seen[0].Header.Get("Authorization") != "Bearer sk-gpt-new" {
		t.Errorf("after the reload the upstream saw %+v", seen)
	}

	release()
	rest, err := io.ReadAll(lines)
	if err != nil || !strings.Contains(string(rest), "after") || !strings.HasSuffix(string(rest), "data: [DONE]\n\n") {
		t.Errorf("the stream ended with %q, %v", rest, err)
	}
}

// postAfterReload repeats the request until the new configuration answers, and returns the status.
// Caddy stops the old server asynchronously: for a moment it may still accept a
// connection, and serve it by the old configuration or close it.
func postAfterReload(t *testing.T, g *gatewaytest.Gateway, body string) (status int) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); status != http.StatusOK && time.Now().Before(deadline); {
		g.Client.CloseIdleConnections()
		res, err := g.Client.Post(gatewaytest.URL+"/v1/chat/completions", "application/json", strings.NewReader(body))
		if err != nil {
			continue
		}
		_ = res.Body.Close()
		status = res.StatusCode
	}
	return status
}

// A load balancer must not send requests to a gateway that can ask nobody.
func TestHealthWithoutAnyUpstream(t *testing.T) {
	for _, name := range []string{"OPENAI_API_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	g := gatewaytest.Start(t, "bedrock_gateway")
	for _, path := range []string{"/health", "/health?verbose"} {
		if a := g.Get(t, path); a.Status != http.StatusServiceUnavailable || a.Body != `{"status":"unavailable","message":"no upstream is configured"}` {
			t.Errorf("%s: got %d %s", path, a.Status, a.Body)
		}
	}
}

// noUpstream is a gateway whose upstream is never asked.
const noUpstream = `bedrock_gateway {
	openai sk-x {
		base_url http://127.0.0.1:1/v1
	}
	health off
}
`

// A client whose base URL is not quite right would read Caddy's blank 200 as an empty answer. It gets a 404 that names the
// right one.
func TestNearlyRightPaths(t *testing.T) {
	g := gatewaytest.Start(t, noUpstream)
	openai := func(message string) string {
		return `{"error":{"message":"*` + message + `*","type":"invalid_request_error","param":null,"code":"unknown_url"}}`
	}
	claude := func(message string) string {
		return `{"type":"error","error":{"type":"not_found_error","message":"*` + message + `*"},"request_id":"*"}`
	}
	bedrock := func(message string) string { return `{"message":"*` + message + `*"}` }
	const unserved = "The gateway does not serve it; clients' base URL is http://gateway.test"
	for _, r := range []struct{ rule, method, path, header, want string }{
		{"the base URL lacks the version", "POST", "/chat/completions", "", openai("Unknown request URL: POST /chat/completions. This is /v1/chat/completions here; set the client's base URL to http://gateway.test/v1")},
		{"a slash at the end", "POST", "/v1/chat/completions/", "", openai("This is /v1/chat/completions here; set the client's base URL to http://gateway.test/v1")},
		{"a slash behind the models", "GET", "/v1/models/", "", openai("This is /v1/models here;")},
		{"a slash too many", "POST", "/v1//embeddings", "", openai("This is /v1/embeddings here;")},
		{"twice the version", "POST", "/v1/v1/messages", "", claude("This is /v1/messages here; set the client's base URL to http://gateway.test")},
		{"another provider's prefix", "GET", "/openai/v1/models/gpt-4o", "", openai("This is /v1/models/gpt-4o here;")},
		{"the models in Anthropic's form", "GET", "/v1/v1/models", "Anthropic-Version: 2023-06-01", claude("This is /v1/models here; set the client's base URL to http://gateway.test")},
		{"Azure's path", "POST", "/openai/deployments/gpt-4o/chat/completions?api-version=1", "", openai("This is /v1/chat/completions here;")},
		{"Bedrock below a version", "POST", "/v1/model/us.anthropic.claude-x%3A0/converse", "", bedrock("This is /model/us.anthropic.claude-x:0/converse here; set the client's base URL to http://gateway.test")},
		{"TLS ends before the gateway", "POST", "/chat/completions", "X-Forwarded-Proto: https", openai("base URL to https://gateway.test/v1")},
		{"a path of OpenAI's that is not served", "POST", "/v1/threads", "", openai("Unknown request URL: POST /v1/threads. " + unserved + "/v1")},
		{"the same without the version", "POST", "/vector_stores/x", "", openai(unserved)},
		{"the base URL itself", "POST", "/v1", "", openai(unserved)},
		{"a path of Anthropic's that is not served", "POST", "/v1/messages/batches", "", claude(unserved)},
		{"an operation that Bedrock has not", "POST", "/model/m/nothing", "", bedrock(unserved)},
		{"what climbs is relayed nowhere", "POST", "/v1/images/%2e%2e/files", "", openai(unserved)},
	} {
		t.Run(r.rule, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), r.method, gatewaytest.URL+r.path, strings.NewReader(chat))
			if err != nil {
				t.Fatal(err)
			}
			if name, value, ok := strings.Cut(r.header, ": "); ok {
				req.Header.Set(name, value)
			}
			if a := g.Do(t, req); a.Status != http.StatusNotFound || !gatewaytest.SameJSON(a.Body, r.want) {
				t.Errorf("got  %d %s\nwant %s", a.Status, a.Body, r.want)
			}
		})
	}
	for _, path := range []string{"/", "/index.html", "/health", "/api", "/openai", "/static/v1/chat/completions"} {
		if a := g.Get(t, path); a.Status != http.StatusOK || a.Body != "" {
			t.Errorf("%s is no API's, and Caddy's to answer: got %d %q", path, a.Status, a.Body)
		}
	}
}

// What a site serves beside the gateway is its own, at nearly right paths too.
func TestASiteKeepsItsPages(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "a page") }))
	defer page.Close()
	for _, c := range []struct{ rule, directives, path, want string }{
		{"a page", noUpstream + "reverse_proxy " + page.URL, "/chat/completions", "a page"},
		{"a page whose reply goes through routes", noUpstream + "reverse_proxy " + page.URL + " {\n@ok status 200\nhandle_response @ok {\ncopy_response\n}\n}", "/v1/threads", "a page"},
		{"an error page", noUpstream + "file_server {\nroot /nowhere\n}\n", "/v1/threads", ""},
		{"a gateway within a gateway", "route {\n" + noUpstream + noUpstream + "}", "/v1/threads", "http://gateway.test/v1"},
		{"a site below a path", "handle_path /ai/* {\n" + noUpstream + "}", "/ai/threads", "http://gateway.test/ai/v1"},
		{"a matcher that leaves the path to nobody", strings.Replace(noUpstream, "gateway", "gateway /v1/models", 1), "/v1/threads", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			a := gatewaytest.Start(t, c.directives).Get(t, c.path)
			if c.want == "" {
				if strings.Contains(a.Body, "unknown_url") {
					t.Errorf("the gateway answered %d %s", a.Status, a.Body)
				}
			} else if strings.Count(a.Body, c.want) != 1 {
				t.Errorf("got %d %s", a.Status, a.Body)
			}
		})
	}
}
