package openai

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestResponsesRefuses(t *testing.T) {
	for _, c := range []struct{ name, body, phrase string }{
		{"no input", `{"model":"gpt-5"}`, "Missing required parameter: 'input'."},
		{"an unknown item", `{"model":"gpt-5","input":[{"type":"hologram"}]}`, "Invalid value: 'hologram'."},
		{"a user's output part", `{"model":"gpt-5","input":[{"role":"user","content":[{"type":"output_text","text":"A"}]}]}`, "Invalid value: 'output_text'."},
		{"an assistant's input part", `{"model":"gpt-5","input":[{"role":"assistant","content":[{"type":"input_text","text":"A"}]}]}`, "Invalid value: 'input_text'."},
		{"chat's tools", `{"model":"gpt-5","input":"A","tools":[{"type":"function","function":{"name":"f"}}]}`, "Missing required parameter: 'tools[0].name'."},
		{"chat's limit", `{"model":"gpt-5","input":"A","max_tokens":100}`, "Unrecognized request argument supplied: max_tokens"},
		{"a short limit", `{"model":"gpt-5","input":"A","max_output_tokens":1}`, "integer below minimum value"},
		{"a call without its output", `{"model":"gpt-5","input":[{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}]}`, "No tool output found for function call c."},
		{"an output without its call", `{"model":"gpt-5","input":[{"type":"function_call_output","call_id":"c","output":"A"}]}`, "No tool call found for function call output with call_id c."},
		{"an output of another kind", `{"model":"gpt-5","input":[{"type":"custom_tool_call","call_id":"c","name":"f","input":""},{"type":"function_call_output","call_id":"c","output":"A"}]}`, "No tool call found"},
		{"a call's id in the item's id", `{"model":"gpt-5","input":[{"type":"function_call","id":"call_1","call_id":"c","name":"f","arguments":"{}"}]}`, "begins with 'fc'"},
		{"reasoning that was altered", `{"model":"gpt-5","input":[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"` + sealedPrefix + `Y!=="},{"role":"assistant","content":"A"}]}`, "could not be verified"},
		{"reasoning that nothing follows", `{"model":"gpt-5","input":[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"` + sealedPrefix + `YQ=="},{"role":"user","content":"A"}]}`, "'rs_1' of type 'reasoning' was provided without its required following item"},
		{"sealed reasoning of a model that has none", `{"model":"gpt-4o","input":"A","include":["reasoning.encrypted_content"]}`, "Encrypted content is not supported with this model."},
		{"a summary of a model that does not reason", `{"model":"gpt-4o","input":"A","reasoning":{"summary":"auto"}}`, "'reasoning.summary' is not supported"},
		{"reasoning of another maker", `{"model":"gpt-5","input":[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"abc"}]}`, "could not be verified"},
		{"a response that is not kept", `{"model":"gpt-5","input":"A","previous_response_id":"resp_1"}`, "Previous response with id 'resp_1' not found."},
		{"temperature of a reasoning model", `{"model":"gpt-5","input":"A","temperature":0.5}`, "'temperature' is not supported"},
		{"effort of another model", `{"model":"gpt-4o","input":"A","reasoning":{"effort":"low"}}`, "'reasoning.effort' is not supported"},
		{"an open strict schema", `{"model":"gpt-5","input":"A","text":{"format":{"type":"json_schema","name":"n","strict":true,"schema":{"type":"object","properties":{}}}}}`, "'additionalProperties' is required"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, reply, _ := ask(t, New(Options{}), "/v1/responses", c.body)
			if status != http.StatusBadRequest || !strings.Contains(reply, c.phrase) {
				t.Errorf("%d %s", status, reply)
			}
		})
	}
}

// respondedTo is the output of a reply, unary and streamed: they must be the same.
func respondedTo(t *testing.T, members string) (output []map[string]any, kinds []string) {
	t.Helper()
	status, reply, _ := ask(t, New(Options{}), "/v1/responses", `{"model":"gpt-5",`+members+`}`)
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, reply)
	}
	var whole struct{ Output []map[string]any }
	if err := json.Unmarshal([]byte(reply), &whole); err != nil {
		t.Fatal(err)
	}
	_, stream, _ := ask(t, New(Options{}), "/v1/responses", `{"model":"gpt-5","stream":true,`+members+`}`)
	for i, data := range events(t, stream) {
		var e struct {
			Type     string
			Number   int `json:"sequence_number"`
			Response struct{ Output []map[string]any }
		}
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		if e.Number != i {
			t.Errorf("event %d has the number %d", i, e.Number)
		}
		kinds = append(kinds, strings.TrimPrefix(e.Type, "response."))
		output = e.Response.Output
	}
	if a, b := marshal(whole.Output), marshal(output); string(a) != string(b) {
		t.Errorf("unary %s, streamed %s", a, b)
	}
	return output, kinds
}

func TestResponsesAnswersInItems(t *testing.T) {
	output, kinds := respondedTo(t, `"input":"hi","reasoning":{"summary":"auto"},"include":["reasoning.encrypted_content"]`)
	if got := string(marshal(output)); !strings.Contains(got, `"text":"You said: hi"`) || !strings.Contains(got, `"encrypted_content":"gAAAA`) {
		t.Error(got)
	}
	want := []string{
		"created", "in_progress",
		"output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta", "reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done",
		"output_item.added", "content_part.added", "output_text.delta", "output_text.done", "content_part.done", "output_item.done",
		"completed",
	}
	if kinds = slices.Compact(kinds); !slices.Equal(kinds, want) {
		t.Errorf("got  %q\nwant %q", kinds, want)
	}
}

func TestResponsesCallsEveryKindOfTool(t *testing.T) {
	output, kinds := respondedTo(t, `"input":"call all","reasoning":{"effort":"none"},"tools":[
		{"type":"function","name":"f","parameters":{"type":"object","required":["x"],"properties":{"x":{"type":"string"}}}},
		{"type":"custom","name":"g"},{"type":"web_search"},{"type":"namespace","name":"n","tools":[{"type":"function","name":"h"}]}]`)
	got := string(marshal(output))
	for _, part := range []string{`"arguments":"{\"x\":\"`, `"type":"custom_tool_call"`, `"name":"h","namespace":"n"`} {
		if !strings.Contains(got, part) {
			t.Errorf("no %s in %s", part, got)
		}
	}
	if !slices.Contains(kinds, "function_call_arguments.delta") || !slices.Contains(kinds, "custom_tool_call_input.done") {
		t.Errorf("%q", kinds)
	}
}

func TestResponsesCallsAToolOfANamespaceByItsWholeName(t *testing.T) {
	output, _ := respondedTo(t, `"input":"call n__h {}","reasoning":{"effort":"none"},"tools":[{"type":"namespace","name":"n","tools":[{"type":"function","name":"h"}]}]`)
	if got := string(marshal(output)); !strings.Contains(got, `"name":"h","namespace":"n"`) {
		t.Error(got)
	}
}

func TestResponsesHearsToolResultsAndItsOwnReasoning(t *testing.T) {
	output, _ := respondedTo(t, `"store":false,"input":[{"role":"user","content":"call f"},
		{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"`+sealedPrefix+`YQ=="},
		{"type":"function_call","id":"fc_1","call_id":"c","name":"f","arguments":"{}"},
		{"type":"function_call_output","call_id":"c","output":[{"type":"input_text","text":"18 degrees"}]}],"tools":[{"type":"function","name":"f"}]`)
	if got := string(marshal(output)); !strings.Contains(got, "The tool said: 18 degrees") {
		t.Error(got)
	}
}

func TestResponsesCompacts(t *testing.T) {
	output, kinds := respondedTo(t, `"store":false,"input":[{"role":"user","content":"A","internal_chat_message_metadata_passthrough":{}},{"type":"compaction_trigger"}]`)
	if len(output) != 1 || output[0]["type"] != "compaction" || !slices.Contains(kinds, "output_item.done") {
		t.Fatalf("%s %q", marshal(output), kinds)
	}
	output, _ = respondedTo(t, `"reasoning":{"effort":"none"},"input":[`+string(marshal(output[0]))+`,{"role":"user","content":"B"}]`)
	if got := string(marshal(output)); !strings.Contains(got, "You said: B") {
		t.Error(got)
	}
}

func TestResponsesEndsEarlyWithItsReason(t *testing.T) {
	_, kinds := respondedTo(t, `"input":"one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen","max_output_tokens":16,"reasoning":{"effort":"none"}`)
	if kinds[len(kinds)-1] != "incomplete" {
		t.Errorf("%q", kinds)
	}
}

// A copy refuses by its model's limits, in both APIs, what the original takes.
func TestACopyRefusesMore(t *testing.T) {
	limits := Limits{
		Reasons: true, Efforts: []string{"none", "high"}, CompletionTokens: true, ToolsWithoutEffort: true, SamplingWithoutEffort: true, NoStop: true,
		NoLogitBias: true, NoFiles: true, InlineImages: true, Tools: []string{"function"}, RefusedItems: []string{"local_shell_call"},
		Tiers: []string{"auto", "default"}, Summaries: []string{"auto"}, PositionalIDs: true, TaggedReasoning: true,
	}
	copies := NewCopies()
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c := copies.With(func(id string) (Model, *Refusal) {
			if id != "m" {
				return Model{}, &Refusal{Status: http.StatusNotFound, Code: "model_not_found", Message: "none"}
			}
			return Model{ID: id, Context: 1000, Output: 1000, Limits: limits}, nil
		})
		if r.URL.Path == "/chat" {
			c.Chat(w, r, body)
			return
		}
		c.Respond(w, r, body)
	})
	const user = `"messages":[{"role":"user","content":"call f"}]`
	for _, row := range []struct {
		name, path, body, phrase string
		status                   int
	}{
		{"another model", "/chat", `{"model":"x",` + user + `}`, "model_not_found", 404},
		{"max_tokens", "/chat", `{"model":"m","max_tokens":9,` + user + `}`, "Use 'max_completion_tokens'", 400},
		{"stop", "/chat", `{"model":"m","stop":"A",` + user + `}`, "stopSequences", 400},
		{"an effort", "/chat", `{"model":"m","reasoning_effort":"low",` + user + `}`, "'low' is not supported", 400},
		{"tools while it reasons", "/chat", `{"model":"m","tools":[{"type":"function","function":{"name":"f"}}],` + user + `}`, "set reasoning_effort to 'none'", 400},
		{"temperature while it reasons", "/chat", `{"model":"m","temperature":1,` + user + `}`, "'temperature' is not supported", 400},
		{"a remote image", "/chat", `{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://a/b.png"}}]}]}`, "data: or s3://", 400},
		{"a call by its place", "/chat", `{"model":"m","reasoning_effort":"none","tools":[{"type":"function","function":{"name":"f"}}],` + user + `}`, `"id": "call_0"`, 200},
		{"reasoning in the text", "/chat", `{"model":"m",` + user + `}`, `"content": "<reasoning>The user said: call f</reasoning>You said: call f"`, 200},
		{"a tool's type", "/responses", `{"model":"m","input":"A","tools":[{"type":"web_search"}]}`, "Invalid value: 'web_search'. Supported values are: 'function'.", 400},
		{"an item's type", "/responses", `{"model":"m","input":[{"type":"local_shell_call"}]}`, "Invalid value: 'local_shell_call'", 400},
		{"a tier", "/responses", `{"model":"m","input":"A","service_tier":"flex"}`, "'flex'", 400},
		{"a summary", "/responses", `{"model":"m","input":"A","reasoning":{"summary":"detailed"}}`, "'detailed'", 400},
		{"background", "/responses", `{"model":"m","input":"A","background":true}`, "'background' is not supported", 400},
	} {
		t.Run(row.name, func(t *testing.T) {
			status, reply, _ := ask(t, h, row.path, row.body)
			if status != row.status || !strings.Contains(reply, row.phrase) {
				t.Errorf("%d %s", status, reply)
			}
		})
	}
}
