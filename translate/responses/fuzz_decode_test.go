package responses

import (
	"errors"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// told checks that an error is one that a client can be told.
func told(t *testing.T, err error) {
	t.Helper()
	var e *chat.Error
	if !errors.As(err, &e) || e.StatusCode() < 400 || e.Message == "" {
		t.Fatalf("error %T %v", err, err)
	}
}

// FuzzDecodeResponse holds that any reply is read without harm, and that what is read of it is JSON.
func FuzzDecodeResponse(f *testing.F) {
	f.Add(`{"status":"completed","output":[{"type":"reasoning","summary":[{"type":"summary_text","text":"a"}],"encrypted_content":"e"},{"type":"message","content":[{"type":"output_text","text":"t","annotations":[{"type":"url_citation","url":"https://a","title":"t"}]}]},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"custom_tool_call","call_id":"d","name":"g","input":"x"}],"usage":{"input_tokens":1,"output_tokens":2}}`)
	f.Add(`{"error":{"message":"m"}}`)
	f.Add(`{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[5,{"type":"message","content":"x"}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		r, err := Dialect{}.DecodeResponse([]byte(body), runtimeGPT())
		if err != nil {
			told(t, err)
			return
		}
		for i := range r.Content {
			b := &r.Content[i]
			if b.Text != nil && json.Valid(b.Text) != nil || b.Own != nil && json.Valid(*b.Own) != nil {
				t.Fatalf("%s in %s", shown(b), body)
			}
			if b.Tool != nil && (json.Valid(b.Tool.Input) != nil || b.Tool.Input[0] != '{') {
				t.Fatalf("input %s", b.Tool.Input)
			}
		}
	})
}

// FuzzStream holds that any stream is read without harm, makes an orderly list of blocks, and ends on its own last event
// alone.
func FuzzStream(f *testing.F) {
	f.Add(strings.Join(whole, "\n"))
	f.Add(strings.Join(whole[20:], "\n"))
	f.Add(`{"type":"response.output_item.done","output_index":0,"item":{"type":"custom_tool_call","name":"p","input":"x"}}` + "\n" + `{"type":"response.incomplete","response":{"output":[{"type":"message","content":"x"}]}}`)
	f.Fuzz(func(t *testing.T, stream string) {
		done, _, _, _, err := play(t, strings.Split(stream, "\n"))
		if err != nil {
			told(t, err)
			if done {
				t.Fatal("done in spite of an error")
			}
			return
		}
		if done && !strings.Contains(stream, "response.completed") && !strings.Contains(stream, "response.incomplete") {
			t.Fatal("an end that did not come")
		}
	})
}

// FuzzSplice holds that whatever body is edited stays JSON, and that nothing is left to edit in it.
func FuzzSplice(f *testing.F) {
	f.Add(`{"model":"m","store":true,"input":[{"role":"user","content":[{"type":"input_text","text":"a"}]},{"type":"local_shell_call","call_id":"c","action":{"command":["ls"]}},{"type":"agent_message","content":"x"},{"type":"additional_tools","tools":[{"type":"web_search"},{"type":"function","name":"f"}]}],"tools":[{"type":"web_search"}],"reasoning":{"summary":"detailed"},"temperature":0.5}`)
	f.Add(`{"input":"Hi","tools":[],"tool_choice":{"type":"allowed_tools","tools":[{"type":"web_search"}]}}`)
	f.Fuzz(func(t *testing.T, body string) {
		var b chat.Body
		if b.ParseBody([]byte(body)) != nil {
			return
		}
		once, err := Dialect{}.Splice(nil, &b, &chat.Edits{Model: "m"}, mantleGPT())
		if err != nil {
			told(t, err)
			return
		}
		var again chat.Body
		if err := again.ParseBody(once); err != nil {
			t.Fatalf("%v\n%s", err, once)
		}
		twice, err := Dialect{}.Splice(nil, &again, &chat.Edits{Model: "m"}, mantleGPT())
		if err != nil || string(twice) != string(once) {
			t.Fatalf("%v\nonce  %s\ntwice %s", err, once, twice)
		}
	})
}

// FuzzEncodeRequest holds that whatever is read of a client's body is written as JSON that is read again, and then written
// as the same.
func FuzzEncodeRequest(f *testing.F) {
	f.Add(`{"instructions":"s","input":[{"role":"user","content":[{"type":"input_text","text":"q","prompt_cache_breakpoint":{"mode":"explicit"}}]},{"type":"function_call","call_id":"a","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"a","output":[{"type":"input_text","text":"x"}]},{"type":"custom_tool_call","call_id":"b","name":"p","input":"x"},{"type":"custom_tool_call_output","call_id":"b","output":"y"}],"tools":[{"type":"function","name":"f","parameters":{}},{"type":"custom","name":"p"},{"type":"shell"},{"type":"namespace","name":"n","tools":[{"type":"function","name":"g"}]}],"text":{"format":{"type":"json_schema","name":"n","schema":{}}},"reasoning":{"effort":"low","summary":"auto"}}`)
	f.Add(`{"input":"Hi","tools":[{"type":"web_search"}],"tool_choice":"auto","metadata":{"a":"b"},"include":["message.output_text.logprobs"]}`)
	f.Add(`{"input":[{"type":"local_shell_call","call_id":"c","action":{"command":["ls"]}},{"type":"reasoning","summary":[],"encrypted_content":"x"},{"type":"web_search_call","id":"w"}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		write := func(body string) []byte {
			x := mantleGPT()
			x.Target = Name
			r, err := Dialect{}.DecodeRequest([]byte(body), x)
			if err != nil {
				told(t, err)
				return nil
			}
			out, err := Dialect{}.EncodeRequest(nil, r, x)
			if err != nil {
				told(t, err)
				return nil
			}
			if err := json.Valid(out); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			return out
		}
		once := write(body)
		if once == nil {
			return
		}
		if twice := write(string(once)); string(twice) != string(once) {
			t.Fatalf("once  %s\ntwice %s", once, twice)
		}
	})
}
