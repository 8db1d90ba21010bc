package responses

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// runtimeGPT is what is known of a call to GPT on Bedrock's runtime.
func runtimeGPT() *chat.Exchange {
	return &chat.Exchange{
		Model: "gpt", TargetModel: "us.openai.gpt-5.6-sol", Access: model.Access{API: model.Responses, Host: model.Runtime},
		Facts: model.Lookup("us.openai.gpt-5.6-sol").ByResponses(),
	}
}

// shown writes a block as the tests name it.
func shown(b *chat.Block) string {
	var own chat.Value
	if b.Own != nil {
		own = *b.Own
	}
	if b.Kind == chat.ToolUse {
		return fmt.Sprintf("tool_use %s %s %s", b.Tool.ID, b.Tool.Name, b.Tool.Input)
	}
	if b.Kind == chat.Thinking || b.Kind == chat.RedactedThinking {
		return strings.TrimSpace(fmt.Sprintf("%s %s %s by %s", b.Kind, b.Text, own, b.Maker))
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", b.Kind, b.Text, own))
}

func TestDecodeResponse(t *testing.T) {
	const page = `{"type":"web_search_result_location","cited_text":"","title":"T","url":"https://a","encrypted_index":""}`
	for _, c := range []struct {
		name, body string
		blocks     []string
		stop       chat.StopReason
		usage      chat.Usage
	}{
		{
			"thoughts, words and a call",
			`{"id":"resp_1","status":"completed","error":null,"output":[
				{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"a"},{"type":"summary_text","text":"b"}],"encrypted_content":"gA=="},
				{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"Hi","annotations":[],"logprobs":[]},{"type":"refusal","refusal":"No"}]},
				{"type":"function_call","id":"fc_1","call_id":"c1","name":"f","arguments":"{\"x\":1}"}],
				"usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":4,"cache_write_tokens":2,"cache_write_tokens_details":{"ttl_12h_tokens":1,"ttl_30m_tokens":1}},"output_tokens":7,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":17}}`,
			[]string{`thinking "a\n\nb" "gA==" by gpt`, `text "Hi"`, `refusal "No"`, `tool_use c1 f {"x":1}`},
			chat.StopToolUse,
			chat.Usage{Known: true, Input: 4, Output: 7, CacheRead: 4, CacheWrite: 2, CacheWrite1h: 1, Reasoning: 3, ReasoningKnown: true},
		},
		{
			"a thought without words",
			`{"status":"completed","output":[{"type":"reasoning","summary":[],"encrypted_content":"gA=="}]}`,
			[]string{`redacted_thinking  "gA==" by gpt`},
			chat.StopEnd,
			chat.Usage{},
		},
		{
			"a thought that is told and not sealed",
			`{"status":"completed","output":[{"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"hm"}]}]}`,
			[]string{`thinking "hm"  by gpt`},
			chat.StopEnd,
			chat.Usage{},
		},
		{
			"pages that are cited",
			`{"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"A","annotations":[{"type":"url_citation","start_index":0,"end_index":1,"url":"https://a","title":"T"},{"type":"file_citation","file_id":"f"}]}]}]}`,
			[]string{`text "A" [` + page + `]`},
			chat.StopEnd,
			chat.Usage{},
		},
		{
			"a custom tool's free text, and what a namespace's tool is called by",
			`{"status":"completed","output":[{"type":"custom_tool_call","call_id":"c","name":"p","input":"*** \"x\""},{"type":"function_call","call_id":"d","namespace":"n","name":"g","arguments":""}]}`,
			[]string{`tool_use c p {"input":"*** \"x\""}`, `tool_use d n__g {}`},
			chat.StopToolUse,
			chat.Usage{},
		},
		{
			"arguments that are none",
			`{"status":"completed","output":[{"type":"function_call","call_id":"c","name":"f","arguments":"oops"},{"type":"function_call","call_id":"d","name":"f","arguments":{"a":1}}]}`,
			[]string{`tool_use c f {"arguments":"oops"}`, `tool_use d f {"a":1}`},
			chat.StopToolUse,
			chat.Usage{},
		},
		{
			"what only OpenAI's own tools make",
			`{"status":"completed","output":[{"type":"web_search_call","id":"ws_1"},{"type":"message","content":[{"type":"output_text","text":"A"}]}],"usage":null}`,
			[]string{`text "A"`},
			chat.StopEnd,
			chat.Usage{},
		},
		{"too long", `{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[]}`, nil, chat.StopLength, chat.Usage{}},
		{"filtered", `{"status":"incomplete","incomplete_details":{"reason":"content_filter"},"output":[]}`, nil, chat.StopFiltered, chat.Usage{}},
		{"steered", `{"status":"incomplete","incomplete_details":{"reason":"steered"},"output":[]}`, nil, chat.StopUnknown, chat.Usage{}},
		{
			"counts without details", `{"status":"completed","output":[],"usage":{"input_tokens":3,"output_tokens":2}}`,
			nil, chat.StopEnd,
			chat.Usage{Known: true, Input: 3, Output: 2},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := Dialect{}.DecodeResponse([]byte(c.body), runtimeGPT())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i := range r.Content {
				got = append(got, shown(&r.Content[i]))
			}
			if strings.Join(got, "\n") != strings.Join(c.blocks, "\n") || r.Stop != c.stop || r.Usage != c.usage {
				t.Errorf("got %q, stop %d, %+v", got, r.Stop, r.Usage)
			}
			stream, stop, usage := streamed(t, c.body)
			if strings.Join(stream, "\n") != strings.Join(got, "\n") || stop != c.stop || usage != c.usage {
				t.Errorf("of the last event alone: %q, stop %d, %+v", stream, stop, usage)
			}
		})
	}
}

// streamed is what a stream says whose last event alone has the response.
func streamed(t *testing.T, body string) (blocks []string, stop chat.StopReason, usage chat.Usage) {
	t.Helper()
	kind := chat.String(json.Find(chat.Value(body), "status")).Unquote()
	line := string(json.AppendCompact(nil, []byte(`{"type":"response.`+kind+`","response":`+body+`}`)))
	_, got, stop, usage, err := play(t, []string{`{"type":"response.created","response":{"id":"resp_1","model":"m"}}`, line})
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		blocks = append(blocks, shown(&got[i]))
	}
	return blocks, stop, usage
}

// play decodes a stream, and puts its blocks together as a client does.
func play(t *testing.T, lines []string) (done bool, blocks []chat.Block, stop chat.StopReason, usage chat.Usage, err error) {
	t.Helper()
	x := runtimeGPT()
	d := Dialect{}.NewStreamDecoder(x)
	open, started, ended := map[int]bool{}, false, false
	var events []chat.Event
	for _, line := range lines {
		if events, err = d.Decode(events[:0], nil, []byte(line)); err != nil {
			return d.Done(), blocks, stop, usage, err
		}
		for _, e := range events {
			if !started && e.Kind != chat.EventStart || ended {
				t.Fatalf("event %d before the start or after the end, at %s", e.Kind, line)
			}
			switch e.Kind {
			case chat.EventStart:
				started = true
			case chat.EventBlockStart:
				if e.Index != len(blocks) {
					t.Fatalf("block %d begins where %d is due", e.Index, len(blocks))
				}
				open[e.Index] = true
				b := chat.Block{Kind: e.Block, Maker: rules.ReplyMaker(x)}
				if e.Block == chat.ToolUse {
					b.Tool = &chat.Tooling{ID: e.ID, Name: e.Name}
				}
				if e.Block == chat.RedactedThinking {
					b.Own = chat.Own(bytes.Clone(e.Text))
				}
				blocks = append(blocks, b)
			case chat.EventBlockStop:
				if !open[e.Index] {
					t.Fatalf("block %d ends twice", e.Index)
				}
				open[e.Index] = false
			case chat.EventBlockDelta, chat.EventSignature, chat.EventCitation:
				b := &blocks[e.Index]
				if !open[e.Index] || b.Kind != e.Block {
					t.Fatalf("a piece of %s for block %d, of kind %s", e.Block, e.Index, b.Kind)
				}
				switch {
				case e.Kind == chat.EventSignature:
					b.Own = chat.Own(bytes.Clone(e.Text))
				case e.Kind == chat.EventCitation:
					b.Own = chat.Own(chat.Value("[" + string(e.Raw) + "]"))
				case b.Tool != nil:
					b.Tool.Input = append(b.Tool.Input, e.Text.Unquote()...)
				default:
					b.Text = json.Quote(b.Text.Unquote() + e.Text.Unquote())
				}
			case chat.EventStop:
				stop = e.Stop
			case chat.EventUsage:
				usage = e.Usage
			case chat.EventEnd:
				ended = true
			case chat.EventPing:
			}
		}
	}
	for i := range blocks {
		if ended && open[i] {
			t.Errorf("block %d was not ended", i)
		}
	}
	return d.Done(), blocks, stop, usage, nil
}

// whole is a stream of every kind of item, as OpenAI sends it.
var whole = []string{
	`{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":1,"status":"in_progress","model":"gpt-5.6-sol","output":[],"usage":null}}`,
	`{"type":"response.in_progress","sequence_number":1,"response":{"id":"resp_1","status":"in_progress"}}`,
	`{"type":"response.output_item.added","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[]}}`,
	`{"type":"response.reasoning_summary_part.added","item_id":"rs_1","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":""}}`,
	`{"type":"response.reasoning_summary_text.delta","item_id":"rs_1","output_index":0,"summary_index":0,"delta":"a"}`,
	`{"type":"response.reasoning_summary_text.done","item_id":"rs_1","output_index":0,"summary_index":0,"text":"a"}`,
	`{"type":"response.reasoning_summary_part.done","item_id":"rs_1","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":"a"}}`,
	`{"type":"response.reasoning_summary_part.added","item_id":"rs_1","output_index":0,"summary_index":1,"part":{"type":"summary_text","text":""}}`,
	`{"type":"response.reasoning_summary_text.delta","item_id":"rs_1","output_index":0,"summary_index":1,"delta":"b"}`,
	`{"type":"response.reasoning_summary_text.done","item_id":"rs_1","output_index":0,"summary_index":1,"text":"b"}`,
	`{"type":"response.output_item.done","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"a"},{"type":"summary_text","text":"b"}],"encrypted_content":"gA=="}}`,
	`{"type":"response.output_item.added","output_index":1,"item":{"id":"msg_1","type":"message","role":"assistant","status":"in_progress","content":[]}}`,
	`{"type":"response.content_part.added","item_id":"msg_1","output_index":1,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}`,
	`{"type":"response.output_text.delta","item_id":"msg_1","output_index":1,"content_index":0,"delta":"Hel","logprobs":[],"obfuscation":"x"}`,
	`{"type":"response.in_progress","sequence_number":13,"response":{"id":"resp_1","status":"in_progress"}}`,
	`{"type":"response.output_text.delta","item_id":"msg_1","output_index":1,"content_index":0,"delta":"lo","logprobs":[]}`,
	`{"type":"response.output_text.annotation.added","item_id":"msg_1","output_index":1,"content_index":0,"annotation_index":0,"annotation":{"type":"url_citation","start_index":0,"end_index":5,"url":"https://a","title":"T"}}`,
	`{"type":"response.output_text.done","item_id":"msg_1","output_index":1,"content_index":0,"text":"Hello","logprobs":[]}`,
	`{"type":"response.content_part.done","item_id":"msg_1","output_index":1,"content_index":0,"part":{"type":"output_text","text":"Hello","annotations":[]}}`,
	`{"type":"response.refusal.delta","item_id":"msg_1","output_index":1,"content_index":1,"delta":"No"}`,
	`{"type":"response.refusal.done","item_id":"msg_1","output_index":1,"content_index":1,"refusal":"No"}`,
	`{"type":"response.output_item.done","output_index":1,"item":{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"Hello","annotations":[{"type":"url_citation","start_index":0,"end_index":5,"url":"https://a","title":"T"}]},{"type":"refusal","refusal":"No"}]}}`,
	`{"type":"response.output_item.added","output_index":2,"item":{"id":"fc_1","type":"function_call","call_id":"c1","name":"f","arguments":"","status":"in_progress"}}`,
	`{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":2,"delta":"{\"x\":"}`,
	`{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":2,"delta":"1}"}`,
	`{"type":"response.function_call_arguments.done","item_id":"fc_1","output_index":2,"arguments":"{\"x\":1}"}`,
	`{"type":"response.output_item.done","output_index":2,"item":{"id":"fc_1","type":"function_call","call_id":"c1","name":"f","arguments":"{\"x\":1}","status":"completed"}}`,
	`{"type":"response.output_item.added","output_index":3,"item":{"id":"ctc_1","type":"custom_tool_call","call_id":"c2","name":"p","input":""}}`,
	`{"type":"response.custom_tool_call_input.delta","item_id":"ctc_1","output_index":3,"delta":"*** \"a\""}`,
	`{"type":"response.custom_tool_call_input.delta","item_id":"ctc_1","output_index":3,"delta":"\n{b}"}`,
	`{"type":"response.custom_tool_call_input.done","item_id":"ctc_1","output_index":3,"input":"*** \"a\"\n{b}"}`,
	`{"type":"response.output_item.done","output_index":3,"item":{"id":"ctc_1","type":"custom_tool_call","call_id":"c2","name":"p","input":"*** \"a\"\n{b}"}}`,
	`{"type":"response.completed","response":{"id":"resp_1","status":"completed","model":"gpt-5.6-sol","output":[{},{},{},{}],"usage":{"input_tokens":5,"input_tokens_details":{"cached_tokens":0},"output_tokens":6,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":11}}}`,
}

func TestStreamDecoder(t *testing.T) {
	done, blocks, stop, usage, err := play(t, whole)
	if err != nil || !done || stop != chat.StopToolUse || usage != (chat.Usage{Known: true, Input: 5, Output: 6, ReasoningKnown: true}) {
		t.Fatalf("done %v, stop %d, %+v, %v", done, stop, usage, err)
	}
	want := []string{
		`thinking "a\n\nb" "gA==" by gpt`,
		`text "Hello" [{"type":"web_search_result_location","cited_text":"","title":"T","url":"https://a","encrypted_index":""}]`,
		`refusal "No"`, `tool_use c1 f {"x":1}`, `tool_use c2 p {"input":"*** \"a\"\n{b}"}`,
	}
	for i := range max(len(blocks), len(want)) {
		if i >= len(blocks) || i >= len(want) || shown(&blocks[i]) != want[i] {
			t.Fatalf("block %d: %+v", i, blocks)
		}
	}
}

// Servers leave out what they think is said twice: deltas, or all events of an item but its end. Nothing of it is lost, and
// nothing told twice.
func TestAStreamWithoutSomeOfItsEvents(t *testing.T) {
	_, full, _, _, _ := play(t, whole)
	var want []string
	for i := range full {
		want = append(want, shown(&full[i]))
	}
	without := func(parts ...string) []string {
		var kept []string
		for _, line := range whole {
			gone := false
			for _, p := range parts {
				gone = gone || strings.Contains(line, p)
			}
			if !gone {
				kept = append(kept, line)
			}
		}
		return kept
	}
	for name, lines := range map[string][]string{
		"no deltas":               without(".delta"),
		"no parts":                without("_part."),
		"no .done of parts":       without("_text.done", "refusal.done", "arguments.done", "input.done"),
		"nothing but whole items": without(".delta", "_part.", "_text.done", "refusal.done", "arguments.done", "input.done", ".added"),
		"no announcements":        without("output_item.added\",\"output_index\":0", "output_item.added\",\"output_index\":1"),
		"no created":              without("response.created"),
	} {
		t.Run(name, func(t *testing.T) {
			done, blocks, _, _, err := play(t, lines)
			if err != nil || !done {
				t.Fatal(done, err)
			}
			var got []string
			for i := range blocks {
				got = append(got, shown(&blocks[i]))
			}
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// A stream that does not end with its own last event is not whole, and one that says that it failed is an error.
func TestHowStreamsEnd(t *testing.T) {
	for i := range whole {
		if done, _, _, _, err := play(t, whole[:i]); done || err != nil {
			t.Fatalf("after %d events: done %v, %v", i, done, err)
		}
	}
	if done, _, _, _, err := play(t, append(whole[:2:2], "[DONE]")); done || err != nil {
		t.Errorf("chat's last event: done %v, %v", done, err)
	}
	for _, c := range []struct {
		line, code string
		kind       chat.ErrorKind
	}{
		{`{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"m"},"output":[],"usage":{"input_tokens":1,"output_tokens":1}}}`, "server_error", chat.ErrUpstream},
		{`{"type":"response.failed","response":{"error":{"code":"rate_limit_exceeded","message":"m"}}}`, "rate_limit_exceeded", chat.ErrRateLimit},
		{`{"type":"response.failed","response":{"error":{"code":"context_length_exceeded","message":"m"}}}`, "context_length_exceeded", chat.ErrInvalidRequest},
		{`{"type":"response.failed","response":{"error":{"code":"server_is_overloaded","message":"m"}}}`, "server_is_overloaded", chat.ErrOverloaded},
		{`{"type":"response.failed","response":{}}`, "upstream_error", chat.ErrUpstream},
		{`{"type":"response.cancelled","response":{"status":"cancelled"}}`, "cancelled", chat.ErrUpstream},
		{`{"type":"error","code":"server_error","message":"m","param":null,"sequence_number":3}`, "server_error", chat.ErrUpstream},
		{`{"type":"error","error":{"code":"rate_limit_exceeded","message":"m"}}`, "rate_limit_exceeded", chat.ErrRateLimit},
		{`{"error":{"type":"authentication_error","message":"key sk-1"}}`, "upstream_authentication", chat.ErrPermission},
	} {
		_, _, _, _, err := play(t, append(whole[:2:2], c.line))
		e, ok := errors.AsType[*chat.Error](err)
		if !ok || e.Code != c.code || e.Kind != c.kind || e.Message == "" || strings.Contains(e.Message, "sk-1") {
			t.Errorf("%s: %+v", c.line, err)
		}
	}
	for _, body := range []string{`{"status":"failed","output":[],"error":{"code":"server_error","message":"m"}}`, `{"error":{"message":"m","type":"server_error"}}`} {
		if _, err := (Dialect{}).DecodeResponse([]byte(body), runtimeGPT()); err == nil || !strings.HasPrefix(err.Error(), "m") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// The usage of a response that failed was used all the same.
func TestAFailedStreamCountsItsTokens(t *testing.T) {
	d := Dialect{}.NewStreamDecoder(runtimeGPT())
	events, err := d.Decode(nil, nil, []byte(`{"type":"response.failed","response":{"usage":{"input_tokens":1,"output_tokens":2}}}`))
	if err == nil || len(events) != 2 || events[1].Usage != (chat.Usage{Known: true, Input: 1, Output: 2}) {
		t.Error(events, err)
	}
}

func TestHostileStreamsAreBounded(t *testing.T) {
	d := Dialect{}.NewStreamDecoder(runtimeGPT())
	var events []chat.Event
	for i := range 3 * maxItems {
		var err error
		if events, err = d.Decode(events[:0], nil, fmt.Appendf(nil, `{"type":"response.output_item.added","output_index":%d,"item":{"type":"message"}}`, i)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(d.(*streamDecoder).items); n != maxItems {
		t.Error(n)
	}
}
