package openai_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	simulator "github.com/open-bedrock/caddy-bedrock-gateway/simulator/openai"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/openai"
)

// ask sends a body to the simulated OpenAI, which refuses what the real one refuses.
func ask(t *testing.T, body []byte) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+simulator.DefaultKey)
	w := httptest.NewRecorder()
	simulator.New(simulator.Options{}).ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("OpenAI answers %d %s\nto %s", w.Code, w.Body, body)
	}
	return w.Body.String()
}

const (
	pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
	// everything is a body with all that the gateway knows beyond OpenAI.
	everything = `{"model":"gpt-4o","file_ids":["file-1"],"guardrailConfig":{"guardrailIdentifier":"g"},"thinking":{"type":"enabled","budget_tokens":2048},"cache_control":{"type":"ephemeral"},
	"messages":[{"role":"system","content":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral"}}]},
	{"role":"user","content":"call get_weather","cache_control":{"type":"ephemeral"}},
	{"role":"assistant","content":null,"reasoning_content":"hm","thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"s"}],"tool_calls":[{"id":"call_1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Paris\"}"}}]},
	{"role":"tool","tool_call_id":"call_1","content":"sunny","cache_control":{"type":"ephemeral"}},
	{"role":"user","content":[{"type":"text","text":"And this?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,` + pixel + `"}},{"type":"file","file":{"file_id":"file-ours"}}]}],
	"tools":[{"type":"function","function":{"name":"get_weather","description":"d","parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}},"cache_control":{"type":"ephemeral"}}],
	"tool_choice":"auto","parallel_tool_calls":true,"max_completion_tokens":99,"temperature":0.5,"top_p":0.9,"stop":["a"],"seed":1,"n":1,"stream":true,"user":"u"}`
)

func TestOpenAITakesWhatIsSpliced(t *testing.T) {
	var b chat.Body
	if err := b.ParseBody([]byte(everything)); err != nil {
		t.Fatal(err)
	}
	for _, model := range []string{"gpt-4o", "gpt-4o-mini"} {
		e := &chat.Edits{Model: model, AskUsage: true, Context: chat.String(`"=== FILES ==="`), FileText: func(string) (chat.String, error) { return chat.String(`"ours"`), nil }}
		out, err := openai.Dialect{}.Splice(nil, &b, e, &chat.Exchange{})
		if err != nil {
			t.Fatal(err)
		}
		if reply := ask(t, out); !strings.Contains(reply, "data: [DONE]") || !strings.Contains(reply, `"usage":{`) {
			t.Errorf("reply %s", reply)
		}
	}
}

// TestOpenAITakesWhatIsTranslated sends what clients of other dialects ask for, and reads the answers.
func TestOpenAITakesWhatIsTranslated(t *testing.T) {
	d := openai.Dialect{}
	for _, model := range []string{"gpt-4o", "gpt-5", "o3"} {
		for _, stream := range []bool{false, true} {
			x := &chat.Exchange{ID: "abc", TargetModel: model}
			r, err := d.DecodeRequest([]byte(everything), x)
			if err != nil {
				t.Fatal(err)
			}
			r.Dialect, r.Stream, r.Extra = "claude", stream, nil
			r.Tools = append(r.Tools, chat.Tool{Name: "my.other tool", Schema: chat.Value(`{"type":"object","properties":{}}`)})
			r.ToolChoice = chat.ToolChoice{Kind: chat.ToolsNamed, Name: "my.other tool"}
			content := r.Messages[len(r.Messages)-1].Content
			content[2] = chat.Block{Kind: chat.Document, Media: &chat.Media{Type: "text/plain", Name: "a.txt", Data: []byte("aGVsbG8=")}}
			body, err := d.EncodeRequest(nil, r, x)
			if err != nil {
				t.Fatal(err)
			}
			reply := ask(t, body)
			if !stream {
				got, err := d.DecodeResponse([]byte(reply), x)
				if err != nil {
					t.Fatal(err)
				}
				if len(got.Content) != 1 || got.Content[0].Tool == nil || got.Content[0].Tool.Name != "my.other tool" || got.Stop != chat.StopToolUse || !got.Usage.Known {
					t.Errorf("%s: %+v", model, got)
				}
				continue
			}
			decoder := d.NewStreamDecoder(x)
			var events []chat.Event
			for line := range strings.Lines(reply) {
				data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: ")
				if !ok {
					continue
				}
				if events, err = decoder.Decode(events, nil, []byte(data)); err != nil {
					t.Fatal(err)
				}
			}
			tool, usage := "", false
			for _, e := range events {
				tool += e.Name
				usage = usage || e.Kind == chat.EventUsage && e.Usage.Known
			}
			if tool != "my.other tool" || !usage || !decoder.Done() || events[len(events)-1].Kind != chat.EventEnd {
				t.Errorf("%s: tool %q, usage %v, done %v", model, tool, usage, decoder.Done())
			}
		}
	}
}
