package claude

import (
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

const wholeReply = `{"model":"claude-sonnet-4-5-20250929","id":"msg_bdrk_01","type":"message","role":"assistant","content":[` +
	`{"type":"thinking","thinking":"Hm.","signature":"c2ln"},{"type":"redacted_thinking","data":"b3Bh"},` +
	`{"type":"text","text":"Let me \u00e9","citations":[{"type":"char_location"}]},{"type":"text","text":"see.","citations":null},` +
	`{"type":"server_tool_use","id":"s1","name":"web_search","input":{}},{"type":"tool_use","id":"toolu_1","name":"weather","input":{"city": "Paris"}}],` +
	`"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":7,"cache_read_input_tokens":5,` +
	`"cache_creation":{"ephemeral_5m_input_tokens":4,"ephemeral_1h_input_tokens":3},"output_tokens":20,"output_tokens_details":{"thinking_tokens":6},"service_tier":"standard"}}`

func TestDecodedReply(t *testing.T) {
	x := exchangeFor(sonnet45)
	r, err := Dialect{}.DecodeResponse([]byte(wholeReply), x)
	if err != nil {
		t.Fatal(err)
	}
	want := chat.Usage{Known: true, Input: 10, Output: 20, CacheRead: 5, CacheWrite: 7, Reasoning: 6, ReasoningKnown: true, CacheWrite1h: 3}
	if r.Usage != want || r.ServiceTier != "default" || r.Stop != chat.StopToolUse || r.StopSequence != nil || r.ID != "msg_bdrk_01" || r.Model != "claude-sonnet-4-5-20250929" {
		t.Errorf("%+v", r)
	}
	var kinds []string
	for _, b := range r.Content {
		kinds = append(kinds, b.Kind.String())
	}
	if got := strings.Join(kinds, " "); got != "thinking redacted_thinking text text opaque tool_use" {
		t.Errorf("kinds %s", got)
	}
	if r.Content[3].Citations() != nil || r.Content[2].Citations() == nil || string(r.Content[5].Tool.Input) != `{"city": "Paris"}` {
		t.Errorf("content %+v", r.Content)
	}
}

func TestAReplyOfItsOwnDialectSurvives(t *testing.T) {
	x := exchangeFor(sonnet45)
	r, err := Dialect{}.DecodeResponse([]byte(wholeReply), x)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Dialect{}.EncodeResponse(nil, r, x)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"id":"msg_0123456789abcdefghijklmn","type":"message","role":"assistant","model":"my-claude","content":[` +
		`{"type":"thinking","thinking":"Hm.","signature":"c2ln"},{"type":"redacted_thinking","data":"b3Bh"},` +
		`{"type":"text","text":"Let me \u00e9","citations":[{"type":"char_location"}]},{"type":"text","text":"see."},` +
		`{"type":"server_tool_use","id":"s1","name":"web_search","input":{}},{"type":"tool_use","id":"toolu_1","name":"weather","input":{"city":"Paris"}}],` +
		`"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":7,"cache_read_input_tokens":5,` +
		`"cache_creation":{"ephemeral_5m_input_tokens":4,"ephemeral_1h_input_tokens":3},"output_tokens":20,"output_tokens_details":{"thinking_tokens":6},"service_tier":"standard"}}`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestOddReplies(t *testing.T) {
	tests := []struct{ name, body, text string }{
		{"nothing", `{}`, ""},
		{"null content", `{"content":null,"usage":null,"stop_reason":null}`, ""},
		{"content of another type", `{"content":"x","id":5,"usage":[]}`, ""},
		{"blocks of another type", `{"content":[5,null,"x",{},{"type":5},{"type":"text"},{"type":"thinking"},{"type":"text","text":"ok"}]}`, "ok"},
		{"an unknown block, twice", `{"content":[{"type":"text","text":"a"},{"type":"new"},{"type":"new"}]}`, "a"},
		{"negative counts", `{"content":[],"usage":{"input_tokens":-5,"output_tokens":"x"}}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Dialect{}.DecodeResponse([]byte(tt.body), exchangeFor(sonnet45))
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			for _, b := range r.Content {
				text.WriteString(b.Text.Unquote())
			}
			if text.String() != tt.text || r.Usage.Known {
				t.Errorf("text %q, usage %+v", text.String(), r.Usage)
			}
			b, err := Dialect{}.EncodeResponse(nil, r, exchangeFor(sonnet45))
			if err != nil || json.Valid(b) != nil {
				t.Errorf("%s, %v", b, err)
			}
		})
	}
	for _, body := range []string{``, `{`, `[]`, `{"content":[}`} {
		_, err := Dialect{}.DecodeResponse([]byte(body), exchangeFor(sonnet45))
		wantError(t, err, 502, "", "cannot be read")
	}
	_, err := Dialect{}.DecodeResponse([]byte(`{"type":"error","error":{"type":"overloaded_error","message":"Busy"}}`), exchangeFor(sonnet45))
	wantError(t, err, 503, "", "Busy")
}

func TestEncodedReplies(t *testing.T) {
	const head = `{"id":"msg_0123456789abcdefghijklmn","type":"message","role":"assistant","model":"my-claude","content":`
	const noUsage = `"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}`
	tests := []struct {
		name   string
		output string
		r      chat.Response
		want   string
	}{
		{"nothing at all", "", chat.Response{}, `[],"stop_reason":"end_turn","stop_sequence":null,` + noUsage},
		{"a refusal is text", "", chat.Response{Content: []chat.Block{{Kind: chat.Refusal, Text: tok("No.")}}, Stop: chat.StopFiltered}, `[{"type":"text","text":"No."}],"stop_reason":"refusal","stop_sequence":null,` + noUsage},
		{"empty text is none", "", chat.Response{Content: []chat.Block{text("")}, Stop: chat.StopLength}, `[],"stop_reason":"max_tokens","stop_sequence":null,` + noUsage},
		{"a stop sequence", "", chat.Response{Content: []chat.Block{text("x")}, Stop: chat.StopSequence, StopSequence: tok("END")}, `[{"type":"text","text":"x"}],"stop_reason":"stop_sequence","stop_sequence":"END",` + noUsage},
		{"a full context", "", chat.Response{Stop: chat.StopContextFull, StopSequence: tok("x")}, `[],"stop_reason":"model_context_window_exceeded","stop_sequence":null,` + noUsage},
		{"a pause", "", chat.Response{Stop: chat.StopPause}, `[],"stop_reason":"pause_turn","stop_sequence":null,` + noUsage},
		{"calls that the provider did not say", "", chat.Response{Content: []chat.Block{calls("a", "f", "")}, Stop: chat.StopEnd}, `[{"type":"tool_use","id":"a","name":"f","input":{}}],"stop_reason":"tool_use","stop_sequence":null,` + noUsage},
		{
			"unsigned thinking, another provider's citations and blocks", "",
			chat.Response{Content: []chat.Block{{Kind: chat.Thinking, Text: tok("hm")}, {Kind: chat.Text, Text: tok("x"), Own: chat.Own(chat.Value("[1]")), Dialect: chat.Converse}, {Kind: chat.Opaque, Own: chat.Own(chat.Value("{}")), Dialect: chat.Converse}}, Stop: chat.StopEnd},
			`[{"type":"thinking","thinking":"hm","signature":""},{"type":"text","text":"x"}],"stop_reason":"end_turn","stop_sequence":null,` + noUsage,
		},
		{
			"the forced output tool is the text, and ends the turn", "out",
			chat.Response{Content: []chat.Block{text("Here:"), calls("a", "out", `{ "x": "a b" }`)}, Stop: chat.StopToolUse},
			`[{"type":"text","text":"{\"x\":\"a b\"}"}],"stop_reason":"end_turn","stop_sequence":null,` + noUsage,
		},
		{
			"a real call wins", "out",
			chat.Response{Content: []chat.Block{text("Here:"), calls("a", "f", `{}`)}, Stop: chat.StopToolUse},
			`[{"type":"text","text":"Here:"},{"type":"tool_use","id":"a","name":"f","input":{}}],"stop_reason":"tool_use","stop_sequence":null,` + noUsage,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := exchangeFor(sonnet45)
			x.OutputTool = tt.output
			got, err := Dialect{}.EncodeResponse([]byte("head "), &tt.r, x)
			if err != nil || string(got) != "head "+head+tt.want {
				t.Errorf("got\n%s\nwant\n%s%s\n%v", got, head, tt.want, err)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	for kind, want := range map[chat.ErrorKind]string{
		chat.ErrInvalidRequest: "invalid_request_error", chat.ErrAuthentication: "authentication_error", chat.ErrPermission: "permission_error",
		chat.ErrNotFound: "not_found_error", chat.ErrTooLarge: "request_too_large", chat.ErrRateLimit: "rate_limit_error",
		chat.ErrUpstream: "api_error", chat.ErrOverloaded: "overloaded_error", chat.ErrTimeout: "timeout_error", chat.ErrInternal: "api_error",
	} {
		got := string(Dialect{}.EncodeError(nil, &chat.Error{Kind: kind, Message: "It \"failed\"."}, "req_1"))
		if got != `{"type":"error","error":{"type":"`+want+`","message":"It \"failed\"."},"request_id":"req_1"}` {
			t.Errorf("kind %d: %s", kind, got)
		}
	}
	// By its code, the tool runners of Anthropic's clients know to send the whole conversation.
	if got := string(Dialect{}.EncodeError(nil, refuseThread(), "")); !strings.Contains(got, `"details":{"error_code":"thread_unsupported_request"}}}`) {
		t.Errorf("a thread: %s", got)
	}
	own := &chat.Error{Message: "x", Body: []byte(`{"type":"error", "error":{}}`), Dialect: Name}
	if got := string(Dialect{}.EncodeError(nil, own, "req_1")); got != `{"type":"error", "error":{}}` {
		t.Errorf("Anthropic's own body is given as it came, got %s", got)
	}
	own.Dialect = "converse"
	if got := string(Dialect{}.EncodeError(nil, own, "")); got != `{"type":"error","error":{"type":"invalid_request_error","message":"x"}}` {
		t.Errorf("another's is not: %s", got)
	}
}
