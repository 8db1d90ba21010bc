package openai

import (
	"net/http"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// Servers that have sent their 200 tell of a refused key in the stream. The client's own key is good all the same, and
// the message shows the ends of the gateway's.
func TestARefusedKeyInAStreamIsTheGatewaysTrouble(t *testing.T) {
	for _, payload := range []string{
		`{"error":{"message":"Incorrect API key provided: sk-ab***xyz","type":"invalid_request_error","code":"invalid_api_key"}}`,
		`{"error":{"message":"sk-ab***xyz is no key","type":"authentication_error"}}`,
	} {
		e := eventError(nil, []byte(payload))
		if e == nil || e.StatusCode() != http.StatusForbidden || e.Kind != chat.ErrPermission || e.Body != nil || strings.Contains(e.Error(), "sk-") {
			t.Errorf("%s: %+v", payload, e)
		}
	}
}
