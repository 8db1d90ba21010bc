package converse

import (
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

func inference(s string) string { return `{` + messagesHello + `,"inferenceConfig":{` + s + `}}` }

func v(s string) chat.Value { return chat.Value(s) }

func TestParameters(t *testing.T) {
	runEncode(t, []encodeCase{
		{name: "no limit is made up, not even for Claude", request: hello(nil), want: bodyHello},
		{name: "max tokens", request: hello(func(r *chat.Request) { r.MaxTokens = 5 }), want: inference(`"maxTokens":5`)},
		{name: "temperature above 1 becomes 1", request: hello(func(r *chat.Request) { r.Temperature = v("1.7") }), want: inference(`"temperature":1`)},
		{name: "its digits are kept", request: hello(func(r *chat.Request) { r.Temperature = v("0.70") }), want: inference(`"temperature":0.70`)},
		{name: "an exponent hides what is above 1", request: hello(func(r *chat.Request) { r.Temperature = v("0.2e1") }), want: inference(`"temperature":1`)},
		{name: "one of temperature and top_p", request: hello(func(r *chat.Request) { r.Temperature, r.TopP = v("0.5"), v("0.9") }), want: inference(`"temperature":0.5`), dropped: "top_p"},
		{name: "or both", model: haiku3, request: hello(func(r *chat.Request) { r.Temperature, r.TopP = v("0.5"), v("0.9") }), want: inference(`"temperature":0.5,"topP":0.9`)},
		{
			name: "no sampling where Claude refuses it", model: opus48,
			request: hello(func(r *chat.Request) { r.Temperature, r.TopP, r.TopK = v("0.5"), v("0.9"), v("40") }),
			want:    bodyHello, dropped: "temperature top_p top_k",
		},
		{name: "a temperature of 1 there is no loss", model: opus48, request: hello(func(r *chat.Request) { r.Temperature = v("1.0") }), want: bodyHello},
		{
			name: "a dropped parameter is a 400 if the policy is reject", model: opus48, setup: func(x *chat.Exchange) { x.RejectUnsupported = true },
			request: hello(func(r *chat.Request) { r.Temperature = v("0.5") }), refused: "'temperature' is not supported",
		},
		{name: "top_k of Claude", request: hello(func(r *chat.Request) { r.TopK = v("40") }), want: `{` + messagesHello + `,"additionalModelRequestFields":{"top_k":40}}`},
		{name: "top_k of Nova", model: nova, request: hello(func(r *chat.Request) { r.TopK = v("40") }), want: `{` + messagesHello + `,"additionalModelRequestFields":{"inferenceConfig":{"topK":40}}}`},
		{name: "top_k of Cohere", model: cohere, request: hello(func(r *chat.Request) { r.TopK = v("40") }), has: []string{`{"k":40}`}},
		{name: "top_k elsewhere", model: llama, request: hello(func(r *chat.Request) { r.TopK = v("40") }), want: bodyHello, dropped: "top_k"},
		{
			name: "what Converse cannot say",
			request: hello(func(r *chat.Request) {
				r.Seed, r.FrequencyPenalty, r.PresencePenalty, r.User = v("0"), v("0.5"), v("-1"), q("u")
			}),
			want: bodyHello, dropped: "user seed frequency_penalty presence_penalty",
		},
		{name: "what says nothing is not dropped", request: hello(func(r *chat.Request) { r.FrequencyPenalty, r.N = v("0"), 1 }), want: bodyHello},
		{
			name: "members of the client's dialect",
			request: hello(func(r *chat.Request) {
				r.Dialect = "openai"
				r.Extra = []chat.Member{{Key: "logit_bias", Value: v(`{"1":2}`)}, {Key: "store", Value: v("false")}, {Key: "logprobs", Value: v("true")}, {Key: "modalities", Value: v(`["text"]`)}}
			}),
			want: bodyHello, dropped: "logit_bias logprobs",
		},
		{
			name: "Claude's own members reach Claude",
			request: hello(func(r *chat.Request) {
				r.Dialect = "claude"
				r.Extra = []chat.Member{{Key: "context_management", Value: v(`{"edits":[]}`)}, {Key: "container", Value: v(`"c"`)}}
			}),
			want: `{` + messagesHello + `,"additionalModelRequestFields":{"context_management":{"edits":[]}}}`, dropped: "container", unsure: true,
		},
		{
			name: "Converse's own members come back",
			request: hello(func(r *chat.Request) {
				r.Dialect, r.TopK = Name, v("3")
				r.Extra = []chat.Member{{Key: fieldPaths, Value: v(`["/x"]`)}, {Key: fieldsMember, Value: v(`{"own":1}`)}}
			}),
			want: `{` + messagesHello + `,"additionalModelResponseFieldPaths":["/x"],"additionalModelRequestFields":{"top_k":3,"own":1}}`, unsure: true,
		},
		{name: "n above 1", request: hello(func(r *chat.Request) { r.N = 2 }), refused: "one choice only"},
		{name: "empty stop sequences", request: hello(func(r *chat.Request) { r.Stop = []string{"", ""} }), hasNot: []string{"stopSequences"}},
		{
			name: "blank ones toward Claude", request: hello(func(r *chat.Request) { r.Stop = []string{"\n\n", "END", ""} }),
			has: []string{`"stopSequences":["END"]`, `"additionalModelResponseFieldPaths":["/stop_sequence"]`}, dropped: "stop",
		},
		{name: "blank ones elsewhere", model: nova, request: hello(func(r *chat.Request) { r.Stop = []string{"\n\n"} }), want: inference(`"stopSequences":["\n\n"]`)},
		{name: "none to OpenAI's", model: gptOSS, request: hello(func(r *chat.Request) { r.Stop = []string{"x"} }), want: bodyHello, dropped: "stop"},
		{name: "the default tier", request: hello(func(r *chat.Request) { r.ServiceTier = "auto" }), want: bodyHello},
		{name: "another tier", request: hello(func(r *chat.Request) { r.ServiceTier = "flex" }), want: `{` + messagesHello + `,"serviceTier":{"type":"flex"}}`},
		{name: "a tier of OpenAI's alone", request: hello(func(r *chat.Request) { r.ServiceTier = "scale" }), want: bodyHello, dropped: "service_tier"},
		{name: "latency", model: nova, request: hello(func(r *chat.Request) { r.Latency = "optimized" }), want: `{` + messagesHello + `,"performanceConfig":{"latency":"optimized"}}`},
		{
			name: "metadata that fits",
			request: hello(func(r *chat.Request) {
				r.Metadata = []chat.Pair{{Key: "team", Value: "a b"}, {Key: "bad|key", Value: "x"}, {Key: "long", Value: strings.Repeat("x", 257)}}
			}),
			want: `{` + messagesHello + `,"requestMetadata":{"team":"a b"}}`, dropped: "metadata",
		},
		{
			name: "a member that came with a beta that the model does not take", model: "us.anthropic.claude-opus-4-7",
			request: hello(func(r *chat.Request) {
				r.Dialect, r.Betas = "claude", []string{"context-management-2025-06-27"}
				r.Extra = []chat.Member{{Key: "context_management", Value: v(`{"edits":[]}`)}}
			}),
			want: bodyHello, dropped: "anthropic_beta: context-management-2025-06-27 context_management",
		},
		{
			name:    "betas that the model takes",
			request: hello(func(r *chat.Request) { r.Betas = []string{"context-1m-2025-08-07", "oauth-2025-04-20"} }),
			want:    `{` + messagesHello + `,"additionalModelRequestFields":{"anthropic_beta":["context-1m-2025-08-07"]}}`, dropped: "anthropic_beta: oauth-2025-04-20",
		},
		{
			name: "a beta that no model of the family takes is no client's fault", setup: func(x *chat.Exchange) { x.RejectUnsupported = true },
			request: hello(func(r *chat.Request) { r.Betas = []string{"oauth-2025-04-20"} }), want: bodyHello, dropped: "anthropic_beta: oauth-2025-04-20",
		},
	})
}

func TestGuardrail(t *testing.T) {
	configured := func(override bool) func(*chat.Exchange) {
		return func(x *chat.Exchange) {
			x.Guardrail, x.GuardrailOverride = v(`{"guardrailIdentifier":"gr1","guardrailVersion":"1"}`), override
		}
	}
	own := v(`{"guardrailIdentifier":"mine","guardrailVersion":"DRAFT","trace":"enabled","streamProcessingMode":"async"}`)
	runEncode(t, []encodeCase{
		{name: "the request's", request: hello(func(r *chat.Request) { r.Guardrail = own }), want: `{` + messagesHello + `,"guardrailConfig":{"guardrailIdentifier":"mine","guardrailVersion":"DRAFT","trace":"enabled"}}`},
		{
			name: "the stream's mode in a stream alone", request: hello(func(r *chat.Request) { r.Guardrail, r.Stream = own, true }),
			has: []string{`"streamProcessingMode":"async"`},
		},
		{name: "the configured", request: hello(nil), setup: configured(false), has: []string{`"guardrailConfig":{"guardrailIdentifier":"gr1","guardrailVersion":"1"}`}},
		{
			name: "the configured wins", request: hello(func(r *chat.Request) { r.Guardrail = own }), setup: configured(false),
			has: []string{`"gr1"`}, hasNot: []string{"mine"}, dropped: "guardrailConfig",
		},
		{name: "unless it may be overridden", request: hello(func(r *chat.Request) { r.Guardrail = own }), setup: configured(true), has: []string{`"mine"`}, hasNot: []string{"gr1"}},
	})
}

func effort(e string) *chat.Request {
	return hello(func(r *chat.Request) { r.Reasoning.Effort = e })
}

func fields(s string) string {
	return `{` + messagesHello + `,"additionalModelRequestFields":{` + s + `}}`
}

func TestReasoning(t *testing.T) {
	budget := func(n, limit int64) *chat.Request {
		return hello(func(r *chat.Request) {
			r.Reasoning = chat.Reasoning{Thinking: chat.ThinkingBudget, Budget: n}
			r.MaxTokens = limit
		})
	}
	limited := func(e string, limit int64) *chat.Request {
		r := effort(e)
		r.MaxTokens = limit
		return r
	}
	const tail = `,"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":`
	calls := effort("low")
	calls.Messages = history("f")
	signed := effort("low")
	signed.Messages = []chat.Message{user(say("q")), assistant(thinking("h", "s"), toolCall("a", "f", "{}")), user(toolAnswer("a", say("1")))}
	runEncode(t, []encodeCase{
		{name: "low", request: effort("low"), want: `{` + messagesHello + `,"inferenceConfig":{"maxTokens":5120}` + tail + `1024}}}`},
		{name: "medium", request: effort("medium"), want: `{` + messagesHello + `,"inferenceConfig":{"maxTokens":6144}` + tail + `2048}}}`},
		{name: "high", request: effort("high"), want: `{` + messagesHello + `,"inferenceConfig":{"maxTokens":8192}` + tail + `4096}}}`},
		{name: "as much as the client's limit allows", request: limited("high", 2000), want: `{` + messagesHello + `,"inferenceConfig":{"maxTokens":2000}` + tail + `1500}}}`},
		{name: "none where the limit leaves no room", request: limited("high", 1024), want: inference(`"maxTokens":1024`), dropped: "reasoning_effort"},
		{name: "none omits it", request: effort("none"), want: bodyHello},
		{name: "an unknown effort", request: effort("extreme"), refused: "unknown reasoning_effort 'extreme'"},
		{name: "a budget of the client's", request: budget(3000, 9000), want: `{` + messagesHello + `,"inferenceConfig":{"maxTokens":9000}` + tail + `3000}}}`},
		{name: "a budget below the least", request: budget(10, 0), want: `{` + messagesHello + `,"inferenceConfig":{"maxTokens":5120}` + tail + `1024}}}`},
		{name: "adaptive where only a budget is known", request: hello(func(r *chat.Request) { r.Reasoning.Thinking = chat.ThinkingAdaptive }), has: []string{`"budget_tokens":4096`}},
		{
			name: "no sampling beside it",
			request: hello(func(r *chat.Request) {
				r.Reasoning.Effort, r.Temperature, r.TopP, r.TopK = "low", v("0.5"), v("1"), v("5")
			}),
			hasNot: []string{"temperature", "topP", "top_k"}, dropped: "temperature top_k",
		},
		{
			name: "calls to be continued came without their reasoning, which Claude refuses", request: calls,
			hasNot: []string{"thinking"}, dropped: "reasoning_effort",
		},
		{name: "and with it", request: signed, has: []string{`"budget_tokens"`}, unsure: true},
		{name: "an effort where it is adaptive", model: opus48, request: effort("xhigh"), want: fields(`"thinking":{"type":"adaptive"},"output_config":{"effort":"xhigh"}`)},
		{name: "minimal is low", model: opus48, request: effort("minimal"), want: fields(`"thinking":{"type":"adaptive"},"output_config":{"effort":"low"}`)},
		{name: "no xhigh before 4.7", model: opus46, request: effort("xhigh"), want: fields(`"thinking":{"type":"adaptive"},"output_config":{"effort":"high"}`)},
		{name: "a budget where both are known", model: opus46, request: budget(2048, 5000), has: []string{`"thinking":{"type":"enabled","budget_tokens":2048}`}},
		{name: "a budget where none is taken", model: opus48, request: budget(4096, 0), want: fields(`"thinking":{"type":"adaptive"},"output_config":{"effort":"medium"}`)},
		{
			name: "display", model: opus48, request: hello(func(r *chat.Request) {
				r.Reasoning = chat.Reasoning{Thinking: chat.ThinkingAdaptive, Display: v(`"omitted"`)}
			}),
			want: fields(`"thinking":{"type":"adaptive","display":"omitted"}`),
		},
		{name: "switched off", model: opus48, request: hello(func(r *chat.Request) { r.Reasoning.Thinking = chat.ThinkingOff }), want: fields(`"thinking":{"type":"disabled"}`)},
		{name: "what cannot be switched off", model: fable51, request: hello(func(r *chat.Request) { r.Reasoning.Thinking = chat.ThinkingOff }), want: bodyHello, dropped: "thinking"},
		{name: "gpt-oss", model: gptOSS, request: effort("minimal"), want: fields(`"reasoning_effort":"low"`)},
		{name: "GPT", model: gpt56, request: effort("minimal"), want: fields(`"reasoning_effort":"minimal"`)},
		{name: "GPT at its highest", model: gpt56, request: effort("max"), want: fields(`"reasoning_effort":"xhigh"`)},
		{name: "GPT without reasoning", model: gpt56, request: effort("none"), want: fields(`"reasoning_effort":"none"`)},
		{name: "GPT switched off", model: gpt56, request: hello(func(r *chat.Request) { r.Reasoning.Thinking = chat.ThinkingOff }), want: fields(`"reasoning_effort":"none"`)},
		{name: "Grok always reasons", model: grok46, request: effort("none"), want: bodyHello, dropped: "reasoning_effort"},
		{name: "DeepSeek", model: deepseek, request: effort("high"), want: fields(`"reasoning_config":"high"`)},
		{
			name: "Nova 2", model: nova2, request: hello(func(r *chat.Request) { r.Reasoning.Effort, r.MaxTokens, r.Temperature = "medium", 50, v("0.5") }),
			want: `{` + messagesHello + `,"inferenceConfig":{"maxTokens":50,"temperature":0.5},"additionalModelRequestFields":{"reasoningConfig":{"type":"enabled","maxReasoningEffort":"medium"}}}`,
		},
		{
			name: "Nova 2 at its highest takes no limit and no sampling", model: nova2, request: hello(func(r *chat.Request) { r.Reasoning.Effort, r.MaxTokens, r.Temperature = "max", 50, v("0.5") }),
			want: fields(`"reasoningConfig":{"type":"enabled","maxReasoningEffort":"high"}`), dropped: "max_tokens temperature",
		},
		{name: "a model that has none", model: haiku3, request: effort("low"), want: bodyHello, dropped: "reasoning_effort"},
		{name: "a model that nothing is known of", model: unknown, request: effort("low"), want: bodyHello, dropped: "reasoning_effort", unsure: true},
	})
}
