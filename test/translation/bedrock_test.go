package translation_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// onBedrock runs the gateway with one Bedrock upstream that is signed for; words are of its block.
func onBedrock(t *testing.T, words ...string) *table {
	t.Helper()
	u := gatewaytest.NewUpstream(t)
	return &table{u: u, g: gatewaytest.Start(t, fmt.Sprintf("bedrock_gateway {\n\tbedrock us-east-1 {\n\t\tendpoint %[1]s\n\t\tcontrol_endpoint %[1]s/control\n\t\tcredentials AKIDEXAMPLE secret\n\t\t%[2]s\n\t}\n}", u.URL, strings.Join(words, "\n\t\t")))}
}

// TestLike shows the facts of a known model lent to ids that do not say which model is behind them.
func TestLike(t *testing.T) {
	const opaque = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdefghijkl"
	tb := onBedrock(t, "model arn:aws:bedrock:*:provisioned-model/* {\n\t\t\tlike anthropic.claude-sonnet-5\n\t\t\tmax_output 50\n\t\t}")
	tb.run(t, []row{
		{
			rule: "what the model behind it refuses is dropped", model: opaque, request: hi + `,"temperature":0.5`,
			sent: `{"messages":[{"role":"user","content":[{"text":"Hi"}]}],"inferenceConfig":{"maxTokens":50}}`, headers: map[string]string{"Bedrock-Gateway-Dropped": "temperature"},
		},
	})
}

// TestAPIKeyOfAFile shows a key that its file replaces: short-term keys last twelve hours at most.
func TestAPIKeyOfAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("old\n")
	u := gatewaytest.NewUpstream(t)
	g := gatewaytest.Start(t, fmt.Sprintf("bedrock_gateway {\n\tbedrock us-east-1 {\n\t\tendpoint %s\n\t\tapi_key {file.%s}\n\t}\n}", u.URL, file))
	expired := gatewaytest.Reply{Status: 403, Body: `{"Message":"Bearer Token has expired"}`, Header: map[string]string{"X-Amzn-ErrorType": "AccessDeniedException"}}
	body := fmt.Sprintf(`{"model":%q,%s}`, sonnet35, hi)

	u.Play(expired)
	if a := g.Post(t, "/v1/chat/completions", body); a.Status != 403 || !gatewaytest.SameJSON(a.Body, fault("permission_error", "", "upstream_credentials", "API key has expired; its operator must replace it")) {
		t.Errorf("an expired key: got %d %s", a.Status, a.Body)
	}
	if n := len(u.Seen()); n != 1 {
		t.Errorf("the upstream was asked %d times with the same key", n)
	}

	write("new one\n")
	u.Play(expired, content(`{"text":"Word"}`, "end_turn"))
	if a := g.Post(t, "/v1/chat/completions", body); a.Status != 200 {
		t.Errorf("with a new key in the file: got %d %s", a.Status, a.Body)
	}
	if seen := u.Seen(); seen[len(seen)-1].Header.Get("Authorization") != "Bearer new one" {
		t.Errorf("the upstream was sent the key %q", seen[len(seen)-1].Header.Get("Authorization"))
	}
}

// TestOpaque shows ARNs that do not say which model is behind them. Without its facts a request keeps what the model refuses,
// and a Claude body is translated for no reason; so the control plane is asked, once. Where it may not be, the call goes on.
func TestOpaque(t *testing.T) {
	const profile = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abcdefghijkl"
	escaped := func(arn string) string { return strings.ReplaceAll(arn, "/", "%2F") }
	denied := gatewaytest.Reply{Status: 403, Body: `{"message":"not authorized"}`, Header: map[string]string{"X-Amzn-ErrorType": "AccessDeniedException"}}
	for _, tc := range []struct {
		rule    string
		arn     string
		path    string // of the lookup
		reply   gatewaytest.Reply
		listing gatewaytest.Reply
		dropped string // of temperature, seed
		looks   int
	}{
		{"a profile", profile, "/inference-profiles/" + escaped(profile), gatewaytest.Reply{Body: `{"inferenceProfileId":"abcdefghijkl","models":[{"modelArn":"arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-5"}]}`}, denied, "temperature, seed", 1},
		{"a profile that may only be listed", profile, "/inference-profiles/" + escaped(profile), denied, gatewaytest.Reply{Body: `{"inferenceProfileSummaries":[{"inferenceProfileArn":"` + profile + `","type":"APPLICATION","models":[{"modelArn":"arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-5"}]}]}`}, "temperature, seed", 2},
		{"nothing may be asked", profile, "/inference-profiles/" + escaped(profile), denied, denied, "seed", 2},
		{
			"provisioned throughput", "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc", "/provisioned-model-throughput/arn:aws:bedrock:us-east-1:123456789012:provisioned-model%2Fabc",
			gatewaytest.Reply{Body: `{"modelArn":"arn:aws:bedrock:us-east-1:123456789012:custom-model/x","foundationModelArn":"arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-5"}`},
			denied, "temperature, seed", 1,
		},
		{
			"an imported model", "arn:aws:bedrock:us-east-1:123456789012:imported-model/abc", "/imported-models/arn:aws:bedrock:us-east-1:123456789012:imported-model%2Fabc",
			gatewaytest.Reply{Body: `{"modelArchitecture":"llama3"}`},
			denied, "seed", 1,
		},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			u := gatewaytest.NewUpstream(t)
			g := gatewaytest.Start(t, fmt.Sprintf("bedrock_gateway {\n\tbedrock us-east-1 {\n\t\tendpoint %[1]s/runtime\n\t\tcontrol_endpoint %[1]s\n\t\tcredentials AKIDEXAMPLE secret\n\t}\n}", u.URL))
			u.Play(content(`{"text":"Word"}`, "end_turn"))
			u.PlayAt(tc.path, tc.reply)
			u.PlayAt("/inference-profiles", tc.listing)
			for i := range 2 {
				a := g.Post(t, "/v1/chat/completions", fmt.Sprintf(`{"model":%q,%s,"temperature":0.5,"seed":7}`, tc.arn, hi))
				if a.Status != 200 || a.Header.Get("Bedrock-Gateway-Dropped") != tc.dropped {
					t.Errorf("call %d: got %d, dropped %q: %s", i+1, a.Status, a.Header.Get("Bedrock-Gateway-Dropped"), a.Body)
				}
			}
			looks := 0
			for _, s := range u.Seen() {
				if !strings.HasPrefix(s.Path, "/runtime/") {
					looks++
				}
			}
			if looks != tc.looks {
				t.Errorf("the control plane was asked %d times: %+v", looks, u.Seen())
			}
		})
	}
}

// TestPromptRouter shows that the tokens of a prompt router's reply are those of the model that it names.
func TestPromptRouter(t *testing.T) {
	const router = "arn:aws:bedrock:us-east-1:123456789012:default-prompt-router/anthropic.claude:1"
	const trace = `"trace":{"promptRouter":{"invokedModelId":"arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0"}}`
	for rule, tc := range map[string]struct {
		members string
		reply   gatewaytest.Reply
	}{
		"unary":  {hi, gatewaytest.Reply{Body: `{"output":{"message":{"role":"assistant","content":[{"text":"Word"}]}},"stopReason":"end_turn","usage":{"inputTokens":1,"outputTokens":2},` + trace + `}`}},
		"stream": {streamed, frames(`contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"Word"}}`, `messageStop {"stopReason":"end_turn"}`, `metadata {"usage":{"inputTokens":1,"outputTokens":2},`+trace+`}`)},
	} {
		t.Run(rule, func(t *testing.T) {
			u := gatewaytest.NewUpstream(t)
			g := gatewaytest.Start(t, fmt.Sprintf("log\nbedrock_gateway {\n\tbedrock us-east-1 {\n\t\tendpoint %[1]s/runtime\n\t\tcontrol_endpoint %[1]s\n\t\tcredentials AKIDEXAMPLE secret\n\t}\n}", u.URL))
			u.Play(tc.reply)
			u.PlayAt("/prompt-routers/arn:aws:bedrock:us-east-1:123456789012:default-prompt-router%2Fanthropic.claude:1", gatewaytest.Reply{Body: `{"fallbackModel":{"modelArn":"arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-5-sonnet-20240620-v1:0"}}`})
			if a := g.Post(t, "/v1/chat/completions", fmt.Sprintf(`{"model":%q,%s}`, router, tc.members)); a.Status != 200 || !strings.Contains(a.Body, "Word") {
				t.Fatalf("got %d %s", a.Status, a.Body)
			}
			g.Load(t, "respond teapot 418") // waits for the request to end, and with it for its line in the log
			log, err := os.ReadFile(g.Log)
			if err != nil || !strings.Contains(string(log), `"upstream_model":"anthropic.claude-3-haiku-20240307-v1:0"`) {
				t.Errorf("the tokens were counted elsewhere: %v\n%s", err, log)
			}
		})
	}
}
