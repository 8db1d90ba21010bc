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

// simulated starts a gateway before Bedrock's simulator.
func simulated(t *testing.T) *gatewaytest.Gateway {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/mantle/", http.StripPrefix("/mantle", bedrock.NewMantle(bedrock.Options{})))
	mux.Handle("/", bedrock.New(bedrock.Options{}))
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return gatewaytest.Start(t, fmt.Sprintf("bedrock_gateway {\n\tbedrock us-east-1 {\n\t\tendpoint %[1]s\n\t\tcontrol_endpoint %[1]s\n\t\tmantle_endpoint %[1]s/mantle\n\t\tcredentials %s %s\n\t}\n\tfiles off\n}",
		srv.URL, bedrock.DefaultAccessKeyID, bedrock.DefaultSecretAccessKey))
}

// Codex compacts a conversation in two ways: by a path of its own, or by an item at the end of an ordinary request. Without
// an answer of exactly one compaction the session dies at the context's limit.
func TestCompaction(t *testing.T) {
	g := simulated(t)
	for _, model := range []string{"us.anthropic.claude-sonnet-4-5-20250929-v1:0", "us.amazon.nova-2-lite-v1:0", "us.openai.gpt-5.5"} {
		history := `{"role":"user","content":"hello"},{"type":"message","role":"assistant","id":"msg_1","status":"completed","content":[{"type":"output_text","text":"Hi.","annotations":[]}]}`
		rest := `,"store":false,"tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{}}}]`
		var item json.RawMessage
		takes := func(t *testing.T, output []json.RawMessage) {
			t.Helper()
			if len(output) == 0 || !strings.Contains(string(output[len(output)-1]), `"type":"compaction"`) {
				t.Fatalf("the last item is no compaction: %s", output)
			}
			item = output[len(output)-1]
		}
		t.Run(model+"/a trigger", func(t *testing.T) {
			var r struct {
				Status string
				Output []json.RawMessage
			}
			a := g.Post(t, "/v1/responses", `{"model":"`+model+`","input":[`+history+`,{"type":"compaction_trigger"}]`+rest+`}`)
			if json.Unmarshal([]byte(a.Body), &r) != nil || r.Status != "completed" || len(r.Output) != 1 {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
			takes(t, r.Output)
		})
		t.Run(model+"/a trigger, streamed", func(t *testing.T) {
			a := g.Post(t, "/v1/responses", `{"model":"`+model+`","stream":true,"input":[`+history+`,{"type":"compaction_trigger"}]`+rest+`}`)
			if strings.Count(a.Body, "event: response.output_item.done") != 1 || strings.Contains(a.Body, "output_text") || !strings.Contains(a.Body, "event: response.completed") {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		})
		t.Run(model+"/its own path", func(t *testing.T) {
			var r struct {
				Object string
				Output []json.RawMessage
				Usage  struct {
					Total int `json:"total_tokens"`
				}
			}
			a := g.Post(t, "/v1/responses/compact", `{"model":"`+model+`","instructions":"Be brief.","input":[`+history+`]}`)
			if json.Unmarshal([]byte(a.Body), &r) != nil || r.Object != "response.compaction" || len(r.Output) != 2 || r.Usage.Total == 0 {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
			if string(r.Output[0]) != `{"type":"message","role":"user","content":"hello"}` {
				t.Errorf("the user's message is not repeated: %s", r.Output[0])
			}
			takes(t, r.Output)
		})
		t.Run(model+"/a text at its own path", func(t *testing.T) {
			a := g.Post(t, "/v1/responses/compact", `{"model":"`+model+`","input":"hello"}`)
			if !strings.Contains(a.Body, `"output":[{"type":"message","role":"user","content":"hello"},{`) {
				t.Errorf("the user's words are not repeated: %d %s", a.Status, a.Body)
			}
		})
		t.Run(model+"/and goes on", func(t *testing.T) {
			a := g.Post(t, "/v1/responses", `{"model":"`+model+`","input":[`+string(item)+`,{"role":"user","content":"go on"}]}`)
			if a.Status != http.StatusOK || !strings.Contains(a.Body, "go on") {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		})
	}
	a := g.Post(t, "/v1/responses", `{"model":"us.amazon.nova-2-lite-v1:0","input":[{"type":"compaction","encrypted_content":"gAAAA"},{"role":"user","content":"go on"}]}`)
	if a.Status != http.StatusBadRequest || !strings.Contains(a.Body, "made by another provider") || !strings.Contains(a.Body, `"input[0]"`) {
		t.Errorf("another maker's compaction: %d %s", a.Status, a.Body)
	}
}

func TestInputTokensOfResponses(t *testing.T) {
	g := simulated(t)
	for model, want := range map[string]string{
		"us.anthropic.claude-sonnet-4-5-20250929-v1:0": `{"object":"response.input_tokens","input_tokens":`,
		"us.anthropic.claude-opus-5":                   `{"object":"response.input_tokens","input_tokens":`, // by mantle
		"us.amazon.nova-2-lite-v1:0":                   `"error":`,
	} {
		a := g.Post(t, "/v1/responses/input_tokens", `{"model":"`+model+`","instructions":"Be brief.","input":"hello"}`)
		if !strings.Contains(a.Body, want) {
			t.Errorf("%s: %d %s", model, a.Status, a.Body)
		}
	}
}
