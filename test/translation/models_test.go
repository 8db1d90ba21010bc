package translation_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// TestModelsForAnthropic shows the models as Anthropic's clients page through them: they send the version of its API, which
// OpenAI's clients never do. Errors are in the same form, those of the key included.
func TestModelsForAnthropic(t *testing.T) {
	const (
		bedrock  = `{"modelSummaries":[{"modelId":"anthropic.claude-x","modelName":"Claude X","providerName":"Anthropic","outputModalities":["TEXT"],"inferenceTypesSupported":["ON_DEMAND"],"modelLifecycle":{"startOfLifeTime":"2025-10-15T00:00:00Z"}},{"modelId":"amazon.nova-z","providerName":"Amazon","outputModalities":["TEXT"]}]}`
		profiles = `{"inferenceProfileSummaries":[{"inferenceProfileId":"us.anthropic.claude-x","inferenceProfileName":"US Claude X","type":"SYSTEM_DEFINED","models":[{"modelArn":"arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-x"}]}]}`

		x  = `{"type":"model","id":"anthropic.claude-x","display_name":"Claude X","created_at":"2025-10-15T00:00:00Z"}`
		z  = `{"type":"model","id":"amazon.nova-z","display_name":"amazon.nova-z","created_at":"1970-01-01T00:00:00Z"}`
		us = `{"type":"model","id":"us.anthropic.claude-x","display_name":"US Claude X","created_at":"1970-01-01T00:00:00Z"}`
		my = `{"type":"model","id":"mine","display_name":"Claude X","created_at":"2025-10-15T00:00:00Z"}`
	)
	page := func(more bool, first, last string, models ...string) string {
		quote := func(id string) string {
			if id == "" {
				return "null"
			}
			return `"` + id + `"`
		}
		return fmt.Sprintf(`{"data":[%s],"has_more":%v,"first_id":%s,"last_id":%s}`, strings.Join(models, ","), more, quote(first), quote(last))
	}
	refused := func(kind, text string) string {
		return `{"type":"error","error":{"type":"` + kind + `","message":"*` + text + `*"},"request_id":"*"}`
	}
	u := gatewaytest.NewUpstream(t)
	g := gatewaytest.Start(t, fmt.Sprintf("api_key_auth {\n\tkey alice sk-alice\n}\nbedrock_gateway {\n\tbedrock us-east-1 {\n\t\tcontrol_endpoint %[1]s\n\t\tcredentials AKIDEXAMPLE secret\n\t}\n\troute mine {\n\t\tto bedrock anthropic.claude-x\n\t}\n}", u.URL))
	u.PlayAt("/foundation-models", gatewaytest.Reply{Body: bedrock})
	u.PlayAt("/inference-profiles", gatewaytest.Reply{Body: profiles}, gatewaytest.Reply{Body: `{"inferenceProfileSummaries":[]}`})
	for _, tc := range []struct {
		rule, method, path, key string
		status                  int
		get                     string
	}{
		{"all", "GET", "/v1/models", "sk-alice", 200, page(false, "anthropic.claude-x", "mine", x, z, us, my)},
		{"the first page", "GET", "/v1/models?limit=2", "sk-alice", 200, page(true, "anthropic.claude-x", "amazon.nova-z", x, z)},
		{"the next", "GET", "/v1/models?limit=2&after_id=amazon.nova-z", "sk-alice", 200, page(false, "us.anthropic.claude-x", "mine", us, my)},
		{"the one before", "GET", "/v1/models?limit=1&before_id=us.anthropic.claude-x", "sk-alice", 200, page(true, "amazon.nova-z", "amazon.nova-z", z)},
		{"behind the last", "GET", "/v1/models?after_id=mine", "sk-alice", 200, page(false, "", "")},
		{"one", "GET", "/v1/models/us.anthropic.claude-x", "sk-alice", 200, us},
		{"one that a route names", "GET", "/v1/models/mine", "sk-alice", 200, my},
		{"none of that name", "GET", "/v1/models/nobody", "sk-alice", 404, refused("not_found_error", "`nobody` does not exist")},
		{"a limit that is none", "GET", "/v1/models?limit=0", "sk-alice", 400, refused("invalid_request_error", "limit: Input should be")},
		{"an id that is not listed", "GET", "/v1/models?after_id=x", "sk-alice", 400, refused("invalid_request_error", "after_id: no model 'x'")},
		{"two directions", "GET", "/v1/models?after_id=mine&before_id=mine", "sk-alice", 400, refused("invalid_request_error", "only one")},
		{"another method", "POST", "/v1/models", "sk-alice", 405, refused("invalid_request_error", "POST")},
		{"no key", "GET", "/v1/models", "", 401, `{"type":"error","error":{"type":"authentication_error","message":"*No API key*"}}`},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), tc.method, gatewaytest.URL+tc.path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Anthropic-Version", "2023-06-01")
			if tc.key != "" {
				req.Header.Set("X-Api-Key", tc.key)
			}
			if a := g.Do(t, req); a.Status != tc.status || !gatewaytest.SameJSON(a.Body, tc.get) {
				t.Errorf("got %d\n%s\nnot\n%s", a.Status, a.Body, tc.get)
			}
		})
	}
}
