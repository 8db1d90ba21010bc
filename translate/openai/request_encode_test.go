package openai

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
)

func asking() []chat.Message {
	return []chat.Message{{Role: chat.User, Content: []chat.Block{textOf(`"q"`)}}}
}

func media(kind chat.BlockKind, m chat.Media) chat.Block { return chat.Block{Kind: kind, Media: &m} }

func TestEncodeRequest(t *testing.T) {
	yes, no := true, false
	const q = `"messages":[{"role":"user","content":"q"}]`
	result := func(id string, isError bool, content ...chat.Block) chat.Block {
		return chat.Block{Kind: chat.ToolResult, Tool: &chat.Tooling{ID: id, IsError: isError, Content: content}}
	}
	said := func(blocks ...chat.Block) []chat.Message {
		return []chat.Message{{Role: chat.User, Content: blocks}}
	}
	tests := []struct {
		name    string
		r       chat.Request
		model   string
		want    string // what follows the model
		dropped string
	}{
		{"a question", chat.Request{Messages: asking()}, "", q, ""},
		{"system text", chat.Request{System: []chat.Block{textOf(`"s"`)}, Messages: asking()}, "", `"messages":[{"role":"system","content":"s"},{"role":"user","content":"q"}]`, ""},
		{"system blocks", chat.Request{System: []chat.Block{textOf(`"s"`), textOf(`"t"`)}, Messages: asking()}, "", `"messages":[{"role":"system","content":[{"type":"text","text":"s"},{"type":"text","text":"t"}]},{"role":"user","content":"q"}]`, ""},
		{"tool calls and results, the question after them", chat.Request{Messages: []chat.Message{
			{Role: chat.Assistant, Content: []chat.Block{{Kind: chat.Thinking, Text: str(`"hm"`)}, textOf(`"a"`), textOf(`"b"`), use("t1", "f", `{ "x": "\"" }`), use("t2", "g", `{}`)}},
			{Role: chat.User, Content: []chat.Block{textOf(`"and?"`), result("t2", true, textOf(`"bad"`)), result("t1", false)}},
		}}, "", `"messages":[{"role":"assistant","content":"ab","tool_calls":[{"id":"t1","type":"function","function":{"name":"f","arguments":"{\"x\":\"\\\"\"}"}},{"id":"t2","type":"function","function":{"name":"g","arguments":"{}"}}]},{"role":"tool","tool_call_id":"t2","content":[{"type":"text","text":"Error:"},{"type":"text","text":"bad"}]},{"role":"tool","tool_call_id":"t1","content":""},{"role":"user","content":"and?"}]`, "thinking"},
		{
			"images and values as results",
			chat.Request{Messages: said(result("t1", false, textOf(`"see"`), media(chat.Image, chat.Media{Type: "image/png", Data: []byte("AAAA")}), chat.Block{Kind: chat.Opaque, Own: chat.Own(chat.Value(`{"json": {"a":1}}`))}))},
			"",
			`"messages":[{"role":"tool","tool_call_id":"t1","content":[{"type":"text","text":"see"},{"type":"text","text":"{\"json\":{\"a\":1}}"}]},{"role":"user","content":[{"type":"text","text":"Part of the result of the tool call t1:"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]`, "",
		},
		{"a turn of thinking alone is left out", chat.Request{Messages: []chat.Message{{Role: chat.Assistant, Content: []chat.Block{{Kind: chat.RedactedThinking, Own: chat.Own(chat.Value(`"d"`))}}}, asking()[0]}}, "", q, "thinking"},
		{"refusal", chat.Request{Messages: []chat.Message{{Role: chat.Assistant, Content: []chat.Block{{Kind: chat.Refusal, Text: str(`"no"`)}}}}}, "", `"messages":[{"role":"assistant","content":null,"refusal":"no"}]`, ""},
		{
			"media",
			chat.Request{Messages: said(media(chat.Image, chat.Media{URL: "https://x/\"", Detail: "low"}), media(chat.Audio, chat.Media{Type: "audio/mpeg", Data: []byte("AAAA")}), media(chat.Document, chat.Media{Type: "application/pdf", Name: "report", Data: []byte("AAAA")}), media(chat.Document, chat.Media{FileID: "file-1"}))},
			"",
			`"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/\"","detail":"low"}},{"type":"input_audio","input_audio":{"data":"AAAA","format":"mp3"}},{"type":"file","file":{"filename":"report.pdf","file_data":"data:application/pdf;base64,AAAA"}},{"type":"file","file":{"file_id":"file-1"}}]}]`, "",
		},
		{
			"documents that are text",
			chat.Request{Messages: said(media(chat.Document, chat.Media{Name: "a", Text: str(`"t"`), Context: str(`"about"`), Citations: true}), media(chat.Document, chat.Media{Type: "text/csv", Name: "b.csv", Data: []byte("w6kKMQ==")}), media(chat.Document, chat.Media{Content: []chat.Block{textOf(`"c"`)}}))},
			"",
			`"messages":[{"role":"user","content":[{"type":"text","text":"about"},{"type":"text","text":"a:\nt"},{"type":"text","text":"b.csv:\né\n1"},{"type":"text","text":"c"}]}]`, "citations",
		},
		{"blocks of another provider", chat.Request{Messages: said(chat.Block{Kind: chat.Opaque, Dialect: chat.Claude, Own: chat.Own(chat.Value(`{"type":"search_result"}`))}, chat.Block{Kind: chat.Opaque, Dialect: chat.OpenAI, Own: chat.Own(chat.Value(`{"type":"x"}`))})}, "", `"messages":[{"role":"user","content":[{"type":"x"}]}]`, "messages.content.search_result"},
		{
			"tools",
			chat.Request{Messages: asking(), Tools: []chat.Tool{{Name: "f", Description: str(`"d"`), Schema: chat.Value("{\n}"), Strict: &yes}, {Name: "computer", Raw: chat.Value(`{}`), Dialect: "claude"}, {Name: "custom", Raw: chat.Value(`{"type":"custom"}`), Dialect: "openai"}}, ToolChoice: chat.ToolChoice{Kind: chat.ToolsNamed, Name: "f"}, ParallelToolCalls: &no},
			"",
			q + `,"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{}},"strict":true}},{"type":"custom"}],"tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":false`, "tools.computer",
		},
		{"any tool", chat.Request{Messages: asking(), Tools: []chat.Tool{{Name: "f"}}, ToolChoice: chat.ToolChoice{Kind: chat.ToolsAny}}, "", q + `,"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required"`, ""},
		{"allowed tools", chat.Request{Messages: asking(), Tools: []chat.Tool{{Name: "f"}}, ToolChoice: chat.ToolChoice{Kind: chat.ToolsAuto, Allowed: []string{"f"}}}, "", q + `,"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"f"}}]}}`, ""},
		{"a choice without tools is refused, so it is left out", chat.Request{Messages: asking(), ToolChoice: chat.ToolChoice{Kind: chat.ToolsNone}, ParallelToolCalls: &no}, "", q, ""},
		{"sampling", chat.Request{Messages: asking(), MaxTokens: 9, Temperature: chat.Value("0.70"), TopP: chat.Value("1"), TopK: chat.Value("4"), Seed: chat.Value("3"), FrequencyPenalty: chat.Value("1"), PresencePenalty: chat.Value("2"), N: 2, Stop: []string{"a", "\n"}}, "local", q + `,"max_tokens":9,"temperature":0.70,"top_p":1,"frequency_penalty":1,"presence_penalty":2,"seed":3,"n":2,"stop":["a","\n"]`, "top_k"},
		{"OpenAI's own models take max_completion_tokens", chat.Request{Messages: asking(), MaxTokens: 9}, "gpt-5-mini", q + `,"max_completion_tokens":9`, ""},
		{"more than four stop sequences", chat.Request{Dialect: "claude", Messages: asking(), Stop: []string{"a", "b", "c", "d", "e"}}, "", q + `,"stop":["a","b","c","d"]`, "stop_sequences[4:]"},
		{"a budget becomes an effort", chat.Request{Messages: asking(), Reasoning: chat.Reasoning{Thinking: chat.ThinkingBudget, Budget: 2048}}, "o3", q + `,"reasoning_effort":"medium"`, ""},
		{"no effort for models that do not reason", chat.Request{Messages: asking(), Reasoning: chat.Reasoning{Thinking: chat.ThinkingBudget, Budget: 9000}}, "gpt-4o", q, "thinking"},
		{"no effort where none is wanted", chat.Request{Messages: asking(), Reasoning: chat.Reasoning{Thinking: chat.ThinkingOff}}, "o3", q, ""},
		{"stream asks for usage", chat.Request{Messages: asking(), Stream: true}, "", q + `,"stream":true,"stream_options":{"include_usage":true}`, ""},
		{"format", chat.Request{Messages: asking(), Format: &chat.Format{Name: "a b", Schema: chat.Value(`{ }`), Strict: &yes, Description: str(`"d"`)}}, "", q + `,"response_format":{"type":"json_schema","json_schema":{"name":"response","description":"d","schema":{},"strict":true}}`, ""},
		{"any JSON", chat.Request{Messages: asking(), Format: &chat.Format{}}, "", q + `,"response_format":{"type":"json_object"}`, ""},
		{"its own extras travel", chat.Request{Dialect: "openai", Messages: asking(), Extra: []chat.Member{{Key: "x\"", Value: chat.Value(`[ 1]`)}}, Metadata: []chat.Pair{{Key: "k", Value: "v"}}, User: str(`"u"`), ServiceTier: "flex"}, "", q + `,"service_tier":"flex","user":"u","metadata":{"k":"v"},"x\"":[1]`, ""},
		{"others' do not", chat.Request{Dialect: "converse", Messages: asking(), Extra: []chat.Member{{Key: "promptVariables", Value: chat.Value(`1`)}}, Metadata: []chat.Pair{{Key: "k", Value: "v"}}, ServiceTier: "reserved", Guardrail: chat.Value(`{}`), Latency: "optimized", Betas: []string{"b"}}, "", q, "service_tier metadata guardrailConfig performanceConfig anthropic_beta promptVariables"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := exchange()
			if x.TargetModel = tt.model; tt.model == "" {
				x.TargetModel = "m"
			}
			got, err := Dialect{}.EncodeRequest([]byte("> "), &tt.r, x)
			if err != nil {
				t.Fatal(err)
			}
			if want := `> {"model":"` + x.TargetModel + `",` + tt.want + `}`; string(got) != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if !json.Valid(got[2:]) {
				t.Error("not JSON")
			}
			if dropped := strings.Join(x.Dropped, " "); dropped != tt.dropped {
				t.Errorf("dropped %q, want %q", dropped, tt.dropped)
			}
		})
	}
}

func TestEncodeRequestFollowsTheModelsFacts(t *testing.T) {
	x := exchange()
	r := &chat.Request{Messages: asking(), Temperature: chat.Value("0.5"), TopP: chat.Value("1"), Stop: []string{"a"}}
	x.Facts = model.Facts{NoSampling: true, NoStop: true}
	got, err := Dialect{}.EncodeRequest(nil, r, x)
	if err != nil || strings.Join(x.Dropped, " ") != "temperature stop" || !strings.Contains(string(got), `"top_p":1`) {
		t.Errorf("%s, %v, dropped %q", got, err, x.Dropped)
	}
	x = exchange()
	x.TargetModel = "gpt-5"
	if got, err = (Dialect{}).EncodeRequest(nil, r, x); err != nil || strings.Join(x.Dropped, " ") != "temperature stop" {
		t.Errorf("%s, %v, dropped %q", got, err, x.Dropped)
	}
}

func TestToolParametersAreAnObject(t *testing.T) {
	for in, want := range map[string]string{
		`{"type":"object","properties":{"a":{}}}`: `{"type":"object","properties":{"a":{}}}`,
		`{}`:                                 `{"type":"object","properties":{}}`,
		`{"type":"object"}`:                  `{"type":"object","properties":{}}`,
		`{"properties":{},"$schema":"x"}`:    `{"properties":{},"$schema":"x","type":"object"}`,
		`{"type":"string"}`:                  `{"type":"object","properties":{}}`,
		`{"type":["object","null"]}`:         `{"type":"object","properties":{}}`,
		`{"$ref":"#/$defs/a","$defs":{}}`:    `{"$ref":"#/$defs/a","$defs":{}}`,
		`{"type":null,"properties":{"a":1}}`: `{"type":"object","properties":{"a":1}}`,
	} {
		if got := string(rules.ObjectSchema(chat.Value(in))); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestEncodeRequestGivesLegalNames(t *testing.T) {
	x := exchange()
	long := strings.Repeat("x", 70)
	r := &chat.Request{
		Tools: []chat.Tool{{Name: "my.tool"}, {Name: long}, {Name: "plain"}}, ToolChoice: chat.ToolChoice{Kind: chat.ToolsNamed, Name: "my.tool"},
		Messages: []chat.Message{{Role: chat.Assistant, Content: []chat.Block{use(long, "my.tool", `{}`)}}, {Role: chat.User, Content: []chat.Block{{Kind: chat.ToolResult, Tool: &chat.Tooling{ID: long}}}}},
	}
	got, err := Dialect{}.EncodeRequest(nil, r, x)
	if err != nil {
		t.Fatal(err)
	}
	var body struct {
		Tools []struct {
			Function struct{ Name string }
		}
		ToolChoice struct {
			Function struct{ Name string }
		} `json:"tool_choice"`
		Messages []struct {
			ToolCallID string `json:"tool_call_id"`
			ToolCalls  []struct {
				ID       string
				Function struct{ Name string }
			} `json:"tool_calls"`
		}
	}
	if err := json.Unmarshal(got, &body); err != nil {
		t.Fatal(err)
	}
	alias := body.Tools[0].Function.Name
	for _, tool := range body.Tools {
		if !rules.LegalName(tool.Function.Name) {
			t.Errorf("illegal name %q", tool.Function.Name)
		}
	}
	if body.Tools[2].Function.Name != "plain" || body.ToolChoice.Function.Name != alias || body.Messages[0].ToolCalls[0].Function.Name != alias {
		t.Errorf("names differ: %s", got)
	}
	if id := body.Messages[0].ToolCalls[0].ID; !legalID(id) || id != body.Messages[1].ToolCallID {
		t.Errorf("ids differ: %s", got)
	}
	if own := x.ClientToolName(alias); own != "my.tool" {
		t.Errorf("%q goes back to %q", alias, own)
	}
}

func TestEncodeRequestRefuses(t *testing.T) {
	tests := []struct {
		name  string
		block chat.Block
		part  string
	}{
		{"an image in S3", media(chat.Image, chat.Media{S3: "s3://b/k"}), "S3"},
		{"a video", media(chat.Video, chat.Media{Data: []byte("AAAA")}), "video"},
		{"audio of another format", media(chat.Audio, chat.Media{Type: "audio/flac", Data: []byte("AAAA")}), "wav or mp3"},
		{"a document by URL", media(chat.Document, chat.Media{URL: "https://x"}), "base64"},
		{"text that is none", media(chat.Document, chat.Media{Type: "text/plain", Data: []byte("////")}), "UTF-8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Dialect{}.EncodeRequest(nil, &chat.Request{Messages: []chat.Message{{Content: []chat.Block{tt.block}}}}, exchange())
			var e *chat.Error
			if !errors.As(err, &e) || e.StatusCode() != 400 || !strings.Contains(e.Message, tt.part) {
				t.Errorf("%+v", err)
			}
		})
	}
	x := exchange()
	x.RejectUnsupported = true
	_, err := Dialect{}.EncodeRequest(nil, &chat.Request{Messages: asking(), TopK: chat.Value("4")}, x)
	var e *chat.Error
	if !errors.As(err, &e) || e.Code != "unsupported_parameter" || e.Param != "top_k" {
		t.Errorf("%+v", err)
	}
}
