package openai

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

const (
	chunkHead = `data: {"id":"chatcmpl-abc","object":"chat.completion.chunk","created":7,"model":"my \"model\"","choices":[`
	chunkTail = `,"logprobs":null,"finish_reason":null}]}` + "\n\n"
	roleChunk = chunkHead + `{"index":0,"delta":{"role":"assistant","content":"","refusal":null}` + chunkTail
	doneChunk = "data: [DONE]\n\n"
)

func deltaChunk(delta string) string { return chunkHead + `{"index":0,"delta":` + delta + chunkTail }

func finishChunk(reason string) string {
	return chunkHead + `{"index":0,"delta":{},"logprobs":null,"finish_reason":"` + reason + "\"}]}\n\n"
}

func textDelta(index int, text string) chat.Event {
	return chat.Event{Kind: chat.EventBlockDelta, Index: index, Block: chat.Text, Text: str(text)}
}

func toolStart(index int, id, name string) chat.Event {
	return chat.Event{Kind: chat.EventBlockStart, Index: index, Block: chat.ToolUse, ID: id, Name: name}
}

func toolDelta(index int, text string) chat.Event {
	return chat.Event{Kind: chat.EventBlockDelta, Index: index, Block: chat.ToolUse, Text: str(text)}
}

func blockStop(index int) chat.Event { return chat.Event{Kind: chat.EventBlockStop, Index: index} }

func stopEvent(s chat.StopReason) chat.Event { return chat.Event{Kind: chat.EventStop, Stop: s} }

var (
	startEvent = chat.Event{Kind: chat.EventStart}
	endEvent   = chat.Event{Kind: chat.EventEnd}
	usageEvent = chat.Event{Kind: chat.EventUsage, Usage: chat.Usage{Known: true, Input: 1, Output: 2}}
)

func TestStreamEncoder(t *testing.T) {
	call := func(k int, id, name string) string {
		return deltaChunk(fmt.Sprintf(`{"tool_calls":[{"index":%d,"id":"%s","type":"function","function":{"name":"%s","arguments":""}}]}`, k, id, name))
	}
	fragment := func(k int, text string) string {
		return deltaChunk(fmt.Sprintf(`{"tool_calls":[{"index":%d,"function":{"arguments":%s}}]}`, k, text))
	}
	content := func(text string) string { return deltaChunk(`{"content":` + text + `}`) }
	tests := []struct {
		name   string
		x      func(*chat.Exchange)
		events []chat.Event
		want   string
	}{
		{
			"text", nil,
			[]chat.Event{startEvent, {Kind: chat.EventBlockStart, Block: chat.Text}, textDelta(0, `"a\n"`), textDelta(0, `""`), textDelta(0, `"é"`), blockStop(0), usageEvent, stopEvent(chat.StopEnd), endEvent},
			roleChunk + content(`"a\n"`) + content(`"é"`) + finishChunk("stop") + doneChunk,
		},
		{"the role comes first, start or not", nil, []chat.Event{textDelta(0, `"a"`)}, roleChunk + content(`"a"`)},
		{"no end, no [DONE]", nil, []chat.Event{startEvent, textDelta(0, `"a"`), stopEvent(chat.StopEnd)}, roleChunk + content(`"a"`) + finishChunk("stop")},
		{"an end without a stop makes up none", nil, []chat.Event{startEvent, endEvent}, roleChunk + doneChunk},
		{
			"tool indices are dense, whatever stands between", nil,
			[]chat.Event{startEvent, toolStart(1, "x", "f"), toolDelta(1, `"{\"a\""`), toolDelta(1, `""`), toolDelta(1, `":1}"`), blockStop(1), textDelta(2, `"t"`), blockStop(2), toolStart(4, "y", "g"), toolDelta(4, `"{}"`), blockStop(4), stopEvent(chat.StopToolUse), endEvent},
			roleChunk + call(0, "x", "f") + fragment(0, `"{\"a\""`) + fragment(0, `":1}"`) + content(`"t"`) + call(1, "y", "g") + fragment(1, `"{}"`) + finishChunk("tool_calls") + doneChunk,
		},
		{
			"interleaved tools", nil,
			[]chat.Event{startEvent, toolStart(0, "x", "f"), toolStart(1, "y", "g"), toolDelta(0, `"a"`), toolDelta(1, `"b"`), blockStop(0), blockStop(1)},
			roleChunk + call(0, "x", "f") + call(1, "y", "g") + fragment(0, `"a"`) + fragment(1, `"b"`),
		},
		{
			"a tool without arguments", nil,
			[]chat.Event{startEvent, toolStart(0, "x", "f"), blockStop(0), blockStop(0), toolStart(1, "y", "g"), stopEvent(chat.StopToolUse)},
			roleChunk + call(0, "x", "f") + fragment(0, `"{}"`) + call(1, "y", "g") + fragment(1, `"{}"`) + finishChunk("tool_calls"),
		},
		{
			"thinking, its signature, redacted thinking", nil,
			[]chat.Event{startEvent, {Kind: chat.EventBlockStart, Index: 0, Block: chat.Thinking}, {Kind: chat.EventBlockDelta, Index: 0, Block: chat.Thinking, Text: str(`"hm"`)}, {Kind: chat.EventSignature, Index: 0, Text: str(`"s\/"`)}, blockStop(0), {Kind: chat.EventBlockStart, Index: 1, Block: chat.RedactedThinking, Text: str(`"d="`)}, blockStop(1), {Kind: chat.EventBlockDelta, Index: 2, Block: chat.Thinking, Text: str(`"so"`)}},
			roleChunk + deltaChunk(`{"reasoning_content":"hm","thinking_blocks":[{"index":0,"type":"thinking","thinking":"hm"}]}`) + deltaChunk(`{"thinking_blocks":[{"index":0,"type":"thinking","signature":"s\/"}]}`) + deltaChunk(`{"thinking_blocks":[{"index":1,"type":"redacted_thinking","data":"d="}]}`) + deltaChunk(`{"reasoning_content":"so","thinking_blocks":[{"index":2,"type":"thinking","thinking":"so"}]}`),
		},
		{"a signature that is absent", nil, []chat.Event{startEvent, {Kind: chat.EventBlockDelta, Block: chat.Thinking}, {Kind: chat.EventSignature}}, roleChunk + deltaChunk(`{"thinking_blocks":[{"index":0,"type":"thinking","signature":""}]}`)},
		{"refusal", nil, []chat.Event{startEvent, {Kind: chat.EventBlockDelta, Block: chat.Refusal, Text: str(`"no"`)}, stopEvent(chat.StopFiltered)}, roleChunk + deltaChunk(`{"refusal":"no"}`) + finishChunk("content_filter")},
		{
			"a forced output tool is content", func(x *chat.Exchange) { x.OutputTool = "out" },
			[]chat.Event{startEvent, textDelta(0, `"Here:"`), toolStart(1, "x", "out"), toolDelta(1, `"{\"a\":"`), toolDelta(1, `"1}"`), blockStop(1), textDelta(2, `"Bye"`), stopEvent(chat.StopToolUse), endEvent},
			roleChunk + content(`"{\"a\":"`) + content(`"1}"`) + finishChunk("stop") + doneChunk,
		},
		{
			"a forced output tool without input", func(x *chat.Exchange) { x.OutputTool = "out" },
			[]chat.Event{startEvent, toolStart(1, "x", "out"), blockStop(1), stopEvent(chat.StopToolUse)},
			roleChunk + content(`"{}"`) + finishChunk("stop"),
		},
		{
			"words where the output tool was not called", func(x *chat.Exchange) { x.OutputTool = "out" },
			[]chat.Event{startEvent, textDelta(0, `"I "`), textDelta(0, `"won't"`), stopEvent(chat.StopEnd)},
			roleChunk + content(`"I won't"`) + finishChunk("stop"),
		},
		{
			"a real tool call wins", func(x *chat.Exchange) { x.OutputTool = "out" },
			[]chat.Event{startEvent, toolStart(0, "x", "f"), toolDelta(0, `"{}"`), blockStop(0), stopEvent(chat.StopToolUse)},
			roleChunk + call(0, "x", "f") + fragment(0, `"{}"`) + finishChunk("tool_calls"),
		},
		{
			"a deprecated function call", func(x *chat.Exchange) { x.FunctionCalls = true },
			[]chat.Event{startEvent, toolStart(0, "x", "f"), toolDelta(0, `"{}"`), blockStop(0), toolStart(1, "y", "g"), toolDelta(1, `"{}"`), stopEvent(chat.StopToolUse)},
			roleChunk + deltaChunk(`{"function_call":{"name":"f","arguments":""}}`) + deltaChunk(`{"function_call":{"arguments":"{}"}}`) + finishChunk("function_call"),
		},
		{
			"guardrail trace", func(x *chat.Exchange) { x.ShowTrace = true },
			[]chat.Event{startEvent, {Kind: chat.EventStop, Stop: chat.StopFiltered, Raw: chat.Value("{\n\"a\" : 1}")}},
			roleChunk + chunkHead + `{"index":0,"delta":{},"logprobs":null,"finish_reason":"content_filter"}],"bedrock":{"trace":{"a":1}}}` + "\n\n",
		},
		{"ping", nil, []chat.Event{startEvent, {Kind: chat.EventPing}}, roleChunk + ": ping\n\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := exchange()
			if tt.x != nil {
				tt.x(x)
			}
			e := Dialect{}.NewStreamEncoder(x)
			var got []byte
			for i := range tt.events {
				got = e.Encode(got, &tt.events[i])
			}
			if string(got) != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
			checkFrames(t, got)
		})
	}
}

// checkFrames checks that a stream is frames of one line each, whose data is JSON.
func checkFrames(t *testing.T, stream []byte) {
	t.Helper()
	for frame := range strings.SplitSeq(strings.TrimSuffix(string(stream), "\n\n"), "\n\n") {
		data, ok := strings.CutPrefix(frame, "data: ")
		if !ok {
			if frame != ": ping" && frame != "" {
				t.Errorf("frame %q", frame)
			}
			continue
		}
		if data != "[DONE]" && (!json.Valid([]byte(data)) || strings.Contains(data, "\n")) {
			t.Errorf("data %q", data)
		}
	}
}

func TestStreamEncoderHoldsNoMoreThanItMust(t *testing.T) {
	x := exchange()
	x.OutputTool = "out"
	e := Dialect{}.NewStreamEncoder(x)
	long := textDelta(0, `"`+strings.Repeat("q", 1<<16)+`"`)
	var got []byte
	for range 40 {
		got = e.Encode(got, &long)
	}
	stop := stopEvent(chat.StopEnd)
	if held := 40<<16 - strings.Count(string(got), "q"); held > maxHeld {
		t.Errorf("%d bytes held", held)
	}
	if got = e.Encode(got, &stop); strings.Count(string(got), "q") != 40<<16 {
		t.Error("text was lost")
	}
	checkFrames(t, got)
}

func TestStreamEncoderTellsTheUsageOnceAndOnlyWhenAsked(t *testing.T) {
	x := exchange()
	x.IncludeUsage = true
	e := Dialect{}.NewStreamEncoder(x)
	events := []chat.Event{{Kind: chat.EventStart, Usage: chat.Usage{Known: true, Input: 9}}, textDelta(0, `"a"`), usageEvent, stopEvent(chat.StopEnd), endEvent}
	var got []byte
	for i := range events {
		got = e.Encode(got, &events[i])
	}
	frames := strings.Split(strings.TrimSpace(string(got)), "\n\n")
	if len(frames) != 5 {
		t.Fatalf("%d frames:\n%s", len(frames), got)
	}
	for _, f := range frames[:3] {
		if !strings.HasSuffix(f, `,"usage":null}`) {
			t.Errorf("no null usage in %s", f)
		}
	}
	if want := chunkHead + `],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":0}}}`; frames[3] != want {
		t.Errorf("got  %s\nwant %s", frames[3], want)
	}
	checkFrames(t, got)

	// A provider that told no usage: none is invented.
	e = Dialect{}.NewStreamEncoder(x)
	if got := string(e.Encode(nil, &endEvent)); got != doneChunk {
		t.Errorf("got %s", got)
	}
}

func TestStreamEncoderError(t *testing.T) {
	e := Dialect{}.NewStreamEncoder(exchange())
	got := string(e.Error(nil, &chat.Error{Kind: chat.ErrUpstream, Message: "cut\noff"}))
	if want := `data: {"error":{"message":"cut\noff","type":"api_error","param":null,"code":"upstream_error"}}` + "\n\n"; got != want {
		t.Errorf("got %q", got)
	}
	// OpenAI's own body may be pretty-printed; a line break would end the event.
	got = string(e.Error(nil, &chat.Error{Dialect: "openai", Body: []byte("{\n  \"error\": {}\n}")}))
	if want := "data: {\"error\":{}}\n\n"; got != want {
		t.Errorf("got %q", got)
	}
	got = string(e.Error(nil, &chat.Error{Dialect: "openai", Body: []byte("<html>\n\n"), Message: "m"}))
	checkFrames(t, []byte(got))
	if !strings.Contains(got, `"message":"m"`) {
		t.Errorf("got %q", got)
	}
}

func dumpEvents(events []chat.Event) string {
	var b strings.Builder
	for _, e := range events {
		switch e.Kind {
		case chat.EventStart:
			fmt.Fprintf(&b, "start %s %s\n", e.ID, e.Model)
		case chat.EventBlockStart:
			fmt.Fprintf(&b, "%d+ %s %s %s\n", e.Index, e.Block, e.ID, e.Name)
		case chat.EventBlockDelta:
			fmt.Fprintf(&b, "%d %s %s\n", e.Index, e.Block, e.Text)
		case chat.EventBlockStop:
			fmt.Fprintf(&b, "%d-\n", e.Index)
		case chat.EventStop:
			fmt.Fprintf(&b, "stop %s\n", finishReasons[e.Stop])
		case chat.EventUsage:
			fmt.Fprintf(&b, "usage %d %d\n", e.Usage.Prompt(), e.Usage.Output)
		case chat.EventEnd:
			b.WriteString("end\n")
		default:
			fmt.Fprintf(&b, "?%d\n", e.Kind)
		}
	}
	return b.String()
}

func TestStreamDecoder(t *testing.T) {
	delta := func(d string) string {
		return `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":` + d + `,"logprobs":null,"finish_reason":null}],"usage":null}`
	}
	finish := func(reason string) string {
		return `{"id":"c1","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"` + reason + `"}]}`
	}
	const usage = `{"id":"c1","model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}`
	tests := []struct {
		name   string
		chunks []string
		want   string
		note   string
	}{
		{
			"text",
			[]string{delta(`{"role":"assistant","content":""}`), delta(`{"content":"a\n"}`), delta(`{"content":"b"}`), finish("stop"), usage, "[DONE]"},
			"start c1 m\n0+ text  \n0 text \"a\\n\"\n0 text \"b\"\n0-\nstop stop\nusage 3 4\nend\n", "",
		},
		{
			"reasoning, then text, then tools",
			[]string{delta(`{"reasoning_content":"r"}`), delta(`{"content":"a"}`), delta(`{"tool_calls":[{"index":0,"id":"t1","type":"function","function":{"name":"f","arguments":""}}]}`), delta(`{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}}]}`), delta(`{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]}`), delta(`{"tool_calls":[{"index":1,"id":"t2","type":"function","function":{"name":"g","arguments":"{}"}}]}`), finish("tool_calls"), "[DONE]"},
			"start c1 m\n0+ thinking  \n0 thinking \"r\"\n0-\n1+ text  \n1 text \"a\"\n1-\n2+ tool_use t1 f\n2 tool_use \"{\\\"a\\\"\"\n2 tool_use \":1}\"\n2-\n3+ tool_use t2 g\n3 tool_use \"{}\"\n3-\nstop tool_calls\nend\n", "",
		},
		{
			"calls without indices are told apart by their ids",
			[]string{delta(`{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}},{"id":"b","function":{"name":"f","arguments":"{}"}}]}`), finish("stop")},
			"start c1 m\n0+ tool_use a f\n0 tool_use \"{}\"\n0-\n1+ tool_use b f\n1 tool_use \"{}\"\n1-\nstop tool_calls\n", "",
		},
		{
			"calls that all have the index 0",
			[]string{delta(`{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}`), delta(`{"tool_calls":[{"index":0,"id":"b","function":{"name":"g","arguments":"{"}}]}`), delta(`{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}`)},
			"start c1 m\n0+ tool_use a f\n0 tool_use \"{}\"\n0-\n1+ tool_use b g\n1 tool_use \"{\"\n1 tool_use \"}\"\n", "",
		},
		{
			"a deprecated function call",
			[]string{delta(`{"function_call":{"name":"f","arguments":""}}`), delta(`{"function_call":{"arguments":"{}"}}`), finish("function_call")},
			"start c1 m\n0+ tool_use call_abc f\n0 tool_use \"{}\"\n0-\nstop tool_calls\n", "",
		},
		{"a fragment of no call", []string{delta(`{"tool_calls":[{"index":3,"function":{"arguments":"{}"}}]}`)}, "start c1 m\n", "never began"},
		{"refusal", []string{delta(`{"refusal":"no"}`), finish("content_filter")}, "start c1 m\n0+ refusal  \n0 refusal \"no\"\n0-\nstop content_filter\n", ""},
		{"usage in the last chunk", []string{`{"id":"c1","model":"m","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`}, "start c1 m\n0+ text  \n0 text \"a\"\n0-\nstop stop\nusage 1 2\n", ""},
		{"of several choices the first", []string{`{"id":"c1","model":"m","choices":[{"index":1,"delta":{"content":"x"}},{"index":0,"delta":{"content":"a"}},{"delta":{"content":"y"},"index":2}]}`}, "start c1 m\n0+ text  \n0 text \"a\"\n", "more than one"},
		{"nulls and strangers", []string{`{"choices":[{"index":0,"delta":{"content":null,"tool_calls":null,"x":{"y":[]}},"finish_reason":null}],"obfuscation":"zz"}`}, "start  \n", ""},
		{"[DONE] counts once", []string{" [DONE]", "[DONE]"}, "end\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := exchange()
			d := Dialect{}.NewStreamDecoder(x)
			var got string
			var events []chat.Event
			for _, c := range tt.chunks {
				var err error
				if events, err = d.Decode(events[:0], nil, []byte(c)); err != nil {
					t.Fatal(err)
				}
				got += dumpEvents(events)
			}
			if got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
			if notes := strings.Join(x.Notes, "\n"); !strings.Contains(notes, tt.note) || tt.note == "" && notes != "" {
				t.Errorf("notes %q, want %q", notes, tt.note)
			}
		})
	}
}

func TestStreamDecoderKnowsAWholeReply(t *testing.T) {
	d := Dialect{}.NewStreamDecoder(exchange())
	steps := []struct {
		payload string
		done    bool
	}{
		{`{"choices":[{"delta":{"content":"a"},"finish_reason":null}]}`, false},
		{`{"choices":[{"delta":{},"finish_reason":"stop"}]}`, true}, // servers leave [DONE] out
		{`[DONE]`, true},
	}
	for _, s := range steps {
		if _, err := d.Decode(nil, nil, []byte(s.payload)); err != nil {
			t.Fatal(err)
		}
		if d.Done() != s.done {
			t.Errorf("after %s: done %v", s.payload, d.Done())
		}
	}
}

func TestStreamDecoderErrors(t *testing.T) {
	tests := []struct {
		payload string
		status  int
		message string
	}{
		{`{"error":{"message":"The server is overloaded","type":"server_error","code":null}}`, 502, "overloaded"},
		{`{"error":{"message":"too fast","type":"requests","code":"rate_limit_exceeded"}}`, 429, "too fast"},
		{`{"choices":[`, 502, "cannot be read"},
		{`{"choices":5}`, 502, "cannot be read"},
		{``, 502, "cannot be read"},
	}
	for _, tt := range tests {
		_, err := Dialect{}.NewStreamDecoder(exchange()).Decode(nil, nil, []byte(tt.payload))
		var e *chat.Error
		if !errors.As(err, &e) || e.StatusCode() != tt.status || !strings.Contains(e.Message, tt.message) {
			t.Errorf("%s: %+v", tt.payload, err)
		}
	}
}

func TestStreamsAllocateNothingPerDelta(t *testing.T) {
	x := exchange()
	e := Dialect{}.NewStreamEncoder(x)
	d := Dialect{}.NewStreamDecoder(x)
	payload := []byte(`{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}],"usage":null}`)
	buf := make([]byte, 0, 4096)
	events := make([]chat.Event, 0, 8)
	step := func() {
		var err error
		if events, err = d.Decode(events[:0], nil, payload); err != nil {
			t.Error(err)
		}
		buf = buf[:0]
		for i := range events {
			buf = e.Encode(buf, &events[i])
		}
	}
	step()
	if n := testing.AllocsPerRun(100, step); n != 0 {
		t.Errorf("%v allocations for a text delta", n)
	}
	fragment := toolDelta(1, `"{\"a\""`)
	start := toolStart(1, "x", "f")
	buf = e.Encode(buf, &start)
	if n := testing.AllocsPerRun(100, func() { buf = e.Encode(buf[:0], &fragment) }); n != 0 {
		t.Errorf("%v allocations for a fragment of arguments", n)
	}
}

// A relay leaves chunks out of its count at a glance: what it leaves out must hold neither a finish nor a usage.
func TestOnlyContentIsCertain(t *testing.T) {
	for payload, want := range map[string]bool{
		`{"choices":[{"index":0,"delta":{"content":"x"},"logprobs":null,"finish_reason":null}]}`:                  true,
		`{"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}],"usage":null}`:                     true,
		`{"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}],"usage":null,"obfuscation":"aB3"}`: true,
		`{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`:                                             false,
		`{"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}],"usage":{"prompt_tokens":1}}`:      false,
		`{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}`:                                        false,
		`{"choices":[{"index":0,"finish_reason":"stop","delta":{"content":"\"finish_reason\":null}]"}}]}`:         false,
		`{"error":{"message":"overloaded"}}`:                                                                      false,
		"[DONE]":                                                                                                  false,
	} {
		d := Dialect{}.NewStreamDecoder(&chat.Exchange{}).(chat.Skimmer)
		if got := d.OnlyContent(nil, []byte(payload)); got != want {
			t.Errorf("%s: %t", payload, got)
		}
	}
}

// Of several choices the first is told, but the reply is whole only when each that began has its reason to stop: servers
// that leave [DONE] out end after the last.
func TestAReplyIsWholeWhenEachChoiceIsFinished(t *testing.T) {
	d := Dialect{}.NewStreamDecoder(&chat.Exchange{})
	for _, c := range []struct {
		choice string
		done   bool
	}{
		{`{"index":0,"delta":{"content":"a"},"finish_reason":null}`, false},
		{`{"index":1,"delta":{"content":"b"},"finish_reason":null}`, false},
		{`{"index":0,"delta":{},"finish_reason":"stop"}`, false},
		{`{"index":1,"delta":{},"finish_reason":"length"}`, true},
	} {
		payload := []byte(`{"choices":[` + c.choice + `]}`)
		if skim := d.(chat.Skimmer).OnlyContent(nil, payload); skim && strings.Contains(c.choice, `"index":1`) {
			t.Errorf("%s was left out", c.choice)
		}
		if _, err := d.Decode(nil, nil, payload); err != nil {
			t.Fatal(err)
		}
		if d.Done() != c.done {
			t.Errorf("after %s: done %v", c.choice, d.Done())
		}
	}
}

// Servers that forget to quote arguments do so in streams, too; there they were lost, and the tool was called with {}.
func TestStreamedArgumentsThatAreAnObjectAreKept(t *testing.T) {
	d := Dialect{}.NewStreamDecoder(&chat.Exchange{})
	events, err := d.Decode(nil, nil, []byte(`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":{"x":"\n"}}}]}}]}`))
	if err != nil || len(events) != 3 || events[2].Kind != chat.EventBlockDelta || events[2].Text.Unquote() != `{"x":"\n"}` {
		t.Errorf("%v: %+v", err, events)
	}
}
