package translate

import (
	"errors"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

const plainMessages = `"messages":[{"role":"user","content":"hi"}]`

func TestDetect(t *testing.T) {
	block := func(part string) string {
		return `{"messages":[{"role":"user","content":[{"type":"text","text":"a"},` + part + `]}]}`
	}
	tests := []struct{ name, body, want string }{
		// Claude by its version, whatever else is there.
		{"anthropic_version", `{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,` + plainMessages + `}`, "claude"},
		{"anthropic_version of any value", `{"anthropic_version":null,` + plainMessages + `}`, "claude"},
		{"anthropic_version behind an OpenAI word", `{"stop":["x"],` + plainMessages + `,"anthropic_version":"x"}`, "claude"},
		{"anthropic_version behind inputText", `{"inputText":"x","anthropic_version":"x"}`, "claude"},

		// Titan by its text.
		{"inputText alone", `{"inputText":"Hello"}`, "titan"},
		{"inputText with its config", `{"inputText":"Hello","textGenerationConfig":{"maxTokenCount":5}}`, "titan"},
		{"inputText beside messages", `{` + plainMessages + `,"stop":"x","inputText":"Hello"}`, "titan"},

		// OpenAI's own words.
		{"system message", `{"messages":[{"role":"system","content":"s"},{"role":"user","content":"u"}]}`, "openai"},
		{"developer message", `{"messages":[{"content":"s","role":"developer"}]}`, "openai"},
		{"tool message", `{"messages":[{"role":"tool","tool_call_id":"1","content":"s"}]}`, "openai"},
		{"function message", `{"messages":[{"role":"function","name":"f","content":"s"}]}`, "openai"},
		{"escaped role", `{"top_k":1,"max_tokens":2,"messages":[{"role":"\u0073ystem","content":"s"}]}`, "openai"},
		{"tool_calls", `{"messages":[{"role":"assistant","tool_calls":[]}]}`, "openai"},
		{"image_url", block(`{"type":"image_url","image_url":{"url":"x"}}`), "openai"},
		{"input_audio", block(`{"type":"input_audio"}`), "openai"},
		{"file", block(`{"type":"file"}`), "openai"},
		{"refusal", block(`{"type":"refusal"}`), "openai"},
		{"function tool", `{` + plainMessages + `,"tools":[{"type":"function","function":{"name":"f"}}]}`, "openai"},
		{"tool_choice a string", `{` + plainMessages + `,"tool_choice":"auto"}`, "openai"},
		{"tool_choice function", `{` + plainMessages + `,"tool_choice":{"type":"function","function":{"name":"f"}}}`, "openai"},
		{"tool_choice custom", `{` + plainMessages + `,"tool_choice":{"custom":{},"type":"custom"}}`, "openai"},
		{"tool_choice allowed_tools", `{` + plainMessages + `,"tool_choice":{"type":"allowed_tools"}}`, "openai"},
		{"stop", `{` + plainMessages + `,"stop":"x"}`, "openai"},
		{"response_format", `{` + plainMessages + `,"response_format":{}}`, "openai"},
		{"max_completion_tokens", `{` + plainMessages + `,"max_completion_tokens":1}`, "openai"},
		{"stream_options", `{` + plainMessages + `,"stream_options":{}}`, "openai"},
		{"n", `{` + plainMessages + `,"n":1}`, "openai"},
		{"seed", `{` + plainMessages + `,"seed":1}`, "openai"},
		{"logprobs", `{` + plainMessages + `,"logprobs":true}`, "openai"},
		{"frequency_penalty", `{` + plainMessages + `,"frequency_penalty":1}`, "openai"},
		{"presence_penalty", `{` + plainMessages + `,"presence_penalty":1}`, "openai"},
		{"OpenAI's words before Claude's", `{"system":"s","stop":"x",` + plainMessages + `}`, "openai"},
		{"a system message beside top_k", `{"max_tokens":1,"top_k":1,"messages":[{"role":"user","content":[{"type":"thinking"}]},{"role":"system","content":"s"}]}`, "openai"},

		// Claude's.
		{"system with max_tokens", `{"system":"s","max_tokens":5,` + plainMessages + `}`, "claude"},
		{"system as blocks", `{"system":[{"type":"text","text":"s"}],` + plainMessages + `}`, "claude"},
		{"stop_sequences", `{` + plainMessages + `,"stop_sequences":["x"]}`, "claude"},
		{"top_k with max_tokens", `{` + plainMessages + `,"top_k":5,"max_tokens":5}`, "claude"},
		{"input_schema", `{` + plainMessages + `,"tools":[{"name":"f","input_schema":{}}]}`, "claude"},
		{"tool_choice auto", `{` + plainMessages + `,"tool_choice":{"type":"auto"}}`, "claude"},
		{"tool_choice any", `{` + plainMessages + `,"tool_choice":{"type":"any"}}`, "claude"},
		{"tool_choice tool", `{` + plainMessages + `,"tool_choice":{"type":"tool","name":"f"}}`, "claude"},
		{"tool_choice none", `{` + plainMessages + `,"tool_choice":{"type":"none"}}`, "claude"},
		{"tool_use", block(`{"type":"tool_use","id":"1","name":"f","input":{"type":"file"}}`), "claude"},
		{"tool_result", block(`{"type":"tool_result","tool_use_id":"1"}`), "claude"},
		{"thinking", block(`{"type":"thinking","thinking":"x"}`), "claude"},
		{"redacted_thinking", block(`{"type":"redacted_thinking","data":"x"}`), "claude"},
		{"image with a source", block(`{"type":"image","source":{"type":"base64"}}`), "claude"},
		{"document with a source", block(`{"source":{"type":"text"},"type":"document"}`), "claude"},

		// A list of messages alone.
		{"messages alone", `{` + plainMessages + `}`, "openai"},
		{"messages with max_tokens", `{"model":"m","max_tokens":5,"temperature":1,"stream":true,` + plainMessages + `}`, "openai"},
		{"top_k alone", `{` + plainMessages + `,"top_k":5}`, "openai"},
		{"image without a source", block(`{"type":"image"}`), "openai"},
		{"no messages in the list", `{"messages":[]}`, "openai"},
		{"messages that are none", `{"messages":[1,"x",null,[{"role":"system"}]]}`, "openai"},

		// What the predecessor took for something else.
		{"OpenAI's named tool_choice with max_tokens is not Claude's", `{"model":"gpt-4o","max_tokens":100,` + plainMessages + `,"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"f"}}}`, "openai"},
		{"a system prompt without max_tokens is not lost", `{"model":"anthropic.claude-3-haiku","system":"Be brief.",` + plainMessages + `}`, "claude"},
		{"Titan needs no config", `{"model":"amazon.titan-text-express-v1","inputText":"User: Hi\n\nBot:"}`, "titan"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b chat.Body
			if err := b.ParseBody([]byte(tt.body)); err != nil {
				t.Fatal(err)
			}
			got, err := Detect(&b)
			if err != nil || got != tt.want {
				t.Errorf("Detect = %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestDetectNamesTheFormsItKnows(t *testing.T) {
	for _, body := range []string{`{}`, `{"model":"m"}`, `{"messages":"hi"}`, `{"system":"s"}`, `{"prompt":"x","max_tokens":1}`} {
		var b chat.Body
		if err := b.ParseBody([]byte(body)); err != nil {
			t.Fatal(err)
		}
		name, err := Detect(&b)
		var e *chat.Error
		if !errors.As(err, &e) || e.StatusCode() != 400 {
			t.Fatalf("%s: %q, %v", body, name, err)
		}
		for _, form := range []string{"OpenAI", "Claude", "Titan"} {
			if !strings.Contains(e.Message, form) {
				t.Errorf("%s: %q does not name %s", body, e.Message, form)
			}
		}
	}
}

func TestDetectAllocatesNothing(t *testing.T) {
	var b chat.Body
	if err := b.ParseBody([]byte(`{"model":"gpt-4o","temperature":1,"messages":[{"role":"user","content":"a \" b"},{"role":"assistant","content":[{"type":"text","text":"x"}]}]}`)); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		if _, err := Detect(&b); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
