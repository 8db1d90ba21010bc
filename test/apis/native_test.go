package apis_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// Clients that were made for Bedrock's own OpenAI and Anthropic APIs find them at their paths.
func TestBedrocksOwnPaths(t *testing.T) {
	w := start(t, "")
	const hi = `"messages":[{"role":"user","content":"hi"}]`
	for _, c := range []struct {
		name, path, body string
		status           int
		phrase           string
		asked            string // the path that the host was asked at
	}{
		{"chat", "/openai/v1/chat/completions", `{"model":"us.openai.gpt-5.6-sol",` + hi + `}`, 200, "You said: hi", "/openai/v1/chat/completions"},
		{"chat of Claude", "/openai/v1/chat/completions", `{"model":"us.anthropic.claude-opus-5",` + hi + `}`, 200, "You said: hi", "/model/us.anthropic.claude-opus-5/converse"},
		{"Responses on the runtime", "/openai/v1/responses", `{"model":"us.openai.gpt-5.5","input":"hi"}`, 200, "You said: hi", "/openai/v1/responses"},
		{"Responses, streamed", "/openai/v1/responses", `{"model":"us.openai.gpt-5.5","input":"hi","stream":true}`, 200, "event: response.completed", "/openai/v1/responses"},
		{"Responses by a plain id", "/openai/v1/responses", `{"model":"openai.gpt-5.5","input":"hi"}`, 200, "You said: hi", "/openai/v1/responses"},
		{"Responses on mantle", "/openai/v1/responses", `{"model":"openai.gpt-5.6-cyber","input":"hi"}`, 200, "You said: hi", "/mantle/openai/v1/responses"},
		{"Responses of a model without it", "/openai/v1/responses", `{"model":"amazon.nova-lite-v1:0","input":"hi"}`, 200, "You said: hi", "/model/amazon.nova-lite-v1%3A0/converse"},
		{"Responses without a model", "/openai/v1/responses", `{"input":"hi"}`, 400, "must provide a model", ""},
		{"Messages", "/anthropic/v1/messages", `{"model":"anthropic.claude-opus-5","max_tokens":99,` + hi + `}`, 200, `"text":"You said: hi"`, "/model/us.anthropic.claude-opus-5/invoke"},
		{"Messages of mantle's name", "/anthropic/v1/messages", `{"model":"anthropic.claude-haiku-4-5","max_tokens":99,` + hi + `}`, 200, `"model":"anthropic.claude-haiku-4-5"`, "/mantle/anthropic/v1/messages"},
		{"the counter", "/anthropic/v1/messages/count_tokens", `{"model":"anthropic.claude-3-haiku-20240307-v1:0",` + hi + `}`, 200, `"input_tokens":`, "/model/anthropic.claude-3-haiku-20240307-v1%3A0/count-tokens"},
		{"the counter takes the plain id", "/v1/messages/count_tokens", `{"model":"us.anthropic.claude-sonnet-4-5-20250929-v1:0",` + hi + `}`, 200, `"input_tokens":`, "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/count-tokens"},
		// The runtime does not count for the newer models.
		{"mantle's counter", "/v1/messages/count_tokens", `{"model":"us.anthropic.claude-opus-5","max_tokens":9,` + hi + `}`, 200, `{"input_tokens":4}`, "/mantle/anthropic/v1/messages/count_tokens"},
		{"mantle's counter by mantle's name", "/v1/messages/count_tokens", `{"model":"anthropic.claude-haiku-4-5",` + hi + `}`, 200, `{"input_tokens":4}`, "/mantle/anthropic/v1/messages/count_tokens"},
		{"an error in Anthropic's form", "/anthropic/v1/messages", `{`, 400, `"type":"error"`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := w.g.Post(t, c.path, c.body)
			if a.Status != c.status || !strings.Contains(a.Body, c.phrase) {
				t.Errorf("%d %s", a.Status, a.Body)
			}
			if c.asked != "" && w.path() != c.asked {
				t.Errorf("the host was asked at %s, not %s", w.path(), c.asked)
			}
		})
	}
	for _, path := range []string{"/openai/v1/models", "/v1/models"} {
		if a := w.g.Get(t, path); !strings.Contains(a.Body, `"openai.gpt-5.6-cyber"`) || !strings.Contains(a.Body, `"us.openai.gpt-5.6-sol"`) {
			t.Errorf("%s lacks mantle's models, or the runtime's: %s", path, a.Body)
		}
	}
	if a := w.g.Get(t, "/openai/v1/responses"); a.Status != http.StatusMethodNotAllowed {
		t.Errorf("GET /openai/v1/responses: %d", a.Status)
	}
	if a := w.g.Post(t, "/openai/v1/embeddings", `{}`); a.Status != http.StatusNotFound {
		t.Errorf("no other path of Bedrock's is ours: %d", a.Status)
	}
}

// A guardrail of the configuration holds on Bedrock's own paths: what would go around it is refused.
func TestAGuardrailOnBedrocksOwnPaths(t *testing.T) {
	w := start(t, "\t\tguardrail gr1 1\n")
	a := w.g.Post(t, "/openai/v1/responses", `{"model":"us.openai.gpt-5.5","input":"hi"}`)
	if a.Status != http.StatusOK || !w.guarded() {
		t.Errorf("on the runtime: %d, guarded %v, %s", a.Status, w.guarded(), a.Body)
	}
	for path, body := range map[string]string{
		"/openai/v1/responses":        `{"model":"openai.gpt-5.6-cyber","input":"hi"}`,
		"/openai/v1/chat/completions": `{"model":"xai.grok-4.3","messages":[{"role":"user","content":"hi"}]}`,
		"/anthropic/v1/messages":      `{"model":"anthropic.claude-haiku-4-5","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`,
	} {
		if a := w.g.Post(t, path, body); a.Status != http.StatusBadRequest || !strings.Contains(a.Body, "guardrail cannot be applied") {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
	}
}

func TestNativeOffCoversBedrocksOwnPaths(t *testing.T) {
	g := gatewaytest.Start(t, "bedrock_gateway {\n\tbedrock us-east-1 {\n\t\tendpoint http://127.0.0.1:9\n\t\tcredentials a b\n\t}\n\tfiles off\n\tnative off\n}")
	for _, path := range []string{"/openai/v1/chat/completions", "/openai/v1/responses", "/anthropic/v1/messages", "/anthropic/v1/messages/count_tokens"} {
		if a := g.Post(t, path, `{}`); strings.Contains(a.Body, "error") && a.Status == http.StatusBadRequest {
			t.Errorf("%s is served: %d %s", path, a.Status, a.Body)
		}
	}
}
