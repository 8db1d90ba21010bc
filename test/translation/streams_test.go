package translation_test

import (
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

const (
	streamed = hi + `,"stream":true`
	asked    = streamed + `,"stream_options":{"include_usage":true}`
)

// TestStreams shows the rules of the heading Streams, but for time: see silence_test.go.
func TestStreams(t *testing.T) {
	declared := `,"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}}]`
	start(t).run(t, []row{
		{
			rule: "the role once, every delta, the reason, and no usage unasked", request: streamed,
			reply: frames(said(say(0, "He"), say(0, ""), say(0, "l\"lö\n"), end(0))...),
			get:   sse(sonnet35, "role", `{"content":"He"}`, `{"content":"l\"lö\n"}`, "finish stop", "[DONE]"),
			sent:  greeted(), headers: map[string]string{"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"},
		},
		{
			rule: "the usage's chunk when asked", request: asked, reply: frames(said(say(0, "Hello"))...),
			get: sse(sonnet35, "counted", "role", `{"content":"Hello"}`, "finish stop", "usage", "[DONE]"),
		},
		{
			rule: "asked for no usage", request: streamed + `,"stream_options":{"include_usage":false}`, reply: frames(said(say(0, "Hello"))...),
			get: sse(sonnet35, "role", `{"content":"Hello"}`, "finish stop", "[DONE]"),
		},
		{
			rule: "an empty reply", request: streamed, reply: frames(said()...), get: sse(sonnet35, "role", "finish stop", "[DONE]"),
		},
		{
			rule: "members that are padding, events that are unknown", request: streamed,
			reply: frames(said(say(0, "A"), `novelEvent {"x":1}`, `contentBlockDelta {"p":"x","delta":{"novel":1},"contentBlockIndex":0}`, say(0, "B"))...),
			get:   sse(sonnet35, "role", `{"content":"A"}`, `{"content":"B"}`, "finish stop", "[DONE]"),
		},
		{
			rule: "a call with no arguments has the empty object", request: streamed + declared, reply: frames(stopped("tool_use", call(0, "t1", "f"), end(0))...),
			get: sse(sonnet35, "role", called(0, "t1", "f"), args(0, "{}"), "finish tool_calls", "[DONE]"),
		},
		{
			rule: "so has one with empty fragments", request: streamed + declared, reply: frames(stopped("tool_use", call(0, "t1", "f"), input(0, ""), end(0))...),
			get: sse(sonnet35, "role", called(0, "t1", "f"), args(0, "{}"), "finish tool_calls", "[DONE]"),
		},
		{
			rule: "fragments go on as they come", request: streamed + declared,
			reply: frames(stopped("tool_use", call(0, "t1", "f"), input(0, `{"a`), input(0, `":"`), input(0, `\"é"}`), end(0))...),
			get:   sse(sonnet35, "role", called(0, "t1", "f"), args(0, `{"a`), args(0, `":"`), args(0, `\"é"}`), "finish tool_calls", "[DONE]"),
		},
		{
			rule: "a tool behind text", request: streamed + declared, reply: frames(stopped("tool_use", say(0, "Hm"), end(0), call(1, "t1", "f"), input(1, "{}"), end(1))...),
			get: sse(sonnet35, "role", `{"content":"Hm"}`, called(0, "t1", "f"), args(0, "{}"), "finish tool_calls", "[DONE]"),
		},
		{
			rule: "a tool behind reasoning", request: streamed + declared,
			reply: frames(stopped("tool_use", delta(0, `{"reasoningContent":{"text":"Hm"}}`), delta(0, `{"reasoningContent":{"signature":"a+/="}}`), end(0), call(1, "t1", "f"), input(1, "{}"), end(1))...),
			get: sse(sonnet35, "role", `{"reasoning_content":"Hm","thinking_blocks":[{"index":0,"type":"thinking","thinking":"Hm"}]}`, `{"thinking_blocks":[{"index":0,"type":"thinking","signature":"a+/="}]}`,
				called(0, "t1", "f"), args(0, "{}"), "finish tool_calls", "[DONE]"),
		},
		{
			rule: "two tools, by indices of their own", request: streamed + declared,
			reply: frames(stopped("tool_use", delta(0, `{"reasoningContent":{"redactedContent":"UkVE"}}`), end(0), call(1, "t1", "f"), input(1, "{}"), end(1), say(2, "And"), end(2), call(3, "t2", "g"), input(3, `{"b":2}`), end(3))...),
			get: sse(sonnet35, "role", `{"thinking_blocks":[{"index":0,"type":"redacted_thinking","data":"UkVE"}]}`, called(0, "t1", "f"), args(0, "{}"), `{"content":"And"}`, called(1, "t2", "g"), args(1, `{"b":2}`),
				"finish tool_calls", "[DONE]"),
		},
		{
			rule: "two tools at once", request: streamed + declared,
			reply: frames(stopped("tool_use", call(0, "t1", "f"), call(1, "t2", "g"), input(1, `{"b":`), input(0, `{"a":`), input(1, `2}`), input(0, `1}`), end(1), end(0))...),
			get:   sse(sonnet35, "role", called(0, "t1", "f"), called(1, "t2", "g"), args(1, `{"b":`), args(0, `{"a":`), args(1, `2}`), args(0, `1}`), "finish tool_calls", "[DONE]"),
		},
		{
			rule: "deprecated functions are answered in kind", request: streamed + `,"functions":[{"name":"f"}]`, reply: frames(stopped("tool_use", call(0, "t1", "f"), input(0, `{"a":1}`), end(0))...),
			get: sse(sonnet35, "role", `{"function_call":{"name":"f","arguments":""}}`, `{"function_call":{"arguments":"{\"a\":1}"}}`, "finish function_call", "[DONE]"),
		},

		{
			rule: "an exception first is an HTTP status", request: streamed, reply: frames(`throttlingException {"message":"Too many requests"}`), status: 429,
			get: fault("rate_limit_error", "", "rate_limit_exceeded", "Too many requests"), headers: map[string]string{"Content-Type": "application/json", "Bedrock-Gateway-Upstream": "bedrock"},
		},
		{
			rule: "so is one about the request", request: streamed, reply: frames(`validationException {"message":"Input is too long"}`), status: 400,
			get: fault("invalid_request_error", "", "context_length_exceeded", "Input is too long"),
		},
		{rule: "an empty stream is no reply", request: streamed, reply: gatewaytest.Reply{Body: " "}, status: 502, get: fault("api_error", "", "upstream_error", "ended before it began")},
		{
			rule: "a later exception is an error event, and nothing behind it", request: streamed,
			reply: frames(`messageStart {"role":"assistant"}`, say(0, "Hel"), `modelStreamErrorException {"message":"It broke"}`),
			get:   sse(sonnet35, "role", `{"content":"Hel"}`, `error {"error":{"message":"It broke","type":"api_error","param":null,"code":"upstream_error"}}`),
		},
		{
			rule: "a later exception of credentials shows nothing of them", request: streamed,
			reply: frames(`messageStart {"role":"assistant"}`, `accessDeniedException {"message":"User: arn:aws:iam::123456789012:role/R is not authorized"}`),
			get:   sse(sonnet35, "role", `error {"error":{"message":"Bedrock refused the gateway's own credentials (AccessDeniedException); its operator must see to them","type":"permission_error","param":null,"code":"upstream_credentials"}}`),
		},
		{
			rule: "a cut is an error event", request: streamed, reply: gatewaytest.Reply{Body: gatewaytest.Frames(`messageStart {"role":"assistant"}`, say(0, "Hel")), Cut: true},
			get: sse(sonnet35, "role", `{"content":"Hel"}`, `error {"error":{"message":"the upstream's stream broke before its end; the reply is not whole","type":"api_error","param":null,"code":"stream_broken"}}`),
		},
		{
			rule: "an end without messageStop is an error event", request: asked, reply: frames(`messageStart {"role":"assistant"}`, say(0, "Hel"), end(0)),
			get: sse(sonnet35, "counted", "role", `{"content":"Hel"}`, `error {"error":{"message":"the upstream's stream broke before its end; the reply is not whole","type":"api_error","param":null,"code":"stream_broken"}}`),
		},
		{
			rule: "messageStop without metadata is an end, with no usage made up", request: asked, reply: frames(`messageStart {"role":"assistant"}`, say(0, "Hel"), end(0), `messageStop {"stopReason":"max_tokens"}`),
			get: sse(sonnet35, "counted", "role", `{"content":"Hel"}`, "finish length", "[DONE]"),
		},
		{
			// The citation's key in a delta is not that of the block in a whole reply: other gateways lost it.
			rule: "citations of pages are annotations, at the end of the text that they were given for", request: streamed,
			reply: frames(stopped("end_turn", say(0, "Hé "), end(0), say(1, "yes"), delta(1, `{"citation":{"title":"T","location":{"web":{"url":"https://u"}}}}`), delta(1, `{"citation":{"title":"D","location":{"documentChar":{"documentIndex":0,"start":0,"end":1}}}}`), end(1))...),
			get:   sse(sonnet35, "role", `{"content":"Hé "}`, `{"content":"yes"}`, `{"annotations":[{"type":"url_citation","url_citation":{"start_index":3,"end_index":6,"title":"T","url":"https://u"}}],"bedrock_citations":[{"start_index":3,"end_index":6,"index":0,"citation":{"type":"char_location","cited_text":"","document_title":"D","document_index":0,"start_char_index":0,"end_char_index":1}}]}`, "finish stop", "[DONE]"),
		},
		{
			rule: "a break behind messageStop is an error event", request: streamed,
			reply: gatewaytest.Reply{Body: gatewaytest.Frames(`messageStart {"role":"assistant"}`, say(0, "Hel"), end(0), `messageStop {"stopReason":"end_turn"}`), Cut: true},
			get:   sse(sonnet35, "role", `{"content":"Hel"}`, `error {"error":{"message":"the upstream's stream broke before its end; the reply is not whole","type":"api_error","param":null,"code":"stream_broken"}}`),
		},
	})
}

// chunk is one of OpenAI's, and its data line.
func chunk(rest string) string {
	return `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024",` + rest + `}`
}

// TestOpenAIStreams shows what a stream of OpenAI's own is: relayed as it came, but for the usage that the gateway asked
// for.
func TestOpenAIStreams(t *testing.T) {
	const choice = `"choices":[{"index":0,"delta":{"content":"Hé"},"finish_reason":null}]`
	const last = `"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]`
	const count = `"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}`
	plain := gatewaytest.SSE(chunk(choice), chunk(last), "[DONE]")
	counted := gatewaytest.SSE(chunk(choice+`,"usage":null`), chunk(last+`,"usage":null`), chunk(count), "[DONE]")
	uncounted := gatewaytest.SSE(chunk(choice+`,"usage":null`), chunk(last+`,"usage":null`), "[DONE]")
	odd := ": hello\r\n\r\nevent: message\ndata:" + chunk(choice) + "\nid: 7\n\n" + gatewaytest.SSE(chunk(last), "[DONE]")
	start(t).run(t, []row{
		{
			rule: "the usage is asked for and its chunk taken out", model: gpt, request: streamed, reply: gatewaytest.Reply{Body: counted},
			sent: `={"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}],"stream":true,"stream_options":{"include_usage":true}}`, get: uncounted,
		},
		{
			rule: "asked for not to have it", model: gpt, request: streamed + `,"stream_options":{"include_usage":false,"x":1}`, reply: gatewaytest.Reply{Body: counted},
			sent: `={"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}],"stream":true,"stream_options":{"include_usage":true,"x":1}}`, get: uncounted,
		},
		{
			rule: "the client's own asking is left as it is, and answered", model: gpt, request: asked, reply: gatewaytest.Reply{Body: counted},
			sent: `={"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}],"stream":true,"stream_options":{"include_usage":true}}`, get: counted,
		},
		{rule: "a server that sends no usage", model: gpt, request: streamed, reply: gatewaytest.Reply{Body: plain}, get: plain},
		{rule: "a server that sends no [DONE] and closes in order: clients wait for it", model: gpt, request: streamed, reply: gatewaytest.Reply{Body: gatewaytest.SSE(chunk(choice), chunk(last))}, get: plain},
		{rule: "comments, ids and line ends are the upstream's own", model: gpt, request: asked, reply: gatewaytest.Reply{Body: odd}, get: odd},
		{
			rule: "an error first is an HTTP status", model: gpt, request: streamed, reply: gatewaytest.Reply{Body: gatewaytest.SSE(`{"error":{"message":"Slow down","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}}`)},
			status: 429, get: fault("rate_limit_error", "", "rate_limit_exceeded", "Slow down"),
		},
		{
			rule: "a later error is relayed, and nothing behind it", model: gpt, request: streamed,
			reply: gatewaytest.Reply{Body: gatewaytest.SSE(chunk(choice), `{"error":{"message":"It broke","type":"server_error"}}`)},
			get:   gatewaytest.SSE(chunk(choice), `{"error":{"message":"It broke","type":"server_error"}}`),
		},
		{
			rule: "a cut is an error event", model: gpt, request: streamed, reply: gatewaytest.Reply{Body: gatewaytest.SSE(chunk(choice)), Cut: true},
			get: gatewaytest.SSE(chunk(choice), `{"error":{"message":"the upstream's stream broke before its end; the reply is not whole","type":"api_error","param":null,"code":"stream_broken"}}`),
		},
		{
			rule: "a whole reply where a stream was asked for", model: gpt, request: streamed, reply: gatewaytest.Reply{Body: `{"id":"c"}`}, status: 502,
			get: fault("api_error", "", "upstream_error", "a whole reply where a stream was asked for"),
		},
	})
}

// TestStreamUsageOff shows that nothing is added to a request and nothing taken from its stream with stream_usage off.
func TestStreamUsageOff(t *testing.T) {
	u := gatewaytest.NewUpstream(t)
	tb := &table{u: u, g: gatewaytest.Start(t, "bedrock_gateway {\n\topenai sk-gateway {\n\t\tbase_url "+u.URL+"/v1\n\t\tstream_usage off\n\t}\n}")}
	stream := gatewaytest.SSE(chunk(`"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]`), chunk(`"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}`), "[DONE]")
	tb.run(t, []row{{
		rule: "off", model: gpt, request: streamed, reply: gatewaytest.Reply{Body: stream},
		sent: `={"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}],"stream":true}`, get: stream,
	}})
}
