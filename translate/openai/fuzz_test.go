package openai

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"maps"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// seeds are bodies that show what the dialect has.
var seeds = []string{
	`{"model":"m","messages":[{"role":"system","content":"a"},{"role":"user","content":[{"type":"text","text":"q","cache_control":{"type":"ephemeral","ttl":"1h"}},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},{"type":"file","file":{"file_id":"file-ours"}}]},{"role":"assistant","content":null,"reasoning_content":"r","thinking_blocks":[{"type":"thinking","thinking":"r","signature":"s"},{"type":"redacted_thinking","data":"d"}],"tool_calls":[{"id":"a","type":"function","function":{"name":"my.tool","arguments":"{\"x\": [1, \"\\n\"]}"}}]},{"role":"tool","tool_call_id":"a","content":"1"}],"tools":[{"type":"function","function":{"name":"my.tool","parameters":{"type":"object"}}},{"type":"custom","custom":{"name":"c"}}],"tool_choice":"required"}`,
	`{"messages":[{"role":"user","content":"q"}],"max_tokens":5,"temperature":0.7,"stop":["a","b","c","d","e"],"n":2,"seed":1,"stream":true,"stream_options":{"include_usage":false},"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}},"reasoning_effort":"low","thinking":{"type":"enabled","budget_tokens":2048},"metadata":{"k":"v"},"file_ids":["file-1"],"guardrailConfig":{"trace":"enabled"},"user":"u","service_tier":"flex","x":[1, 2]}`,
	`{"messages":[{"role":"assistant","function_call":{"name":"f","arguments":""}},{"role":"function","name":"f","content":"1"},{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}]}],"functions":[{"name":"f"}],"function_call":"auto"}`,
	"{\n \"messages\" : [ ] , \"m\\u006fdel\":\"\\ud83d\" }",
	`{"messages":[{"content":null,"role":"user"}],"stream_options":null,"tools":null}`,
}

// FuzzDecodeRequest: whatever is accepted can be written as JSON for an upstream, and read back to the same turns.
func FuzzDecodeRequest(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		x := &chat.Exchange{TargetModel: "gpt-4o"}
		r, err := Dialect{}.DecodeRequest(in, x)
		if err != nil {
			var e *chat.Error
			if !errors.As(err, &e) || e.StatusCode() != 400 || e.Message == "" {
				t.Fatalf("%q: %v", in, err)
			}
			return
		}
		if err := json.Valid(in); err != nil {
			t.Fatalf("%q was accepted: %v", in, err)
		}
		out, err := Dialect{}.EncodeRequest(nil, r, x)
		if err != nil {
			if _, known := errors.AsType[*chat.Error](err); !known {
				t.Fatalf("%q: %v", in, err)
			}
			return
		}
		if err := json.Valid(out); err != nil {
			t.Fatalf("%q became %q: %v", in, out, err)
		}
		if !stdjson.Valid(out) {
			t.Fatalf("%q became %q", in, out)
		}
		var b chat.Body
		if b.ParseBody(out) != nil {
			return // a member twice in the client's body, as Extra; ParseBody has refused such a body before
		}
		if _, err := (Dialect{}).DecodeRequest(out, &chat.Exchange{}); err != nil {
			t.Fatalf("%q became %q: %v", in, out, err)
		}
	})
}

// FuzzSplice: without edits the bytes stay; with edits the outcome is JSON, and members that no edit names are as they
// were.
func FuzzSplice(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s), "n", true, true)
	}
	f.Add([]byte(`{}`), "", false, false)
	f.Fuzz(func(t *testing.T, in []byte, model string, context, ask bool) {
		var b chat.Body
		if b.ParseBody(in) != nil {
			return
		}
		e := &chat.Edits{Model: model, AskUsage: ask, FileText: ours}
		if context {
			e.Context = str(`"CTX"`)
		}
		out, err := Dialect{}.Splice(nil, &b, e, exchange())
		if err != nil {
			if _, known := errors.AsType[*chat.Error](err); !known {
				t.Fatal(err)
			}
			return
		}
		if err := json.Valid(out); err != nil {
			t.Fatalf("%q became %q: %v", in, out, err)
		}
		var before, after map[string]stdjson.RawMessage
		if stdjson.Unmarshal(in, &before) != nil {
			return // deeper than encoding/json goes
		}
		if err := stdjson.Unmarshal(out, &after); err != nil {
			t.Fatalf("%q became %q: %v", in, out, err)
		}
		for _, key := range []string{"file_ids", "guardrailConfig", "thinking", "cache_control", "model_id"} {
			if _, there := after[key]; there {
				t.Fatalf("%q became %q", in, out)
			}
			delete(before, key)
		}
		edited := []string{"messages", "tools", "functions"}
		if model != "" {
			edited = append(edited, "model")
		}
		if ask {
			edited = append(edited, "stream_options")
		}
		for _, key := range edited {
			delete(before, key)
			delete(after, key)
		}
		if !maps.EqualFunc(before, after, func(a, b stdjson.RawMessage) bool { return bytes.Equal(a, b) }) {
			t.Fatalf("%q became %q", in, out)
		}
		// A second time there is nothing left to edit.
		var again chat.Body
		if err := again.ParseBody(out); err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		twice, err := Dialect{}.Splice(nil, &again, &chat.Edits{}, exchange())
		if err != nil || !bytes.Equal(twice, out) {
			t.Fatalf("%q became %q (%v)", out, twice, err)
		}
	})
}

// FuzzDecodeResponse: whatever is accepted can be told to a client as JSON.
func FuzzDecodeResponse(f *testing.F) {
	f.Add([]byte(`{"id":"i","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"a","reasoning_content":"r","thinking_blocks":[{"type":"thinking","signature":"s"}],"tool_calls":[{"id":"c","function":{"name":"f","arguments":"{\"a\":\"\\\\\"}"}}]},"logprobs":{"content":[ ]},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":9}},"system_fingerprint":"f"}`), true)
	f.Add([]byte(`{"choices":[{"message":{"function_call":{"name":"f","arguments":"["},"content":[{"text":"\ud83d"},{"text":"\ude00"}],"refusal":"n"}}]}`), false)
	f.Add([]byte(`{"error":{"message":"m","code":"c"}}`), false)
	f.Fuzz(func(t *testing.T, in []byte, functions bool) {
		x := exchange()
		x.FunctionCalls = functions
		r, err := Dialect{}.DecodeResponse(in, x)
		if err != nil {
			var e *chat.Error
			if !errors.As(err, &e) || e.StatusCode() < 400 {
				t.Fatal(err)
			}
			if out := (Dialect{}).EncodeError(nil, e, ""); !stdjson.Valid(out) {
				t.Fatalf("%q became %q", in, out)
			}
			return
		}
		out, err := Dialect{}.EncodeResponse(nil, r, x)
		if err != nil || !stdjson.Valid(out) || bytes.ContainsAny(out, "\n\r") {
			t.Fatalf("%q became %q, %v", in, out, err)
		}
	})
}

// FuzzStream feeds any payloads, one a line, through the decoder to the encoder: every frame that comes out is whole, and
// [DONE] comes only after the upstream's own.
func FuzzStream(f *testing.F) {
	f.Add([]byte(`{"id":"c","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"a"},"finish_reason":null}]}
{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t","function":{"name":"f","arguments":""}}]}}]}
{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}}]}
{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}
{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}
[DONE]`), "")
	f.Add([]byte(`{"choices":[{"index":0,"delta":{"reasoning_content":"r","refusal":"n","function_call":{"name":"out","arguments":"{"}}}]}
{"error":{"message":"m"}}`), "out")
	f.Fuzz(func(t *testing.T, in []byte, output string) {
		x := exchange()
		x.OutputTool, x.IncludeUsage = output, true
		d, e := Dialect{}.NewStreamDecoder(x), Dialect{}.NewStreamEncoder(x)
		var out []byte
		var events []chat.Event
		done := false
		for line := range bytes.SplitSeq(in, []byte("\n")) {
			var err error
			events, err = d.Decode(events[:0], nil, line)
			for i := range events {
				done = done || events[i].Kind == chat.EventEnd
				out = e.Encode(out, &events[i])
			}
			if err != nil {
				var known *chat.Error
				if !errors.As(err, &known) {
					t.Fatal(err)
				}
				out = e.Error(out, known)
				break
			}
		}
		checkFrames(t, out)
		if done != bytes.Contains(out, []byte("data: [DONE]\n\n")) {
			t.Fatalf("%q became %q", in, out)
		}
		if done && !d.Done() {
			t.Fatalf("%q is not done", in)
		}
	})
}
