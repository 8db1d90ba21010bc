package streams_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// What Bedrock takes of Anthropic's betas changes without notice, and it refuses the whole request for one that it does
// not know. A client that sends its betas by default must not be locked out: one more try goes without them, and says so.
func TestARefusedBetaIsLeftOut(t *testing.T) {
	g, u := start(t)
	const reply = `{"id":"msg_1","type":"message","role":"assistant","model":"` + claudeID + `","content":[{"type":"text","text":"Hello"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":5}}`
	u.Play(
		gatewaytest.Reply{Status: http.StatusBadRequest, Header: map[string]string{"X-Amzn-Errortype": "ValidationException"}, Body: `{"message":"invalid beta flag"}`},
		gatewaytest.Reply{Body: reply},
	)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, gatewaytest.URL+"/v1/messages", strings.NewReader(
		`{"model":"`+claudeID+`","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Anthropic-Beta", "context-1m-2025-08-07")
	a := g.Do(t, req)
	seen := u.Seen()
	if a.Status != http.StatusOK || a.Body != reply || len(seen) != 2 {
		t.Fatalf("status %d after %d tries: %s", a.Status, len(seen), a.Body)
	}
	if !strings.Contains(seen[0].Body, "context-1m-2025-08-07") || strings.Contains(seen[1].Body, "context-1m") {
		t.Errorf("sent %s, then %s", seen[0].Body, seen[1].Body)
	}
	if d := a.Header.Get("Bedrock-Gateway-Dropped"); !strings.Contains(d, "context-1m-2025-08-07") {
		t.Errorf("Bedrock-Gateway-Dropped = %q", d)
	}
}
