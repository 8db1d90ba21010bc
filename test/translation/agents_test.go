package translation_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/bedrock"
)

// Codex sends the reasoning item of a stream that broke behind it with its next try, at the end of the history. Claude
// refused it as a last block of thinking, gpt-oss as a prefill, and Codex gave the turn up.
func TestAHistoryThatEndsWithReasoningIsAnsweredAnew(t *testing.T) {
	srv := httptest.NewServer(bedrock.New(bedrock.Options{}))
	t.Cleanup(srv.Close)
	g := gatewaytest.Start(t, fmt.Sprintf("bedrock_gateway {\n\tbedrock us-east-1 {\n\t\tendpoint %[1]s\n\t\tcontrol_endpoint %[1]s\n\t\tcredentials %s %s\n\t}\n\tfiles off\n}",
		srv.URL, bedrock.DefaultAccessKeyID, bedrock.DefaultSecretAccessKey))
	for _, model := range []string{
		"us.anthropic.claude-sonnet-4-5-20250929-v1:0", "us.anthropic.claude-opus-5", "us.amazon.nova-2-lite-v1:0", "openai.gpt-oss-120b-1:0", "us.openai.gpt-5.5",
	} {
		t.Run(model, func(t *testing.T) {
			ask := func(items string) *gatewaytest.Answer {
				return g.Post(t, "/v1/responses", `{"model":"`+model+`","store":false,"include":["reasoning.encrypted_content"],"reasoning":{"effort":"low","summary":"auto"},"input":[{"role":"user","content":"hello"}`+items+`]}`)
			}
			var first struct{ Output []json.RawMessage }
			if a := ask(""); a.Status != http.StatusOK || json.Unmarshal([]byte(a.Body), &first) != nil || !strings.Contains(string(first.Output[0]), `"encrypted_content"`) {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
			if a := ask("," + string(first.Output[0])); a.Status != http.StatusOK || !strings.Contains(a.Body, "You said: hello") {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		})
	}
}

// A call that Bedrock could not read was told as part of a completed reply: Codex would have run what there was of it.
func TestAMalformedReplyIsAFailedOne(t *testing.T) {
	tb := start(t)
	for _, reason := range []string{"malformed_tool_use", "malformed_model_output"} {
		request := `{"model":"` + sonnet35 + `","input":"Hi","store":false,"tools":[{"type":"function","name":"f","parameters":{"type":"object"}}]`
		t.Run(reason, func(t *testing.T) {
			tb.u.Play(content(`{"text":"A"},`+use("t1", "f", `{}`), reason))
			a := tb.ask(t, "/v1/responses", request+`}`, "")
			var reply struct {
				Status string
				Error  struct{ Code string }
				Output []struct{ Type, Status string }
				Usage  struct {
					Total int `json:"total_tokens"`
				}
			}
			if err := json.Unmarshal([]byte(a.Body), &reply); err != nil || reply.Status != "failed" || reply.Error.Code != "server_error" || reply.Usage.Total != 8 {
				t.Fatalf("%v %s", err, a.Body)
			}
			if n := len(reply.Output); n != 2 || reply.Output[1].Status != "incomplete" {
				t.Errorf("the call is %v", reply.Output)
			}
		})
		t.Run(reason+", streamed", func(t *testing.T) {
			tb.u.Play(frames(stopped(reason, say(0, "A"), end(0), call(1, "t1", "f"), input(1, `{"a`), end(1))...))
			a := tb.ask(t, "/v1/responses", request+`,"stream":true}`, "")
			if !strings.Contains(a.Body, "event: response.failed\n") || strings.Contains(a.Body, "response.completed") || !strings.Contains(a.Body, `"code":"server_error"`) || !strings.Contains(a.Body, `"total_tokens":8`) {
				t.Errorf("%s", a.Body)
			}
			if strings.Contains(a.Body, "function_call_arguments.done") || strings.Contains(a.Body, `"status":"completed","call_id"`) {
				t.Errorf("the call is told as whole: %s", a.Body)
			}
		})
	}
}
