package titan

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

func TestDecodedReplies(t *testing.T) {
	tests := []struct {
		name, body, text string
		stop             chat.StopReason
		usage            chat.Usage
	}{
		{"a reply", `{"inputTextTokenCount":5,"results":[{"tokenCount":7,"outputText":"\n Hi \u00e9","completionReason":"FINISH"}]}`, "\n Hi é", chat.StopEnd, chat.Usage{Known: true, Input: 5, Output: 7}},
		{"its other word for the end", `{"results":[{"completionReason":"FINISHED"}]}`, "", chat.StopEnd, chat.Usage{}},
		{"cut", `{"results":[{"outputText":"x","completionReason":"LENGTH"}]}`, "x", chat.StopLength, chat.Usage{}},
		{"stopped", `{"results":[{"outputText":"x","completionReason":"STOP_CRITERIA_MET"}]}`, "x", chat.StopSequence, chat.Usage{}},
		{"filtered", `{"results":[{"outputText":"","completionReason":"CONTENT_FILTERED"}]}`, "", chat.StopFiltered, chat.Usage{}},
		{"an unknown reason", `{"results":[{"outputText":"x","completionReason":"RAG_QUERY_WHEN_RAG_DISABLED"}]}`, "x", chat.StopUnknown, chat.Usage{}},
		{"nothing", `{}`, "", chat.StopUnknown, chat.Usage{}},
		{"what is none of it", `{"inputTextTokenCount":"x","results":[5,null,{"outputText":null,"tokenCount":-1}]}`, "", chat.StopUnknown, chat.Usage{}},
		{"results of another type", `{"results":"x"}`, "", chat.StopUnknown, chat.Usage{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Dialect{}.DecodeResponse([]byte(tt.body), exchange())
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			for _, b := range r.Content {
				text.WriteString(b.Text.Unquote())
			}
			if text.String() != tt.text || r.Stop != tt.stop || r.Usage != tt.usage {
				t.Errorf("%q %d %+v", text.String(), r.Stop, r.Usage)
			}
		})
	}
	_, err := Dialect{}.DecodeResponse([]byte(`{"results":[`), exchange())
	wantError(t, err, 502, "", "cannot be read")
}

func TestEncodedReplies(t *testing.T) {
	call := func(name, input string) chat.Block {
		return chat.Block{Kind: chat.ToolUse, Tool: &chat.Tooling{Name: name, Input: chat.Value(input)}}
	}
	tests := []struct {
		name string
		r    chat.Response
		want string
	}{
		{"nothing", chat.Response{}, `{"inputTextTokenCount":null,"results":[{"tokenCount":null,"outputText":"","completionReason":"FINISH"}]}`},
		{
			"all text, no thoughts",
			chat.Response{Content: []chat.Block{{Kind: chat.Thinking, Text: json.Quote("hm")}, text("a\"b"), {Kind: chat.Refusal, Text: json.Quote("c")}}, Stop: chat.StopLength, Usage: chat.Usage{Known: true, Input: 1, CacheRead: 2, Output: 3}},
			`{"inputTextTokenCount":3,"results":[{"tokenCount":3,"outputText":"a\"bc","completionReason":"LENGTH"}]}`,
		},
		{"a full context", chat.Response{Stop: chat.StopContextFull}, `{"inputTextTokenCount":null,"results":[{"tokenCount":null,"outputText":"","completionReason":"LENGTH"}]}`},
		{"filtered", chat.Response{Stop: chat.StopFiltered}, `{"inputTextTokenCount":null,"results":[{"tokenCount":null,"outputText":"","completionReason":"CONTENT_FILTERED"}]}`},
		{"a stop sequence", chat.Response{Stop: chat.StopSequence}, `{"inputTextTokenCount":null,"results":[{"tokenCount":null,"outputText":"","completionReason":"STOP_CRITERIA_MET"}]}`},
		{"a pause", chat.Response{Stop: chat.StopPause}, `{"inputTextTokenCount":null,"results":[{"tokenCount":null,"outputText":"","completionReason":"FINISH"}]}`},
		{"the forced output tool", chat.Response{Content: []chat.Block{text("Here:"), call("out", `{"a": "b c"}`)}, Stop: chat.StopToolUse}, `{"inputTextTokenCount":null,"results":[{"tokenCount":null,"outputText":"{\"a\":\"b c\"}","completionReason":"FINISH"}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := exchange()
			x.OutputTool = "out"
			got, err := Dialect{}.EncodeResponse(nil, &tt.r, x)
			if err != nil || string(got) != tt.want || json.Valid(got) != nil {
				t.Errorf("got %s, %v\nwant %s", got, err, tt.want)
			}
		})
	}
	_, err := Dialect{}.EncodeResponse(nil, &chat.Response{Content: []chat.Block{call("f", "{}")}}, exchange())
	wantError(t, err, 502, "", "tool call")
}

func TestErrors(t *testing.T) {
	if got := string(Dialect{}.EncodeError(nil, &chat.Error{Message: `It "failed"`}, "req")); got != `{"message":"It \"failed\""}` {
		t.Error(got)
	}
	if got := string(Dialect{}.EncodeError(nil, &chat.Error{Message: "x", Body: []byte(`{"Message":"own"}`), Dialect: Name}, "req")); got != `{"Message":"own"}` {
		t.Error(got)
	}
}

// ownStream is a stream as Titan gives it: the last chunk has text, too.
var ownStream = []string{
	`{"outputText":"\nHel","index":0,"totalOutputTextTokenCount":null,"completionReason":null,"inputTextTokenCount":5}`,
	`{"outputText":"lo","index":0,"totalOutputTextTokenCount":null,"completionReason":null,"inputTextTokenCount":null}`,
	`{"outputText":"!","index":0,"totalOutputTextTokenCount":9,"completionReason":"FINISH","inputTextTokenCount":null,"amazon-bedrock-invocationMetrics":{"inputTokenCount":5}}`,
}

func decodeAll(payloads []string) (events []chat.Event, done bool, err error) {
	d := Dialect{}.NewStreamDecoder(exchange())
	for _, p := range payloads {
		if events, err = d.Decode(events, nil, []byte(p)); err != nil {
			return events, d.Done(), err
		}
	}
	return events, d.Done(), nil
}

func show(events []chat.Event) string {
	var b strings.Builder
	for _, e := range events {
		switch e.Kind {
		case chat.EventStart:
			fmt.Fprintf(&b, "start %d; ", e.Usage.Input)
		case chat.EventBlockStart:
			b.WriteString("begin; ")
		case chat.EventBlockDelta:
			fmt.Fprintf(&b, "%s; ", e.Text)
		case chat.EventBlockStop:
			b.WriteString("stop; ")
		case chat.EventUsage:
			fmt.Fprintf(&b, "usage %d %d; ", e.Usage.Input, e.Usage.Output)
		case chat.EventStop:
			fmt.Fprintf(&b, "finish %d; ", e.Stop)
		case chat.EventEnd:
			b.WriteString("end")
		default:
			fmt.Fprintf(&b, "%d?; ", e.Kind)
		}
	}
	return b.String()
}

func TestDecodedStreams(t *testing.T) {
	tests := []struct {
		name     string
		payloads []string
		want     string
	}{
		{"a stream", ownStream, `start 5; begin; "\nHel"; "lo"; "!"; stop; usage 5 9; finish 1; end`},
		{"one chunk", []string{`{"completionReason":"LENGTH","outputText":"x"}`}, `start 0; begin; "x"; stop; finish 3; end`},
		{"no text", []string{`{"outputText":"","completionReason":"CONTENT_FILTERED","inputTextTokenCount":3,"totalOutputTextTokenCount":0}`}, `start 3; usage 3 0; finish 5; end`},
		{"chunks behind the end", append(append([]string{}, ownStream...), ownStream[0], ownStream[2]), `start 5; begin; "\nHel"; "lo"; "!"; stop; usage 5 9; finish 1; end`},
		{"not the end", ownStream[:2], `start 5; begin; "\nHel"; "lo"; `},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			events, done, err := decodeAll(tt.payloads)
			if got := show(events); err != nil || got != tt.want || done != strings.HasSuffix(tt.want, "end") {
				t.Errorf("got %s, done %v, %v\nwant %s", got, done, err, tt.want)
			}
		})
	}
	_, done, err := decodeAll([]string{`{"message":"Busy"}`})
	wantError(t, err, 502, "", "Busy")
	if done {
		t.Error("done")
	}
}

// A stream that was cut is never whole, wherever it was cut.
func TestTruncatedStreamsNeverEnd(t *testing.T) {
	for i, p := range ownStream {
		for cut := range len(p) {
			events, done, err := decodeAll(append(append([]string{}, ownStream[:i]...), p[:cut]))
			if err == nil || done || strings.Contains(show(events), "end") {
				t.Fatalf("chunk %d cut at %d: %s, done %v, %v", i, cut, show(events), done, err)
			}
		}
	}
}

func encodeAll(x *chat.Exchange, events []chat.Event) string {
	e := Dialect{}.NewStreamEncoder(x)
	var b []byte
	for i := range events {
		b = e.Encode(b, &events[i])
	}
	return string(b)
}

func TestEncodedStreams(t *testing.T) {
	own, _, err := decodeAll(ownStream)
	if err != nil {
		t.Fatal(err)
	}
	delta := func(i int, kind chat.BlockKind, s string) chat.Event {
		return chat.Event{Kind: chat.EventBlockDelta, Index: i, Block: kind, Text: json.Quote(s)}
	}
	end := []chat.Event{{Kind: chat.EventStop, Stop: chat.StopToolUse}, {Kind: chat.EventEnd}}
	call := func(i int, name string) chat.Event {
		return chat.Event{Kind: chat.EventBlockStart, Index: i, Block: chat.ToolUse, Name: name}
	}
	tests := []struct {
		name, output string
		events       []chat.Event
		want         string
	}{
		{"its own", "", own, `data: {"index":0,"inputTextTokenCount":5,"totalOutputTextTokenCount":null,"outputText":"\nHel","completionReason":null}

data: {"index":0,"inputTextTokenCount":null,"totalOutputTextTokenCount":null,"outputText":"lo","completionReason":null}

data: {"index":0,"inputTextTokenCount":null,"totalOutputTextTokenCount":null,"outputText":"!","completionReason":null}

data: {"index":0,"inputTextTokenCount":5,"totalOutputTextTokenCount":9,"outputText":"","completionReason":"FINISH"}

`},
		{"counts that nobody told, thoughts, pings, empty deltas", "", append([]chat.Event{{Kind: chat.EventPing}, delta(0, chat.Thinking, "hm"), delta(1, chat.Text, ""), delta(1, chat.Refusal, "a")}, end...), `: ping

data: {"index":0,"inputTextTokenCount":null,"totalOutputTextTokenCount":null,"outputText":"a","completionReason":null}

data: {"index":0,"inputTextTokenCount":null,"totalOutputTextTokenCount":null,"outputText":"","completionReason":"FINISH"}

`},
		{"the forced output tool", "out", append([]chat.Event{delta(0, chat.Text, "Here:"), call(1, "out"), delta(1, chat.ToolUse, `{"a"`), delta(1, chat.ToolUse, `:1}`)}, end...), `data: {"index":0,"inputTextTokenCount":null,"totalOutputTextTokenCount":null,"outputText":"{\"a\"","completionReason":null}

data: {"index":0,"inputTextTokenCount":null,"totalOutputTextTokenCount":null,"outputText":":1}","completionReason":null}

data: {"index":0,"inputTextTokenCount":null,"totalOutputTextTokenCount":null,"outputText":"","completionReason":"FINISH"}

`},
		{"without a call of it, the words count", "out", append([]chat.Event{delta(0, chat.Text, "I "), delta(0, chat.Text, "can't")}, end...), `data: {"index":0,"inputTextTokenCount":null,"totalOutputTextTokenCount":null,"outputText":"I can't","completionReason":"FINISH"}

`},
		{"called with nothing", "out", append([]chat.Event{call(0, "out")}, end...), `data: {"index":0,"inputTextTokenCount":null,"totalOutputTextTokenCount":null,"outputText":"{}","completionReason":"FINISH"}

`},
		{"another call", "", append([]chat.Event{call(0, "f"), delta(0, chat.ToolUse, `{}`)}, end...), `data: {"index":0,"inputTextTokenCount":null,"totalOutputTextTokenCount":null,"outputText":"","completionReason":"FINISH"}

`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := exchange()
			x.OutputTool = tt.output
			if got := encodeAll(x, tt.events); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestABrokenStreamEndsWithItsError(t *testing.T) {
	e := Dialect{}.NewStreamEncoder(exchange())
	if got := string(e.Error(nil, &chat.Error{Message: "busy"})); got != "event: error\ndata: {\"message\":\"busy\"}\n\n" {
		t.Errorf("got %q", got)
	}
	if got := string(e.Error(nil, &chat.Error{Dialect: Name, Body: []byte("{\"message\":\n\"own\"}")})); got != "event: error\ndata: {\"message\":\"own\"}\n\n" {
		t.Errorf("got %q", got)
	}
	if got := string(e.Encode(nil, &chat.Event{Kind: chat.EventEnd})) + e.ContentType(); got != "text/event-stream; charset=utf-8" {
		t.Errorf("behind the error: %q", got)
	}
}

// FuzzStream holds that any stream is read without harm, ends well on a completionReason alone, and is the same text when
// it is written and read again.
func FuzzStream(f *testing.F) {
	f.Add(strings.Join(ownStream, "\n"))
	f.Add(`{"outputText":"a"}` + "\n" + `{"message":"x"}`)
	f.Fuzz(func(t *testing.T, stream string) {
		events, done, err := decodeAll(strings.Split(stream, "\n"))
		if err != nil {
			var e *chat.Error
			if !errors.As(err, &e) || done && strings.Count(stream, "\n") == 0 {
				t.Fatalf("%v, done %v", err, done)
			}
			return
		}
		if done && !strings.Contains(stream, "completionReason") && !strings.Contains(stream, `\u`) {
			t.Fatal("ended without a reason")
		}
		var again []string
		for part := range strings.SplitSeq(encodeAll(exchange(), events), "\n\n") {
			if part != "" {
				again = append(again, strings.TrimPrefix(part, "data: "))
			}
		}
		events2, done2, err := decodeAll(again)
		if err != nil || done2 != done || said(events2) != said(events) {
			t.Fatalf("%v: %s\n%s", err, show(events), show(events2))
		}
	})
}

func said(events []chat.Event) (text string) {
	for _, e := range events {
		if e.Kind == chat.EventBlockDelta {
			text += e.Text.Unquote()
		}
	}
	return text
}

// FuzzResponse holds that any reply is read without harm, and that one that was written is read as what it was.
func FuzzResponse(f *testing.F) {
	f.Add(`{"inputTextTokenCount":5,"results":[{"tokenCount":7,"outputText":"\n Hi","completionReason":"FINISH"}]}`)
	f.Add(`{"results":[{"outputText":"a"},{"outputText":"b","completionReason":"X"}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		r, err := Dialect{}.DecodeResponse([]byte(body), exchange())
		if err != nil {
			return
		}
		once, err := Dialect{}.EncodeResponse(nil, r, exchange())
		if err != nil || json.Valid(once) != nil {
			t.Fatalf("%s, %v", once, err)
		}
		r2, err := Dialect{}.DecodeResponse(once, exchange())
		if err != nil {
			t.Fatal(err)
		}
		twice, err := Dialect{}.EncodeResponse(nil, r2, exchange())
		if err != nil || string(once) != string(twice) {
			t.Fatalf("%s\n%s", once, twice)
		}
	})
}

func TestAFurtherChunkAllocatesNothing(t *testing.T) {
	d := Dialect{}.NewStreamDecoder(exchange())
	events, err := d.Decode(make([]chat.Event, 0, 8), nil, []byte(ownStream[0]))
	if err != nil {
		t.Fatal(err)
	}
	chunk := []byte(ownStream[1])
	if n := testing.AllocsPerRun(100, func() {
		if events, err = d.Decode(events[:0], nil, chunk); err != nil || len(events) != 1 {
			t.Error(err, events)
		}
	}); n != 0 {
		t.Errorf("decoding: %v allocations", n)
	}
	e := Dialect{}.NewStreamEncoder(exchange())
	buf := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { buf = e.Encode(buf[:0], &events[0]) }); n != 0 {
		t.Errorf("encoding: %v allocations", n)
	}
}

func BenchmarkDecodeChunk(b *testing.B) {
	d := Dialect{}.NewStreamDecoder(exchange())
	events, _ := d.Decode(make([]chat.Event, 0, 8), nil, []byte(ownStream[0]))
	chunk := []byte(ownStream[1])
	b.ReportAllocs()
	for b.Loop() {
		events, _ = d.Decode(events[:0], nil, chunk)
	}
}
