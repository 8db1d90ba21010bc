package bedrock

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	runtimeapi "github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
)

// claudeSays is a Claude body with these messages and other members.
func claudeSays(messages, rest string) string {
	return `{"anthropic_version":"bedrock-2023-05-31","max_tokens":2048,"messages":[` + messages + `]` + rest + `}`
}

const (
	claudeHi     = `{"role":"user","content":"hi"}`
	claudeTools  = `,"tools":[{"name":"lookup","description":"d","input_schema":{"type":"object","properties":{"q":{"type":"string"}},"required":["q"]}}]`
	claudeCalled = `{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"lookup","input":{}}]}`
	claudeResult = `{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"42"}]}`
)

// invoked is a Claude reply, whole or put together from a stream.
type invoked struct {
	Model, Role string
	Content     []struct {
		Type, Text, Thinking, Signature, Name, ID string
		Input                                     json.RawMessage
	}
	StopReason   string `json:"stop_reason"`
	StopSequence string `json:"stop_sequence"`
	Usage        struct {
		InputTokens  int `json:"input_tokens"`
		OutputTokens int `json:"output_tokens"`
		CacheRead    int `json:"cache_read_input_tokens"`
		CacheWrite   int `json:"cache_creation_input_tokens"`
	}
}

func (i *invoked) text() string {
	s := ""
	for _, c := range i.Content {
		s += c.Text
	}
	return s
}

func (b *bench) invoke(model, body string) (*runtimeapi.InvokeModelOutput, error) {
	return b.client().InvokeModel(context.Background(), &runtimeapi.InvokeModelInput{ModelId: &model, Body: []byte(body), ContentType: aws.String("application/json")})
}

// chunks reads a stream of InvokeModel to its end.
func (b *bench) chunks(model, body string) ([]map[string]any, error) {
	out, err := b.client().InvokeModelWithResponseStream(context.Background(), &runtimeapi.InvokeModelWithResponseStreamInput{ModelId: &model, Body: []byte(body)})
	if err != nil {
		return nil, err
	}
	s := out.GetStream()
	defer s.Close()
	var list []map[string]any
	for e := range s.Events() {
		var m map[string]any
		if err := json.Unmarshal(e.(*types.ResponseStreamMemberChunk).Value.Bytes, &m); err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, s.Err()
}

func TestClaudeBodiesAreAnswered(t *testing.T) {
	b := newBench(t)
	thinking := `,"thinking":{"type":"enabled","budget_tokens":1024}`
	for name, tt := range map[string]struct{ model, body, want, stop string }{
		"a string":        {haiku3, claudeSays(claudeHi, ""), "You said: hi", "end_turn"},
		"blocks":          {sonnet45, claudeSays(`{"role":"user","content":[{"type":"text","text":"see","cache_control":{"type":"ephemeral","ttl":"1h"}},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"`+b64(png)+`"}},{"type":"document","title":"d","source":{"type":"text","media_type":"text/plain","data":"abc"},"citations":{"enabled":true}}]}`, ""), `You said: see [image png, 12 bytes] [document "d" text/plain, 3 bytes]`, "end_turn"},
		"system messages": {opus48ID, claudeSays(claudeHi+`,{"role":"system","content":"be good"}`, ""), "You said: hi", "end_turn"},
		"system":          {haiku3, claudeSays(claudeHi, `,"system":[{"type":"text","text":"be good"}],"metadata":{"user_id":"u"},"top_k":3,"temperature":1`), "You said: hi", "end_turn"},
		"user twice":      {haiku3, claudeSays(claudeHi+`,{"role":"user","content":"ho"}`, ""), "You said: hi\nho", "end_turn"},
		"prefill":         {haiku3, claudeSays(claudeHi+`,{"role":"assistant","content":"You said:"}`, ""), " hi", "end_turn"},
		"a result":        {haiku3, claudeSays(claudeHi+","+claudeCalled+","+claudeResult, claudeTools), "The tool said: 42", "end_turn"},
		"a forced tool":   {haiku3, claudeSays(claudeHi, claudeTools+`,"tool_choice":{"type":"tool","name":"lookup","disable_parallel_tool_use":true}`), "", "tool_use"},
		"choice none":     {haiku3, claudeSays(`{"role":"user","content":"call lookup"}`, claudeTools+`,"tool_choice":{"type":"none"}`), "You said: call lookup", "end_turn"},
		"a stop sequence": {haiku3, claudeSays(`{"role":"user","content":"a END b"}`, `,"stop_sequences":["END"]`), "You said: a ", "stop_sequence"},
		"thinking":        {sonnet45, claudeSays(claudeHi, thinking), "You said: hi", "end_turn"},
		"structured":      {sonnet45, claudeSays(claudeHi, `,"output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{"a":{"const":1}},"required":["a"],"additionalProperties":false}}}`), `{"a":1}`, "end_turn"},
		"adaptive":        {opus47, claudeSays(claudeHi, `,"thinking":{"type":"adaptive","display":"summarized"},"output_config":{"effort":"max"},"anthropic_beta":["interleaved-thinking-2025-05-14"]`), "You said: hi", "end_turn"},
		"own tools":       {sonnet45, claudeSays(claudeHi, `,"tools":[{"type":"bash_20250124","name":"bash"}],"anthropic_beta":["computer-use-2025-01-24"]`), "You said: hi", "end_turn"},
		"refused":         {sonnet45, claudeSays(`{"role":"user","content":"x [[fault:filtered=refusal]]"}`, ""), "", "refusal"},
		"paused":          {sonnet45, claudeSays(`{"role":"user","content":"x [[fault:pause]]"}`, ""), "You said: x", "pause_turn"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := b.invoke(tt.model, tt.body)
			if err != nil {
				t.Fatal(err)
			}
			var got invoked
			if err := json.Unmarshal(out.Body, &got); err != nil {
				t.Fatal(err)
			}
			if got.text() != tt.want || got.StopReason != tt.stop {
				t.Errorf("text %q, stop %q", got.text(), got.StopReason)
			}
			list, err := b.chunks(tt.model, tt.body)
			if err != nil {
				t.Fatal(err)
			}
			text, stop := "", ""
			for _, c := range list {
				d, _ := c["delta"].(map[string]any)
				if s, ok := d["text"].(string); ok {
					text += s
				}
				if s, ok := d["stop_reason"].(string); ok {
					stop = s
				}
			}
			last := list[len(list)-1]
			if text != tt.want || stop != tt.stop || list[0]["type"] != "message_start" || last["amazon-bedrock-invocationMetrics"] == nil {
				t.Errorf("streamed text %q, stop %q, last %v", text, stop, last)
			}
		})
	}
}

func TestClaudeToolCallsStreamAsFragments(t *testing.T) {
	b := newBench(t)
	list, err := b.chunks(sonnet45, claudeSays(`{"role":"user","content":"say and call lookup {\"q\":\"a rather long value\"}"}`, claudeTools+`,"thinking":{"type":"enabled","budget_tokens":1024}`))
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	input := ""
	for _, c := range list {
		if block, ok := c["content_block"].(map[string]any); ok {
			order = append(order, block["type"].(string))
		}
		if d, ok := c["delta"].(map[string]any); ok && d["type"] == "input_json_delta" {
			input += d["partial_json"].(string)
		}
	}
	if strings.Join(order, " ") != "thinking text tool_use" || input != `{"q":"a rather long value"}` {
		t.Errorf("blocks %v, input %s", order, input)
	}
}

func TestInvalidInvokeBodiesAreRefused(t *testing.T) {
	b := newBench(t)
	thinking := `,"thinking":{"type":"enabled","budget_tokens":1024}`
	for _, tt := range []struct{ name, model, body, message string }{
		{"no JSON", haiku3, `{`, "Malformed input request"},
		{"no version", haiku3, `{"max_tokens":5,"messages":[` + claudeHi + `]}`, "#: required key [anthropic_version] not found"},
		{"another version", haiku3, strings.Replace(claudeSays(claudeHi, ""), "bedrock-2023-05-31", "2026-10-21", 1), "#/anthropic_version: 2026-10-21 is not a valid enum value"},
		{"no max_tokens", haiku3, `{"anthropic_version":"bedrock-2023-05-31","messages":[` + claudeHi + `]}`, "#: required key [max_tokens] not found"},
		{"model", haiku3, claudeSays(claudeHi, `,"model":"claude"`), "#: extraneous key [model] is not permitted"},
		{"stream", haiku3, claudeSays(claudeHi, `,"stream":true`), "#: extraneous key [stream] is not permitted"},
		{"too many tokens", haiku3, strings.Replace(claudeSays(claudeHi, ""), "2048", "5000", 1), "max_tokens: 5000 > 4096, which is the maximum allowed number of output tokens for claude-3-haiku-20240307"},
		{"no messages", haiku3, claudeSays("", ""), "messages: at least one message is required"},
		{"assistant first", haiku3, claudeSays(`{"role":"assistant","content":"x"}`, ""), `first message must use the "user" role`},
		{"a system role", haiku3, claudeSays(`{"role":"system","content":"x"}`, ""), `messages: Unexpected role "system"`},
		{"another role", haiku3, claudeSays(`{"role":"tool","content":"x"}`, ""), "messages.0.role: Input should be 'user', 'assistant'"},
		{"a system message at the start", opus48ID, claudeSays(`{"role":"system","content":"x"}`, ""), "messages.0: use the top-level 'system'"},
		{"a system message before the user", opus48ID, claudeSays(claudeHi+`,{"role":"system","content":"x"},`+claudeHi, ""), "messages.1: role 'system' must precede"},
		{"a system message of two", opus48ID, claudeSays(claudeHi+`,{"role":"system","content":"x"},{"role":"system","content":"y"}`, ""), "messages.1: role 'system' must precede"},
		{"a system message with an image", opus48ID, claudeSays(claudeHi+`,{"role":"system","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]}`, ""), "messages.1: role 'system' takes text"},
		{"an unknown block", haiku3, claudeSays(`{"role":"user","content":[{"type":"input_text","text":"x"}]}`, ""), "messages.0.content.0: Input tag 'input_text' found using 'type' does not match any of the expected tags"},
		{"an extra member", haiku3, claudeSays(`{"role":"user","content":[{"type":"text","text":"x","foo":1}]}`, ""), "messages.0.content.0.text.foo: Extra inputs are not permitted"},
		{"a missing member", haiku3, claudeSays(`{"role":"user","content":[{"type":"text"}]}`, ""), "messages.0.content.0.text.text: Field required"},
		{"empty text", haiku3, claudeSays(`{"role":"user","content":[{"type":"text","text":"x"},{"type":"text","text":""}]}`, ""), "messages: text content blocks must be non-empty"},
		{"blank text", haiku3, claudeSays(`{"role":"user","content":[{"type":"text","text":" "}]}`, ""), "must contain non-whitespace text"},
		{"empty content", haiku3, claudeSays(`{"role":"user","content":""}`, ""), "messages.0: all messages must have non-empty content"},
		{"a URL image", haiku3, claudeSays(`{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://example.com/a.png"}}]}`, ""), "messages.0.content.0.image.source: Input tag 'url' found using 'type' does not match any of the expected tags: 'base64'"},
		{"an image of another type", haiku3, claudeSays(`{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"`+b64(png)+`"}}]}`, ""), "Image does not match the provided media type image/jpeg"},
		{"a file document", haiku3, claudeSays(`{"role":"user","content":[{"type":"document","source":{"type":"file","file_id":"f"}}]}`, ""), "Input tag 'file'"},
		{"a call without a result", haiku3, claudeSays(claudeHi+","+claudeCalled+","+claudeHi, claudeTools), "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1."},
		{"a result after text", haiku3, claudeSays(claudeHi+","+claudeCalled+`,{"role":"user","content":[{"type":"text","text":"x"},{"type":"tool_result","tool_use_id":"toolu_1"}]}`, claudeTools), "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1."},
		{"a result without a call", haiku3, claudeSays(claudeResult, claudeTools), "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1."},
		{"tool blocks without tools", haiku3, claudeSays(claudeHi+","+claudeCalled+","+claudeResult, ""), "must define tools"},
		{"a tool use of the user", haiku3, claudeSays(strings.Replace(claudeCalled, "assistant", "user", 1), claudeTools), "`tool_use` blocks can only be in `assistant` messages"},
		{"a result of the assistant", haiku3, claudeSays(claudeHi+","+strings.Replace(claudeResult, "user", "assistant", 1), claudeTools), "`tool_result` blocks can only be in `user` messages"},
		{"a tool twice", haiku3, claudeSays(claudeHi, `,"tools":[{"name":"a","input_schema":{"type":"object"}},{"name":"a","input_schema":{"type":"object"}}]`), "tools: Tool names must be unique."},
		{"an odd tool name", haiku3, claudeSays(claudeHi, `,"tools":[{"name":"a.b","input_schema":{"type":"object"}}]`), "tools.0.custom.name: String should match pattern"},
		{"a schema without type", haiku3, claudeSays(claudeHi, `,"tools":[{"name":"a","input_schema":{}}]`), "tools.0.custom.input_schema.type: Field required"},
		{"a function tool", haiku3, claudeSays(claudeHi, `,"tools":[{"type":"function","function":{}}]`), "tools.0: Input tag 'function'"},
		{"a choice without tools", haiku3, claudeSays(claudeHi, `,"tool_choice":{"type":"any"}`), "tool_choice may only be specified while providing tools."},
		{"a choice of an unknown tool", haiku3, claudeSays(claudeHi, claudeTools+`,"tool_choice":{"type":"tool","name":"b"}`), "Tool 'b' not found in provided tools"},
		{"a forced tool with thinking", sonnet45, claudeSays(claudeHi, claudeTools+`,"tool_choice":{"type":"any"}`+thinking), "Thinking may not be enabled when tool_choice forces tool use."},
		{"foreign thinking", sonnet45, claudeSays(claudeHi+`,{"role":"assistant","content":[{"type":"thinking","thinking":"x","signature":"y"},{"type":"text","text":"z"}]},`+claudeHi, thinking), "messages.1.content.0: Invalid `signature` in `thinking` block"},
		{"no thinking before a call", sonnet45, claudeSays(claudeHi+","+claudeCalled+","+claudeResult, claudeTools+thinking), "Expected `thinking` or `redacted_thinking`, but found `tool_use`"},
		{"five cache controls", sonnet45, claudeSays(`{"role":"user","content":[`+strings.TrimPrefix(strings.Repeat(`,{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}`, 5), ",")+`]}`, ""), "A maximum of 4 blocks with cache_control may be provided. Found 5."},
		{"a beta", sonnet45, claudeSays(claudeHi, `,"anthropic_beta":["oauth-2025-04-20"]`), "invalid beta flag"},
		{"temperature on a newer Claude", opus47, claudeSays(claudeHi, `,"temperature":1`), "`temperature` is deprecated for this model."},
		{"temperature over 1", haiku3, claudeSays(claudeHi, `,"temperature":1.5`), "temperature: Input should be less than or equal to 1"},
		{"prefill on a newer Claude", opus47, claudeSays(claudeHi+`,{"role":"assistant","content":"x"}`, ""), "does not support assistant message prefill"},
		{"a blank stop sequence", haiku3, claudeSays(claudeHi, `,"stop_sequences":["\n"]`), "stop_sequences.0"},
		{"another family", "amazon.nova-lite-v1:0", `{}`, "Claude and Titan models, and those that embed or rank, only"},

		{"Titan without text", titan, `{}`, "#: required key [inputText] not found"},
		{"Titan with empty text", titan, `{"inputText":""}`, "#/inputText: expected minLength: 1, actual: 0"},
		{"Titan with messages", titan, `{"inputText":"x","messages":[]}`, "#: extraneous key [messages] is not permitted"},
		{"Titan with top_k", titan, `{"inputText":"x","textGenerationConfig":{"topK":5}}`, "#/textGenerationConfig: extraneous key [topK]"},
		{"Titan with many tokens", titan, `{"inputText":"x","textGenerationConfig":{"maxTokenCount":9000}}`, "9000 is not less or equal to 8192"},
		{"Titan with a stop sequence", titan, `{"inputText":"x","textGenerationConfig":{"stopSequences":["END"]}}`, `string [END] does not match pattern ^(\|+|User:)$`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := b.send(http.MethodPost, "/model/"+url.PathEscape(tt.model)+"/invoke", tt.body, bearer)
			if got.status != http.StatusBadRequest || got.name != "ValidationException" || !strings.Contains(got.message, tt.message) {
				t.Errorf("%d %s %q\nwant %q", got.status, got.name, got.message, tt.message)
			}
		})
	}
}

const titan = "amazon.titan-text-express-v1"

func TestInvokeHeaders(t *testing.T) {
	b := newBench(t)
	path := "/model/" + haiku3 + "/invoke"
	for name, tt := range map[string]struct {
		header, value, message string
	}{
		"octets":            {"Content-Type", "application/octet-stream", ""},
		"a form":            {"Content-Type", "text/plain", "content type"},
		"another accept":    {"Accept", "text/html", "response type"},
		"a trace":           {"X-Amzn-Bedrock-Trace", "enabled", "[ENABLED, DISABLED, ENABLED_FULL]"},
		"a guardrail alone": {"X-Amzn-Bedrock-GuardrailIdentifier", "abc", "together"},
		"a tier":            {"X-Amzn-Bedrock-Service-Tier", "auto", "[priority"},
	} {
		got := b.send(http.MethodPost, path, claudeSays(claudeHi, ""), bearer, func(r *http.Request) { r.Header.Set(tt.header, tt.value) })
		if (got.status == http.StatusOK) != (tt.message == "") || !strings.Contains(got.message, tt.message) {
			t.Errorf("%s: %d %q", name, got.status, got.message)
		}
	}
	got := b.send(http.MethodPost, path, claudeSays(claudeHi, ""), bearer, func(r *http.Request) {
		r.Header.Set("X-Amzn-Bedrock-GuardrailIdentifier", "abc")
		r.Header.Set("X-Amzn-Bedrock-GuardrailVersion", "1")
	})
	if got.header.Get("X-Amzn-Bedrock-Input-Token-Count") != "4" || got.header.Get("X-Amzn-Bedrock-Output-Token-Count") != "3" ||
		got.header.Get("X-Amzn-Bedrock-Invocation-Latency") == "" || !strings.Contains(string(got.body), `"amazon-bedrock-guardrailAction":"NONE"`) {
		t.Errorf("%v %s", got.header, got.body)
	}
}

func TestTitanBodiesAreAnswered(t *testing.T) {
	b := newBench(t)
	for name, tt := range map[string]struct{ body, want, reason string }{
		"a prompt":        {`{"inputText":"hello there"}`, "You said: hello there", "FINISH"},
		"a conversation":  {`{"inputText":"be good\n\nUser: a\nBot: b\nUser: one two\nBot:"}`, "You said: one two", "FINISH"},
		"few tokens":      {`{"inputText":"a b c d","textGenerationConfig":{"maxTokenCount":3,"temperature":0,"topP":1,"stopSequences":[]}}`, "You said: a", "LENGTH"},
		"a stop sequence": {`{"inputText":"a | b","textGenerationConfig":{"stopSequences":["|"]}}`, "You said: a ", "STOP_CRITERIA_MET"},
		"filtered":        {`{"inputText":"x [[fault:filtered=content]]"}`, "", "CONTENT_FILTERED"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := b.invoke(titan, tt.body)
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				Results []struct{ OutputText, CompletionReason string }
			}
			if err := json.Unmarshal(out.Body, &got); err != nil || len(got.Results) != 1 || got.Results[0].OutputText != tt.want || got.Results[0].CompletionReason != tt.reason {
				t.Errorf("%s %v", out.Body, err)
			}
			list, err := b.chunks(titan, tt.body)
			if err != nil {
				t.Fatal(err)
			}
			text := ""
			for _, c := range list {
				text += c["outputText"].(string)
			}
			last := list[len(list)-1]
			if text != tt.want || last["completionReason"] != tt.reason || last["amazon-bedrock-invocationMetrics"] == nil {
				t.Errorf("streamed %q, last %v", text, last)
			}
		})
	}
}
