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
			sent: `{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}`, headers: map[string]string{"Bedrock-Gateway-Dropped": "temperature"},
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
