package hostile

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// A path that climbs never reaches an upstream, with or without a client's query, whichever models are routed.
func TestAPathThatClimbsReachesNoUpstream(t *testing.T) {
	seen := make(chan string, 100)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.RequestURI }))
	defer srv.Close()
	g := gatewaytest.Start(t, fmt.Sprintf(`bedrock_gateway {
	bedrock us-east-1 {
		endpoint %[1]s
		control_endpoint %[1]s
		credentials AKIDEXAMPLE {env.PATH}
		profiles off
	}
	upstream plain openai {
		api_key k
		base_url %[1]s/v1
	}
	route gpt-* {
		to plain
	}
	route * {
		to bedrock
	}
	files off
}`, srv.URL))
	for _, path := range []string{
		"/model/%2e%2e/invoke?x=1", "/model/../invoke", "/model/%2E%2e/converse", "/model/%2e/converse-stream", "/model/%2e%2e/invoke-with-response-stream",
		"/model/%2e%2e/count-tokens", "/guardrail/%2e%2e/version/1/apply", "/guardrail/g/version/%2e%2e/apply", "/v1/responses/%2e%2e/cancel", "/v1/batches/%2e%2e/cancel",
		"/openai/v1/%2e%2e/x", "/anthropic/v1/%2e%2e/x", "/anthropic/v1/messages/batches/%2e%2e/x",
	} {
		conn := g.Dial(t)
		const body = `{"messages":[{"role":"user","content":[{"text":"Hi"}]}],"model":"gpt-4o"}`
		_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		select {
		case uri := <-seen:
			t.Errorf("%s went out as %s", path, uri)
		default:
		}
	}
}
