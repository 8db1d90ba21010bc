package translation_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// opus41 is asked by InvokeModel alone.
const opus41 = "us.anthropic.claude-opus-4-1-20250805-v1:0"

// TestHostedTools shows that Anthropic's own tools, which the client runs, come from OpenAI bodies in either form that clients
// write, go beside the function tools with the beta that brings them, and are called and answered like any other tool.
// They were dropped before: computer use through an OpenAI client got a model without hands.
func TestHostedTools(t *testing.T) {
	dropped := func(names string) map[string]string { return map[string]string{"Bedrock-Gateway-Dropped": names} }
	fields := func(members string) string { return `"additionalModelRequestFields":{` + members + `}` }
	const (
		fn2      = `{"type":"function","function":{"name":"f"}}`
		bash     = `{"type":"bash_20250124","name":"bash"}`
		computer = `{"type":"computer_20250124","display_width_px":800,"display_height_px":600,"name":"computer"}`
		use2025  = `"anthropic_beta":["computer-use-2025-01-24"]`
		memory   = `{"type":"memory_20250818","name":"memory"}`
		shot     = `{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}}`
	)
	with := func(list string) string { return hi + `,"tools":[` + list + `]` }
	called := content(`{"toolUse":{"toolUseId":"c1","name":"computer","input":{"action":"screenshot"}}}`, "tool_use")
	const call1 = `"content":null,"refusal":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"computer","arguments":"{\"action\":\"screenshot\"}"}}]`
	start(t).run(t, []row{
		{
			rule: "flat, beside a function, with the beta", model: sonnet45, request: with(fn2 + `,` + bash),
			sent: greeted(tools("", spec("f")), fields(`"tools":[`+bash+`],`+use2025)),
		},
		{
			rule: "as LiteLLM's users write them, under function; its call is a tool call", request: with(`{"type":"computer_20250124","function":{"name":"computer","parameters":{"display_width_px":800,"display_height_px":600}}}`),
			reply: called, sent: greeted(fields(`"tools":[` + computer + `],` + use2025)), get: completion(call1, "tool_calls", usage),
		},
		{
			rule: "without a name: there is but one", request: with(`{"type":"text_editor_20250728","max_characters":900}`),
			sent: greeted(fields(`"tools":[{"type":"text_editor_20250728","max_characters":900,"name":"str_replace_based_edit_tool"}]`)),
		},
		{
			rule: "memory, and the newest computer with its own beta", model: opus46, request: with(memory + `,{"type":"computer_20251124","name":"computer","display_width_px":1,"display_height_px":1,"enable_zoom":true}`),
			sent: greeted(fields(`"tools":[` + memory + `,{"type":"computer_20251124","display_width_px":1,"display_height_px":1,"enable_zoom":true,"name":"computer"}],"anthropic_beta":["context-management-2025-06-27","computer-use-2025-11-24"]`)),
		},
		{
			rule: "the client's own betas stay, none twice", model: sonnet45, request: with(bash), header: map[string]string{"Anthropic-Beta": "computer-use-2025-01-24, context-1m-2025-08-07"},
			sent: greeted(fields(`"tools":[` + bash + `],"anthropic_beta":["computer-use-2025-01-24","context-1m-2025-08-07"]`)),
		},
		{
			rule: "the result goes back as any other, screenshots too", model: sonnet45,
			request: `"messages":[{"role":"user","content":"Hi"},{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"computer","arguments":"{\"action\":\"screenshot\"}"}}]},{"role":"tool","tool_call_id":"c1","content":[` + shot + `]}],"tools":[` + fn2 + `,{"type":"computer_20250124","name":"computer","display_width_px":800,"display_height_px":600}]`,
			sent: `{"toolConfig":{"tools":[` + spec("f") + `]},"messages":[{"role":"user","content":[{"text":"Hi"}]},{"role":"assistant","content":[{"toolUse":{"toolUseId":"c1","name":"computer","input":{"action":"screenshot"}}}]},` +
				`{"role":"user","content":[{"toolResult":{"toolUseId":"c1","content":[{"image":{"format":"png","source":{"bytes":"iVBORw0KGgo="}}}]}}]}],` + fields(`"tools":[`+computer+`],`+use2025) + `}`,
		},
		{
			rule: "required, which Converse knows of its own specs alone, is Claude's choice", request: with(bash) + `,"tool_choice":"required"`,
			sent: greeted(fields(`"tool_choice":{"type":"any"},"tools":[` + bash + `],` + use2025)),
		},
		{
			rule: "so is one by name", request: with(fn2+`,`+bash) + `,"tool_choice":{"type":"function","function":{"name":"bash"}}`,
			sent: greeted(tools("", spec("f")), fields(`"tool_choice":{"type":"tool","name":"bash"},"tools":[`+bash+`],`+use2025)),
		},
		{rule: "no choice sends none of them", request: with(bash) + `,"tool_choice":"none"`, sent: greeted()},
		{
			rule: "allowed tools are the only ones", request: with(fn2+`,`+bash) + `,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"f"}}]}}`,
			sent: greeted(tools("", spec("f"))),
		},
		{rule: "for a model of another family they are listed", model: nova, request: with(fn2 + `,` + bash), sent: greeted(tools("", spec("f"))), headers: dropped("tools")},
		{rule: "and are OpenAI's to judge on a relay", model: gpt, request: with(bash), sent: `{"model":"gpt-4o",` + with(bash) + `}`},
		{
			rule: "by InvokeModel they stand among the tools", model: opus41, request: with(fn2 + `,` + bash), path: "/model/" + url.QueryEscape(opus41) + "/invoke",
			reply: gatewaytest.Reply{Body: claudeReply("claude", `{"type":"text","text":"W"}`, "end_turn")},
			sent:  `{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["computer-use-2025-01-24"],"max_tokens":4096,"tools":[{"name":"f","description":"f","input_schema":{"type":"object","properties":{}}},` + bash + `],` + hi + `}`,
		},
	})
}

// TestSystemTools shows the ways in of the tools that Bedrock runs itself for Nova.
func TestSystemTools(t *testing.T) {
	dropped := func(names string) map[string]string { return map[string]string{"Bedrock-Gateway-Dropped": names} }
	const ground, code = `{"systemTool":{"name":"nova_grounding"}}`, `{"systemTool":{"name":"nova_code_interpreter"}}`
	start(t).run(t, []row{
		{rule: "in Converse's form", model: nova2, request: hi + `,"tools":[` + ground + `,{"type":"function","function":{"name":"f"}}]`, sent: greeted(tools("", ground, spec("f")))},
		{rule: "by OpenAI's words for them", model: nova2, request: hi + `,"tools":[{"type":"web_search"},{"type":"code_interpreter","container":{"type":"auto"}}]`, sent: greeted(tools("", ground, code))},
		{rule: "web_search_options", model: nova2, request: hi + `,"web_search_options":{}`, sent: greeted(tools("", ground))},
		{rule: "not twice", model: nova2, request: hi + `,"tools":[{"type":"web_search_preview"}],"web_search_options":{}`, sent: greeted(tools("", ground))},
		{rule: "no call can be forced beside them", model: nova2, request: hi + `,"tools":[` + ground + `,{"type":"function","function":{"name":"f"}}],"tool_choice":"required"`, sent: greeted(tools("", ground, spec("f"))), headers: dropped("tool_choice")},
		{rule: "a model without them", model: nova, request: hi + `,"web_search_options":{}`, sent: greeted(), headers: dropped("web_search_options")},
		{rule: "OpenAI's words for Claude", request: hi + `,"tools":[{"type":"web_search"}]`, sent: greeted(), headers: dropped("tools")},
	})
}

// TestServerToolBlocks shows what becomes of the calls and results that Nova's system tools leave in the model's turn. They were
// left out of every reply, so that the model did not find them in the next turn; and a client that took such a call for its
// own looped for ever (https://github.com/strands-agents/harness-sdk/issues/1318).
func TestServerToolBlocks(t *testing.T) {
	const (
		use       = `{"toolUse":{"toolUseId":"s1","name":"nova_code_interpreter","type":"server_tool_use","input":{"snippet":"1+1"}}}`
		ran       = `{"toolResult":{"toolUseId":"s1","type":"nova_code_interpreter_result","status":"success","content":[{"json":{"stdOut":"2"}},{"text":"a\nb"}]}}`
		inUse     = `{"index":0,"toolUse":{"toolUseId":"s1","name":"nova_code_interpreter","type":"server_tool_use","input":{"snippet":"1+1"}}}`
		inRan     = `{"index":1,"toolResult":{"toolUseId":"s1","type":"nova_code_interpreter_result","status":"success","content":[{"json":{"stdOut":"2"}},{"text":"a\nb"}]}}`
		code      = `{"systemTool":{"name":"nova_code_interpreter"}}`
		codeTool  = `"tools":[` + code + `]`
		claudeUse = `{"type":"server_tool_use","id":"s1","name":"nova_code_interpreter","input":{"snippet":"1+1"}}`
		claudeRan = `{"type":"nova_code_interpreter_result","tool_use_id":"s1","status":"success","content":[{"json":{"stdOut":"2"}},{"text":"a\nb"}]}`
		nova2Chat = `{"id":"*","object":"chat.completion","created":"*","model":"us.amazon.nova-2-lite-v1:0","choices":[{"index":0,"message":{"role":"assistant","content":"Two","refusal":null,"bedrock_blocks":[` + inUse + `,` + inRan + `]},"logprobs":null,"finish_reason":"stop"}],` + usage + `}`
	)
	streamed := func() gatewaytest.Reply {
		return frames(said(
			`contentBlockStart {"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"s1","name":"nova_code_interpreter","type":"server_tool_use"}}}`,
			input(0, `{"snippet":"1`), input(0, `+1"}`), end(0),
			`contentBlockStart {"contentBlockIndex":1,"start":{"toolResult":{"toolUseId":"s1","type":"nova_code_interpreter_result","status":"success"}}}`,
			delta(1, `{"toolResult":[{"json":{"stdOut":"2"}}]}`), delta(1, `{"toolResult":[{"text":"a"}]}`), delta(1, `{"toolResult":[{"text":"\nb"}]}`), end(1),
			say(2, "Two"), end(2),
		)...)
	}
	tb := start(t)
	tb.run(t, []row{
		{
			rule: "they are no tool calls, and come beside them", model: nova2, request: hi + `,` + codeTool,
			reply: content(use+`,`+ran+`,{"text":"Two"}`, "end_turn"), sent: greeted(tools("", code)), get: nova2Chat,
		},
		{
			rule: "and go back as they came", model: nova2,
			request: `"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Two","bedrock_blocks":[` + inUse + `,` + inRan + `]},{"role":"user","content":"And?"}],` + codeTool,
			sent:    `{"toolConfig":{"tools":[` + code + `]},"messages":[{"role":"user","content":[{"text":"Hi"}]},{"role":"assistant","content":[` + use + `,` + ran + `,{"text":"Two"}]},{"role":"user","content":[{"text":"And?"}]}]}`,
		},
		{
			rule: "what is none of them is no way around the pairs of calls and results", model: nova2,
			request: `"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Two","bedrock_blocks":[{"index":0,"toolUse":{"toolUseId":"s1","name":"f","input":{}}}]},{"role":"user","content":"And?"}]`,
			status:  400, get: invalid("messages[1].bedrock_blocks[0]", "server_tool_use"),
		},
		{
			rule:    "another family's model does not get them",
			request: `"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Two","bedrock_blocks":[` + inUse + `]},{"role":"user","content":"And?"}]`,
			sent:    `{"messages":[{"role":"user","content":[{"text":"Hi"}]},{"role":"assistant","content":[{"text":"Two"}]},{"role":"user","content":[{"text":"And?"}]}]}`,
			headers: map[string]string{"Bedrock-Gateway-Dropped": "bedrock_blocks"},
		},
		{
			rule: "nor OpenAI, on a relay", model: gpt,
			request: `"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Two","bedrock_blocks":[` + inUse + `]},{"role":"user","content":"And?"}]`,
			sent:    `{"model":"gpt-4o","messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Two"},{"role":"user","content":"And?"}]}`,
		},
	})
	t.Run("between texts, where they stand is told and kept", func(t *testing.T) {
		const blocks = `{"text":"Hé \ud83d\ude00\n"},` + use + `,` + ran + `,{"text":"is two"},` + use + `,` + ran
		tb.u.Seen()
		tb.u.Play(content(blocks, "end_turn"))
		whole := tb.ask(t, "/v1/chat/completions", `{"model":"`+nova2+`",`+hi+`,`+codeTool+`}`, "")
		var reply struct {
			Choices []struct{ Message json.RawMessage }
		}
		if err := json.Unmarshal([]byte(whole.Body), &reply); err != nil || len(reply.Choices) != 1 {
			t.Fatalf("%v %s", err, whole.Body)
		}
		placed := func(i, at, block string) string { return `{"index":` + i + `,"start_index":` + at + `,` + block[1:] }
		for _, want := range []string{placed("0", "5", use), placed("1", "5", ran), placed("2", "11", use), placed("3", "11", ran)} {
			if !strings.Contains(whole.Body, want) {
				t.Errorf("the client got %s without %s", whole.Body, want)
			}
		}
		tb.u.Seen()
		tb.u.Play(content(`{"text":"W"}`, "end_turn"))
		tb.ask(t, "/v1/chat/completions", `{"model":"`+nova2+`","messages":[{"role":"user","content":"Hi"},`+string(reply.Choices[0].Message)+`,{"role":"user","content":"And?"}],`+codeTool+`}`, "")
		want := `{"toolConfig":{"tools":[` + code + `]},"messages":[{"role":"user","content":[{"text":"Hi"}]},{"role":"assistant","content":[` + blocks + `]},{"role":"user","content":[{"text":"And?"}]}]}`
		if seen := tb.u.Seen(); len(seen) != 1 || !gatewaytest.SameJSON(seen[0].Body, want) {
			t.Errorf("the upstream was sent %v", seen)
		}
		tb.u.Play(frames(said(
			say(0, "Hé"), end(0),
			`contentBlockStart {"contentBlockIndex":1,"start":{"toolUse":{"toolUseId":"s1","name":"nova_code_interpreter","type":"server_tool_use"}}}`,
			input(1, `{"snippet":"1+1"}`), end(1), say(2, "Two"), end(2),
		)...))
		streamed := tb.ask(t, "/v1/chat/completions", `{"model":"`+nova2+`",`+hi+`,"stream":true,`+codeTool+`}`, "")
		if !strings.Contains(streamed.Body, `"delta":{"bedrock_blocks":[`+placed("0", "2", use)+`]}`) {
			t.Errorf("the client got %s", streamed.Body)
		}
	})
	t.Run("streamed, each whole", func(t *testing.T) {
		tb.u.Play(streamed())
		a := tb.ask(t, "/v1/chat/completions", `{"model":"`+nova2+`",`+hi+`,"stream":true,`+codeTool+`}`, "")
		for _, want := range []string{`"delta":{"bedrock_blocks":[` + inUse + `]}`, `"delta":{"bedrock_blocks":[` + inRan + `]}`, `"delta":{"content":"Two"}`, `"finish_reason":"stop"`} {
			if !strings.Contains(a.Body, want) {
				t.Errorf("the client got\n%s\nwithout\n%s", a.Body, want)
			}
		}
		if a.Broken != nil || strings.Contains(a.Body, "tool_calls") {
			t.Errorf("the client got %v\n%s", a.Broken, a.Body)
		}
	})
	t.Run("for Anthropic's clients they are blocks of tools that ran", func(t *testing.T) {
		tb.u.Play(content(use+`,`+ran+`,{"text":"Two"}`, "end_turn"))
		a := tb.ask(t, "/v1/messages", `{"model":"`+nova2+`","max_tokens":9,`+hi+`}`, "")
		if !strings.Contains(a.Body, `"content":[`+claudeUse+`,`+claudeRan+`,{"type":"text","text":"Two"}]`) || !strings.Contains(a.Body, `"stop_reason":"end_turn"`) {
			t.Errorf("the client got %s", a.Body)
		}
		tb.u.Seen()
		tb.u.Play(content(`{"text":"W"}`, "end_turn"))
		tb.ask(t, "/v1/messages", `{"model":"`+nova2+`","max_tokens":9,"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[`+claudeUse+`,`+claudeRan+`,{"type":"text","text":"Two"}]},{"role":"user","content":"And?"}]}`, "")
		if seen := tb.u.Seen(); len(seen) != 1 || !gatewaytest.SameJSON(seen[0].Body, `{"messages":[{"role":"user","content":[{"text":"Hi"}]},{"role":"assistant","content":[`+use+`,`+ran+`,{"text":"Two"}]},{"role":"user","content":[{"text":"And?"}]}],"inferenceConfig":{"maxTokens":9}}`) {
			t.Errorf("the upstream was sent %v", seen)
		}
	})
	t.Run("an Anthropic client's go to no Claude, where its body is relayed, and are listed", func(t *testing.T) {
		tb.u.Seen()
		tb.u.Play(gatewaytest.Reply{Body: claudeReply("claude", `{"type":"text","text":"W"}`, "end_turn")})
		const tool = `{"type":"server_tool_use","id":"s0","name":"web_search","input":{}}` // one of Claude's own stays
		a := tb.ask(t, "/v1/messages", `{"model":"`+opus41+`","max_tokens":9,"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[`+tool+`,`+claudeUse+`,`+claudeRan+`,{"type":"text","text":"Two"}]},{"role":"user","content":"And?"}]}`, "")
		want := `{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[` + tool + `,{"type":"text","text":"Two"}]},{"role":"user","content":"And?"}]}`
		if seen := tb.u.Seen(); len(seen) != 1 || a.Status != 200 || !gatewaytest.SameJSON(seen[0].Body, want) || a.Header.Get("Bedrock-Gateway-Dropped") != "bedrock_blocks" {
			t.Errorf("the upstream was sent %v; dropped %q, got %d %s", seen, a.Header.Get("Bedrock-Gateway-Dropped"), a.Status, a.Body)
		}
	})
	t.Run("for Anthropic's clients, streamed", func(t *testing.T) {
		tb.u.Play(streamed())
		a := tb.ask(t, "/v1/messages", `{"model":"`+nova2+`","max_tokens":9,"stream":true,`+hi+`}`, "")
		for _, want := range []string{
			`"index":0,"content_block":{"type":"server_tool_use","id":"s1","name":"nova_code_interpreter","input":{}}`, `"index":0,"delta":{"type":"input_json_delta","partial_json":"{\"snippet\":\"1+1\"}"}`,
			`"index":1,"content_block":` + claudeRan + `}`, `"index":2,"content_block":{"type":"text","text":""}`, `"stop_reason":"end_turn"`,
		} {
			if !strings.Contains(a.Body, want) {
				t.Errorf("the client got\n%s\nwithout\n%s", a.Body, want)
			}
		}
	})
	t.Run("a Converse client's go and come as they are, also where its body is translated", func(t *testing.T) {
		history := `"messages":[{"role":"user","content":[{"text":"Hi"}]},{"role":"assistant","content":[` + use + `,` + ran + `,{"text":"Two"}]},{"role":"user","content":[{"text":"And?"}]}]`
		tb.u.Play(content(use+`,{"text":"W"}`, "end_turn"))
		a := tb.ask(t, "/model/"+url.QueryEscape(nova2)+"/converse", `{`+history+`}`, "")
		if seen := tb.u.Seen(); len(seen) != 1 || seen[0].Body != `{`+history+`}` || !strings.Contains(a.Body, use) {
			t.Errorf("the upstream was sent %v, the client got %s", seen, a.Body)
		}
		tb.u.Play(content(`{"text":"W"}`, "end_turn"))
		a = tb.ask(t, "/model/"+url.QueryEscape(sonnet35)+"/converse", `{`+history+`}`, "")
		if seen := tb.u.Seen(); len(seen) != 1 || a.Status != 200 || a.Header.Get("Bedrock-Gateway-Dropped") != "bedrock_blocks" || strings.Contains(seen[0].Body, "s1") {
			t.Errorf("Claude was sent %v; dropped %q, got %d %s", seen, a.Header.Get("Bedrock-Gateway-Dropped"), a.Status, a.Body)
		}
		tb.u.Play(gatewaytest.Reply{Body: `{"id":"c1","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"W"},"finish_reason":"stop"}]}`})
		a = tb.ask(t, "/model/gpt-4o/converse", `{`+history+`}`, "")
		if seen := tb.u.Seen(); len(seen) != 1 || a.Status != 200 || !strings.Contains(a.Header.Get("Bedrock-Gateway-Dropped"), "messages.content") || strings.Contains(seen[0].Body, "s1") {
			t.Errorf("the upstream was sent %v; dropped %q, got %d %s", seen, a.Header.Get("Bedrock-Gateway-Dropped"), a.Status, a.Body)
		}
	})
}
