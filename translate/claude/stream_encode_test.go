package claude

import (
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

func encodeAll(x *chat.Exchange, events []chat.Event) string {
	e := Dialect{}.NewStreamEncoder(x)
	var b []byte
	for i := range events {
		b = e.Encode(b, &events[i])
	}
	return string(b)
}

// lines makes a stream's data lines easy to read: without the names, which are checked, and what is the same in all.
func lines(t *testing.T, stream string) string {
	t.Helper()
	var b strings.Builder
	for ev := range strings.SplitSeq(strings.TrimSuffix(stream, "\n\n"), "\n\n") {
		name, data, ok := strings.Cut(ev, "\ndata: ")
		name, named := strings.CutPrefix(name, "event: ")
		if !ok || !named || !strings.HasPrefix(data, `{"type":"`+name+`"`) || strings.Contains(data, "\n") {
			t.Fatalf("not an event: %q", ev)
		}
		b.WriteString(strings.TrimPrefix(data, `{"type":`))
		b.WriteByte('\n')
	}
	return b.String()
}

const (
	begun = `"message_start","message":{"id":"msg_0123456789abcdefghijklmn","type":"message","role":"assistant","model":"my-claude","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}}` + "\n"
	zero  = `"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}` + "\n" + `"message_stop"}` + "\n"
)

func TestAStreamOfItsOwnDialectSurvives(t *testing.T) {
	events, _, err := decodeAll(t, ownStream)
	if err != nil {
		t.Fatal(err)
	}
	const want = `"message_start","message":{"id":"msg_0123456789abcdefghijklmn","type":"message","role":"assistant","model":"my-claude","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":3,"cache_read_input_tokens":2,"output_tokens":1}}}
"ping"}
"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}
"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm"}}
"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}
"content_block_stop","index":0}
"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"b3Bh"}}
"content_block_stop","index":1}
"content_block_start","index":2,"content_block":{"type":"text","text":""}}
"content_block_delta","index":2,"delta":{"type":"text_delta","text":"He\"llo"}}
"content_block_delta","index":2,"delta":{"type":"citations_delta","citation":{"type":"char_location","cited_text":"x"}}}
"content_block_stop","index":2}
"content_block_start","index":3,"content_block":{"type":"server_tool_use","id":"srv","name":"web_search","input":{}}}
"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"q\":1}"}}
"content_block_stop","index":3}
"content_block_start","index":4,"content_block":{"type":"tool_use","id":"toolu_1","name":"weather","input":{}}}
"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"{\"city\": \"Pa"}}
"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"ris\"}"}}
"content_block_stop","index":4}
"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":10,"cache_creation_input_tokens":3,"cache_read_input_tokens":2,"output_tokens":42}}
"message_stop"}
`
	if got := lines(t, encodeAll(exchangeFor(sonnet45), events)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func began(index int, kind chat.BlockKind) chat.Event {
	return chat.Event{Kind: chat.EventBlockStart, Index: index, Block: kind}
}

func calling(index int, id, name string) chat.Event {
	return chat.Event{Kind: chat.EventBlockStart, Index: index, Block: chat.ToolUse, ID: id, Name: name}
}

func delta(index int, kind chat.BlockKind, token string) chat.Event {
	return chat.Event{Kind: chat.EventBlockDelta, Index: index, Block: kind, Text: chat.String(token)}
}

func ended(index int) chat.Event { return chat.Event{Kind: chat.EventBlockStop, Index: index} }

func finished(stop chat.StopReason) []chat.Event {
	return []chat.Event{{Kind: chat.EventStop, Stop: stop}, {Kind: chat.EventEnd}}
}

func TestEncodedStreams(t *testing.T) {
	tests := []struct {
		name   string
		output string
		events []chat.Event
		want   string
	}{
		{"nothing", "", finished(chat.StopEnd), begun + `"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},` + zero},
		{
			"text whose beginning was not told, and empty deltas", "",
			append([]chat.Event{{Kind: chat.EventStart}, delta(0, chat.Text, `""`), delta(0, chat.Text, `"a"`), delta(0, chat.Text, `"b"`)}, finished(chat.StopLength)...),
			begun + `"content_block_start","index":0,"content_block":{"type":"text","text":""}}
"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}
"content_block_delta","index":0,"delta":{"type":"text_delta","text":"b"}}
"content_block_stop","index":0}
"message_delta","delta":{"stop_reason":"max_tokens","stop_sequence":null},` + zero,
		},
		{
			"empty blocks are none", "",
			append([]chat.Event{began(0, chat.Text), ended(0), began(1, chat.Thinking), ended(1)}, finished(chat.StopEnd)...),
			begun + `"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},` + zero,
		},
		{
			"a signature alone, in pieces", "",
			append([]chat.Event{began(0, chat.Thinking), {Kind: chat.EventSignature, Text: tok("ab")}, {Kind: chat.EventSignature, Text: tok(`c\/d`)}, ended(0)}, finished(chat.StopEnd)...),
			begun + `"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}
"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"abc\/d"}}
"content_block_stop","index":0}
"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},` + zero,
		},
		{
			"indices of any kind become dense, text ends before a call and goes on behind it", "",
			append([]chat.Event{delta(5, chat.Text, `"a"`), calling(9, "i", "n"), delta(9, chat.ToolUse, `"{}"`), delta(5, chat.Text, `"b"`), ended(9), ended(5)}, finished(chat.StopEnd)...),
			begun + `"content_block_start","index":0,"content_block":{"type":"text","text":""}}
"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}
"content_block_stop","index":0}
"content_block_start","index":1,"content_block":{"type":"tool_use","id":"i","name":"n","input":{}}}
"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{}"}}
"content_block_stop","index":1}
"content_block_start","index":2,"content_block":{"type":"text","text":""}}
"content_block_delta","index":2,"delta":{"type":"text_delta","text":"b"}}
"content_block_stop","index":2}
"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},` + zero,
		},
		{
			"calls one after another, all ended at the end, as OpenAI has them: nothing is held back", "",
			append([]chat.Event{
				calling(1, "a", "f"), delta(1, chat.ToolUse, `"{\"x\":"`), delta(1, chat.ToolUse, `"\"}\\\"\"}"`),
				calling(2, "b", "g"), delta(2, chat.ToolUse, `"{}"`), ended(1), ended(2),
			}, finished(chat.StopToolUse)...),
			begun + `"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"f","input":{}}}
"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"x\":"}}
"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"\"}\\\"\"}"}}
"content_block_stop","index":0}
"content_block_start","index":1,"content_block":{"type":"tool_use","id":"b","name":"g","input":{}}}
"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{}"}}
"content_block_stop","index":1}
"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},` + zero,
		},
		{
			"calls that interleave", "",
			append([]chat.Event{
				calling(1, "a", "f"), calling(2, "b", "g"), delta(1, chat.ToolUse, `"{"`), delta(2, chat.ToolUse, `"{\"y\":"`), delta(0, chat.Text, `"hm"`), delta(1, chat.ToolUse, `"}"`),
				delta(2, chat.ToolUse, `"1}"`), ended(1), ended(2),
			}, finished(chat.StopToolUse)...),
			begun + `"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"f","input":{}}}
"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{"}}
"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"}"}}
"content_block_stop","index":0}
"content_block_start","index":1,"content_block":{"type":"tool_use","id":"b","name":"g","input":{}}}
"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"y\":"}}
"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"1}"}}
"content_block_stop","index":1}
"content_block_start","index":2,"content_block":{"type":"text","text":""}}
"content_block_delta","index":2,"delta":{"type":"text_delta","text":"hm"}}
"content_block_stop","index":2}
"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},` + zero,
		},
		{
			"calls without arguments", "",
			append([]chat.Event{calling(0, "a", "f"), calling(1, "b", "g"), delta(1, chat.ToolUse, `""`), ended(0), ended(1)}, finished(chat.StopToolUse)...),
			begun + `"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"f","input":{}}}
"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{}"}}
"content_block_stop","index":0}
"content_block_start","index":1,"content_block":{"type":"tool_use","id":"b","name":"g","input":{}}}
"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{}"}}
"content_block_stop","index":1}
"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},` + zero,
		},
		{
			"the forced output tool is text, in fragments, and words before it are none", "out",
			append([]chat.Event{delta(0, chat.Text, `"Here:"`), ended(0), calling(1, "a", "out"), delta(1, chat.ToolUse, `"{\"x\""`), delta(1, chat.ToolUse, `":1}"`), ended(1)}, finished(chat.StopToolUse)...),
			begun + `"content_block_start","index":0,"content_block":{"type":"text","text":""}}
"content_block_delta","index":0,"delta":{"type":"text_delta","text":"{\"x\""}}
"content_block_delta","index":0,"delta":{"type":"text_delta","text":":1}"}}
"content_block_stop","index":0}
"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},` + zero,
		},
		{
			"without a call of it, the words count", "out",
			append([]chat.Event{delta(0, chat.Text, `"I can"`), delta(0, chat.Text, `"not."`)}, finished(chat.StopEnd)...),
			begun + `"content_block_start","index":0,"content_block":{"type":"text","text":""}}
"content_block_delta","index":0,"delta":{"type":"text_delta","text":"I cannot."}}
"content_block_stop","index":0}
"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},` + zero,
		},
		{
			"the forced output tool without anything", "out",
			append([]chat.Event{calling(1, "a", "out"), ended(1)}, finished(chat.StopToolUse)...),
			begun + `"content_block_start","index":0,"content_block":{"type":"text","text":""}}
"content_block_delta","index":0,"delta":{"type":"text_delta","text":"{}"}}
"content_block_stop","index":0}
"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},` + zero,
		},
		{
			"usage behind the stop reason, and a sequence", "",
			[]chat.Event{
				{Kind: chat.EventStart},
				delta(0, chat.Refusal, `"No"`),
				{Kind: chat.EventStop, Stop: chat.StopSequence, StopSequence: tok("END")},
				{Kind: chat.EventUsage, Usage: chat.Usage{Known: true, Input: 1, Output: 2}},
				{Kind: chat.EventEnd},
				{Kind: chat.EventEnd},
			},
			begun + `"content_block_start","index":0,"content_block":{"type":"text","text":""}}
"content_block_delta","index":0,"delta":{"type":"text_delta","text":"No"}}
"content_block_stop","index":0}
"message_delta","delta":{"stop_reason":"stop_sequence","stop_sequence":"END"},"usage":{"input_tokens":1,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":2}}
"message_stop"}
`,
		},
		{
			"citations of another form are left out", "",
			append([]chat.Event{delta(0, chat.Text, `"a"`), {Kind: chat.EventCitation, Raw: chat.Value(`{"title":"x"}`)}}, finished(chat.StopPause)...),
			begun + `"content_block_start","index":0,"content_block":{"type":"text","text":""}}
"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}
"content_block_stop","index":0}
"message_delta","delta":{"stop_reason":"pause_turn","stop_sequence":null},` + zero,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := exchangeFor(sonnet45)
			x.OutputTool = tt.output
			if got := lines(t, encodeAll(x, tt.events)); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestABrokenStreamEndsWithItsError(t *testing.T) {
	e := Dialect{}.NewStreamEncoder(exchangeFor(sonnet45))
	d := delta(0, chat.Text, `"a"`)
	e.Encode(nil, &d)
	got := string(e.Error(nil, &chat.Error{Kind: chat.ErrOverloaded, Message: "busy"}))
	if got != "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n" {
		t.Errorf("got %q", got)
	}
	got = string(e.Error(nil, &chat.Error{Dialect: Name, Body: []byte("{\"type\":\n\"error\"}")}))
	if got != "event: error\ndata: {\"type\":\"error\"}\n\n" {
		t.Errorf("Anthropic's own error: %q", got)
	}
	if got = string(e.Encode(nil, &chat.Event{Kind: chat.EventEnd})); got != "" {
		t.Errorf("behind the error: %q", got)
	}
}

func TestPings(t *testing.T) {
	e := Dialect{}.NewStreamEncoder(exchangeFor(sonnet45))
	if got := string(e.KeepAlive(nil)); got != "event: ping\ndata: {\"type\":\"ping\"}\n\n" || e.ContentType() != "text/event-stream; charset=utf-8" {
		t.Errorf("%q %s", got, e.ContentType())
	}
}
