package translation_test

import "testing"

// TestMessages shows the rules of the heading Requests, Messages.
func TestMessages(t *testing.T) {
	start(t).run(t, []row{
		{
			rule:    "system and developer before the first turn become system, in order",
			request: `"messages":[{"role":"system","content":"One"},{"role":"developer","content":[{"type":"text","text":"Two"},{"type":"text","text":"Three"}]},{"role":"system","content":"Four"},{"role":"user","content":"Hi"}]`,
			sent:    greeted(`"system":[{"text":"One"},{"text":"Two"},{"text":"Three"},{"text":"Four"}]`),
		},
		{
			// Claude Code and others append one each turn. Put before the conversation it would change the beginning that the
			// prompt cache goes by, and the whole history would be written to the cache again.
			rule:    "later ones stay in place, as the user's",
			request: `"messages":[{"role":"system","content":"One"},{"role":"user","content":"Hi"},{"role":"developer","content":"Two"},{"role":"assistant","content":"A"},{"role":"system","content":[{"type":"text","text":"Three","cache_control":{"type":"ephemeral"}}]}]`,
			sent:    `{"system":[{"text":"One"}],"messages":[{"role":"user","content":[{"text":"Hi"},{"text":"Two"}]},{"role":"assistant","content":[{"text":"A"}]},{"role":"user","content":[{"text":"Three"},{"cachePoint":{"type":"default"}}]}]}`,
		},
		{
			rule:    "one between a tool's call and its results goes behind them, which must come first",
			request: `"messages":[{"role":"user","content":"Hi"},{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"c2","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"system","content":"S"},{"role":"tool","tool_call_id":"c1","content":"1"},{"role":"system","content":"T"},{"role":"tool","tool_call_id":"c2","content":"2"}],"tools":[{"type":"function","function":{"name":"f"}}]`,
			sent:    `{"toolConfig":{"tools":[{"toolSpec":{"name":"f","description":"f","inputSchema":{"json":{"type":"object","properties":{}}}}}]},"messages":[{"role":"user","content":[{"text":"Hi"}]},{"role":"assistant","content":[{"toolUse":{"toolUseId":"c1","name":"f","input":{}}},{"toolUse":{"toolUseId":"c2","name":"f","input":{}}}]},{"role":"user","content":[{"toolResult":{"toolUseId":"c1","content":[{"text":"1"}]}},{"toolResult":{"toolUseId":"c2","content":[{"text":"2"}]}},{"text":"S"},{"text":"T"}]}]}`,
		},
		{
			rule: "for a model that takes no system text it begins the first user turn", model: "mistral.mistral-7b-instruct-v0:2",
			request: `"messages":[{"role":"system","content":"One"},{"role":"user","content":"Hi"},{"role":"system","content":"Two"}]`,
			sent:    user(`{"text":"One"},{"text":"Hi"},{"text":"Two"}`),
		},
		{
			rule:    "neighbours of one role become one turn",
			request: `"messages":[{"role":"user","content":"A"},{"role":"user","content":[{"type":"text","text":"B"}]},{"role":"assistant","content":"C"},{"role":"assistant","content":"D"},{"role":"user","content":"E"}]`,
			sent:    `{"messages":[{"role":"user","content":[{"text":"A"},{"text":"B"}]},{"role":"assistant","content":[{"text":"C"},{"text":"D"}]},{"role":"user","content":[{"text":"E"}]}]}`,
		},
		{
			rule:    "a system message between two of one role does not part them",
			request: `"messages":[{"role":"user","content":"A"},{"role":"system","content":"S"},{"role":"user","content":"B"}]`,
			sent:    user(`{"text":"A"},{"text":"S"},{"text":"B"}`),
		},
		{
			rule:    "blank parts are skipped, empty messages dropped, and what stood around them joined",
			request: `"messages":[{"role":"system","content":" \n"},{"role":"user","content":[{"type":"text","text":" "},{"type":"text","text":"A"},{"type":"text","text":""}]},{"role":"assistant","content":"\t\u00a0"},{"role":"user","content":"B"},{"role":"user","content":""}]`,
			sent:    user(`{"text":"A"},{"text":"B"}`),
		},
		{
			rule:    "text is passed on as it is, white space around it included",
			request: `"messages":[{"role":"user","content":"  \u00e4 \ud83d\ude00 \"q\"\n "}]`,
			sent:    user(`{"text":"  ä 😀 \"q\"\n "}`),
		},
		{
			rule: "no message at all", request: `"messages":[]`, status: 400, get: invalid("messages", "empty array"),
		},
		{
			rule: "no user or assistant message", request: `"messages":[{"role":"system","content":"S"}]`, status: 400, get: invalid("messages", "no user message"),
		},
		{
			rule: "nothing but blank messages", request: `"messages":[{"role":"user","content":" "}]`, status: 400, get: invalid("messages", "no user message"),
		},
		{
			rule: "a leading assistant message", request: `"messages":[{"role":"assistant","content":"A"},{"role":"user","content":"B"}]`,
			status: 400, get: invalid("messages", "begins with an assistant message"),
		},
		{
			rule:    "a trailing assistant message is a prefill",
			request: `"messages":[{"role":"user","content":"A"},{"role":"assistant","content":"B"}]`,
			sent:    `{"messages":[{"role":"user","content":[{"text":"A"}]},{"role":"assistant","content":[{"text":"B"}]}]}`,
		},
		{
			rule: "a prefill for a model that takes none", model: opus46, request: `"messages":[{"role":"user","content":"A"},{"role":"assistant","content":"B"}]`,
			status: 400, get: invalid("messages", "continues none"),
		},
		{
			rule: "an unknown role", request: `"messages":[{"role":"robot","content":"A"}]`, status: 400, get: invalid("messages[0].role", "'robot'"),
		},
		{
			rule: "a part of an unknown type", request: `"messages":[{"role":"user","content":[{"type":"smell","smell":"x"}]}]`,
			status: 400, get: invalid("messages[0].content[0].type", "'smell'"),
		},
		{
			rule: "an assistant's refusal is its text", request: `"messages":[{"role":"user","content":"A"},{"role":"assistant","content":null,"refusal":"No."},{"role":"user","content":"B"}]`,
			sent: `{"messages":[{"role":"user","content":[{"text":"A"}]},{"role":"assistant","content":[{"text":"No."}]},{"role":"user","content":[{"text":"B"}]}]}`,
		},
		{
			rule: "an assistant's turn is reasoning, text, tool calls", model: sonnet37,
			request: `"messages":[{"role":"user","content":"A"},{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}],"content":"T","thinking_blocks":[{"type":"redacted_thinking","data":"QUJD"},{"type":"thinking","thinking":"H","signature":"sig+/="}]},{"role":"tool","tool_call_id":"c1","content":"R"}]`,
			sent: `{"messages":[{"role":"user","content":[{"text":"A"}]},{"role":"assistant","content":[{"reasoningContent":{"redactedContent":"QUJD"}},{"reasoningContent":{"reasoningText":{"text":"H","signature":"sig+/="}}},{"text":"T"},{"toolUse":{"toolUseId":"c1","name":"f","input":{}}}]},` +
				`{"role":"user","content":[{"toolResult":{"toolUseId":"c1","content":[{"text":"R"}]}}]}],` + tools("", spec("f")) + `}`,
		},
		{
			rule: "reasoning without a signature is no proof and not sent", model: sonnet37,
			request: `"messages":[{"role":"user","content":"A"},{"role":"assistant","reasoning_content":"H","content":"T"},{"role":"user","content":"B"}]`,
			sent:    `{"messages":[{"role":"user","content":[{"text":"A"}]},{"role":"assistant","content":[{"text":"T"}]},{"role":"user","content":[{"text":"B"}]}]}`,
			headers: map[string]string{"Bedrock-Gateway-Dropped": "thinking_blocks"},
		},
	})
}

// turns are a conversation of a user's word, an assistant's calls and what follows them.
func turns(calls, after string) string {
	return `"messages":[{"role":"user","content":"A"},{"role":"assistant","content":null,"tool_calls":[` + calls + `]},` + after + `]`
}

// fn is a call of the function f.
func fn(id, arguments string) string {
	return `{"id":"` + id + `","type":"function","function":{"name":"f","arguments":"` + arguments + `"}}`
}

func result(id, text string) string {
	return `{"role":"tool","tool_call_id":"` + id + `","content":"` + text + `"}`
}

// taken is the Converse body of turns: tool uses, and what follows them.
func taken(uses, after string, members ...string) string {
	return `{"messages":[{"role":"user","content":[{"text":"A"}]},{"role":"assistant","content":[` + uses + `]},{"role":"user","content":[` + after + `]}]` + rest(members) + `}`
}

func use(id, name, input string) string {
	return `{"toolUse":{"toolUseId":"` + id + `","name":"` + name + `","input":` + input + `}}`
}

func answer(id, content string) string {
	return `{"toolResult":{"toolUseId":"` + id + `","content":[` + content + `]}}`
}

// TestToolMessages shows the rules of tool calls and results in the history.
func TestToolMessages(t *testing.T) {
	const declared = `,"tools":[{"type":"function","function":{"name":"f"}}]`
	f := tools("", spec("f"))
	start(t).run(t, []row{
		{
			rule:    "results are one user turn with the user's words behind them",
			request: turns(fn("a", `{\"x\":1}`)+","+fn("b", `{}`), result("b", "2")+","+result("a", "1")+`,{"role":"user","content":"B"}`) + declared,
			sent:    taken(use("a", "f", `{"x":1}`)+","+use("b", "f", "{}"), answer("b", `{"text":"2"}`)+","+answer("a", `{"text":"1"}`)+`,{"text":"B"}`, f),
		},
		{
			rule:    "no arguments are an empty object",
			request: turns(fn("a", "")+","+fn("b", " "), result("a", "1")+","+result("b", "2")) + declared,
			sent:    taken(use("a", "f", "{}")+","+use("b", "f", "{}"), answer("a", `{"text":"1"}`)+","+answer("b", `{"text":"2"}`), f),
		},
		{
			rule: "arguments that are no JSON", request: turns(fn("call_9", `{\"x\":`), result("call_9", "1")) + declared,
			status: 400, get: invalid("messages[1].tool_calls[0].function.arguments", "'call_9'"),
		},
		{
			rule: "arguments whose call says its id behind them", request: turns(`{"type":"function","function":{"arguments":"{\"x\":","name":"f"},"id":"call_9"}`, result("call_9", "1")) + declared,
			status: 400, get: invalid("messages[1].tool_calls[0].function.arguments", "'call_9'"),
		},
		{
			rule: "arguments that are no object", request: turns(fn("call_9", `[1]`), result("call_9", "1")) + declared,
			status: 400, get: invalid("messages[1].tool_calls[0].function.arguments", "'call_9'"),
		},
		{
			rule:    "equal ids in a turn are one call",
			request: turns(fn("a", "{}")+","+fn("a", "{}"), result("a", "1")+","+result("a", "2")) + declared,
			sent:    taken(use("a", "f", "{}"), answer("a", `{"text":"1"}`), f),
		},
		{
			rule: "a result that nobody asked for", request: turns(fn("a", "{}"), result("a", "1")+","+result("zz", "2")) + declared,
			status: 400, get: invalid("messages[3].tool_call_id", "'zz'"),
		},
		{
			rule: "a result without any call", request: `"messages":[{"role":"user","content":"A"},` + result("zz", "2") + `]`,
			status: 400, get: invalid("messages[1].tool_call_id", "'zz'"),
		},
		{
			rule: "a call without a result", request: turns(fn("a", "{}")+","+fn("b", "{}"), result("a", "1")) + declared,
			status: 400, get: invalid("messages[1].tool_calls", "'b'"),
		},
		{
			rule: "a call that ends the conversation", request: `"messages":[{"role":"user","content":"A"},{"role":"assistant","tool_calls":[` + fn("a", "{}") + `]}]` + declared,
			status: 400, get: invalid("messages[1].tool_calls", "'a'"),
		},
		{
			rule: "a history of calls without tools gets specs of its names",
			request: turns(`{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"b","type":"function","function":{"name":"g","arguments":"{}"}},{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}`,
				result("a", "1")+","+result("b", "2")+","+result("c", "3")),
			sent: taken(use("a", "f", "{}")+","+use("b", "g", "{}")+","+use("c", "f", "{}"), answer("a", `{"text":"1"}`)+","+answer("b", `{"text":"2"}`)+","+answer("c", `{"text":"3"}`), tools("", spec("f"), spec("g"))),
		},
		{
			rule: "an illegal tool id is mapped in call and result alike", request: turns(fn("call/1 ü", "{}"), result("call/1 ü", "1")) + declared,
			sent: taken(use(aliased("call/1 ü", 32), "f", "{}"), answer(aliased("call/1 ü", 32), `{"text":"1"}`), f),
		},
		{
			rule: "an id of more than 64 characters is mapped", request: turns(fn(long, "{}"), result(long, "1")) + declared,
			sent: taken(use(aliased(long, 32), "f", "{}"), answer(aliased(long, 32), `{"text":"1"}`), f),
		},
		{
			rule: "Mistral's ids are 9 alphanumerics", model: mistral, request: turns(fn("call_1", "{}")+","+fn("abcdefgh1", "{}"), result("call_1", "1")+","+result("abcdefgh1", "2")) + declared,
			sent: taken(use(aliased("call_1", 9), "f", "{}")+","+use("abcdefgh1", "f", "{}"), answer(aliased("call_1", 9), `{"text":"1"}`)+","+answer("abcdefgh1", `{"text":"2"}`), f),
		},
		{
			rule: "a mapped id that comes back is the client's again", request: turns(fn("call/1", "{}"), result("call/1", "1")) + declared,
			reply: content(use(aliased("call/1", 32), "f", "{}"), "tool_use"),
			get:   completion(`"content":null,"refusal":null,"tool_calls":[{"id":"call/1","type":"function","function":{"name":"f","arguments":"{}"}}]`, "tool_calls", usage),
		},
		{
			rule: "a result's text is text, though it be JSON", request: turns(fn("a", "{}"), result("a", `{\"k\":[1]}`)) + declared,
			sent: taken(use("a", "f", "{}"), answer("a", `{"text":"{\"k\":[1]}"}`), f),
		},
		{
			rule: "a result's parts are text and images", request: turns(fn("a", "{}"), `{"role":"tool","tool_call_id":"a","content":[{"type":"text","text":"See"},{"type":"text","text":" "},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}}]}`) + declared,
			sent: taken(use("a", "f", "{}"), answer("a", `{"text":"See"},{"image":{"format":"png","source":{"bytes":"iVBORw0KGgo="}}}`), f),
		},
		{
			rule: "an empty result is an empty list", request: turns(fn("a", "{}"), result("a", "")) + declared,
			sent: taken(use("a", "f", "{}"), answer("a", ``), f),
		},
		{
			rule:    "the deprecated function_call and its result are a call and its result",
			request: `"messages":[{"role":"user","content":"A"},{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"1"}],"functions":[{"name":"f"}]`,
			sent:    taken(use("function_call_1", "f", "{}"), answer("function_call_1", `{"text":"1"}`), f),
		},
	})
}

const long = "toolu_0123456789012345678901234567890123456789012345678901234567890123456789"

// TestToolNames shows that tools keep their names for the client, whatever the upstream must call them.
func TestToolNames(t *testing.T) {
	const name = "mcp.weather v2/now"
	alias := namedLike("mcp_weather_v2_now", name)
	const declared = `,"tools":[{"type":"function","function":{"name":"` + name + `","description":"D"}},{"type":"function","function":{"name":"` + long + `","description":"D"}}]`
	specs := func(choice string) string {
		schema := `,"description":"D","inputSchema":{"json":{"type":"object","properties":{}}}}}`
		return tools(choice, `{"toolSpec":{"name":"`+alias+`"`+schema, `{"toolSpec":{"name":"`+namedLike(long[:55], long)+`"`+schema)
	}
	start(t).run(t, []row{
		{
			rule: "illegal and long names are aliased in specs, history and choice, and are the client's own in the reply",
			request: `"messages":[{"role":"user","content":"A"},{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"` + name + `","arguments":"{}"}}]},` + result("a", "1") + `],"tool_choice":{"type":"function","function":{"name":"` + name + `"}}` +
				declared,
			sent:  taken(use("a", alias, "{}"), answer("a", `{"text":"1"}`), specs(`{"tool":{"name":"`+alias+`"}}`)),
			reply: content(use("b", alias, `{"q":"x"}`), "tool_use"),
			get:   completion(`"content":null,"refusal":null,"tool_calls":[{"id":"b","type":"function","function":{"name":"`+name+`","arguments":"{\"q\":\"x\"}"}}]`, "tool_calls", usage),
		},
		{
			rule: "streamed too", request: hi + declared + `,"stream":true`,
			sent:  greeted(specs("")),
			reply: frames(stopped("tool_use", call(0, "b", alias), input(0, `{"q":1}`), end(0))...),
			get:   sse(sonnet35, "role", called(0, "b", name), args(0, `{"q":1}`), "finish tool_calls", "[DONE]"),
		},
		{
			rule: "another client's alias is nobody's here", request: hi + `,"tools":[{"type":"function","function":{"name":"f"}}]`,
			reply: content(use("b", alias, `{}`), "tool_use"),
			get:   completion(`"content":null,"refusal":null,"tool_calls":[{"id":"b","type":"function","function":{"name":"`+alias+`","arguments":"{}"}}]`, "tool_calls", usage),
		},
	})
}
