package openai

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
)

const replyHead = `{"id":"chatcmpl-abc","object":"chat.completion","created":7,"model":"my \"model\"","choices":[{"index":0,"message":{"role":"assistant",`

func exchange() *chat.Exchange {
	return &chat.Exchange{ID: "abc", Created: 7, Model: `my "model"`, TargetModel: "upstream-model"}
}

func str(s string) chat.String { return chat.String(s) }

func textOf(s string) chat.Block { return chat.Block{Kind: chat.Text, Text: str(s)} }

func use(id, name, input string) chat.Block {
	return chat.Block{Kind: chat.ToolUse, Tool: &chat.Tooling{ID: id, Name: name, Input: chat.Value(input)}}
}

func TestEncodeResponse(t *testing.T) {
	tests := []struct {
		name string
		r    chat.Response
		x    func(*chat.Exchange)
		want string // what follows the message's role
		note string
	}{
		{
			"text",
			chat.Response{
				Content: []chat.Block{textOf(`"a\n"`), textOf(`"é"`)}, Stop: chat.StopEnd,
				Usage: chat.Usage{Known: true, Input: 3, Output: 4, CacheRead: 5, CacheWrite: 6, Reasoning: 2, ReasoningKnown: true},
			},
			nil,
			`"content":"a\né","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":14,"completion_tokens":4,"total_tokens":18,"prompt_tokens_details":{"cached_tokens":5,"cache_write_tokens":6},"completion_tokens_details":{"reasoning_tokens":2}}}`, "",
		},
		{
			"zero usage is shown as zero",
			chat.Response{Content: []chat.Block{textOf(`"a"`)}, Stop: chat.StopEnd, Usage: chat.Usage{Known: true}},
			nil,
			`"content":"a","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0,"prompt_tokens_details":{"cached_tokens":0}}}`, "",
		},
		{"nothing at all", chat.Response{}, nil, `"content":"","refusal":null},"logprobs":null,"finish_reason":"stop"}]}`, "no reason to stop"},
		{
			"tool calls beside text and thinking",
			chat.Response{Content: []chat.Block{{Kind: chat.Thinking, Text: str(`"hm"`), Own: chat.Own(chat.Value(`"s\/="`))}, {Kind: chat.RedactedThinking, Own: chat.Own(chat.Value(`"d="`))}, textOf(`"t"`), use("i", "f", `{ "a": "b \" \\ \n é" , "c":[ 1 ] }`), use("j", "g", `{}`)}, Stop: chat.StopToolUse},
			nil,
			`"content":"t","refusal":null,"reasoning_content":"hm","thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"s\/="},{"type":"redacted_thinking","data":"d="}],"tool_calls":[{"id":"i","type":"function","function":{"name":"f","arguments":"{\"a\":\"b \\\" \\\\ \\n é\",\"c\":[1]}"}},{"id":"j","type":"function","function":{"name":"g","arguments":"{}"}}]},"logprobs":null,"finish_reason":"tool_calls"}]}`, "",
		},
		{
			"tool calls alone",
			chat.Response{Content: []chat.Block{use("i", "f", `{}`)}, Stop: chat.StopEnd},
			nil,
			`"content":null,"refusal":null,"tool_calls":[{"id":"i","type":"function","function":{"name":"f","arguments":"{}"}}]},"logprobs":null,"finish_reason":"tool_calls"}]}`, "",
		},
		{
			"a deprecated function call",
			chat.Response{Content: []chat.Block{use("i", "f", `{}`)}, Stop: chat.StopToolUse},
			func(x *chat.Exchange) { x.FunctionCalls = true },
			`"content":null,"refusal":null,"function_call":{"name":"f","arguments":"{}"}},"logprobs":null,"finish_reason":"function_call"}]}`, "",
		},
		{
			"a forced output tool is the content",
			chat.Response{Content: []chat.Block{textOf(`"Here it is:"`), use("i", "out", "{\n \"a\": 1\n}")}, Stop: chat.StopToolUse},
			func(x *chat.Exchange) { x.OutputTool = "out" },
			`"content":"{\"a\":1}","refusal":null},"logprobs":null,"finish_reason":"stop"}]}`, "",
		},
		{
			"a real tool call beside a forced output tool",
			chat.Response{Content: []chat.Block{use("i", "f", `{}`)}, Stop: chat.StopToolUse},
			func(x *chat.Exchange) { x.OutputTool = "out" },
			`"content":null,"refusal":null,"tool_calls":[{"id":"i","type":"function","function":{"name":"f","arguments":"{}"}}]},"logprobs":null,"finish_reason":"tool_calls"}]}`, "",
		},
		{
			"words where a forced output tool was not called",
			chat.Response{Content: []chat.Block{textOf(`"no"`)}, Stop: chat.StopEnd},
			func(x *chat.Exchange) { x.OutputTool = "out" },
			`"content":"no","refusal":null},"logprobs":null,"finish_reason":"stop"}]}`, "",
		},
		{
			"refusal",
			chat.Response{Content: []chat.Block{{Kind: chat.Refusal, Text: str(`"no"`)}}, Stop: chat.StopFiltered},
			nil,
			`"content":null,"refusal":"no"},"logprobs":null,"finish_reason":"content_filter"}]}`, "",
		},
		{
			"guardrail trace when asked for",
			chat.Response{Content: []chat.Block{textOf(`"x"`)}, Stop: chat.StopFiltered, Trace: chat.Value("{\n\"guardrail\": {} }")},
			func(x *chat.Exchange) { x.ShowTrace = true },
			`"content":"x","refusal":null},"logprobs":null,"finish_reason":"content_filter"}],"bedrock":{"trace":{"guardrail":{}}}}`, "",
		},
		{
			"guardrail trace when not",
			chat.Response{Content: []chat.Block{textOf(`"x"`)}, Stop: chat.StopFiltered, Trace: chat.Value("{}")},
			nil,
			`"content":"x","refusal":null},"logprobs":null,"finish_reason":"content_filter"}]}`, "",
		},
		{
			"OpenAI's own fields",
			chat.Response{Content: []chat.Block{textOf(`"x"`)}, Stop: chat.StopLength, ServiceTier: "flex", Fingerprint: str(`"fp"`), Logprobs: chat.Value(`{ "content":[] }`)},
			nil,
			`"content":"x","refusal":null},"logprobs":{"content":[]},"finish_reason":"length"}],"service_tier":"flex","system_fingerprint":"fp"}`, "",
		},
		{
			"an unknown block is skipped",
			chat.Response{Content: []chat.Block{{Kind: chat.Opaque, Own: chat.Own(chat.Value(`{}`))}, textOf(`"x"`)}, Stop: chat.StopEnd},
			nil,
			`"content":"x","refusal":null},"logprobs":null,"finish_reason":"stop"}]}`, "opaque",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := exchange()
			if tt.x != nil {
				tt.x(x)
			}
			got, err := Dialect{}.EncodeResponse(nil, &tt.r, x)
			if err != nil {
				t.Fatal(err)
			}
			if want := replyHead + tt.want; string(got) != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if !json.Valid(got) {
				t.Error("not JSON")
			}
			if notes := strings.Join(x.Notes, "\n"); !strings.Contains(notes, tt.note) || tt.note == "" && notes != "" {
				t.Errorf("notes %q, want %q", notes, tt.note)
			}
		})
	}
}

func TestFinishReasons(t *testing.T) {
	for stop, want := range map[chat.StopReason]string{
		chat.StopEnd: "stop", chat.StopSequence: "stop", chat.StopLength: "length", chat.StopToolUse: "tool_calls",
		chat.StopFiltered: "content_filter", chat.StopContextFull: "length", chat.StopPause: "stop", chat.StopUnknown: "stop", 99: "stop",
	} {
		x := exchange()
		if got := finishReason(stop, false, false, x); got != want {
			t.Errorf("%d: %q, want %q", stop, got, want)
		}
		if unknown := stop == chat.StopUnknown || stop == 99; unknown != (len(x.Notes) == 1) {
			t.Errorf("%d: notes %q", stop, x.Notes)
		}
	}
}

func dumpResponse(r *chat.Response) string {
	return strings.Join([]string{r.ID, r.Model, dumpBlocks(r.Content), finishReasons[r.Stop]}, " | ")
}

func TestDecodeResponse(t *testing.T) {
	reply := func(message, finish string) string {
		return `{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o-2024","choices":[{"index":0,"message":` + message + `,"logprobs":null,"finish_reason":` + finish + `}]}`
	}
	const head = "chatcmpl-1 | gpt-4o-2024 | "
	tests := []struct{ name, body, want, note string }{
		{"text", reply(`{"role":"assistant","content":"a\n","refusal":null,"annotations":[]}`, `"stop"`), head + `text "a\n" | stop`, ""},
		{"null content with calls", reply(`{"content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}},{"id":"c2","type":"function","function":{"name":"g","arguments":""}}]}`, `"tool_calls"`), head + `tool_use c1 f {"a": 1}, tool_use c2 g {} | tool_calls`, ""},
		{"a forced call ends with stop", reply(`{"content":null,"tool_calls":[{"id":"c1","function":{"name":"f","arguments":"{}"}}]}`, `"stop"`), head + `tool_use c1 f {} | tool_calls`, ""},
		{"a function call", reply(`{"function_call":{"name":"f","arguments":"{}"}}`, `"function_call"`), head + `tool_use call_abc f {} | tool_calls`, ""},
		{"a custom tool", reply(`{"tool_calls":[{"id":"c","type":"custom","custom":{"name":"f","input":"free"}}]}`, `"tool_calls"`), head + `tool_use c f {"input":"free"} | tool_calls`, ""},
		{"broken arguments are kept", reply(`{"tool_calls":[{"id":"c","function":{"name":"f","arguments":"{\"a"}}]}`, `"tool_calls"`), head + `tool_use c f {"arguments":"{\"a"} | tool_calls`, "no JSON object"},
		{"arguments as an object", reply(`{"tool_calls":[{"id":"c","function":{"name":"f","arguments":{"a":1}}}]}`, `"tool_calls"`), head + `tool_use c f {"a":1} | tool_calls`, ""},
		{"reasoning", reply(`{"content":"a","reasoning_content":"r"}`, `"stop"`), head + `thinking "r", text "a" | stop`, ""},
		{"thinking blocks", reply(`{"reasoning_content":"r","content":"a","thinking_blocks":[{"type":"thinking","thinking":"r","signature":"s"}]}`, `"stop"`), head + `thinking "r" signed "s", text "a" | stop`, ""},
		{"broken thinking blocks", reply(`{"content":"a","thinking_blocks":[5]}`, `"stop"`), head + `text "a" | stop`, "thinking_blocks"},
		{"refusal", reply(`{"content":null,"refusal":"no"}`, `"stop"`), head + `refusal "no" | stop`, ""},
		{"content as parts", reply(`{"content":[{"type":"text","text":"a"},{"type":"x"},5]}`, `"length"`), head + `text "a" | length`, ""},
		{"filtered", reply(`{"content":""}`, `"content_filter"`), head + ` | content_filter`, ""},
		{"unknown finish_reason", reply(`{"content":"a"}`, `"eos"`), head + `text "a" | stop`, "eos"},
		{"null finish_reason", reply(`{"content":"a"}`, `null`), head + `text "a" | stop`, ""},
		{"no choices", `{"id":"i","choices":[]}`, `i |  |  | stop`, ""},
		{"several choices", `{"choices":[{"message":{"content":"a"},"finish_reason":"stop"},{"message":{"content":"b"}}]}`, ` |  | text "a" | stop`, "more than one"},
		{"a nameless call", reply(`{"content":"a","tool_calls":[{"id":"c"}]}`, `"stop"`), head + `text "a" | stop`, "without a name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := exchange()
			r, err := Dialect{}.DecodeResponse([]byte(tt.body), x)
			if err != nil {
				t.Fatal(err)
			}
			if got := dumpResponse(r); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if notes := strings.Join(x.Notes, "\n"); !strings.Contains(notes, tt.note) || tt.note == "" && notes != "" {
				t.Errorf("notes %q, want %q", notes, tt.note)
			}
		})
	}
}

func TestDecodeResponseCountsTokens(t *testing.T) {
	body := `{"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,"prompt_tokens_details":{"cached_tokens":60,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":8}},"service_tier":"default","system_fingerprint":"fp_1"}`
	r, err := Dialect{}.DecodeResponse([]byte(body), exchange())
	if err != nil {
		t.Fatal(err)
	}
	if want := (chat.Usage{Known: true, Input: 40, Output: 20, CacheRead: 60, Reasoning: 8, ReasoningKnown: true}); r.Usage != want {
		t.Errorf("got %+v, want %+v", r.Usage, want)
	}
	if r.ServiceTier != "default" || string(r.Fingerprint) != `"fp_1"` {
		t.Errorf("tier %q, fingerprint %s", r.ServiceTier, r.Fingerprint)
	}
	if r, err = (Dialect{}).DecodeResponse([]byte(`{"choices":[],"usage":null}`), exchange()); err != nil || r.Usage.Known {
		t.Errorf("usage invented: %+v, %v", r, err)
	}
}

func TestDecodeResponseGivesBackTheClientsNames(t *testing.T) {
	x := exchange()
	alias := x.ToolName("my.tool", rules.LegalName, maxName)
	r, err := Dialect{}.DecodeResponse([]byte(`{"choices":[{"message":{"tool_calls":[{"id":"c","function":{"name":"`+alias+`","arguments":"{}"}}]}}]}`), x)
	if err != nil || r.Content[0].Tool.Name != "my.tool" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestDecodeResponseReportsErrors(t *testing.T) {
	tests := []struct {
		name, body string
		status     int
		message    string
	}{
		{"no JSON", `<html>`, 502, "cannot be read"},
		{"cut", `{"choices":[`, 502, "cannot be read"},
		{"another type", `[]`, 502, "cannot be read"},
		{"an error with a good status", `{"error":{"message":"slow down","type":"rate_limit_error","code":"rate_limit_exceeded","param":null}}`, 429, "slow down"},
		{"an error as text", `{"error":"boom"}`, 502, "boom"},
		{"the gateway's credentials are not the client's fault", `{"error":{"message":"Incorrect API key provided: sk-secret","code":"invalid_api_key"}}`, 403, "the gateway's credentials"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Dialect{}.DecodeResponse([]byte(tt.body), exchange())
			var e *chat.Error
			if !errors.As(err, &e) || e.StatusCode() != tt.status || !strings.Contains(e.Message, tt.message) {
				t.Errorf("%+v", err)
			}
			if strings.Contains(err.Error(), "sk-secret") {
				t.Error("the key leaks")
			}
		})
	}
}

func TestEncodeError(t *testing.T) {
	tests := []struct {
		name string
		e    chat.Error
		want string
	}{
		{"the client's mistake", chat.Error{Message: "bad \"x\"", Param: "messages[0]"}, `{"error":{"message":"bad \"x\"","type":"invalid_request_error","param":"messages[0]","code":null}}`},
		{"unknown model", chat.Error{Kind: chat.ErrNotFound, Message: "m", Code: "model_not_found", Param: "model"}, `{"error":{"message":"m","type":"invalid_request_error","param":"model","code":"model_not_found"}}`},
		{"no key", chat.Error{Kind: chat.ErrAuthentication, Message: "m"}, `{"error":{"message":"m","type":"authentication_error","param":null,"code":"invalid_api_key"}}`},
		{"too fast", chat.Error{Kind: chat.ErrRateLimit, Message: "m"}, `{"error":{"message":"m","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}}`},
		{"upstream", chat.Error{Kind: chat.ErrUpstream, Message: "m"}, `{"error":{"message":"m","type":"api_error","param":null,"code":"upstream_error"}}`},
		{"OpenAI's own words", chat.Error{Kind: chat.ErrUpstream, Body: []byte(`{"error": {}}`), Dialect: "openai"}, `{"error": {}}`},
		{"another dialect's words", chat.Error{Kind: chat.ErrTimeout, Message: "m", Body: []byte(`{}`), Dialect: "claude"}, `{"error":{"message":"m","type":"timeout_error","param":null,"code":"timeout"}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string((Dialect{}).EncodeError(nil, &tt.e, "req")); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	for kind := chat.ErrInvalidRequest; kind <= chat.ErrUnsupported; kind++ {
		if rules.OpenAIErrorType(kind) == "" {
			t.Errorf("kind %d has no type", kind)
		}
	}
}

func TestEncodeResponseAllocatesNothing(t *testing.T) {
	x := exchange()
	r := &chat.Response{Content: []chat.Block{{Kind: chat.Thinking, Text: str(`"hm"`)}, textOf(`"` + strings.Repeat("word ", 200) + `"`), use("i", "f", `{"a": "b"}`)}, Stop: chat.StopToolUse, Usage: chat.Usage{Known: true}}
	buf := make([]byte, 0, 1<<14)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := (Dialect{}).EncodeResponse(buf, r, x); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
