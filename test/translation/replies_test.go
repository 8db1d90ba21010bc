package translation_test

import (
	"os"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// TestReplies shows the rules of the heading Replies.
func TestReplies(t *testing.T) {
	reply := func(body string) gatewaytest.Reply { return gatewaytest.Reply{Body: body} }
	tool := func(id, name, args string) string {
		return `{"id":"` + id + `","type":"function","function":{"name":"` + name + `","arguments":"` + args + `"}}`
	}
	const word = `"content":"Word","refusal":null`
	rows := []row{
		{
			rule: "all text blocks survive, joined", reply: content(`{"text":"A\n"},{"text":""},{"text":"ä \"B\""}`, "end_turn"),
			get: completion(`"content":"A\nä \"B\"","refusal":null`, "stop", usage),
		},
		{
			rule:  "text and reasoning survive beside tool calls",
			reply: content(`{"reasoningContent":{"reasoningText":{"text":"Hm","signature":"c2ln+/=="}}},{"reasoningContent":{"redactedContent":"UkVE"}},{"text":"Look:"},`+use("t1", "f", `{"a": [1, 2], "s": "x \"y\" \\"}`)+`,`+use("t2", "g", `{}`), "tool_use"),
			get: completion(`"content":"Look:","refusal":null,"reasoning_content":"Hm","thinking_blocks":[{"type":"thinking","thinking":"Hm","signature":"c2ln+/=="},{"type":"redacted_thinking","data":"UkVE"}],"tool_calls":[`+
				tool("t1", "f", `{\"a\":[1,2],\"s\":\"x \\\"y\\\" \\\\\"}`)+`,`+tool("t2", "g", `{}`)+`]`, "tool_calls", usage),
		},
		{
			rule:  "text behind a tool call survives too",
			reply: content(use("t1", "f", `{}`)+`,{"text":"Done."}`, "tool_use"),
			get:   completion(`"content":"Done.","refusal":null,"tool_calls":[`+tool("t1", "f", `{}`)+`]`, "tool_calls", usage),
		},
		{
			rule: "a redacted block alone", reply: content(`{"reasoningContent":{"redactedContent":"UkVE"}},{"text":"Word"}`, "end_turn"),
			get: completion(word+`,"thinking_blocks":[{"type":"redacted_thinking","data":"UkVE"}]`, "stop", usage),
		},
		{
			rule: "a signature alone", reply: content(`{"reasoningContent":{"reasoningText":{"text":"","signature":"s"}}},{"text":"Word"}`, "end_turn"),
			get: completion(word+`,"reasoning_content":"","thinking_blocks":[{"type":"thinking","thinking":"","signature":"s"}]`, "stop", usage),
		},
		{
			rule: "an unknown block is skipped, and nothing comes twice", reply: content(`{"text":"Wo"},{"hologram":{"x":[{}]}},null,{"text":"rd"}`, "end_turn"),
			get: completion(word, "stop", usage),
		},
		{
			rule:  "a page that is cited is an annotation of the characters that it was given for",
			reply: content(`{"text":"ä"},{"citationsContent":{"content":[{"text":"Word"}],"citations":[{"title":"t","location":{"web":{"url":"https://u"}}}]}}`, "end_turn"),
			get:   completion(`"content":"äWord","refusal":null,"annotations":[{"type":"url_citation","url_citation":{"start_index":1,"end_index":5,"title":"t","url":"https://u"}}]`, "stop", usage),
		},
		{
			rule: "the text of citations survives", reply: content(`{"citationsContent":{"content":[{"text":"Word"}],"citations":[{"title":"t"}]}}`, "end_turn"),
			get: completion(word+`,"bedrock_citations":[{"start_index":0,"end_index":4,"index":0,"citation":{"title":"t"}}]`, "stop", usage),
		},
		{rule: "no output", reply: reply(`{"stopReason":"end_turn",` + counted + `}`), get: completion(`"content":"","refusal":null`, "stop", usage)},
		{rule: "a null content", reply: reply(`{"output":{"message":{"role":"assistant","content":null}},"stopReason":"end_turn",` + counted + `}`), get: completion(`"content":"","refusal":null`, "stop", usage)},
		{rule: "a null message", reply: reply(`{"output":{"message":null},"stopReason":"end_turn",` + counted + `}`), get: completion(`"content":"","refusal":null`, "stop", usage)},
		{
			rule: "a call with null input", reply: content(`{"toolUse":{"toolUseId":"t1","name":"f","input":null}}`, "tool_use"),
			get: completion(`"content":null,"refusal":null,"tool_calls":[`+tool("t1", "f", `{}`)+`]`, "tool_calls", usage),
		},
		{rule: "what is no JSON", reply: reply(`<html>`), status: 502, get: fault("api_error", "", "upstream_error", "cannot be read")},
		{rule: "nothing", reply: gatewaytest.Reply{Status: 200}, status: 502, sent: greeted(), get: fault("api_error", "", "upstream_error", "cannot be read")},

		{
			rule: "prompt tokens are fresh, read from the cache and written to it", reply: reply(`{"output":{"message":{"content":[{"text":"Word"}]}},"stopReason":"end_turn","usage":{"inputTokens":3,"outputTokens":5,"totalTokens":108,"cacheReadInputTokens":60,"cacheWriteInputTokens":40}}`),
			get: completion(word, "stop", `"usage":{"prompt_tokens":103,"completion_tokens":5,"total_tokens":108,"prompt_tokens_details":{"cached_tokens":60,"cache_write_tokens":40}}`),
		},
		{
			rule: "zero is shown as zero", reply: reply(`{"output":{"message":{"content":[{"text":"Word"}]}},"stopReason":"end_turn","usage":{"inputTokens":0,"outputTokens":0,"totalTokens":0}}`),
			get: completion(word, "stop", `"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0,"prompt_tokens_details":{"cached_tokens":0}}`),
		},
		{rule: "a missing usage is absent", reply: reply(`{"output":{"message":{"content":[{"text":"Word"}]}},"stopReason":"end_turn"}`), get: completion(word, "stop")},

		{
			rule: "a filtered reply shows the guardrail's trace when asked", request: hi + `,"guardrailConfig":{"guardrailIdentifier":"g","guardrailVersion":"1","trace":"enabled"}`,
			reply: reply(`{"output":{"message":{"content":[{"text":"Word"}]}},"stopReason":"guardrail_intervened",` + counted + `,"trace":{"guardrail":{"modelOutput":["x"]}}}`),
			get:   completion(word, "content_filter", usage, `"bedrock":{"trace":{"guardrail":{"modelOutput":["x"]}}}`),
		},
		{
			rule:  "and none when not",
			reply: reply(`{"output":{"message":{"content":[{"text":"Word"}]}},"stopReason":"guardrail_intervened",` + counted + `,"trace":{"guardrail":{}}}`),
			get:   completion(word, "content_filter", usage),
		},
		{
			rule: "deprecated functions are answered in kind", request: hi + `,"functions":[{"name":"f"}]`, reply: content(use("t1", "f", `{"a":1}`), "tool_use"),
			get: completion(`"content":null,"refusal":null,"function_call":{"name":"f","arguments":"{\"a\":1}"}`, "function_call", usage),
		},
		{rule: "the tier that served", reply: reply(`{"output":{"message":{"content":[{"text":"Word"}]}},"stopReason":"end_turn",` + counted + `,"serviceTier":{"type":"flex"}}`), get: completion(word, "stop", usage, `"service_tier":"flex"`)},
		{
			rule: "the upstream's id has a header of its own", reply: gatewaytest.Reply{Body: content(`{"text":"Word"}`, "end_turn").Body, Header: map[string]string{"X-Amzn-RequestId": "aws-1", "X-Amzn-Trace-Id": "t", "Set-Cookie": "a=b", "Server": "s"}},
			headers: map[string]string{"Bedrock-Gateway-Upstream": "bedrock", "Bedrock-Gateway-Upstream-Request-Id": "aws-1", "Bedrock-Gateway-Attempts": "", "Bedrock-Gateway-Dropped": "", "X-Amzn-RequestId": "", "X-Amzn-Trace-Id": "", "Set-Cookie": "", "Content-Type": "application/json", "Server": "Caddy"},
		},
	}
	for stop, finish := range map[string]string{
		"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "content_filtered": "content_filter", "guardrail_intervened": "content_filter",
		"model_context_window_exceeded": "length", "malformed_model_output": "stop", "brand_new": "stop",
	} {
		rows = append(rows,
			row{rule: "finish reason of " + stop, reply: content(`{"text":"Word"}`, stop), get: completion(word, finish, usage)},
			row{rule: "finish reason of " + stop + ", streamed", request: hi + `,"stream":true`, reply: frames(stopped(stop, say(0, "Word"))...), get: sse(sonnet35, "role", `{"content":"Word"}`, "finish "+finish, "[DONE]")})
	}
	for i := range rows {
		if rows[i].request == "" {
			rows[i].request = hi
		}
	}
	tb := start(t)
	tb.run(t, rows)
	log, err := os.ReadFile(tb.g.Log)
	if err != nil {
		t.Fatal(err)
	}
	for _, oddity := range []string{"no reason to stop that is known", "an unknown content block was skipped: hologram", "a reply without output"} {
		if !strings.Contains(string(log), oddity) {
			t.Errorf("the log does not tell of %s", oddity)
		}
	}
}

// TestPassthrough shows what a request of the upstream's own dialect becomes: nothing else, and its reply neither.
func TestPassthrough(t *testing.T) {
	odd := "{ \"model\" : \"gpt-4o\",\n\t\"messages\":[ {\"role\":\"user\",\"content\":\"H\\u0069 \\/ \"} ],\"temperature\":1.70, \"seed\":12345678901234567890, \"new_member\":{\"a\":[1e2]},\"n\":2 }"
	start(t).run(t, []row{
		{rule: "the client's bytes are the upstream's", model: gpt, request: odd, sent: "=" + odd},
		{
			rule: "and the upstream's the client's, rate limits kept", model: gpt, request: hi,
			reply: gatewaytest.Reply{Body: "{ \"id\":\"x\", \"choices\":[],\"novel\":1.0 }", Header: map[string]string{
				"X-Request-Id": "up-1", "X-Ratelimit-Remaining-Tokens": "9", "Openai-Processing-Ms": "12", "Openai-Organization": "org", "Set-Cookie": "a=b",
			}},
			get:     "={ \"id\":\"x\", \"choices\":[],\"novel\":1.0 }",
			headers: map[string]string{"Bedrock-Gateway-Upstream-Request-Id": "up-1", "Bedrock-Gateway-Upstream": "openai", "X-Ratelimit-Remaining-Tokens": "9", "Openai-Processing-Ms": "12", "Openai-Organization": "", "Set-Cookie": ""},
		},
		{
			rule: "what only gateways know goes no further", model: gpt,
			request: `"messages":[{"role":"user","content":"A"},{"role":"assistant","content":"T","thinking_blocks":[{"type":"thinking","thinking":"H","signature":"s"}],"reasoning_content":"H"},{"role":"user","content":[{"type":"text","text":"B","cache_control":{"type":"ephemeral"}}]}]`,
			sent:    `{"model":"gpt-4o","messages":[{"role":"user","content":"A"},{"role":"assistant","content":"T"},{"role":"user","content":[{"type":"text","text":"B"}]}]}`,
		},
		{
			rule: "thinking and a guardrail are not done by OpenAI, and told", model: gpt, request: hi + `,"thinking":{"type":"adaptive"},"guardrailConfig":{"guardrailIdentifier":"g"}`,
			sent: `{"model":"gpt-4o",` + hi + `}`, headers: map[string]string{"Bedrock-Gateway-Dropped": "thinking, guardrailConfig"},
		},
		{
			rule: "empty lists, metadata and a choice without tools are OpenAI's to judge", model: gpt, request: hi + `,"tools":[],"stop":[],"metadata":{"a":"b"},"tool_choice":"auto"`,
			sent: `={"model":"gpt-4o",` + hi + `,"tools":[],"stop":[],"metadata":{"a":"b"},"tool_choice":"auto"}`,
		},
		{rule: "an empty stop, too", model: gpt, request: hi + `,"stop":""`, sent: `={"model":"gpt-4o",` + hi + `,"stop":""}`},
		{
			rule: "what no one knows is the upstream's to refuse", model: gpt, request: hi + `,"reasoning_effort":"utmost"`,
			sent: `{"model":"gpt-4o",` + hi + `,"reasoning_effort":"utmost"}`,
		},
	})
}

// TestAnnotationsOfOpenAI shows OpenAI's annotations of pages as the citations of Claude's and Converse's clients, which were left
// out without a word.
func TestAnnotationsOfOpenAI(t *testing.T) {
	tb := start(t)
	const (
		pages   = `"annotations":[{"type":"url_citation","url_citation":{"start_index":0,"end_index":1,"title":"T","url":"https://u"}},{"type":"file_citation","file_citation":{"file_id":"f"}}]`
		claudes = `{"type":"web_search_result_location","cited_text":"","title":"T","url":"https://u","encrypted_index":""}`
		head    = `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":`
	)
	whole := gatewaytest.Reply{Body: `{"id":"c1","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"W",` + pages + `},"finish_reason":"stop"}]}`}
	streamed := gatewaytest.Reply{Body: gatewaytest.SSE(head+`{"content":"W"},"finish_reason":null}]}`, head+`{`+pages+`},"finish_reason":null}]}`, head+`{},"finish_reason":"stop"}]}`, "[DONE]")}
	for _, tc := range []struct {
		rule, path, body string
		reply            gatewaytest.Reply
		has              string
	}{
		{"Claude", "/v1/messages", `{"model":"gpt-4o","max_tokens":9,` + hi + `}`, whole, `"content":[{"type":"text","text":"W","citations":[` + claudes + `]}]`},
		{"Claude, streamed", "/v1/messages", `{"model":"gpt-4o","max_tokens":9,"stream":true,` + hi + `}`, streamed, `"index":0,"delta":{"type":"citations_delta","citation":` + claudes + `}`},
		{"Converse", "/model/gpt-4o/converse", `{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}`, whole, `{"citationsContent":{"content":[{"text":"W"}],"citations":[{"title":"T","sourceContent":[{"text":""}],"location":{"web":{"url":"https://u"}}}]}}`},
		{"Converse, streamed", "/model/gpt-4o/converse-stream", `{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}`, streamed, `{"contentBlockIndex":0,"delta":{"citation":{"title":"T","sourceContent":[{"text":""}],"location":{"web":{"url":"https://u"}}}}}`},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			tb.u.Play(tc.reply)
			if a := tb.ask(t, tc.path, tc.body, ""); a.Status != 200 || a.Broken != nil || !strings.Contains(a.Body, tc.has) {
				t.Errorf("the client got %d %v\n%s\nwithout\n%s", a.Status, a.Broken, a.Body, tc.has)
			}
		})
	}
}
