package translation_test

import (
	"net/url"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// TestParameters shows the rules of the heading Requests, Parameters, but for tools, reasoning and formats.
func TestParameters(t *testing.T) {
	dropped := func(names string) map[string]string { return map[string]string{"Bedrock-Gateway-Dropped": names} }
	config := func(members string) string { return `"inferenceConfig":{` + members + `}` }
	fields := func(members string) string { return `"additionalModelRequestFields":{` + members + `}` }
	const stopPath = `"additionalModelResponseFieldPaths":["/stop_sequence"]`
	cached := func(part string) string {
		return `{"type":"text","text":"` + part + `","cache_control":{"type":"ephemeral"}}`
	}
	const point = `,{"cachePoint":{"type":"default"}}`
	start(t).run(t, []row{
		{rule: "max_tokens", request: hi + `,"max_tokens":7`, sent: greeted(config(`"maxTokens":7`))},
		{rule: "max_completion_tokens wins over max_tokens", request: `"max_tokens":7,` + hi + `,"max_completion_tokens":9`, sent: greeted(config(`"maxTokens":9`))},
		{rule: "no limit is invented", request: hi + `,"max_tokens":null`, sent: greeted()},
		{rule: "max_tokens of zero", request: hi + `,"max_tokens":0`, status: 400, get: invalid("max_tokens", "at least 1")},
		{rule: "temperature and top_p", request: hi + `,"temperature":0.25,"top_p":0.5`, sent: greeted(config(`"temperature":0.25,"topP":0.5`))},
		{rule: "a temperature above 1 is 1", request: hi + `,"temperature":1.7`, sent: greeted(config(`"temperature":1`))},
		{rule: "a temperature that is no number", request: hi + `,"temperature":"hot"`, status: 400, get: invalid("temperature", "expected a number")},
		{rule: "sampling for a Claude that takes none", model: opus47, request: hi + `,"temperature":0.2,"top_p":0.9,"top_k":4`, sent: greeted(), headers: dropped("temperature, top_p, top_k")},
		{rule: "sampling of 1 is what such a Claude does anyway", model: opus47, request: hi + `,"temperature":1,"top_p":1`, sent: greeted()},
		{rule: "temperature and top_p for a Claude that takes one", model: haiku45, request: hi + `,"temperature":0.2,"top_p":0.9`, sent: greeted(config(`"temperature":0.2`)), headers: dropped("top_p")},

		{rule: "stop as a string", request: hi + `,"stop":"END"`, sent: greeted(config(`"stopSequences":["END"]`), stopPath)},
		{rule: "stop as a list, without what is empty", request: hi + `,"stop":["a","","b"]`, model: nova, sent: greeted(config(`"stopSequences":["a","b"]`))},
		{rule: "Claude takes no stop of white space alone", request: hi + `,"stop":["a","\n\n"," "]`, sent: greeted(config(`"stopSequences":["a"]`), stopPath), headers: dropped("stop")},
		{rule: "others take it", model: nova, request: hi + `,"stop":["\n"]`, sent: greeted(config(`"stopSequences":["\n"]`))},
		{rule: "stop for a model that takes none", model: gptOSS, request: hi + `,"stop":["a"]`, sent: greeted(), headers: dropped("stop")},

		{rule: "Claude knows top_k as an additional field", request: hi + `,"top_k":5`, sent: greeted(fields(`"top_k":5`))},
		{rule: "Nova's top_k has a place of its own", model: nova, request: hi + `,"top_k":5`, sent: greeted(fields(`"inferenceConfig":{"topK":5}`))},
		{rule: "top_k for a family without it", model: llama, request: hi + `,"top_k":5`, sent: greeted(), headers: dropped("top_k")},
		{
			rule: "what Converse cannot express is dropped, and listed", model: llama,
			request: hi + `,"seed":7,"frequency_penalty":0.5,"presence_penalty":-0.5,"logit_bias":{"50256":-100},"logprobs":true,"top_logprobs":2,"user":"u","store":true,"prediction":{"type":"content","content":"x"},"verbosity":"low","foo":1`,
			sent:    greeted(), headers: dropped("user, seed, frequency_penalty, presence_penalty, logit_bias, logprobs, top_logprobs, store, prediction, verbosity, foo"),
		},
		{
			rule: "what Converse cannot express goes by the API that can", request: hi + `,"seed":7,"user":"u"`, path: "/model/" + url.QueryEscape(sonnet35) + "/invoke",
			sent: `{"anthropic_version":"bedrock-2023-05-31","max_tokens":4096,"messages":[{"role":"user","content":"Hi"}],"metadata":{"user_id":"u"}}`, headers: map[string]string{"Bedrock-Gateway-Dropped": "seed", "Bedrock-Gateway-Api": "invoke"},
			reply: gatewaytest.Reply{Body: claudeReply("claude", `{"type":"text","text":"Word"}`, "end_turn")},
		},
		{rule: "what says nothing is no loss", request: hi + `,"logprobs":false,"frequency_penalty":0,"logit_bias":{},"store":false,"modalities":["text"],"n":1,"metadata":{},"stop":[]`, sent: greeted()},
		{rule: "an empty list of tools is OpenAI's own error", request: hi + `,"tools":[]`, status: 400, get: fault("invalid_request_error", "tools", "empty_array", "empty array")},
		{rule: "so is a choice without tools", request: hi + `,"tool_choice":"auto"`, status: 400, get: fault("invalid_request_error", "tool_choice", "", "only allowed when 'tools' are specified")},
		{rule: "n above 1 is never dropped", request: hi + `,"n":3`, status: 400, get: fault("invalid_request_error", "n", "unsupported_parameter", "one choice only")},
		{
			rule: "betas that the model takes go on, the others are listed", request: hi, header: map[string]string{"Anthropic-Beta": "context-1m-2025-08-07, oauth-2025-04-20"},
			sent: greeted(fields(`"anthropic_beta":["context-1m-2025-08-07"]`)), headers: dropped("anthropic_beta: oauth-2025-04-20"),
		},
		{rule: "betas for another family", model: nova, request: hi, header: map[string]string{"Anthropic-Beta": "context-1m-2025-08-07"}, sent: greeted(), headers: dropped("anthropic_beta: context-1m-2025-08-07")},
		{rule: "a name of a system message", request: `"messages":[{"role":"system","name":"ops","content":"One"},{"role":"user","content":"Hi"}]`, sent: greeted(`"system":[{"text":"One"}]`), headers: dropped("messages.name")},
		{rule: "a name in a message", request: `"messages":[{"role":"user","name":"joe","content":"Hi"}]`, sent: greeted(), headers: dropped("messages.name")},

		{rule: "service tiers of the default are not said", request: hi + `,"service_tier":"auto"`, sent: greeted()},
		{rule: "flex", request: hi + `,"service_tier":"flex"`, sent: greeted(`"serviceTier":{"type":"flex"}`)},
		{rule: "priority", request: hi + `,"service_tier":"priority"`, sent: greeted(`"serviceTier":{"type":"priority"}`)},
		{rule: "a tier of OpenAI's alone", request: hi + `,"service_tier":"scale"`, sent: greeted(), headers: dropped("service_tier")},
		// What only Converse can say has a way in: clients write it into extra_body.
		{rule: "requestMetadata", request: hi + `,"requestMetadata":{"team":"a"},"metadata":{"team":"b","k":"v"}`, sent: greeted(`"requestMetadata":{"team":"a","k":"v"}`)},
		{rule: "requestMetadata that Bedrock refuses", request: hi + `,"requestMetadata":{"ok":"1","team":"ä"}`, status: 400, get: fault("invalid_request_error", "requestMetadata", "", "entry 'team'")},
		{rule: "guarded_text", request: `"messages":[{"role":"user","content":[{"type":"text","text":"A"},{"type":"guarded_text","text":"B"}]}]`, sent: user(`{"text":"A"},{"guardContent":{"text":{"text":"B"}}}`)},
		{rule: "video_url in S3", model: "amazon.nova-pro-v1:0", request: `"messages":[{"role":"user","content":[{"type":"text","text":"A"},{"type":"video_url","video_url":{"url":"s3://b/k.MP4"}}]}]`, sent: user(`{"text":"A"},{"video":{"format":"mp4","source":{"s3Location":{"uri":"s3://b/k.MP4"}}}}`)},
		{rule: "video_url as data", model: "amazon.nova-pro-v1:0", request: `"messages":[{"role":"user","content":[{"type":"text","text":"A"},{"type":"video_url","video_url":{"url":"data:video/webm;base64,AAAA"}}]}]`, sent: user(`{"text":"A"},{"video":{"format":"webm","source":{"bytes":"AAAA"}}}`)},
		{rule: "video_url that Bedrock does not fetch", model: "amazon.nova-pro-v1:0", request: `"messages":[{"role":"user","content":[{"type":"video_url","video_url":{"url":"https://x/y.mp4"}}]}]`, status: 400, get: fault("invalid_request_error", "messages[0].content[0].video_url.url", "", "begins with s3://")},
		{rule: "performanceConfig", request: hi + `,"performanceConfig":{"latency":"optimized"}`, sent: greeted(`"performanceConfig":{"latency":"optimized"}`)},
		{rule: "serviceTier", request: hi + `,"serviceTier":{"type":"reserved"}`, sent: greeted(`"serviceTier":{"type":"reserved"}`)},
		{rule: "promptVariables", request: hi + `,"promptVariables":{"a":{"text":"b"}}`, sent: greeted(`"promptVariables":{"a":{"text":"b"}}`)},
		{rule: "additionalModelRequestFields", request: hi + `,"additionalModelRequestFields":{"top_k":5,"new":{"a":1}}`, sent: greeted(`"additionalModelRequestFields":{"top_k":5,"new":{"a":1}}`)},
		{rule: "additionalModelRequestFields of another form", request: hi + `,"additionalModelRequestFields":[]`, status: 400, get: fault("invalid_request_error", "additionalModelRequestFields", "", "invalid type")},
		{
			// The fields came back to nobody: the client asked for them and never saw them.
			rule: "additionalModelResponseFieldPaths, whose values come back", request: hi + `,"additionalModelResponseFieldPaths":["/stop_sequence"]`,
			sent:  greeted(`"additionalModelResponseFieldPaths":["/stop_sequence"]`),
			reply: gatewaytest.Reply{Body: `{"output":{"message":{"role":"assistant","content":[{"text":"W"}]}},"stopReason":"end_turn",` + counted + `,"additionalModelResponseFields":{"stop_sequence":"x"}}`},
			get:   completion(`"content":"W","refusal":null`, "stop", usage, `"bedrock":{"additionalModelResponseFields":{"stop_sequence":"x"}}`),
		},
		{
			rule: "fields that the gateway asked for itself are not the client's", request: hi + `,"stop":"x"`,
			sent:  greeted(config(`"stopSequences":["x"]`), stopPath),
			reply: gatewaytest.Reply{Body: `{"output":{"message":{"role":"assistant","content":[{"text":"W"}]}},"stopReason":"end_turn",` + counted + `,"additionalModelResponseFields":{"stop_sequence":"x"}}`},
			get:   completion(`"content":"W","refusal":null`, "stop", usage),
		},
		{rule: "additionalModelResponseFieldPaths of another form", request: hi + `,"additionalModelResponseFieldPaths":[1]`, status: 400, get: fault("invalid_request_error", "additionalModelResponseFieldPaths", "", "array of strings")},
		{
			rule: "outputConfig", model: haiku45, request: hi + `,"outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":"{\"type\":\"object\"}","name":"n"}}}}`,
			sent: greeted(`"outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":"{\"type\":\"object\",\"additionalProperties\":false}","name":"n"}}}}`),
		},
		{rule: "outputConfig beside response_format", model: haiku45, request: hi + `,"response_format":{"type":"json_object"},"outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":"{}"}}}}`, status: 400, get: fault("invalid_request_error", "outputConfig", "", "response_format")},
		{rule: "projectIdentifier", request: hi + `,"projectIdentifier":"proj_1"`, sent: greeted(`"projectIdentifier":"proj_1"`)},
		{rule: "projectIdentifier of another form", request: hi + `,"projectIdentifier":{}`, status: 400, get: fault("invalid_request_error", "projectIdentifier", "", "invalid type")},
		{rule: "metadata that fits", request: hi + `,"metadata":{"team":"a-b","cost centre":"x:1"}`, sent: greeted(`"requestMetadata":{"team":"a-b","cost centre":"x:1"}`)},
		{rule: "metadata that does not", request: hi + `,"metadata":{"team":"ä","ok":"1"}`, sent: greeted(`"requestMetadata":{"ok":"1"}`), headers: dropped("metadata")},

		{
			rule:    "cache breakpoints on parts and messages",
			request: `"messages":[{"role":"system","content":[` + cached("S") + `]},{"role":"user","content":"Hi","cache_control":{"type":"ephemeral"}}]`,
			sent:    user(`{"text":"Hi"}`+point, `"system":[{"text":"S"}`+point+`]`),
		},
		{rule: "OpenAI's own breakpoints", request: `"messages":[{"role":"user","content":[{"type":"text","text":"Hi","prompt_cache_breakpoint":{}}]}]`, sent: user(`{"text":"Hi"}` + point)},
		{
			rule: "a breakpoint on a tool", request: hi + `,"tools":[{"type":"function","function":{"name":"f"},"cache_control":{"type":"ephemeral"}}]`,
			sent: greeted(tools("", spec("f")+point)),
		},
		{
			rule: "an hour where it is known", model: haiku45, request: `"messages":[{"role":"user","content":[{"type":"text","text":"Hi","cache_control":{"type":"ephemeral","ttl":"1h"}}]}]`,
			sent: user(`{"text":"Hi"},{"cachePoint":{"type":"default","ttl":"1h"}}`),
		},
		{
			rule: "an hour where it is not", request: `"messages":[{"role":"user","content":[{"type":"text","text":"Hi","cache_control":{"type":"ephemeral","ttl":"1h"}}]}]`,
			sent: user(`{"text":"Hi"}` + point), headers: dropped("cache_control.ttl"),
		},
		{
			rule:    "of more than four breakpoints the earliest go",
			request: `"messages":[{"role":"system","content":[` + cached("S") + `]},{"role":"user","content":[` + cached("1") + `,` + cached("2") + `,` + cached("3") + `,` + cached("4") + `]}]`,
			sent:    user(`{"text":"1"}`+point+`,{"text":"2"}`+point+`,{"text":"3"}`+point+`,{"text":"4"}`+point, `"system":[{"text":"S"}]`),
		},
		{rule: "breakpoints for a model that caches by itself", model: mistral, request: `"messages":[{"role":"user","content":[` + cached("Hi") + `]}]`, sent: greeted(), headers: dropped("cache_control")},

		{
			rule:    "a guardrail of the request's, where the config has none",
			request: hi + `,"guardrailConfig":{"guardrailIdentifier":"g","guardrailVersion":"1","trace":"enabled","streamProcessingMode":"async"}`,
			sent:    greeted(`"guardrailConfig":{"guardrailIdentifier":"g","guardrailVersion":"1","trace":"enabled"}`),
		},
		{
			rule:    "its mode is for streams",
			request: hi + `,"stream":true,"guardrailConfig":{"guardrailIdentifier":"g","guardrailVersion":"1","streamProcessingMode":"async"}`,
			sent:    greeted(`"guardrailConfig":{"guardrailIdentifier":"g","guardrailVersion":"1","streamProcessingMode":"async"}`),
		},
	})
}

// TestToolParameters shows the rules of tools and of the choice among them.
func TestToolParameters(t *testing.T) {
	dropped := func(names string) map[string]string { return map[string]string{"Bedrock-Gateway-Dropped": names} }
	const fg = `,"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}}]`
	both := func(choice string) string { return tools(choice, spec("f"), spec("g")) }
	function := func(members string) string {
		return hi + `,"tools":[{"type":"function","function":{"name":"f",` + members + `}}]`
	}
	start(t).run(t, []row{
		{rule: "without a choice", request: hi + fg, sent: greeted(both(""))},
		{rule: "auto is the default", request: hi + fg + `,"tool_choice":"auto"`, sent: greeted(both(""))},
		{rule: "required is any", request: hi + fg + `,"tool_choice":"required"`, sent: greeted(both(`{"any":{}}`))},
		{rule: "named", request: hi + fg + `,"tool_choice":{"type":"function","function":{"name":"g"}}`, sent: greeted(both(`{"tool":{"name":"g"}}`))},
		{rule: "named, where only any is known", model: mistral, request: hi + fg + `,"tool_choice":{"type":"function","function":{"name":"g"}}`, sent: greeted(tools(`{"any":{}}`, spec("g")))},
		{rule: "none without a history sends no tools", request: hi + fg + `,"tool_choice":"none"`, sent: greeted()},
		{
			rule: "none with a history of calls sends the specs and no choice", request: turns(fn("a", "{}"), result("a", "1")) + fg + `,"tool_choice":"none"`,
			sent: taken(use("a", "f", "{}"), answer("a", `{"text":"1"}`), both("")),
		},
		{
			rule:    "allowed tools are the only ones",
			request: hi + fg + `,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"g"}}]}}`,
			sent:    greeted(tools(`{"any":{}}`, spec("g"))),
		},
		{rule: "a choice that is not among the tools", request: hi + fg + `,"tool_choice":{"type":"function","function":{"name":"h"}}`, status: 400, get: invalid("tool_choice", "'h'")},
		{rule: "a choice without tools", request: hi + `,"tool_choice":"required"`, status: 400, get: invalid("tool_choice", "only allowed when 'tools'")},
		{rule: "a forced tool for a model that takes none", model: fable, request: hi + fg + `,"tool_choice":"required"`, sent: greeted(both("")), headers: dropped("tool_choice")},
		{
			rule: "a forced tool while thinking is auto", model: sonnet37, request: hi + fg + `,"tool_choice":"required","reasoning_effort":"low"`,
			sent:    greeted(both(""), `"inferenceConfig":{"maxTokens":5120}`, `"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":1024}}`),
			headers: dropped("tool_choice"),
		},
		{
			rule: "no parallel calls is Claude's own choice", model: haiku45, request: hi + fg + `,"parallel_tool_calls":false,"tool_choice":"required"`,
			sent: greeted(both(""), `"additionalModelRequestFields":{"tool_choice":{"type":"any","disable_parallel_tool_use":true}}`),
		},
		{
			rule: "no parallel calls of a named tool", model: haiku45, request: hi + fg + `,"parallel_tool_calls":false,"tool_choice":{"type":"function","function":{"name":"g"}}`,
			sent: greeted(both(""), `"additionalModelRequestFields":{"tool_choice":{"type":"tool","name":"g","disable_parallel_tool_use":true}}`),
		},
		{rule: "no parallel calls before Claude 4.5, which Bedrock refuses to pass on", request: hi + fg + `,"parallel_tool_calls":false`, sent: greeted(both("")), headers: dropped("parallel_tool_calls")},
		{rule: "no parallel calls for another family", model: nova, request: hi + fg + `,"parallel_tool_calls":false`, sent: greeted(both("")), headers: dropped("parallel_tool_calls")},
		{rule: "parallel calls are the default", request: hi + fg + `,"parallel_tool_calls":true`, sent: greeted(both(""))},
		{rule: "tools for a model that takes none", model: "deepseek.r1-v1:0", request: hi + fg, sent: greeted(), headers: dropped("tools")},
		{rule: "tools of OpenAI's own kinds", request: hi + `,"tools":[{"type":"custom","custom":{"name":"c"}}]`, sent: greeted(), headers: dropped("tools")},
		{rule: "deprecated functions", request: hi + `,"functions":[{"name":"f"}],"function_call":{"name":"f"}`, sent: greeted(tools(`{"tool":{"name":"f"}}`, spec("f")))},

		{rule: "a blank description is the name", request: function(`"description":" "`), sent: greeted(tools("", spec("f")))},
		{rule: "a null schema is an empty object", request: function(`"parameters":null`), sent: greeted(tools("", spec("f")))},
		{rule: "an empty schema becomes an object", request: function(`"parameters":{}`), sent: greeted(tools("", spec("f", `{"type":"object"}`)))},
		{rule: "a root of another type becomes an object", request: function(`"parameters":{"type":"string","description":"d"}`), sent: greeted(tools("", spec("f", `{"type":"object","description":"d"}`)))},
		{
			rule:    "a schema as it is where references are understood",
			request: function(`"parameters":{"type":"object","properties":{"a":{"$ref":"#/$defs/A"}},"$defs":{"A":{"type":"string","enum":["x"]}}}`),
			sent:    greeted(tools("", spec("f", `{"type":"object","properties":{"a":{"$ref":"#/$defs/A"}},"$defs":{"A":{"type":"string","enum":["x"]}}}`))),
		},
		{
			rule: "references put in their places where they are not", model: llama,
			request: function(`"parameters":{"type":"object","properties":{"a":{"$ref":"#/$defs/A","description":"own"}},"$defs":{"A":{"type":"string","description":"A's"}}}`),
			sent:    greeted(tools("", spec("f", `{"type":"object","properties":{"a":{"type":"string","description":"own"}}}`))),
		},
		{
			rule: "a cycle of references is cut", model: llama,
			request: function(`"parameters":{"type":"object","properties":{"n":{"$ref":"#/$defs/N"}},"$defs":{"N":{"type":"object","properties":{"next":{"$ref":"#/$defs/N"}}}}}`),
			sent:    greeted(tools("", spec("f", `{"type":"object","properties":{"n":{"type":"object","properties":{"next":{"type":"object"}}}}}`))),
		},
		{rule: "strict where it works", model: haiku45, request: function(`"strict":true`), sent: greeted(tools("", `{"toolSpec":{"name":"f","description":"f","inputSchema":{"json":{"type":"object","properties":{}}},"strict":true}}`))},
		{rule: "strict where it does not", request: function(`"strict":true`), sent: greeted(tools("", spec("f"))), headers: dropped("tools.strict")},
	})
}
