package translation_test

import (
	"fmt"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// TestOutputLimits shows limits of output tokens above the model's own. opencode, cline, pydantic-ai and mirascope send 32,000
// to every model, which Nova refuses; so the limit is cut down, in every dialect, and the client is told.
func TestOutputLimits(t *testing.T) {
	const (
		hello = `"messages":[{"role":"user","content":[{"text":"Hi"}]}]`
		limit = hello + `,"inferenceConfig":{"maxTokens":%d}`
	)
	dropped := func(s string) map[string]string { return map[string]string{"Bedrock-Gateway-Dropped": s} }
	t.Run("drop", func(t *testing.T) {
		start(t).run(t, []row{
			{rule: "cut down to the model's own", model: nova, request: hi + `,"max_tokens":32000`, sent: "{" + fmt.Sprintf(limit, 10000) + "}", headers: dropped("max_tokens above 10000")},
			{rule: "by its newer name", model: nova, request: hi + `,"max_completion_tokens":32000`, sent: "{" + fmt.Sprintf(limit, 10000) + "}", headers: dropped("max_tokens above 10000")},
			{rule: "the model's own stays", model: nova, request: hi + `,"max_tokens":10000`, sent: "{" + fmt.Sprintf(limit, 10000) + "}"},
			{rule: "of an unknown model stays", model: "zai.glm-9", request: hi + `,"max_tokens":999999`, sent: "{" + fmt.Sprintf(limit, 999999) + "}"},
			{rule: "of OpenAI's models stays", model: gpt, request: hi + `,"max_tokens":999999`, sent: `{"model":"gpt-4o",` + hi + `,"max_tokens":999999}`},
			{
				rule: "a budget for reasoning stays below it", model: sonnet37, request: hi + `,"max_tokens":200000,"thinking":{"type":"enabled","budget_tokens":100000}`,
				sent: `{` + fmt.Sprintf(limit, 64000) + `,"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":59904}}}`, headers: dropped("max_tokens above 64000, thinking.budget_tokens above 59904"),
			},
			{rule: "Titan's", model: "amazon.titan-text-express-v1", path: "/model/amazon.titan-text-express-v1/invoke", request: hi + `,"max_tokens":32000`, reply: gatewaytest.Reply{Body: `{"inputTextTokenCount":1,"results":[{"tokenCount":1,"outputText":"Word","completionReason":"FINISH"}]}`}, sent: `{"inputText":"*Hi*","textGenerationConfig":{"maxTokenCount":8192}}`, headers: dropped("max_tokens above 8192")},
		})
	})
	t.Run("reject", func(t *testing.T) {
		start(t, "unsupported_params reject").run(t, []row{
			{rule: "is refused", model: nova, request: hi + `,"max_tokens":32000`, status: 400, get: invalid("max_tokens", "max_tokens is too large: 32000; the model '"+nova+"' supports at most 10000 output tokens")},
		})
	})
	t.Run("max_output", func(t *testing.T) {
		tb := onBedrock(t, "model * {\n\t\t\tmax_output 100\n\t\t}")
		tb.run(t, []row{
			{rule: "binds", model: sonnet35, request: hi + `,"max_tokens":101`, sent: "{" + fmt.Sprintf(limit, 100) + "}", headers: dropped("max_tokens above 100")},
			{rule: "binds a request without a limit", model: sonnet35, request: hi, sent: "{" + fmt.Sprintf(limit, 100) + "}"},
			{rule: "leaves a lower limit", model: sonnet35, request: hi + `,"max_tokens":99`, sent: "{" + fmt.Sprintf(limit, 99) + "}"},
			{rule: "drops reasoning that has no room", model: sonnet37, request: hi + `,"reasoning_effort":"high"`, sent: "{" + fmt.Sprintf(limit, 100) + "}", headers: dropped("reasoning_effort")},
		})
	})
}

// TestOutputLimitsOfRelays shows the same on bodies that are otherwise relayed to the byte.
func TestOutputLimitsOfRelays(t *testing.T) {
	for _, tc := range []struct{ rule, words, path, body, sent, dropped string }{
		{"Converse", "", "/model/amazon.nova-pro-v1:0/converse", `{"messages":[{"role":"user","content":[{"text":"Hi"}]}], "inferenceConfig":{"maxTokens":32000,"topP":0.1}}`, `{"messages":[{"role":"user","content":[{"text":"Hi"}]}], "inferenceConfig":{"maxTokens":10000,"topP":0.1}}`, "inferenceConfig.maxTokens above 10000"},
		{"Converse, untouched", "", "/model/amazon.nova-pro-v1:0/converse", `{"messages":[{"role":"user","content":[{"text":"Hi"}]}], "inferenceConfig":{"maxTokens":32}}`, `{"messages":[{"role":"user","content":[{"text":"Hi"}]}], "inferenceConfig":{"maxTokens":32}}`, ""},
		{"Converse, bound", "model * {\n\t\t\tmax_output 7\n\t\t}", "/model/amazon.nova-pro-v1:0/converse", `{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}`, `{"messages":[{"role":"user","content":[{"text":"Hi"}]}],"inferenceConfig":{"maxTokens":7}}`, ""},
		{"Claude", "", "/v1/messages", `{"model":"anthropic.claude-3-5-sonnet-20241022-v2:0", "max_tokens":32000,"messages":[{"role":"user","content":"Hi"}],"anthropic_version":"bedrock-2023-05-31"}`, `{"max_tokens":8192,"messages":[{"role":"user","content":"Hi"}],"anthropic_version":"bedrock-2023-05-31"}`, "max_tokens above 8192"},
		{"Claude by a beta for long replies", "", "/v1/messages", `{"model":"anthropic.claude-3-7-sonnet-20250219-v1:0","anthropic_beta":["output-128k-2025-02-19"],"max_tokens":128000,"messages":[{"role":"user","content":"Hi"}],"anthropic_version":"bedrock-2023-05-31"}`, `{"anthropic_beta":["output-128k-2025-02-19"],"max_tokens":128000,"messages":[{"role":"user","content":"Hi"}],"anthropic_version":"bedrock-2023-05-31"}`, ""},
		{"Claude with a budget above it", "", "/v1/messages", `{"model":"anthropic.claude-3-7-sonnet-20250219-v1:0","max_tokens":200000,"thinking":{"type":"enabled","budget_tokens":100000},"messages":[{"role":"user","content":"Hi"}]}`, `{"anthropic_version":"bedrock-2023-05-31","max_tokens":64000,"thinking":{"type":"enabled","budget_tokens":59904},"messages":"*"}`, "max_tokens above 64000, thinking.budget_tokens above 59904"},
		{"Titan", "", "/model/amazon.titan-text-express-v1/invoke", `{"inputText":"Hi","textGenerationConfig":{"maxTokenCount":32000}}`, `{"inputText":"Hi","textGenerationConfig":{"maxTokenCount":8192}}`, "textGenerationConfig.maxTokenCount above 8192"},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			var words []string
			if tc.words != "" {
				words = []string{tc.words}
			}
			tb := onBedrock(t, words...)
			tb.u.Play(gatewaytest.Reply{Body: `{"output":{"message":{"content":[]}}}`})
			a := tb.g.Post(t, tc.path, tc.body)
			seen := tb.u.Seen()
			if a.Status != 200 || len(seen) != 1 || !gatewaytest.SameJSON(seen[0].Body, tc.sent) || a.Header.Get("Bedrock-Gateway-Dropped") != tc.dropped {
				t.Errorf("got %d, dropped %q: %s\nsent was %+v", a.Status, a.Header.Get("Bedrock-Gateway-Dropped"), a.Body, seen)
			}
		})
	}
}
