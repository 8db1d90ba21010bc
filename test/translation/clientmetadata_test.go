package translation_test

import (
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// TestClientMetadata shows what becomes of client_metadata, which Codex sends with each request and OpenAI's types do not list:
// it is OpenAI's on a relay, and never a reason to refuse a request or to say anything to another model.
func TestClientMetadata(t *testing.T) {
	tb := start(t)
	const metadata = `"client_metadata":{"session":"s-1"}`
	for _, tc := range []struct {
		rule, model string
		reply       gatewaytest.Reply
		kept        bool
	}{
		{"relayed to OpenAI as it is", gpt, gatewaytest.Reply{Body: `{"id":"resp_1","object":"response","status":"completed","output":[]}`}, true},
		{"left out for Claude", sonnet35, content(`{"text":"W"}`, "end_turn"), false},
		{"left out for Nova", nova2, content(`{"text":"W"}`, "end_turn"), false},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			tb.u.Play(tc.reply)
			a := tb.ask(t, "/v1/responses", `{"model":"`+tc.model+`","input":"Hi",`+metadata+`}`, "")
			seen := tb.u.Seen()
			if len(seen) != 1 || a.Status != 200 || strings.Contains(seen[0].Body, metadata) != tc.kept || !tc.kept && strings.Contains(seen[0].Body, "s-1") {
				t.Errorf("the upstream was sent %v; got %d %s", seen, a.Status, a.Body)
			}
			if listed := strings.Contains(a.Header.Get("Bedrock-Gateway-Dropped"), "client_metadata"); listed == tc.kept {
				t.Errorf("dropped %q", a.Header.Get("Bedrock-Gateway-Dropped"))
			}
		})
	}
}
