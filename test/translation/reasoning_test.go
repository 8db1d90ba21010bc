package translation_test

import "testing"

// TestReasoning shows the rules of reasoning_effort and thinking in requests.
func TestReasoning(t *testing.T) {
	dropped := func(names string) map[string]string { return map[string]string{"Bedrock-Gateway-Dropped": names} }
	effort := func(word string) string { return hi + `,"reasoning_effort":"` + word + `"` }
	fields := func(members string) string { return `"additionalModelRequestFields":{` + members + `}` }
	limit := func(n string) string { return `"inferenceConfig":{"maxTokens":` + n + `}` }
	budget := func(n string) string { return fields(`"thinking":{"type":"enabled","budget_tokens":` + n + `}`) }
	adaptive := func(word string) string {
		return fields(`"thinking":{"type":"adaptive"},"output_config":{"effort":"` + word + `"}`)
	}
	start(t).run(t, []row{
		{rule: "low is a budget of 1024, and room for an answer", model: sonnet37, request: effort("low"), sent: greeted(limit("5120"), budget("1024"))},
		{rule: "medium is 2048", model: sonnet37, request: effort("medium"), sent: greeted(limit("6144"), budget("2048"))},
		{rule: "high is 4096", model: haiku45, request: effort("high"), sent: greeted(limit("8192"), budget("4096"))},
		{rule: "minimal is the least", model: haiku45, request: effort("minimal"), sent: greeted(limit("5120"), budget("1024"))},
		{rule: "the client's own limit stands, and the budget fits in", model: sonnet37, request: effort("high") + `,"max_tokens":2000`, sent: greeted(limit("2000"), budget("1500"))},
		{rule: "a limit too low for the least budget", model: sonnet37, request: effort("high") + `,"max_tokens":1024`, sent: greeted(limit("1024")), headers: dropped("reasoning_effort")},
		{rule: "thinking takes no sampling", model: sonnet37, request: effort("low") + `,"temperature":0.3,"top_p":0.5,"top_k":9`, sent: greeted(limit("5120"), budget("1024")), headers: dropped("temperature, top_p, top_k")},
		{rule: "adaptive models get the effort", model: opus47, request: effort("high"), sent: greeted(adaptive("high"))},
		{rule: "minimal is their low", model: opus47, request: effort("minimal"), sent: greeted(adaptive("low"))},
		{rule: "xhigh where it is known", model: opus47, request: effort("xhigh"), sent: greeted(adaptive("xhigh"))},
		{rule: "xhigh where it is not", model: opus46, request: effort("xhigh"), sent: greeted(adaptive("high"))},
		{rule: "none omits it", model: sonnet37, request: effort("none"), sent: greeted()},
		{rule: "none omits it, adaptive or not", model: opus47, request: effort("none"), sent: greeted()},
		{rule: "none for a model that always thinks", model: fable, request: effort("none"), sent: greeted(), headers: dropped("reasoning_effort")},
		{rule: "a model that does not think", request: effort("high"), sent: greeted(), headers: dropped("reasoning_effort")},
		{rule: "an unknown effort", request: effort("utmost"), status: 400, get: invalid("reasoning_effort", "'utmost'")},
		{rule: "gpt-oss has its own word", model: gptOSS, request: effort("medium"), sent: greeted(fields(`"reasoning_effort":"medium"`))},
		{rule: "gpt-oss knows no minimal", model: gptOSS, request: effort("minimal"), sent: greeted(fields(`"reasoning_effort":"low"`))},
		{rule: "Nova 2 has an object", model: nova2, request: effort("low"), sent: greeted(fields(`"reasoningConfig":{"type":"enabled","maxReasoningEffort":"low"}`))},
		{
			rule: "Nova 2 at its highest takes no limit and no sampling", model: nova2, request: effort("high") + `,"max_tokens":100,"temperature":0.1`,
			sent: greeted(fields(`"reasoningConfig":{"type":"enabled","maxReasoningEffort":"high"}`)), headers: dropped("max_tokens, temperature"),
		},
		{rule: "DeepSeek has a string", model: deepseek, request: effort("high"), sent: greeted(fields(`"reasoning_config":"high"`))},

		{rule: "Claude's own thinking", model: sonnet37, request: hi + `,"max_tokens":9000,"thinking":{"type":"enabled","budget_tokens":3000}`, sent: greeted(limit("9000"), budget("3000"))},
		{rule: "a budget below the least is the least", model: sonnet37, request: hi + `,"thinking":{"type":"enabled","budget_tokens":10}`, sent: greeted(limit("5120"), budget("1024"))},
		{rule: "a budget where it is deprecated but taken", model: opus46, request: hi + `,"thinking":{"type":"enabled","budget_tokens":3000}`, sent: greeted(limit("7096"), budget("3000"))},
		{rule: "a budget where it is refused is an effort", model: opus47, request: hi + `,"thinking":{"type":"enabled","budget_tokens":3000}`, sent: greeted(adaptive("medium"))},
		{rule: "adaptive", model: opus47, request: hi + `,"thinking":{"type":"adaptive"}`, sent: greeted(fields(`"thinking":{"type":"adaptive"}`))},
		{rule: "disabled", model: sonnet37, request: hi + `,"thinking":{"type":"disabled"}`, sent: greeted()},
		{rule: "a budget without its number", model: sonnet37, request: hi + `,"thinking":{"type":"enabled"}`, status: 400, get: invalid("thinking.budget_tokens", "missing required parameter")},

		{
			rule: "thinking blocks survive the round trip byte for byte", model: sonnet37,
			request: `"messages":[{"role":"user","content":"A"},{"role":"assistant","content":"T","reasoning_content":"H","thinking_blocks":[{"type":"thinking","thinking":"H\u00e4\n","signature":"a+/b=="},{"type":"thinking","thinking":"","signature":"only"},{"type":"redacted_thinking","data":"UkVE"}]},{"role":"user","content":"B"}]`,
			sent: `{"messages":[{"role":"user","content":[{"text":"A"}]},{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"Hä\n","signature":"a+/b=="}}},{"reasoningContent":{"reasoningText":{"text":"","signature":"only"}}},{"reasoningContent":{"redactedContent":"UkVE"}},{"text":"T"}]},` +
				`{"role":"user","content":[{"text":"B"}]}]}`,
		},
		{
			rule: "thinking is left out where a call is continued without its blocks", model: sonnet37, request: turns(fn("a", "{}"), result("a", "1")) + `,"reasoning_effort":"low"`,
			sent: taken(use("a", "f", "{}"), answer("a", `{"text":"1"}`), tools("", spec("f"))), headers: dropped("reasoning_effort"),
		},
	})
}

// TestFormats shows the rules of response_format.
func TestFormats(t *testing.T) {
	const schema = `{"type":"object","properties":{"a":{"type":"object","properties":{"b":{"type":"string"}}},"l":{"type":"array","items":{"type":"object"}}},"required":["a"]}`
	const closed = `{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"object\",\"properties\":{\"b\":{\"type\":\"string\"}},\"additionalProperties\":false},\"l\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"additionalProperties\":false}}},\"required\":[\"a\"],\"additionalProperties\":false}`
	const format = hi + `,"response_format":{"type":"json_schema","json_schema":{"name":"out","strict":true,"schema":` + schema + `}}`
	const instruction = `"system":[{"text":"*one valid JSON*"}]`
	forced := `{"toolSpec":{"name":"structured_output","description":"*","inputSchema":{"json":` + schema + `}}}`
	const declared = `,"tools":[{"type":"function","function":{"name":"f"}}]`
	const given, content0 = `{"a":{"b":"x y"},"l":[]}`, `"content":"{\"a\":{\"b\":\"x y\"},\"l\":[]}","refusal":null`
	start(t).run(t, []row{
		{rule: "text asks for nothing", request: hi + `,"response_format":{"type":"text"}`, sent: greeted()},
		{rule: "json_object is an instruction and nothing else", request: hi + `,"response_format":{"type":"json_object"}`, sent: greeted(instruction)},
		{
			rule: "natively, the schema a string closed at every object", model: haiku45, request: format,
			sent: greeted(`"outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":"` + closed + `","name":"out"}}}}`),
		},
		{
			rule: "else by a forced tool, whose input is the content", request: format,
			sent:  greeted(tools(`{"tool":{"name":"structured_output"}}`, forced)),
			reply: content(`{"text":"Here:"},`+use("a", "structured_output", given), "tool_use"),
			get:   completion(content0, "stop", usage),
		},
		{
			rule: "beside the client's own tools", request: format + declared,
			sent:  greeted(tools(`{"any":{}}`, spec("f"), forced)),
			reply: content(use("a", "structured_output", given), "tool_use"),
			get:   completion(content0, "stop", usage),
		},
		{
			rule: "a real call by the model wins", request: format + declared,
			reply: content(use("a", "f", `{}`), "tool_use"),
			get:   completion(`"content":null,"refusal":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]`, "tool_calls", usage),
		},
		{
			rule: "a tool of the client's by that name", request: format + `,"tools":[{"type":"function","function":{"name":"structured_output"}}]`,
			sent: greeted(tools(`{"any":{}}`, spec("structured_output"), `{"toolSpec":{"name":"structured_output_","description":"*","inputSchema":{"json":`+schema+`}}}`)),
		},
		{
			rule: "a model that cannot be forced is told", model: fable, request: format,
			sent: greeted(tools("", forced), `"system":[{"text":"*calling the tool structured_output*"}]`),
		},
		{rule: "a model without tools is told the schema", model: "deepseek.r1-v1:0", request: format, sent: greeted(instruction)},
		{
			rule: "streamed, the input's fragments are the content's", request: format + `,"stream":true`,
			reply: frames(stopped("tool_use", say(0, "Here:"), end(0), call(1, "a", "structured_output"), input(1, `{"a":{"b":`), input(1, `"x"}}`), end(1))...),
			get:   sse(sonnet35, "role", `{"content":"{\"a\":{\"b\":"}`, `{"content":"\"x\"}}"}`, "finish stop", "[DONE]"),
		},
		{
			rule: "streamed, a real call wins", request: format + declared + `,"stream":true`,
			reply: frames(stopped("tool_use", say(0, "Wait."), end(0), call(1, "a", "f"), input(1, `{"q":1}`), end(1))...),
			get:   sse(sonnet35, "role", called(0, "a", "f"), args(0, `{"q":1}`), `{"content":"Wait."}`, "finish tool_calls", "[DONE]"),
		},
		{rule: "an unknown format", request: hi + `,"response_format":{"type":"yaml"}`, status: 400, get: invalid("response_format.type", "'yaml'")},
	})
}
