package translation_test

import (
	"fmt"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// guarded runs the gateway with a guardrail in the config.
func guarded(t *testing.T, block string) *table {
	t.Helper()
	u := gatewaytest.NewUpstream(t)
	return &table{u: u, g: gatewaytest.Start(t, fmt.Sprintf("bedrock_gateway {\n\tbedrock us-east-1 {\n\t\tendpoint %s\n\t\tcredentials AKIDEXAMPLE secret\n\t\tguardrail own 7%s\n\t}\n}", u.URL, block))}
}

// TestGuardrail shows which of two guardrails holds.
func TestGuardrail(t *testing.T) {
	const (
		theirs = `,"guardrailConfig":{"guardrailIdentifier":"theirs","guardrailVersion":"1"}`
		own    = `"guardrailConfig":{"guardrailIdentifier":"own","guardrailVersion":"7"}`
		traced = `"guardrailConfig":{"guardrailIdentifier":"own","guardrailVersion":"7","trace":"enabled"}`
	)
	stopped := gatewaytest.Reply{Body: `{"output":{"message":{"content":[{"text":"No."}]}},"stopReason":"guardrail_intervened",` + counted + `,"trace":{"guardrail":{"x":1}}}`}
	t.Run("the config's alone", func(t *testing.T) {
		guarded(t, "").run(t, []row{
			{rule: "on every request", request: hi, sent: greeted(own), reply: stopped, get: completion(`"content":"No.","refusal":null`, "content_filter", usage)},
			{rule: "over the request's own", request: hi + theirs, sent: greeted(own), headers: map[string]string{"Bedrock-Gateway-Dropped": "guardrailConfig"}},
		})
	})
	t.Run("allow_override", func(t *testing.T) {
		guarded(t, " {\n\t\t\tallow_override\n\t\t\ttrace\n\t\t}").run(t, []row{
			{rule: "the request's own", request: hi + theirs, sent: greeted(`"guardrailConfig":{"guardrailIdentifier":"theirs","guardrailVersion":"1"}`)},
			{rule: "none of its own", request: hi, sent: greeted(traced), reply: stopped, get: completion(`"content":"No.","refusal":null`, "content_filter", usage, `"bedrock":{"trace":{"guardrail":{"x":1}}}`)},
		})
	})
}

// TestRemoteImages shows that with fetch_remote_images no address of this machine or its network is fetched.
func TestRemoteImages(t *testing.T) {
	tb := start(t, "fetch_remote_images {\n\t\ttimeout 2s\n\t}")
	image := func(url string) string {
		return `"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"` + url + `"}}]}]`
	}
	var rows []row
	for _, url := range []string{
		tb.u.URL + "/a.png", "http://localhost:1/a.png", "http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/a.png", "http://192.168.1.1/a.png", "http://100.64.0.1/a.png",
		"http://[::1]/a.png", "http://[fd00:ec2::254]/a.png", "http://[::ffff:127.0.0.1]/a.png", "http://0.0.0.0/a.png", "http://2130706433/a.png", "https://user:password@127.0.0.1/a.png",
	} {
		rows = append(rows, row{rule: url, request: image(url), status: 400, get: fault("invalid_request_error", "messages", "image_not_fetched", "was not fetched")})
	}
	tb.run(t, rows)
	tb.run(t, []row{{
		rule: "OpenAI fetches for itself", model: gpt, request: image("http://127.0.0.1/a.png"), sent: `{"model":"gpt-4o",` + image("http://127.0.0.1/a.png") + `}`,
	}})
}

// TestPassedHeaders shows the few headers of a client's that reach an upstream.
func TestPassedHeaders(t *testing.T) {
	tb := start(t)
	sent := map[string]string{
		"Traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "Tracestate": "a=b", "Openai-Beta": "x=v1", "Idempotency-Key": "k1",
		"X-Forwarded-For": "192.0.2.1", "User-Agent": "their-agent", "X-Custom": "1", "Openai-Project": "theirs",
	}
	for _, tc := range []struct {
		model  string
		passed []string
	}{
		{gpt, []string{"Traceparent", "Tracestate", "Openai-Beta", "Idempotency-Key"}},
		{sonnet35, []string{"Traceparent", "Tracestate"}},
	} {
		t.Run(tc.model, func(t *testing.T) {
			r := row{model: tc.model, request: hi, header: sent}
			tb.one(t, &r)
			got := tb.u.Seen()[0].Header
			for _, name := range tc.passed {
				if got.Get(name) != sent[name] {
					t.Errorf("%s reached the upstream as %q", name, got.Get(name))
				}
			}
			for _, name := range []string{"X-Forwarded-For", "X-Custom", "Openai-Project", "Openai-Organization", "Cookie", "X-Api-Key"} {
				if got.Get(name) != "" {
					t.Errorf("%s went on to the upstream", name)
				}
			}
			if got.Get("User-Agent") == sent["User-Agent"] {
				t.Error("the client's User-Agent went on to the upstream")
			}
		})
	}
}
