package bedrock

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// onMantle is a simulated mantle host on loopback.
func onMantle(t *testing.T, change ...func(*Options)) *bench {
	t.Helper()
	var o Options
	for _, c := range change {
		c(&o)
	}
	srv := httptest.NewServer(NewMantle(o))
	t.Cleanup(srv.Close)
	return &bench{t: t, url: srv.URL}
}

func asJSON(r *http.Request) { r.Header.Set("Content-Type", "application/json") }

func headed(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

const claudeVersion = "2023-06-01"

// The APIs of both hosts answer for the models that have them and refuse as bedrock-apis.md says the real ones do.
func TestOpenAIAndAnthropicSurfaces(t *testing.T) {
	const (
		chat  = "/openai/v1/chat/completions"
		plain = "/v1/chat/completions"
		reply = "/openai/v1/responses"
		claud = "/anthropic/v1/messages"
		hi    = `,"messages":[{"role":"user","content":"hi"}]`
		calls = `,"messages":[{"role":"user","content":"call f"}],"tools":[{"type":"function","function":{"name":"f"}}]`
	)
	runtime, mantle := newBench(t), onMantle(t)
	for _, c := range []struct {
		name   string
		host   *bench
		path   string
		body   string
		status int
		phrase string
		with   func(*http.Request)
	}{
		{"chat", runtime, chat, `{"model":"us.openai.gpt-5.6-sol"` + hi + `}`, 200, `"content": "You said: hi"`, nil},
		{"chat, streamed", runtime, chat, `{"model":"us.openai.gpt-5.6-sol","stream":true` + hi + `}`, 200, "data: [DONE]", nil},
		{"a plain id", runtime, chat, `{"model":"openai.gpt-5.6-sol"` + hi + `}`, 400, "on-demand throughput isn’t supported", nil},
		{"chat of a model that has none", runtime, chat, `{"model":"us.openai.gpt-5.5"` + hi + `}`, 404, "doesn't support this API", nil},
		{"chat of Claude", runtime, chat, `{"model":"` + sonnet45 + `"` + hi + `}`, 404, `"code": "model_not_found"`, nil},
		{"tools while it reasons", runtime, chat, `{"model":"us.openai.gpt-6-sol"` + calls + `}`, 400, "set reasoning_effort to 'none'", nil},
		{"a call by its place", runtime, chat, `{"model":"us.openai.gpt-6-sol","reasoning_effort":"none"` + calls + `}`, 200, `"id": "call_0"`, nil},
		{"stop of Grok", runtime, chat, `{"model":"xai.grok-4.6","stop":"A"` + hi + `}`, 400, "stopSequences", nil},
		{"effort none of Grok", runtime, chat, `{"model":"xai.grok-4.6","reasoning_effort":"none"` + hi + `}`, 400, "'none' is not supported", nil},
		{"a penalty of Grok", runtime, chat, `{"model":"xai.grok-4.7","presence_penalty":1` + hi + `}`, 503, "overloaded", nil},
		{"gpt-oss reasons in its text", runtime, chat, `{"model":"openai.gpt-oss-20b-1:0"` + hi + `}`, 200, "<reasoning>The user said: hi</reasoning>You said: hi", nil},
		{"a file in a chat", runtime, chat, `{"model":"us.openai.gpt-6-sol","messages":[{"role":"user","content":[{"type":"file","file":{"file_data":"data:application/pdf;base64,JVBERi0xLjQ="}}]}]}`, 400, "doesn't support content of type 'file'", nil},
		{"half a guardrail", runtime, chat, `{"model":"xai.grok-4.6"` + hi + `}`, 400, "must be given together", headed("X-Amzn-Bedrock-GuardrailIdentifier", "abc")},
		{"Responses", runtime, reply, `{"model":"us.openai.gpt-5.4","input":"hi"}`, 200, `"text": "You said: hi"`, nil},
		{"a tool that runtime has not", runtime, reply, `{"model":"us.openai.gpt-5.4","input":"hi","tools":[{"type":"web_search"}]}`, 400, "'web_search'", nil},
		{"background", runtime, reply, `{"model":"us.openai.gpt-5.4","input":"hi","background":true}`, 400, "'background'", nil},
		{"Converse of a model that has none", runtime, "/model/us.openai.gpt-5.5/converse", hello, 400, "", nil},
		{"Converse of a model of mantle's", runtime, "/model/openai.gpt-5.6-cyber/converse", hello, 400, "", nil},
		{"Messages", runtime, claud, `{"model":"` + opus47 + `","max_tokens":99` + hi + `}`, 200, `"text":"You said: hi"`, headed("Anthropic-Version", claudeVersion)},
		{"Messages, streamed", runtime, claud, `{"model":"` + opus47 + `","max_tokens":99,"stream":true` + hi + `}`, 200, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n", headed("Anthropic-Version", claudeVersion)},
		{"Messages without a version", runtime, claud, `{"model":"` + opus47 + `","max_tokens":99` + hi + `}`, 400, `"type":"invalid_request_error"`, nil},
		{"Messages with InvokeModel's version", runtime, claud, `{"model":"` + opus47 + `","max_tokens":99,"anthropic_version":"bedrock-2023-05-31"` + hi + `}`, 400, "Extra inputs are not permitted", headed("Anthropic-Version", claudeVersion)},
		{"Messages of another model", runtime, claud, `{"model":"xai.grok-4.6","max_tokens":99` + hi + `}`, 404, "not_found_error", headed("Anthropic-Version", claudeVersion)},
		{"no counter", runtime, claud + "/count_tokens", `{"model":"` + opus47 + `"` + hi + `}`, 404, "", headed("Anthropic-Version", claudeVersion)},

		{"mantle: chat below /v1", mantle, plain, `{"model":"openai.gpt-oss-120b"` + hi + `}`, 200, "You said: hi", nil},
		{"mantle: the other prefix", mantle, plain, `{"model":"xai.grok-4.3"` + hi + `}`, 400, "model `xai.grok-4.3` isn't supported on this route", nil},
		{"mantle: chat below /openai/v1", mantle, chat, `{"model":"xai.grok-4.3"` + hi + `}`, 200, "You said: hi", nil},
		{"mantle: the runtime's id", mantle, plain, `{"model":"openai.gpt-oss-120b-1:0"` + hi + `}`, 404, "model_not_found", nil},
		{"mantle: a profile", mantle, chat, `{"model":"us.openai.gpt-5.6-sol"` + hi + `}`, 404, "model_not_found", nil},
		{"mantle: Responses", mantle, reply, `{"model":"openai.gpt-5.6-cyber","input":"hi","tools":[{"type":"web_search"}]}`, 200, "You said: hi", nil},
		{"mantle: a tier", mantle, reply, `{"model":"openai.gpt-5.6-cyber","input":"hi","service_tier":"flex"}`, 400, "'flex'", nil},
		{"mantle: a summary", mantle, reply, `{"model":"openai.gpt-5.6-cyber","input":"hi","reasoning":{"summary":"detailed"}}`, 400, "'detailed'", nil},
		{"mantle: Messages", mantle, claud, `{"model":"anthropic.claude-haiku-4-5","max_tokens":99` + hi + `}`, 200, "You said: hi", headed("Anthropic-Version", claudeVersion)},
		{"mantle: the counter", mantle, claud + "/count_tokens", `{"model":"anthropic.claude-opus-5"` + hi + `}`, 200, `{"input_tokens":4}`, headed("Anthropic-Version", claudeVersion)},
		{"mantle: no Converse", mantle, "/model/openai.gpt-oss-120b/converse", hello, 404, "", nil},
		{"mantle: a fault", mantle, plain, `{"model":"openai.gpt-oss-120b","messages":[{"role":"user","content":"[[fault:throttle]]"}]}`, 429, "rate_limit_exceeded", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			with := []func(*http.Request){bearer, asJSON}
			if c.with != nil {
				with = append(with, c.with)
			}
			got := c.host.send(http.MethodPost, c.path, c.body, with...)
			if got.status != c.status || !strings.Contains(string(got.body), c.phrase) {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
}

func TestMantleListsItsModels(t *testing.T) {
	got := onMantle(t).send(http.MethodGet, "/v1/models", "", bearer)
	for _, id := range []string{"openai.gpt-oss-20b", "openai.gpt-5.6-cyber", "anthropic.claude-haiku-4-5", "qwen.qwen3-32b"} {
		if !strings.Contains(string(got.body), `"id": "`+id+`"`) {
			t.Errorf("%s is not in %s", id, got.body)
		}
	}
}

// The scope of a signature is the host's: bedrock on the runtime, bedrock-mantle on mantle, which takes bedrock too.
func TestScopesOfTheHosts(t *testing.T) {
	key := aws.Credentials{AccessKeyID: DefaultAccessKeyID, SecretAccessKey: DefaultSecretAccessKey}
	const body = `{"model":"openai.gpt-oss-20b-1:0","messages":[{"role":"user","content":"hi"}]}`
	runtime, mantle := newBench(t), onMantle(t)
	for _, c := range []struct {
		host    *bench
		service string
		status  int
		phrase  string
	}{
		{runtime, "bedrock", 200, "You said"},
		{runtime, "bedrock-mantle", 403, "Credential should be scoped to correct service: 'bedrock'."},
		{mantle, "bedrock-mantle", 200, "You said"},
		{mantle, "bedrock", 200, "You said"},
		{mantle, "mantle", 401, "Credential should be scoped to correct service: 'bedrock-mantle'."},
	} {
		path, body := "/openai/v1/chat/completions", body
		if c.host == mantle {
			path, body = "/v1/chat/completions", strings.ReplaceAll(body, "-1:0", "")
		}
		got := c.host.send(http.MethodPost, path, body, asJSON, signedAt(time.Now(), key, c.service, "us-east-1", body))
		if got.status != c.status || !strings.Contains(string(got.body), c.phrase) {
			t.Errorf("%s: %d %s", c.service, got.status, got.body)
		}
	}
}

func TestDeniedActionsAreNamed(t *testing.T) {
	m := onMantle(t, func(o *Options) { o.Denied = []string{"bedrock-mantle:ListModels"} })
	got := m.send(http.MethodGet, "/v1/models", "", bearer)
	if got.status != http.StatusForbidden || !strings.Contains(string(got.body), "is not authorized to perform: bedrock-mantle:ListModels") {
		t.Errorf("%d %s", got.status, got.body)
	}
}
