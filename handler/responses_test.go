package handler_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// Codex tries a WebSocket first. A 426 makes it go on by HTTP at once; a 404 or 405 costs it five tries at each start.
func TestWebSocketsOfResponsesAreRefused(t *testing.T) {
	g := gatewaytest.Start(t, "bedrock_gateway {\n\tbedrock us-east-1 {\n\t\tendpoint http://127.0.0.1:9\n\t\tcredentials a b\n\t}\n\tfiles off\n}")
	for path, upgrade := range map[string]string{"/v1/responses": "websocket", "/openai/v1/responses": "WebSocket"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, gatewaytest.URL+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Connection", "Upgrade")
		req.Header.Set("Upgrade", upgrade)
		if a := g.Do(t, req); a.Status != http.StatusUpgradeRequired || !strings.Contains(a.Body, `"websocket_not_supported"`) {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
		if a := g.Get(t, path); a.Status != http.StatusMethodNotAllowed || a.Header.Get("Allow") != "POST" {
			t.Errorf("%s without an upgrade: %d %q %s", path, a.Status, a.Header.Get("Allow"), a.Body)
		}
	}
}
