package apis_test

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

// counter is a gateway before both hosts of Bedrock, with further directives.
func counter(t *testing.T, directives string) *gatewaytest.Gateway {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/mantle/", http.StripPrefix("/mantle", bedrock.NewMantle(bedrock.Options{})))
	mux.Handle("/", bedrock.New(bedrock.Options{}))
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return gatewaytest.Start(t, fmt.Sprintf(`bedrock_gateway {
	bedrock us-east-1 {
		endpoint %[1]s
		control_endpoint %[1]s
		mantle_endpoint %[1]s/mantle
		credentials %[2]s %[3]s
	}
	files off
%[4]s
}`, srv.URL, bedrock.DefaultAccessKeyID, bedrock.DefaultSecretAccessKey, directives))
}

const (
	arn       = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0"
	uncounted = `"messages":[{"role":"user","content":"hello there, how are you?"}]}`
)

// count returns the number of tokens, and the header that says whether it is an estimate.
func count(t *testing.T, g *gatewaytest.Gateway, model string) (int, string, *gatewaytest.Answer) {
	t.Helper()
	a := g.Post(t, "/v1/messages/count_tokens", `{"model":"`+model+`",`+uncounted)
	var n struct {
		Input int `json:"input_tokens"`
	}
	if err := json.Unmarshal([]byte(a.Body), &n); err != nil {
		t.Fatal(err, a.Body)
	}
	return n.Input, a.Header.Get("Bedrock-Gateway-Token-Count"), a
}

// Models that are older than 4.7 are counted by CountTokens, which takes plain ids; others by mantle's counter. Where neither
// counts, the refusal makes Claude Code estimate itself.
func TestTokensAreCountedByTheirProviderOrNotAtAll(t *testing.T) {
	g := counter(t, "")
	for model, status := range map[string]int{
		"anthropic.claude-3-haiku-20240307-v1:0":       200,
		"us.anthropic.claude-sonnet-4-5-20250929-v1:0": 200,
		arn:                           200,
		"us.anthropic.claude-opus-5":  200, // by mantle
		"anthropic.claude-fable-5":    200,
		"amazon.nova-lite-v1:0":       501,
		"openai.gpt-oss-120b-1:0":     501,
		"us.anthropic.claude-nobody-": 404,
	} {
		n, header, a := count(t, g, model)
		if a.Status != status || (n > 0) != (status == 200) || header != "" {
			t.Errorf("%s: %d, %d tokens, header %q: %s", model, a.Status, n, header, a.Body)
		}
	}
}

func TestAnEstimateIsMarkedAndOnTheHighSide(t *testing.T) {
	g := counter(t, "	count_tokens estimate")
	for model, want := range map[string]string{
		"us.anthropic.claude-sonnet-4-5-20250929-v1:0": "",
		"us.anthropic.claude-opus-5":                   "",
		"amazon.nova-lite-v1:0":                        "estimate",
		"openai.gpt-oss-120b-1:0":                      "estimate",
	} {
		n, header, a := count(t, g, model)
		if a.Status != 200 || header != want || n < 8 || want != "" && n > 60 {
			t.Errorf("%s: %d, %d tokens, header %q: %s", model, a.Status, n, header, a.Body)
		}
	}
	plain, _, _ := count(t, g, "amazon.nova-lite-v1:0")
	a := g.Post(t, "/v1/messages/count_tokens", `{"model":"amazon.nova-lite-v1:0","tools":[{"name":"f","input_schema":{"type":"object"}}],`+uncounted)
	if !strings.Contains(a.Body, `{"input_tokens":`) || len(a.Body) < len(`{"input_tokens":600}`) {
		t.Errorf("%d without tools, with one: %s", plain, a.Body)
	}
	if a := g.Post(t, "/v1/messages/count_tokens", `{"model":"amazon.nova-lite-v1:0","messages":`); a.Status != 400 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}
