package openai

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/fault"
)

// told is what a client makes of a reply, unary or streamed.
type told struct {
	text, refusal, finish string
	calls                 []string
	usage                 *usage
}

func unary(t *testing.T, body string) told {
	t.Helper()
	status, reply, _ := ask(t, New(Options{}), "/v1/chat/completions", body)
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, reply)
	}
	var k struct {
		Choices []struct {
			Message struct {
				Content, Refusal *string
				ToolCalls        []callObject  `json:"tool_calls"`
				FunctionCall     *functionPart `json:"function_call"`
			}
			FinishReason string `json:"finish_reason"`
		}
		Usage *usage
	}
	if err := json.Unmarshal([]byte(reply), &k); err != nil {
		t.Fatal(err)
	}
	m := k.Choices[0].Message
	out := told{finish: k.Choices[0].FinishReason, usage: k.Usage}
	if m.Content != nil {
		out.text = *m.Content
	}
	if m.Refusal != nil {
		out.refusal = *m.Refusal
	}
	for _, c := range m.ToolCalls {
		out.calls = append(out.calls, c.ID+" "+c.Type+" "+written(c))
	}
	if m.FunctionCall != nil {
		out.calls = append(out.calls, "function_call "+m.FunctionCall.Name+m.FunctionCall.Arguments)
	}
	return out
}

func written(c callObject) string {
	if c.Custom != nil {
		return c.Custom.Name + c.Custom.Input
	}
	return c.Function.Name + c.Function.Arguments
}

// events reads the data of every event of a stream, to the last byte.
func events(t *testing.T, body string) []string {
	t.Helper()
	var out []string
	lines := bufio.NewScanner(strings.NewReader(body))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			out = append(out, data)
		}
	}
	return out
}

// streamed asks for the same as a stream, and puts the first choice together.
func streamed(t *testing.T, body string) told {
	t.Helper()
	body = strings.TrimSuffix(body, "}") + `,"stream":true,"stream_options":{"include_usage":true}}`
	status, reply, h := ask(t, New(Options{}), "/v1/chat/completions", body)
	if status != http.StatusOK || !strings.HasPrefix(h.Get("Content-Type"), "text/event-stream") {
		t.Fatalf("%d %s", status, reply)
	}
	all := events(t, reply)
	if all[len(all)-1] != "[DONE]" {
		t.Fatalf("the last event is %s", all[len(all)-1])
	}
	var out told
	calls := map[int]*callObject{}
	for i, data := range all[:len(all)-1] {
		var k struct {
			Choices []struct {
				Index int
				Delta struct {
					Role             string
					Content, Refusal *string
					ToolCalls        []callObject  `json:"tool_calls"`
					FunctionCall     *functionPart `json:"function_call"`
				}
				FinishReason *string `json:"finish_reason"`
			}
			Usage *usage
		}
		if err := json.Unmarshal([]byte(data), &k); err != nil {
			t.Fatal(err)
		}
		if i == 0 && k.Choices[0].Delta.Role != "assistant" {
			t.Errorf("the first chunk has no role: %s", data)
		}
		if k.Usage != nil {
			out.usage = k.Usage
			continue
		}
		if !strings.Contains(data, `"usage":null`) {
			t.Errorf("a chunk without usage: %s", data)
		}
		if k.Choices[0].Index != 0 {
			continue
		}
		d := k.Choices[0].Delta
		if d.Content != nil {
			out.text += *d.Content
		}
		if d.Refusal != nil {
			out.refusal += *d.Refusal
		}
		if k.Choices[0].FinishReason != nil {
			out.finish = *k.Choices[0].FinishReason
		}
		if d.FunctionCall != nil && d.FunctionCall.Name != "" {
			out.calls = append(out.calls, "function_call "+d.FunctionCall.Name)
		} else if d.FunctionCall != nil {
			out.calls[0] += d.FunctionCall.Arguments
		}
		for _, c := range d.ToolCalls {
			switch k := calls[*c.Index]; {
			case k == nil:
				calls[*c.Index] = &c
			case c.Custom != nil:
				k.Custom.Input += c.Custom.Input
			default:
				k.Function.Arguments += c.Function.Arguments
			}
		}
	}
	for i := range len(calls) {
		out.calls = append(out.calls, calls[i].ID+" "+calls[i].Type+" "+written(*calls[i]))
	}
	return out
}

func TestAnswers(t *testing.T) {
	const weather = `"tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":` +
		`{"city":{"type":"string"},"unit":{"enum":["C","F"]},"days":{"type":"integer","minimum":3}}}}},` +
		`{"type":"function","function":{"name":"get_time"}},{"type":"custom","custom":{"name":"note"}}]`
	say := func(text, more string) string {
		return `{"model":"gpt-4o","messages":[{"role":"system","content":"s"},{"role":"user","content":` + string(marshal(text)) + `}]` + more + `}`
	}
	const made = `call_get_weather_1 function get_weather{"city":"city","days":3,"unit":"C"}`
	for _, c := range []struct {
		name, body string
		want       told
	}{
		{"echo", say("Grüße, 世界!", ""), told{text: "You said: Grüße, 世界!", finish: "stop"}},
		{"a fault is not echoed", say("hi [[fault:slow=0]]", ""), told{text: "You said: hi", finish: "stop"}},
		{
			"an image and a file",
			`{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"text","text":"look"},{"type":"image_url","image_url":{"url":"data:image/png;base64,` + pixel + `"}},{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERi0="}}]}]}`,
			told{text: "You said: look [image image/png 70 bytes] [file a.pdf application/pdf 5 bytes]", finish: "stop"},
		},
		{"a tool by name", say("please call get_weather now", ","+weather), told{calls: []string{made}, finish: "tool_calls"}},
		{
			"two tools, with arguments",
			say(`call get_weather {"city": "Köln"} and call get_time`, ","+weather),
			told{calls: []string{`call_get_weather_1 function get_weather{"city": "Köln"}`, "call_get_time_2 function get_time{}"}, finish: "tool_calls"},
		},
		{"two tools in one breath", say(`Call get_time, get_weather {"city":"Köln"} and nothing else`, ","+weather), told{calls: []string{"call_get_time_1 function get_time{}", `call_get_weather_2 function get_weather{"city":"Köln"}`}, finish: "tool_calls"}},
		{"any tool by that word", say(`call any`, ","+weather), told{calls: []string{made}, finish: "tool_calls"}},
		{"all tools", say(`call all`, ","+weather), told{calls: []string{made, "call_get_time_2 function get_time{}", "call_note_3 custom note"}, finish: "tool_calls"}},
		{"text and a call", say(`say and call get_time`, ","+weather), told{text: "Let me call get_time.", calls: []string{"call_get_time_1 function get_time{}"}, finish: "tool_calls"}},
		{"only one when they may not be parallel", say(`call get_weather and call get_time`, `,"parallel_tool_calls":false,`+weather), told{calls: []string{made}, finish: "tool_calls"}},
		{"a custom tool", say("call note", ","+weather), told{calls: []string{"call_note_1 custom note"}, finish: "tool_calls"}},
		{"a custom tool with its text", say(`call note {"input":"ä\nb"}`, ","+weather), told{calls: []string{"call_note_1 custom noteä\nb"}, finish: "tool_calls"}},
		{"a tool that was not given", say("call me", ","+weather), told{text: "You said: call me", finish: "stop"}},
		{"any tool", say("hello", `,"tool_choice":"required",`+weather), told{calls: []string{made}, finish: "tool_calls"}},
		{"the named tool", say("hello", `,"tool_choice":{"type":"function","function":{"name":"get_time"}},`+weather), told{calls: []string{"call_get_time_1 function get_time{}"}, finish: "stop"}},
		{"no tool", say("call get_time", `,"tool_choice":"none",`+weather), told{text: "You said: call get_time", finish: "stop"}},
		{
			"only allowed tools",
			say("call get_weather", `,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"get_time"}}]}},`+weather),
			told{calls: []string{"call_get_time_1 function get_time{}"}, finish: "tool_calls"},
		},
		{
			"a tool's result",
			`{"model":"gpt-4o",` + weather + `,"messages":[{"role":"user","content":"call get_time"},{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"get_time","arguments":"{}"}},{"id":"b","type":"function","function":{"name":"get_time","arguments":"{}"}}]},{"role":"tool","name":"get_time","tool_call_id":"a","content":"noon"},{"role":"tool","tool_call_id":"b","content":"later"}]}`,
			told{text: "The tool said: noon; later", finish: "stop"},
		},
		{
			"the next step in a tool's result",
			`{"model":"gpt-4o",` + weather + `,"messages":[{"role":"user","content":"call get_time"},{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"get_time","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"Noon, then call get_time {\"zone\":1}"}]}`,
			told{calls: []string{`call_get_time_1 function get_time{"zone":1}`}, finish: "tool_calls"},
		},
		{"a deprecated function", say("call f", `,"functions":[{"name":"f"}]`), told{calls: []string{"function_call f{}"}, finish: "function_call"}},
		{
			"structured output, with a schema that refers to itself",
			say("x", `,"response_format":{"type":"json_schema","json_schema":{"name":"s","strict":true,"schema":{"type":"object","properties":{"name":{"type":"string"},"list":{"type":"array","items":{"$ref":"#/$defs/N"}},"day":{"type":"string","format":"date"},"maybe":{"anyOf":[{"type":"null"},{"type":"number"}]}},"required":["name","list","day","maybe"],"additionalProperties":false,"$defs":{"N":{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"],"additionalProperties":false}}}}}`),
			told{text: `{"day":"2026-01-02","list":[{"ok":true}],"maybe":1,"name":"name"}`, finish: "stop"},
		},
		{"json_object", say("as JSON", `,"response_format":{"type":"json_object"}`), told{text: `{"said":"as JSON"}`, finish: "stop"}},
		{"a stop sequence", say("one two three", `,"stop":" two"`), told{text: "You said: one", finish: "stop"}},
		{"a limit", say("one two three", `,"max_tokens":3`), told{text: "You said: on", finish: "length"}},
		{"a refusal", say("x [[fault:filtered=refusal]]", ""), told{refusal: "I'm sorry, I can't assist with that request.", finish: "stop"}},
		{"a content filter", say("x [[fault:filtered=content]]", ""), told{text: "You said: x", finish: "content_filter"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			one, two := unary(t, c.body), streamed(t, c.body)
			for how, got := range map[string]told{"unary": one, "streamed": two} {
				if got.text != c.want.text || got.refusal != c.want.refusal || got.finish != c.want.finish ||
					strings.Join(got.calls, "\n") != strings.Join(c.want.calls, "\n") {
					t.Errorf("%s: got %+v\nwant %+v", how, got, c.want)
				}
			}
			if one.usage == nil || two.usage == nil || *one.usage != *two.usage || one.usage.CompletionTokens == 0 {
				t.Errorf("usage differs: %+v and %+v", one.usage, two.usage)
			}
		})
	}
}

func TestSeveralChoicesAndLikelihoods(t *testing.T) {
	body := `{"model":"o3-mini","messages":[{"role":"user","content":"hi"}]}`
	if got := unary(t, body).usage.CompletionDetails.ReasoningTokens; got != 64 {
		t.Errorf("reasoning tokens: %d", got)
	}
	body = `{"model":"gpt-4o","n":3,"logprobs":true,"top_logprobs":2,"messages":[{"role":"user","content":"hi"}]}`
	_, reply, _ := ask(t, New(Options{}), "/v1/chat/completions", body)
	var k completion
	if err := json.Unmarshal([]byte(reply), &k); err != nil {
		t.Fatal(err)
	}
	if len(k.Choices) != 3 || *k.Choices[2].Message.Content != "You said: hi (choice 3)" || k.Choices[2].Index != 2 {
		t.Fatalf("choices: %s", reply)
	}
	tokens := k.Choices[0].Logprobs.Content
	if len(tokens) != 3 || tokens[0].Token != "You" || len(*tokens[0].Top) != 2 || tokens[0].Bytes[0] != 'Y' {
		t.Errorf("logprobs: %+v", tokens)
	}
	if k.Model != "gpt-4o-2024-08-06" {
		t.Errorf("model %q, want the snapshot", k.Model)
	}
}

// TestObfuscation: it is on unless turned off, and fills chunks up to even lengths.
func TestObfuscation(t *testing.T) {
	for options, want := range map[string]bool{
		"": true,
		`,"stream_options":{"include_obfuscation":false}`: false,
	} {
		body := `{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"hi"}]` + options + `}`
		_, reply, _ := ask(t, New(Options{}), "/v1/chat/completions", body)
		if got := strings.Contains(reply, `"obfuscation":"`); got != want {
			t.Errorf("with %q: obfuscation %v\n%s", options, got, reply)
		}
		if strings.Contains(reply, `"usage"`) {
			t.Errorf("usage nobody asked for: %s", reply)
		}
	}
}

func TestFaultsOfOneCall(t *testing.T) {
	say := func(text string) string {
		return `{"model":"gpt-4o","messages":[{"role":"user","content":"` + text + `"}]}`
	}
	for _, c := range []struct {
		fault  string
		status int
		phrase string
	}{
		{"throttle", 429, "rate_limit_exceeded"},
		{"ServiceQuotaExceededException", 429, "insufficient_quota"},
		{"ServiceUnavailableException", 503, "overloaded"},
		{"InternalServerException", 500, "server_error"},
		{"context", 400, "context_length_exceeded"},
		{"status=502", 502, "<html>"},
		{"nonsense", 400, "unknown or malformed fault"},
	} {
		t.Run(c.fault, func(t *testing.T) {
			status, reply, _ := ask(t, New(Options{}), "/v1/chat/completions", say("x [[fault:"+c.fault+"]]"))
			if status != c.status || !strings.Contains(reply, c.phrase) {
				t.Errorf("got %d %s", status, reply)
			}
		})
	}
	s := New(Options{})
	for i, want := range []int{429, 429, 200, 429} {
		status, _, h := ask(t, s, "/v1/chat/completions", say("x [[fault:throttle=2,retry-after=3]]"))
		if status != want {
			t.Errorf("call %d: %d, want %d", i, status, want)
		}
		if after := h.Get("Retry-After"); (after == "3") != (want == 429) {
			t.Errorf("call %d: Retry-After %q", i, after)
		}
	}
}

func TestFaultsOfAStream(t *testing.T) {
	srv := httptest.NewServer(New(Options{}))
	defer srv.Close()
	for _, c := range []struct {
		fault       string
		done, whole bool
		phrase      string
	}{
		{"slow=0", true, true, `"finish_reason":"stop"`},
		{"nodone", false, true, `"finish_reason":"stop"`},
		{"nodone,unknownblock", false, true, `"novelty"`},
		{"exception=InternalServerException@2", false, true, `data: {"error":{"message":"The server had an error`},
		{"cut=700", false, false, ""},
		{"cutclean=700", false, true, ""},
	} {
		t.Run(c.fault, func(t *testing.T) {
			body := `{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"one two three"}]}`
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/v1/chat/completions", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer "+DefaultKey)
			r.Header.Set(fault.Header, c.fault)
			reply, err := srv.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer reply.Body.Close()
			var got strings.Builder
			_, err = bufio.NewReader(reply.Body).WriteTo(&got)
			if (err == nil) != c.whole {
				t.Errorf("the body ended with %v", err)
			}
			if strings.Contains(got.String(), "[DONE]") != c.done || !strings.Contains(got.String(), c.phrase) {
				t.Errorf("got %s", got.String())
			}
		})
	}
}
