package responses

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// fate is what becomes of a member or an item on its way to a target that speaks another dialect.
type fate struct {
	name, json string // a member, or an item of input
	mapped     string // is found in what the request became (shown by written)
	kept       string // an Extra member, which other dialects list when they drop it
	listed     string // in Bedrock-Gateway-Dropped
	refused    string // the 400 names it
}

// members are all of a request's (openai-python 3.57.0, types/responses/response_create_params.py), and what clients send
// besides.
var members = []fate{
	{name: "model", json: `"m"`, mapped: "model m"},
	{name: "instructions", json: `"Be kind."`, mapped: `system "Be kind."`},
	{name: "max_output_tokens", json: `99`, mapped: "limit 99"},
	{name: "temperature", json: `0.5`, mapped: "temperature 0.5"},
	{name: "top_p", json: `0.6`, mapped: "top_p 0.6"},
	{name: "top_logprobs", json: `3`, kept: "top_logprobs"},
	{name: "reasoning", json: `{"effort":"low","summary":"auto","context":"all_turns","mode":"pro"}`, mapped: "effort low", kept: "reasoning.context,reasoning.mode"},
	{name: "text", json: `{"format":{"type":"json_schema","name":"n","schema":{"type":"object"},"strict":true},"verbosity":"low"}`, mapped: "format n", kept: "text.verbosity"},
	{name: "tools", json: `[{"type":"function","name":"f"}]`, mapped: "tool f"},
	{name: "tool_choice", json: `"auto"`, mapped: "choice"},
	{name: "parallel_tool_calls", json: `false`, mapped: "serial"},
	{name: "max_tool_calls", json: `3`, kept: "max_tool_calls"},
	{name: "stream", json: `true`, mapped: "stream"},
	{name: "stream_options", json: `{"include_obfuscation":true}`, listed: "stream_options.include_obfuscation"},
	{name: "store", json: `true`, listed: "store"},
	{name: "previous_response_id", json: `"resp_1"`, refused: "previous_response_id"},
	{name: "conversation", json: `"conv_1"`, refused: "conversation"},
	{name: "prompt", json: `{"id":"pmpt_1"}`, refused: "prompt"},
	{name: "background", json: `true`, refused: "background"},
	{name: "background_options", json: `{"completion_window":"2h"}`, kept: "background_options"},
	{name: "include", json: `["reasoning.encrypted_content","file_search_call.results"]`, mapped: "sealed", kept: "include"},
	{name: "truncation", json: `"auto"`, kept: "truncation"},
	{name: "context_management", json: `[{"type":"compaction"}]`, kept: "context_management"},
	{name: "metadata", json: `{"a":"b"}`, mapped: "metadata a=b"},
	{name: "user", json: `"u"`, mapped: `user "u"`},
	{name: "safety_identifier", json: `"s"`, kept: "safety_identifier"},
	{name: "service_tier", json: `"flex"`, mapped: "tier flex"},
	{name: "prompt_cache_key", json: `"k"`, kept: "prompt_cache_key"},
	{name: "prompt_cache_retention", json: `"24h"`, kept: "prompt_cache_retention"},
	{name: "prompt_cache_options", json: `{"mode":"explicit"}`, kept: "prompt_cache_options"},
	{name: "moderation", json: `{"model":"m"}`, kept: "moderation"},
	{name: "access_programs", json: `{"cyber":"standard"}`, kept: "access_programs"},
	{name: "image", json: `{"context_compression":"auto"}`, kept: "image"},
	{name: "client_metadata", json: `{"a":"b"}`, kept: "client_metadata"}, // Codex's
	{name: "a_member_of_next_year", json: `1`, kept: "a_member_of_next_year"},
	// Of Chat Completions, which the API does not have.
	{name: "messages", json: `[]`, refused: "messages"},
	{name: "max_tokens", json: `9`, refused: "max_tokens"},
	{name: "response_format", json: `{}`, refused: "response_format"},
	{name: "stop", json: `"x"`, kept: "stop"},
	{name: "seed", json: `1`, kept: "seed"},
}

// items are all kinds of input (response_input_item_param.py), and Codex's own.
var items = []fate{
	{name: "message", json: `{"role":"user","content":"Hi"}`, mapped: `user "Hi"`},
	{name: "parts", json: `{"type":"message","role":"user","content":[{"type":"input_text","text":"a","prompt_cache_breakpoint":{"mode":"explicit","ttl":"12h"}},{"type":"input_image","detail":"high","image_url":"https://a/b.png"},{"type":"input_file","file_id":"file-1","filename":"a.pdf"},{"type":"input_audio","input_audio":{"data":"QUJD","format":"wav"}}]}`, mapped: `user "a" cache 1h|user image high https://a/b.png|user document file-1|user audio`},
	{name: "developer", json: `{"role":"developer","content":"Rules"}`, mapped: `system "Rules"`},
	{name: "assistant", json: `{"type":"message","id":"msg_1","role":"assistant","status":"completed","phase":"commentary","content":[{"type":"output_text","text":"Hm","annotations":[{"type":"file_path"}],"logprobs":[]},{"type":"refusal","refusal":"No"}]}`, mapped: `assistant "Hm"|assistant refusal "No"`, listed: "input.phase,input.content.annotations"},
	{name: "reasoning without a proof", json: `{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"a"},{"type":"summary_text","text":"b"}]},{"role":"assistant","content":"x"}`, mapped: `assistant thinking "a\n\nb"`},
	{name: "reasoning of ours", json: `{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"bedrock-gateway.claude.eyJ0eXBlIjoidGhpbmtpbmciLCJ0aGlua2luZyI6ImhtIiwic2lnbmF0dXJlIjoiUz09In0"},{"role":"assistant","content":"x"}`, mapped: `assistant thinking "hm" signed "S=="`},
	{name: "reasoning of another maker", json: `{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gAAAA"},{"role":"assistant","content":"x"}`, listed: "input.reasoning"},
	{name: "reasoning that leads nowhere", json: `{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"a"}]}`, listed: "input.reasoning"},
	{name: "function_call", json: `{"type":"function_call","id":"fc_1","call_id":"c","name":"f","namespace":"n","arguments":"{\"a\":1}","async":true,"caller":{"type":"program","caller_id":"p"}},{"type":"function_call_output","call_id":"c","output":"ok"}`, mapped: `assistant call n__f {"a":1}|user result c "ok"`, listed: "input.async,input.caller"},
	{name: "arguments that were cut off", json: `{"type":"function_call","call_id":"c","name":"f","arguments":"{\"a"}`, mapped: `call f {"arguments":"{\"a"}`},
	{name: "a call without a result", json: `{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"role":"user","content":"go on"}`, mapped: `user result c error "aborted"|user "go on"`},
	{name: "a result before another call's", json: `{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call","call_id":"d","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"d","output":"D"},{"type":"function_call_output","call_id":"c","output":"C"}`, mapped: `call f {}|assistant call f {}|user result c "C"|user result d "D"`},
	{name: "a result behind what the user said", json: `{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"role":"user","content":"wait"},{"type":"function_call_output","call_id":"c","output":"C"}`, mapped: `call f {}|user result c "C"|user "wait"`},
	{name: "a result of no call", json: `{"type":"function_call_output","call_id":"c","output":"C"}`, refused: "input[0]"},
	{name: "a result of parts", json: `{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":[{"type":"input_text","text":"see"},{"type":"input_image","image_url":"data:image/png;base64,QUJD"}]}`, mapped: `user result c "see" image`},
	{name: "custom_tool_call", json: `{"type":"custom_tool_call","call_id":"c","name":"edit","input":"*** Begin"},{"type":"custom_tool_call_output","call_id":"c","output":"ok"}`, mapped: `call edit {"input":"*** Begin"}|user result c "ok"`},
	{name: "local_shell_call", json: `{"type":"local_shell_call","id":"lsh_1","call_id":"c","status":"completed","action":{"type":"exec","command":["ls"],"env":{}}},{"type":"local_shell_call_output","id":"lsh_1","output":"a.txt"}`, mapped: `call local_shell {"action":{"type":"exec","command":["ls"],"env":{}}}|user result c "a.txt"`},
	{name: "shell_call", json: `{"type":"shell_call","call_id":"c","action":{"commands":["ls"]}},{"type":"shell_call_output","call_id":"c","output":[{"stdout":"a","stderr":"","outcome":{"type":"exit","exit_code":0}}]}`, mapped: `call shell {"action":{"commands":["ls"]}}|user result c "[{\"stdout\":\"a\"`},
	{name: "apply_patch_call", json: `{"type":"apply_patch_call","call_id":"c","status":"completed","operation":{"type":"delete_file","path":"a"}},{"type":"apply_patch_call_output","call_id":"c","status":"failed","output":"no such file"}`, mapped: `call apply_patch {"operation":{"type":"delete_file","path":"a"}}|user result c error "no such file"`},
	{name: "tool_search_call", json: `{"type":"tool_search_call","call_id":"c","execution":"client","arguments":{"query":"mail"}},{"type":"tool_search_output","call_id":"c","execution":"client","tools":[{"type":"function","name":"send"}]}`, mapped: `call tool_search {"query":"mail"}|user result c "These tools were found|tool send`},
	{name: "a search of OpenAI's", json: `{"type":"tool_search_call","execution":"server","arguments":{}},{"type":"tool_search_output","execution":"server","tools":[{"type":"function","name":"send"}]}`, mapped: "tool send", listed: "input.tool_search_call,input.tool_search_output"},
	{name: "additional_tools", json: `{"type":"additional_tools","role":"developer","tools":[{"type":"function","name":"g"}]}`, mapped: "tool g"},
	{name: "configuration_update", json: `{"type":"configuration_update","reasoning":{"effort":"high"},"text":{"format":{"type":"json_schema","name":"late","schema":{"type":"object"}}}}`, mapped: "effort high|format late"},
	{name: "compaction", json: `{"type":"compaction","encrypted_content":"bedrock-gateway.summary.eyJ0ZXh0IjoiV2Ugc3Bva2UuIn0"}`, mapped: `We spoke."`},
	{name: "compaction of another maker", json: `{"type":"compaction","encrypted_content":"gAAAA"}`, refused: "input[0]"},
	{name: "context_compaction", json: `{"type":"context_compaction","encrypted_content":"gAAAA"}`, refused: "input[0]"},
	{name: "compaction_trigger", json: `{"role":"user","content":"Hi"},{"type":"compaction_trigger"}`, mapped: `user "Sum up this conversation`},
	{name: "agent_message", json: `{"type":"agent_message","content":[{"type":"input_text","text":"done"}]}`, mapped: `assistant "done"`},
	{name: "agent_message of ciphertext", json: `{"type":"agent_message","content":[{"type":"encrypted","encrypted_content":"gAAAA"}]}`, listed: "input.agent_message"},
	{name: "item_reference", json: `{"type":"item_reference","id":"msg_1"}`, refused: "input[0]"},
	{name: "an id alone", json: `{"id":"msg_1"}`, refused: "input[0]"},
	{name: "web_search_call", json: `{"type":"web_search_call","id":"ws_1","status":"completed","action":{"type":"search","query":"q"}}`, listed: "input.web_search_call"},
	{name: "file_search_call", json: `{"type":"file_search_call","id":"fs_1","queries":["q"],"status":"completed"}`, listed: "input.file_search_call"},
	{name: "computer_call", json: `{"type":"computer_call","id":"cu_1","call_id":"c"},{"type":"computer_call_output","call_id":"c","output":{"type":"computer_screenshot"}}`, listed: "input.computer_call,input.computer_call_output"},
	{name: "code_interpreter_call", json: `{"type":"code_interpreter_call","id":"ci_1","code":"1","container_id":"c","outputs":[]}`, listed: "input.code_interpreter_call"},
	{name: "image_generation_call", json: `{"type":"image_generation_call","id":"ig_1","result":"QUJD","status":"completed"}`, listed: "input.image_generation_call"},
	{name: "mcp", json: `{"type":"mcp_list_tools","id":"a","server_label":"s","tools":[]},{"type":"mcp_approval_request","id":"b"},{"type":"mcp_approval_response","approve":true},{"type":"mcp_call","id":"c"}`, listed: "input.mcp_list_tools,input.mcp_approval_request,input.mcp_approval_response,input.mcp_call"},
	{name: "program", json: `{"type":"program","id":"a","call_id":"c","code":"1","fingerprint":"f"},{"type":"program_output","id":"b","call_id":"c","result":"1","status":"completed"}`, listed: "input.program,input.program_output"},
	{name: "an item of next year", json: `{"type":"dream","id":"a"}`, listed: "input.dream"},
}

// No member and no item vanishes: each is mapped, kept for the target to judge, listed, or refused by its name.
func TestNothingOfARequestVanishes(t *testing.T) {
	for _, f := range members {
		t.Run("member "+f.name, func(t *testing.T) {
			body := `{"` + f.name + `":` + f.json
			if f.name != "model" {
				body += `,"model":"m"`
			}
			if f.name == "tool_choice" || f.name == "parallel_tool_calls" {
				body += `,"tools":[{"type":"function","name":"f"}]`
			}
			f.check(t, body+`,"input":"Hi"}`)
		})
	}
	for _, f := range items {
		t.Run("item "+f.name, func(t *testing.T) { f.check(t, `{"model":"m","input":[`+f.json+`]}`) })
	}
}

func (f *fate) check(t *testing.T, body string) {
	t.Helper()
	if f.mapped+f.kept+f.listed+f.refused == "" {
		t.Fatal("it has no fate")
	}
	x := &chat.Exchange{Model: "m", Target: "converse", Facts: model.Facts{Family: model.Claude, Thinking: model.ThinkingAdaptive}}
	r, err := Dialect{}.DecodeRequest([]byte(body), x)
	if f.refused != "" {
		e, ok := errors.AsType[*chat.Error](err)
		if !ok || e.Kind != chat.ErrInvalidRequest || e.Param != f.refused || !strings.Contains(e.Message, strings.TrimSuffix(f.refused, "[0]")) && !strings.Contains(e.Message, "call_id c") {
			t.Errorf("got %v, want a 400 that names %s", err, f.refused)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	got := written(r, x)
	for want := range strings.SplitSeq(f.mapped, "|") {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q:\n%s", want, got)
		}
	}
	var extra []string
	for _, m := range r.Extra {
		extra = append(extra, m.Key)
	}
	if strings.Join(extra, ",") != f.kept {
		t.Errorf("kept %q, want %q", extra, f.kept)
	}
	if strings.Join(x.Dropped, ",") != f.listed {
		t.Errorf("listed %q, want %q", x.Dropped, f.listed)
	}
}

// written shows what became of a request, a line for each thing.
func written(r *chat.Request, x *chat.Exchange) string {
	lines := []string{"model " + r.Model, "temperature " + string(r.Temperature), "top_p " + string(r.TopP), "effort " + r.Reasoning.Effort, "tier " + r.ServiceTier, "user " + string(r.User)}
	if r.MaxTokens == 99 {
		lines = append(lines, "limit 99")
	}
	if r.Format != nil {
		lines = append(lines, "format "+r.Format.Name)
	}
	if r.Stream {
		lines = append(lines, "stream")
	}
	if r.ParallelToolCalls != nil && !*r.ParallelToolCalls {
		lines = append(lines, "serial")
	}
	if r.ToolChoice.Kind != chat.ToolsUnset {
		lines = append(lines, "choice")
	}
	if keptOf(x).encrypted {
		lines = append(lines, "sealed")
	}
	for _, p := range r.Metadata {
		lines = append(lines, "metadata "+p.Key+"="+p.Value)
	}
	for i := range r.Tools {
		lines = append(lines, "tool "+r.Tools[i].Name)
	}
	for i := range r.System {
		lines = append(lines, "system"+blockText(&r.System[i]))
	}
	for _, m := range r.Messages {
		for i := range m.Content {
			lines = append(lines, m.Role.String()+blockText(&m.Content[i]))
		}
	}
	return strings.Join(lines, "\n")
}

func blockText(b *chat.Block) string {
	text := ""
	if b.Kind != chat.Text && b.Kind != chat.ToolUse && b.Kind != chat.ToolResult {
		text = " " + b.Kind.String()
	}
	if b.Text != nil {
		text += " " + string(b.Text)
	}
	if s := b.Signature(); s != nil {
		text += " signed " + string(s)
	}
	if m := b.Media; m != nil {
		for _, s := range []string{m.Detail, m.URL, m.FileID} {
			if s != "" {
				text += " " + s
			}
		}
	}
	if t := b.Tool; t != nil && b.Kind == chat.ToolUse {
		text += " call " + t.Name + " " + string(json.AppendCompact(nil, t.Input))
	} else if t != nil {
		text += " result " + t.ID
		if t.IsError {
			text += " error"
		}
		for i := range t.Content {
			text += blockText(&t.Content[i])
		}
	}
	if b.Cache != chat.NoCache {
		text += " cache " + b.Cache.TTL()
	}
	return text
}

// What the tools of a request become: functions that any model can call, or kept whole for a target that runs them.
func TestToolsBecomeFunctions(t *testing.T) {
	body := `{"model":"m","input":"Hi","tools":[
		{"type":"function","name":"f","parameters":{"type":"object"},"strict":true,"defer_loading":true,"allowed_callers":["programmatic"],"async":true,"output_schema":{}},
		{"type":"custom","name":"edit","description":"Edits.","format":{"type":"grammar","syntax":"lark","definition":"start: x"}},
		{"type":"namespace","name":"mail","description":"All of mail.","tools":[{"type":"function","name":"send","description":"Sends."},{"type":"custom","name":"draft"}]},
		{"type":"apply_patch"},{"type":"shell","environment":{"type":"local"}},{"type":"local_shell"},
		{"type":"tool_search","execution":"client","description":"Finds.","parameters":{"type":"object","properties":{"goal":{"type":"string"}}}},
		{"type":"shell","environment":{"type":"container_auto"}},{"type":"tool_search"},{"type":"web_search"},{"type":"file_search"},{"type":"code_interpreter"},
		{"type":"image_generation"},{"type":"computer"},{"type":"mcp","server_label":"s"},{"type":"programmatic_tool_calling"}]}`
	x := &chat.Exchange{Model: "m", Target: "converse"}
	r, err := Dialect{}.DecodeRequest([]byte(body), x)
	if err != nil {
		t.Fatal(err)
	}
	var names, hosted []string
	for i := range r.Tools {
		tool := &r.Tools[i]
		if tool.Raw != nil {
			hosted = append(hosted, tool.Name)
			continue
		}
		names = append(names, tool.Name)
		if tool.Name != "f" && tool.Name != "mail__send" && (tool.Schema == nil || json.Valid(tool.Schema) != nil || tool.Own == nil) {
			t.Errorf("%s has the schema %s", tool.Name, tool.Schema)
		}
	}
	if got, want := strings.Join(names, " "), "f edit mail__send mail__draft apply_patch shell local_shell tool_search"; got != want {
		t.Errorf("functions %s, want %s", got, want)
	}
	if got, want := strings.Join(hosted, " "), "shell tool_search web_search file_search code_interpreter image_generation computer mcp programmatic_tool_calling"; got != want {
		t.Errorf("kept %s, want %s", got, want)
	}
	if got, want := strings.Join(x.Dropped, " "), "tools.defer_loading tools.allowed_callers tools.async tools.output_schema"; got != want {
		t.Errorf("listed %s, want %s", got, want)
	}
	for name, want := range map[string]string{"edit": `"Edits.\n\nThe input must match this grammar (lark):\nstart: x"`, "mail__send": `"All of mail.\n\nSends."`, "tool_search": `"Finds."`} {
		at := slices.IndexFunc(r.Tools, func(tool chat.Tool) bool { return tool.Name == name })
		if got := string(r.Tools[at].Description); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	for choice, want := range map[string]string{
		`{"type":"function","name":"f"}`:                       "f",
		`{"type":"custom","name":"edit"}`:                      "edit",
		`{"type":"apply_patch"}`:                               "apply_patch",
		`{"type":"function","name":"send","namespace":"mail"}`: "mail__send",
		`{"type":"web_search"}`:                                "",
		`{"type":"mcp","server_label":"s"}`:                    "",
		`{"type":"function","name":"g"}`:                       "",
		`{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"f"},{"type":"custom","name":"edit"}]}`: "f edit",
	} {
		r, err := Dialect{}.DecodeRequest([]byte(strings.Replace(body, `"input":"Hi"`, `"input":"Hi","tool_choice":`+choice, 1)), &chat.Exchange{Model: "m", Target: "converse"})
		e, _ := errors.AsType[*chat.Error](err)
		switch {
		case want == "" && (e == nil || e.Param != "tool_choice"):
			t.Errorf("%s: %v", choice, err)
		case want != "" && err != nil:
			t.Errorf("%s: %v", choice, err)
		case want != "" && r.ToolChoice.Name+strings.Join(r.ToolChoice.Allowed, " ") != want:
			t.Errorf("%s: %+v", choice, r.ToolChoice)
		}
	}
}
