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

// What a model thought goes back to it in the form of the client's own dialect, sealed as it was, and to no other maker's
// model: the simulator refuses what it did not seal itself, and Claude's signatures that are not Claude's.
func TestThoughtsGoBackToTheirMakerAlone(t *testing.T) {
	var sent []byte
	srv := httptest.NewServer(bedrock.New(bedrock.Options{Observe: func(s bedrock.Seen) { sent = s.Body }}))
	t.Cleanup(srv.Close)
	g := gatewaytest.Start(t, fmt.Sprintf("bedrock_gateway {\n\tbedrock us-east-1 {\n\t\tendpoint %[1]s\n\t\tcontrol_endpoint %[1]s\n\t\tcredentials %s %s\n\t}\n\tfiles off\n}",
		srv.URL, bedrock.DefaultAccessKeyID, bedrock.DefaultSecretAccessKey))
	const (
		gpt    = "us.openai.gpt-5.5"
		claude = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
	)
	for _, c := range []struct {
		name, path, first string
		// again makes the second request of the first one's answer.
		again func(t *testing.T, reply map[string]any) string
		want  []string // in the first answer
	}{
		{
			"chat", "/v1/chat/completions", `"reasoning_effort":"low","max_tokens":4000,"messages":[{"role":"user","content":"call now"}],"tools":[{"type":"function","function":{"name":"now"}}]`,
			func(t *testing.T, reply map[string]any) string {
				message := reply["choices"].([]any)[0].(map[string]any)["message"].(map[string]any)
				call := message["tool_calls"].([]any)[0].(map[string]any)
				return `"reasoning_effort":"low","max_tokens":4000,"messages":[{"role":"user","content":"call now"},` + marshal(t, message) +
					`,{"role":"tool","tool_call_id":"` + call["id"].(string) + `","content":"noon"}],"tools":[{"type":"function","function":{"name":"now"}}]`
			},
			[]string{`"reasoning_content":"The user said: call now"`, `"thinking_blocks":[{"type":"thinking","thinking":"The user said: call now","signature":"`},
		},
		{
			"Messages", "/v1/messages", `"thinking":{"type":"enabled","budget_tokens":2048},"max_tokens":4000,"messages":[{"role":"user","content":"call now"}],"tools":[{"name":"now","input_schema":{"type":"object"}}]`,
			func(t *testing.T, reply map[string]any) string {
				content := reply["content"].([]any)
				call := content[len(content)-1].(map[string]any)
				return `"thinking":{"type":"enabled","budget_tokens":2048},"max_tokens":4000,"messages":[{"role":"user","content":"call now"},{"role":"assistant","content":` + marshal(t, content) +
					`},{"role":"user","content":[{"type":"tool_result","tool_use_id":"` + call["id"].(string) + `","content":"noon"}]}],"tools":[{"name":"now","input_schema":{"type":"object"}}]`
			},
			[]string{`{"type":"thinking","thinking":"The user said: call now","signature":"`},
		},
	} {
		for _, of := range []struct{ made, asked string }{{gpt, gpt}, {gpt, claude}, {claude, gpt}, {claude, claude}} {
			t.Run(fmt.Sprintf("%s/%s to %s", c.name, of.made, of.asked), func(t *testing.T) {
				a := g.Post(t, c.path, `{"model":"`+of.made+`",`+c.first+`}`)
				var reply map[string]any
				if a.Status != http.StatusOK || json.Unmarshal([]byte(a.Body), &reply) != nil {
					t.Fatalf("%d %s", a.Status, a.Body)
				}
				if of.made == gpt {
					for _, want := range append(c.want, `"bedrock-gateway.gpt.gAAAA`) {
						if !strings.Contains(a.Body, want) {
							t.Errorf("no %s in %s", want, a.Body)
						}
					}
				}
				b := g.Post(t, c.path, `{"model":"`+of.asked+`",`+c.again(t, reply)+`}`)
				if b.Status != http.StatusOK || !strings.Contains(b.Body, "noon") {
					t.Fatalf("%d %s\nto %s", b.Status, b.Body, c.again(t, reply))
				}
				back := strings.Contains(string(sent), "gAAAA") || strings.Contains(string(sent), `"signature":`)
				if strings.Contains(string(sent), "bedrock-gateway") || back != (of.made == of.asked) {
					t.Errorf("the model was sent %s", sent)
				}
				if listed := strings.Contains(b.Header.Get("Bedrock-Gateway-Dropped"), "thinking"); listed != (of.made != of.asked) {
					t.Errorf("listed %q", b.Header.Get("Bedrock-Gateway-Dropped"))
				}
			})
		}
	}
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
