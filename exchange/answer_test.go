package exchange_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// ask runs one chat against an upstream of OpenAI's dialect that answers with reply.
func ask(t *testing.T, reply *upstream.Reply) *httptest.ResponseRecorder {
	t.Helper()
	g := gatewayOf(opener(func(context.Context, *upstream.Call) (*upstream.Reply, error) { return reply, nil }), nil)
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/chat/completions", strings.NewReader(`{"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}]}`))
	g.ServeHTTP(w, r)
	return w
}

// A status of 200 does not make an answer: clients would take an error, a proxy's login page or nothing at all for the
// model's words, and none of their retries would help.
func TestWhatIsNoAnswerIsNotRelayedAsOne(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"an error object":    {`{"error":{"message":"boom","type":"server_error","code":"x"}}`, `"message":"boom"`},
		"a login page":       {`<html>login</html>`, "cannot be read"},
		"nothing":            {``, "cannot be read"},
		"half of a reply":    {`{"id":"c","choices":[{"index":0,"mess`, "cannot be read"},
		"a reply and a half": {`{"choices":[]}{"choices":[`, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			w := ask(t, whole(c.body))
			if w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), c.want) || !strings.HasPrefix(w.Body.String(), `{"error":{`) {
				t.Errorf("status %d: %s", w.Code, w.Body)
			}
		})
	}
}

// What is JSON but not quite the API's is the client's to make sense of: the gateway need not understand what it relays.
func TestAnOddAnswerInTheClientsOwnDialectIsRelayed(t *testing.T) {
	const body = `{"object":"chat.completion","choices":{"0":{"message":"Hello"}}}`
	if w := ask(t, whole(body)); w.Code != http.StatusOK || w.Body.String() != body {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}
