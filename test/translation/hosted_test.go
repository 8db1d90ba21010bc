package translation_test

import (
	"net/url"
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
