package translation_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

const (
	titanText  = "amazon.titan-text-express-v1"
	titanReply = `{"inputTextTokenCount":1,"results":[{"tokenCount":1,"outputText":"W","completionReason":"FINISH"}]}`
	ownGuard   = `"guardrailConfig":{"guardrailIdentifier":"mine","guardrailVersion":"2","trace":"enabled"}`
)

// TestInvokeHeaders shows that what Converse has in its body goes in headers where the model is asked by InvokeModel. A
// guardrailConfig for Titan, which has no other API, was a 400; metadata of Claude's calls was dropped.
func TestInvokeHeaders(t *testing.T) {
	tb := onBedrock(t)
	const (
		guardrail = "X-Amzn-Bedrock-Guardrailidentifier"
		version   = "X-Amzn-Bedrock-Guardrailversion"
		trace     = "X-Amzn-Bedrock-Trace"
		metadata  = "X-Amzn-Bedrock-Request-Metadata"
		tier      = "X-Amzn-Bedrock-Service-Tier"
		latency   = "X-Amzn-Bedrock-Performanceconfig-Latency"
		project   = "X-Amzn-Bedrock-Projectidentifier"
	)
	for _, tc := range []struct {
		rule, model, request string
		headers              map[string]string
		status               int
	}{
		{"a guardrail for Titan", titanText, ownGuard, map[string]string{guardrail: "mine", version: "2", trace: "ENABLED"}, 0},
		{"a guardrail for a Claude that has InvokeModel alone", opus41, ownGuard, map[string]string{guardrail: "mine", version: "2", trace: "ENABLED"}, 0},
		{
			"all the others", opus41, `"requestMetadata":{"team":"a"},"metadata":{"team":"b","k":"v"},"serviceTier":{"type":"flex"},"performanceConfig":{"latency":"optimized"},"projectIdentifier":"p1"`,
			map[string]string{metadata: `{"team":"a","k":"v"}`, tier: "flex", latency: "optimized", project: "p1"},
			0,
		},
		{"OpenAI's words for them", titanText, `"metadata":{"k":"v"},"service_tier":"priority"`, map[string]string{metadata: `{"k":"v"}`, tier: "priority"}, 0},
		{"what no header can carry", titanText, `"projectIdentifier":"a\r\nX: y"`, nil, 400},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			reply := titanReply
			if tc.model == opus41 {
				reply = claudeReply("claude", `{"type":"text","text":"W"}`, "end_turn")
			}
			tb.u.Play(gatewaytest.Reply{Body: reply})
			a := tb.ask(t, "/v1/chat/completions", fmt.Sprintf(`{"model":%q,%s,%s}`, tc.model, hi, tc.request), "")
			seen := tb.u.Seen()
			if tc.status != 0 {
				if a.Status != tc.status || len(seen) != 0 {
					t.Fatalf("got %d %s; asked %d times", a.Status, a.Body, len(seen))
				}
				return
			}
			if a.Status != http.StatusOK || len(seen) != 1 || seen[0].Path != "/model/"+url.QueryEscape(tc.model)+"/invoke" || a.Header.Get("Bedrock-Gateway-Dropped") != "" {
				t.Fatalf("got %d %s, dropped %q; asked %d times", a.Status, a.Body, a.Header.Get("Bedrock-Gateway-Dropped"), len(seen))
			}
			for _, name := range []string{guardrail, version, trace, metadata, tier, latency, project} {
				if got := seen[0].Header.Get(name); got != tc.headers[name] {
					t.Errorf("%s is %q, not %q", name, got, tc.headers[name])
				}
			}
		})
	}
}

// TestConfiguredGuardrailHolds shows that none of the ways in for Converse's members weakens a guardrail that the
// configuration demands: not the request's own, by body or by header, not a mark of what the guardrail shall look at, and no
// field that is merged into the request.
func TestConfiguredGuardrailHolds(t *testing.T) {
	u := gatewaytest.NewUpstream(t)
	tb := &table{u: u, g: gatewaytest.Start(t, fmt.Sprintf(`bedrock_gateway {
	bedrock us-east-1 {
		endpoint %s
		credentials AKIDEXAMPLE secret
		guardrail corp 7
	}
}`, u.URL))}
	const holds = `"guardrailConfig":{"guardrailIdentifier":"corp","guardrailVersion":"7"}`
	for way, members := range map[string]string{
		"guardrailConfig":                   ownGuard,
		"guardrailConfig without an id":     `"guardrailConfig":{}`,
		"guardrailConfig of null":           `"guardrailConfig":null`,
		"additionalModelRequestFields":      `"additionalModelRequestFields":{"guardrailConfig":{"guardrailIdentifier":"mine","guardrailVersion":"1"},"amazon-bedrock-guardrailConfig":{"tagSuffix":"x"}}`,
		"requestMetadata":                   `"requestMetadata":{"guardrailIdentifier":"mine"}`,
		"performanceConfig":                 `"performanceConfig":{"latency":"standard","guardrailConfig":{}}`,
		"serviceTier":                       `"serviceTier":{"type":"flex","guardrailConfig":{}}`,
		"promptVariables":                   `"promptVariables":{"guardrailConfig":{"text":"x"}}`,
		"outputConfig":                      `"outputConfig":{"guardrailConfig":{}}`,
		"projectIdentifier":                 `"projectIdentifier":"p"`,
		"additionalModelResponseFieldPaths": `"additionalModelResponseFieldPaths":["/guardrailConfig"]`,
		"web_search_options":                `"web_search_options":{}`,
	} {
		for _, m := range []string{sonnet35, nova2, titanText} {
			t.Run(way+" for "+m, func(t *testing.T) {
				reply := content(`{"text":"W"}`, "end_turn")
				if m == titanText {
					reply.Body = titanReply
				}
				u.Play(reply)
				a := tb.ask(t, "/v1/chat/completions", fmt.Sprintf(`{"model":%q,%s,%s}`, m, hi, members), "")
				seen := u.Seen()
				if len(seen) != 1 {
					t.Fatalf("got %d %s; asked %d times", a.Status, a.Body, len(seen))
				}
				if m == titanText {
					if h := seen[0].Header; h.Get("X-Amzn-Bedrock-Guardrailidentifier") != "corp" || h.Get("X-Amzn-Bedrock-Guardrailversion") != "7" {
						t.Errorf("the guardrail is %q", h)
					}
					return
				}
				if body := seen[0].Body; !strings.Contains(body, holds) || strings.Count(body, `"guardrailIdentifier":"corp"`) != 1 {
					t.Errorf("the upstream was sent %s", body)
				}
			})
		}
	}
	t.Run("a header", func(t *testing.T) {
		u.Play(content(`{"text":"W"}`, "end_turn"))
		tb.one(t, &row{request: hi, header: map[string]string{"X-Amzn-Bedrock-Guardrailidentifier": "mine", "X-Amzn-Bedrock-Guardrailversion": "1"}, sent: greeted(holds)})
	})
	t.Run("guarded_text, which would narrow it to that part", func(t *testing.T) {
		tb.one(t, &row{
			request: `"messages":[{"role":"user","content":[{"type":"text","text":"A"},{"type":"guarded_text","text":"B"}]}]`,
			sent:    user(`{"text":"A"},{"text":"B"}`, holds), headers: map[string]string{"Bedrock-Gateway-Dropped": "guarded_text"},
		})
	})
	t.Run("a video in S3", func(t *testing.T) {
		tb.one(t, &row{
			model: nova, request: `"messages":[{"role":"user","content":[{"type":"text","text":"A"},{"type":"video_url","video_url":{"url":"s3://bucket/k.mp4"}}]}]`,
			sent: user(`{"text":"A"},{"video":{"format":"mp4","source":{"s3Location":{"uri":"s3://bucket/k.mp4"}}}}`, holds),
		})
	})
}
