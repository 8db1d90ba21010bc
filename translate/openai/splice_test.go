package openai

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

func spliced(t *testing.T, body string, e *chat.Edits) string {
	t.Helper()
	var b chat.Body
	if err := b.ParseBody([]byte(body)); err != nil {
		t.Fatal(err)
	}
	out, err := Dialect{}.Splice(nil, &b, e, exchange())
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(out) {
		t.Errorf("not JSON: %s", out)
	}
	return string(out)
}

func TestSplice(t *testing.T) {
	const plain = "{ \"model\" : \"m\",\n \"messages\":[ {\"role\":\"user\" , \"content\":\"a \\u0041\"} ], \"x\" : 1.50 }\n"
	context := str(`"CTX\n"`)
	tests := []struct {
		name, body string
		e          chat.Edits
		want       string
	}{
		{"nothing", plain, chat.Edits{}, plain},
		{"the model", plain, chat.Edits{Model: `n"`}, strings.Replace(plain, `"m"`, `"n\""`, 1)},
		{"a model where there was none", `{"messages":[]}`, chat.Edits{Model: "n"}, `{"messages":[],"model":"n"}`},
		{"usage asked for", `{"stream":true}`, chat.Edits{AskUsage: true}, `{"stream":true,"stream_options":{"include_usage":true}}`},
		{"usage asked for beside another option", `{"stream_options":{"include_obfuscation":false},"stream":true}`, chat.Edits{AskUsage: true}, `{"stream_options":{"include_obfuscation":false,"include_usage":true},"stream":true}`},
		{"usage asked for against the client", `{"stream_options":{"include_usage":false}}`, chat.Edits{AskUsage: true}, `{"stream_options":{"include_usage":true}}`},
		{"usage asked for already", `{"stream_options":{ "include_usage" : true}}`, chat.Edits{AskUsage: true}, `{"stream_options":{ "include_usage" : true}}`},
		{"usage in place of null", `{"stream_options":null}`, chat.Edits{AskUsage: true}, `{"stream_options":{"include_usage":true}}`},
		{"members of the gateway's own", `{"file_ids":["f"],"model":"m","guardrailConfig":{"a":1},"messages":[],"thinking":{"type":"adaptive"},"model_id":"x"}`, chat.Edits{}, `{"model":"m","messages":[]}`},
		{"thinking blocks and their text", `{"model":"local","messages":[{"role":"assistant","reasoning_content":"r","content":"a","thinking_blocks":[{"type":"thinking"}]},{"thinking_blocks":[],"role":"assistant","content":"b"}]}`, chat.Edits{}, `{"model":"local","messages":[{"role":"assistant","content":"a"},{"role":"assistant","content":"b"}]}`},
		{"reasoning that OpenAI refuses", `{"model":"gpt-5","messages":[{"role":"assistant","reasoning_content":"r","content":"a"}]}`, chat.Edits{}, `{"model":"gpt-5","messages":[{"role":"assistant","content":"a"}]}`},
		{"reasoning that another server may want back", `{"model":"deepseek-chat","messages":[{"role":"assistant","reasoning_content":"r","content":"a"}]}`, chat.Edits{}, `{"model":"deepseek-chat","messages":[{"role":"assistant","reasoning_content":"r","content":"a"}]}`},
		{
			"cache_control everywhere", `{"messages":[{"role":"system","content":[{"type":"text","text":"cache_control","cache_control":{"type":"ephemeral"}},{"cache_control":{},"type":"text","text":"b","prompt_cache_breakpoint":{"mode":"explicit"}}],"cache_control":{}},{"role":"assistant","tool_calls":[{"id":"1","cache_control":{}}]}],"tools":[{"type":"function","function":{"name":"f","cache_control":{},"parameters":{"properties":{"cache_control":{}}}},"cache_control":{}},{"cache_control":{},"type":"function"}]}`,
			chat.Edits{},
			`{"messages":[{"role":"system","content":[{"type":"text","text":"cache_control"},{"type":"text","text":"b","prompt_cache_breakpoint":{"mode":"explicit"}}]},{"role":"assistant","tool_calls":[{"id":"1"}]}],"tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{"cache_control":{}}}}},{"type":"function"}]}`,
		},
		{"an escaped name", `{"messages":[{"role":"user","content":"a","\u0063ache_control":{}}]}`, chat.Edits{}, `{"messages":[{"role":"user","content":"a"}]}`},
		{"context before the last question", `{"messages":[{"role":"user","content":"a"},{"content":"b","role":"user"},{"role":"assistant","content":"c"}]}`, chat.Edits{Context: context}, `{"messages":[{"role":"user","content":"a"},{"content":"CTX\nb","role":"user"},{"role":"assistant","content":"c"}]}`},
		{"context before parts", `{"messages":[{"role":"user","content": [ {"type":"text","text":"a"}]}]}`, chat.Edits{Context: context}, `{"messages":[{"role":"user","content": [{"type":"text","text":"CTX\n"}, {"type":"text","text":"a"}]}]}`},
		{"context alone in the parts", `{"messages":[{"role":"user","content":[ ]}]}`, chat.Edits{Context: context}, `{"messages":[{"role":"user","content":[{"type":"text","text":"CTX\n"} ]}]}`},
		{"context for nothing", `{"messages":[{"role":"user","content":null}]}`, chat.Edits{Context: context}, `{"messages":[{"role":"user","content":"CTX\n"}]}`},
		{"context without a question", `{"messages":[{"role":"system","content":"s"} ]}`, chat.Edits{Context: context}, `{"messages":[{"role":"system","content":"s"},{"role":"user","content":"CTX\n"} ]}`},
		{"context without any message", `{"messages":[]}`, chat.Edits{Context: context}, `{"messages":[{"role":"user","content":"CTX\n"}]}`},
		{"context, model and members at once", `{"file_ids":["f"],"messages":[{"role":"user","content":"a","cache_control":{}}],"model":"m"}`, chat.Edits{Context: context, Model: "n"}, `{"messages":[{"role":"user","content":"CTX\na"}],"model":"n"}`},
		{"a file of ours", `{"messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"file-ours"},"cache_control":{}},{"type":"file","file":{"file_id":"file-theirs"}}]}]}`, chat.Edits{FileText: ours}, `{"messages":[{"role":"user","content":[{"type":"text","text":"OURS"},{"type":"file","file":{"file_id":"file-theirs"}}]}]}`},
		{"a file of ours behind the context", `{"messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"file-ours"}}]}]}`, chat.Edits{FileText: ours, Context: context}, `{"messages":[{"role":"user","content":[{"type":"text","text":"CTX\n"},{"type":"text","text":"OURS"}]}]}`},
		{"messages that are none", `{"messages":[1,null,"cache_control",[]],"tools":[5],"functions":{}}`, chat.Edits{}, `{"messages":[1,null,"cache_control",[]],"tools":[5],"functions":{}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := spliced(t, tt.body, &tt.e); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func ours(id string) (chat.String, error) {
	switch id {
	case "file-ours":
		return str(`"OURS"`), nil
	case "file-gone":
		return nil, &chat.Error{Kind: chat.ErrNotFound, Message: "no file-gone"}
	}
	return nil, nil
}

func TestSpliceRefuses(t *testing.T) {
	tests := []struct {
		name, body string
		e          chat.Edits
		status     int
	}{
		{"a file that is gone", `{"messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"file-gone"}}]}]}`, chat.Edits{FileText: ours}, 404},
		{"context without messages", `{"model":"m"}`, chat.Edits{Context: str(`"x"`)}, 400},
		{"context and messages that are none", `{"messages":"x"}`, chat.Edits{Context: str(`"x"`)}, 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b chat.Body
			if err := b.ParseBody([]byte(tt.body)); err != nil {
				t.Fatal(err)
			}
			out, err := Dialect{}.Splice(nil, &b, &tt.e, exchange())
			var e *chat.Error
			if !errors.As(err, &e) || e.StatusCode() != tt.status {
				t.Errorf("%s, %v", out, err)
			}
		})
	}
}

func TestSpliceTellsWhatIsNotDone(t *testing.T) {
	var b chat.Body
	if err := b.ParseBody([]byte(`{"thinking":{"type":"adaptive"},"guardrailConfig":{},"file_ids":[],"messages":[]}`)); err != nil {
		t.Fatal(err)
	}
	x := exchange()
	if _, err := (Dialect{}).Splice(nil, &b, &chat.Edits{}, x); err != nil || strings.Join(x.Dropped, " ") != "thinking guardrailConfig" {
		t.Errorf("%v, dropped %q", err, x.Dropped)
	}
	x = exchange()
	x.RejectUnsupported = true
	_, err := Dialect{}.Splice(nil, &b, &chat.Edits{}, x)
	var e *chat.Error
	if !errors.As(err, &e) || e.Param != "thinking" {
		t.Errorf("%v", err)
	}
}

func TestSpliceOfAPlainBodyCopiesIt(t *testing.T) {
	var b chat.Body
	if err := b.ParseBody(benchBody()); err != nil {
		t.Fatal(err)
	}
	x, e := exchange(), &chat.Edits{}
	buf := make([]byte, 0, 1<<14)
	if n := testing.AllocsPerRun(100, func() {
		out, err := Dialect{}.Splice(buf, &b, e, x)
		if err != nil || !bytes.Equal(out, b.Raw) {
			t.Errorf("%v\n%s", err, out)
		}
	}); n > 2 {
		t.Errorf("%v allocations", n)
	}
}
