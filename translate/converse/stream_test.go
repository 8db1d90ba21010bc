package converse

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/schemas"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/eventstream"
)

// show renders an event on one line.
func show(e *chat.Event) string {
	block := [...]string{chat.Text: "text", chat.ToolUse: "call", chat.Thinking: "thinking", chat.RedactedThinking: "redacted", chat.Opaque: ""}
	switch e.Kind {
	case chat.EventStart:
		return "start"
	case chat.EventBlockStart:
		return strings.TrimSpace(fmt.Sprintf("%d begin %s %s %s %s", e.Index, block[e.Block], e.ID, e.Name, e.Text))
	case chat.EventBlockDelta:
		return fmt.Sprintf("%d %s %s", e.Index, block[e.Block], e.Text)
	case chat.EventSignature:
		return fmt.Sprintf("%d signature %s", e.Index, e.Text)
	case chat.EventCitation:
		return fmt.Sprintf("%d citation %s", e.Index, e.Raw)
	case chat.EventBlockStop:
		return fmt.Sprintf("%d end", e.Index)
	case chat.EventStop:
		return strings.TrimSpace(fmt.Sprintf("stop %d %s %s", e.Stop, e.StopSequence, e.Raw))
	case chat.EventUsage:
		return fmt.Sprintf("usage %d+%d+%d %d", e.Usage.Input, e.Usage.CacheRead, e.Usage.CacheWrite, e.Usage.Output)
	case chat.EventEnd:
		return "end"
	default:
		return "?"
	}
}

// feed decodes lines of "event payload" and renders what comes out. Each payload is destroyed after its call, as a
// transport's buffer is.
func feed(t testing.TB, d chat.StreamDecoder, lines string) (string, error) {
	t.Helper()
	var out []string
	var events []chat.Event
	for line := range strings.SplitSeq(strings.TrimSpace(lines), "\n") {
		name, payload, _ := strings.Cut(strings.TrimSpace(line), " ")
		b := []byte(payload)
		var err error
		if events, err = d.Decode(events[:0], []byte(name), b); err != nil {
			return strings.Join(out, "\n"), err
		}
		for i := range events {
			out = append(out, show(&events[i]))
		}
		for i := range b {
			b[i] = '#'
		}
	}
	return strings.Join(out, "\n"), nil
}

func TestStreams(t *testing.T) {
	const (
		start = "messageStart {\"role\":\"assistant\",\"p\":\"abc\"}\n"
		end   = "\nmessageStop {\"stopReason\":\"end_turn\"}\nmetadata {\"usage\":{\"inputTokens\":3,\"outputTokens\":4,\"totalTokens\":7},\"metrics\":{\"latencyMs\":9},\"p\":\"a\"}"
		ended = "\nusage 3+0+0 4\nstop 1\nend"
	)
	for _, c := range []struct {
		name, lines, want, note string
		broken                  bool // Done is false
	}{
		{
			name:  "text begins with its first delta",
			lines: start + `contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"a"},"p":"x"}` + "\n" + `contentBlockDelta {"p":"x","delta":{"text":"\n"},"contentBlockIndex":0}` + "\n" + `contentBlockStop {"contentBlockIndex":0}` + end,
			want:  "start\n0 begin text\n0 text \"a\"\n0 text \"\\n\"\n0 end" + ended,
		},
		{
			name: "reasoning, signature, text and two calls",
			lines: start + `contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"h"}}}
				contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"s"}}}
				contentBlockStop {"contentBlockIndex":0}
				contentBlockDelta {"contentBlockIndex":1,"delta":{"reasoningContent":{"redactedContent":"AA=="}}}
				contentBlockStop {"contentBlockIndex":1}
				contentBlockDelta {"contentBlockIndex":2,"delta":{"text":"t"}}
				contentBlockStop {"contentBlockIndex":2}
				contentBlockStart {"contentBlockIndex":3,"start":{"toolUse":{"toolUseId":"i1","name":"f"}}}
				contentBlockDelta {"contentBlockIndex":3,"delta":{"toolUse":{"input":""}}}
				contentBlockDelta {"contentBlockIndex":3,"delta":{"toolUse":{"input":"{\"a\":"}}}
				contentBlockDelta {"contentBlockIndex":3,"delta":{"toolUse":{"input":"1}"}}}
				contentBlockStop {"contentBlockIndex":3}
				contentBlockStart {"contentBlockIndex":4,"start":{"toolUse":{"name":"g","toolUseId":"i2"}}}
				contentBlockStop {"contentBlockIndex":4}` + end,
			want: "start\n0 begin thinking\n0 thinking \"h\"\n0 signature \"s\"\n0 end\n1 begin redacted   \"AA==\"\n1 end\n2 begin text\n2 text \"t\"\n2 end\n" +
				"3 begin call i1 f\n3 call \"\"\n3 call \"{\\\"a\\\":\"\n3 call \"1}\"\n3 end\n4 begin call i2 g\n4 end" + ended,
		},
		{
			name: "an announced text block is text all the same", lines: start + `contentBlockStart {"contentBlockIndex":0,"start":{}}` + "\n" + `contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"a"}}` + end,
			want: "start\n0 begin text\n0 text \"a\"\n0 end" + ended,
		},
		{
			name: "a citation", lines: start + `contentBlockDelta {"contentBlockIndex":0,"delta":{"citation":{"title":"t"}}}` + end,
			want: "start\n0 begin text\n0 citation {\"title\":\"t\"}\n0 end" + ended,
		},
		{
			name: "a block that changes its kind is two", lines: start + `contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"h"}}}` + "\n" + `contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"a"}}` + end,
			want: "start\n0 begin thinking\n0 thinking \"h\"\n0 end\n0 begin text\n0 text \"a\"\n0 end" + ended,
		},
		{
			name: "the provider's own tools and their results are told whole, when they end",
			lines: start + `contentBlockStart {"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"i","name":"web","type":"server_tool_use"}}}
				contentBlockDelta {"contentBlockIndex":0,"delta":{"toolUse":{"input":"{}"}}}
				contentBlockStop {"contentBlockIndex":0}
				contentBlockStart {"contentBlockIndex":1,"start":{"toolResult":{"toolUseId":"i"}}}
				contentBlockDelta {"contentBlockIndex":1,"delta":{"toolResult":[{"text":"x"}]}}
				contentBlockStop {"contentBlockIndex":1}
				contentBlockDelta {"contentBlockIndex":2,"delta":{"text":"a"}}` + end,
			want: "start\n0 begin\n0 end\n1 begin\n1 end\n2 begin text\n2 text \"a\"\n2 end" + ended,
		},
		{
			name: "unknown events and deltas", lines: start + "sparkle {}\n" + `contentBlockDelta {"contentBlockIndex":0,"delta":{"hologram":{}}}` + end,
			want: "start" + ended, note: "sparkle",
		},
		{name: "a delta of a call that never began", lines: start + `contentBlockDelta {"contentBlockIndex":0,"delta":{"toolUse":{"input":"{}"}}}` + end, want: "start" + ended, note: "did not begin"},
		{name: "no messageStart", lines: `contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"a"}}` + end, want: "start\n0 begin text\n0 text \"a\"\n0 end" + ended},
		{name: "metadata before the stop", lines: start + `metadata {"usage":{"inputTokens":1},"trace":{"guardrail":{}}}` + "\n" + `messageStop {"stopReason":"guardrail_intervened"}`, want: "start\nusage 1+0+0 0\nstop 5  {\"guardrail\":{}}\nend"},
		{name: "the matched stop sequence", lines: start + `messageStop {"stopReason":"stop_sequence","additionalModelResponseFields":{"stop_sequence":"END"}}` + "\n" + `metadata {}`, want: "start\nstop 2 \"END\"\nend"},
		{name: "the stop without the metadata", lines: start + `messageStop {"stopReason":"end_turn"}`, want: "start"},
		{name: "cut before the stop", lines: start + `contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"a"}}`, want: "start\n0 begin text\n0 text \"a\"", broken: true},
		{name: "metadata alone ends nothing", lines: start + `metadata {"usage":{"inputTokens":1}}`, want: "start\nusage 1+0+0 0", broken: true},
		{name: "what comes after the end", lines: start + end[1:] + "\n" + `contentBlockDelta {"delta":{"text":"a"}}`, want: "start" + ended, note: "after the end"},
		{name: "nulls", lines: "messageStart null\ncontentBlockDelta {\"contentBlockIndex\":0,\"delta\":null}\ncontentBlockDelta {\"contentBlockIndex\":null,\"delta\":{\"text\":null}}" + end, want: "start" + ended},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := exchange(sonnet45)
			d := Dialect{}.NewStreamDecoder(x)
			got, err := feed(t, d, c.lines)
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if d.Done() == c.broken {
				t.Errorf("done is %v", d.Done())
			}
			if notes := strings.Join(x.Notes, "\n"); c.note == "" && notes != "" || !strings.Contains(notes, c.note) {
				t.Errorf("notes %q, want %q", notes, c.note)
			}
		})
	}
}

func TestBrokenFramesEndTheStream(t *testing.T) {
	for _, line := range []string{`contentBlockDelta {"delta":`, `contentBlockDelta []`, `messageStop x`, `contentBlockStart "a"`, `metadata {} {}`, `contentBlockDelta {"delta":{"text":"` + "\x01" + `"}}`} {
		d := Dialect{}.NewStreamDecoder(exchange(sonnet45))
		if out, err := feed(t, d, line); err == nil || d.Done() {
			t.Errorf("%q gave %q", line, out)
		}
	}
}

func TestOpenBlocksAreBounded(t *testing.T) {
	d := Dialect{}.NewStreamDecoder(exchange(sonnet45))
	for i := range maxOpenBlocks + 1 {
		_, err := d.Decode(nil, []byte("contentBlockDelta"), fmt.Appendf(nil, `{"contentBlockIndex":%d,"delta":{"text":"a"}}`, i))
		if (err != nil) != (i == maxOpenBlocks) {
			t.Fatalf("block %d: %v", i, err)
		}
	}
}

// frames decodes an event stream; each payload is held against the SDK's model of the service.
func frames(t testing.TB, stream []byte, d chat.StreamDecoder) (string, error) {
	t.Helper()
	var out []string
	r := eventstream.NewReader(bytes.NewReader(stream))
	for {
		m, err := r.Next()
		if errors.Is(err, io.EOF) {
			return strings.Join(out, "\n"), nil
		}
		if err != nil {
			return strings.Join(out, "\n"), err
		}
		if string(m.Type) != eventstream.TypeEvent {
			return strings.Join(out, "\n"), fmt.Errorf("%s: %s", m.Exception, m.Payload)
		}
		var tree any
		if err := json.Unmarshal(m.Payload, &tree); err != nil {
			t.Fatalf("%v in %s", err, m.Payload)
		}
		if o, ok := tree.(map[string]any); ok {
			delete(o, "p") // padding, in no model
		}
		if s := schemas.ConverseStreamOutput.Member(string(m.Event)); s == nil {
			t.Errorf("unknown event %s", m.Event)
		} else if err := conforms(tree, s, string(m.Event)); err != nil {
			t.Errorf("%v in %s", err, m.Payload)
		}
		events, err := d.Decode(nil, m.Event, m.Payload)
		if err != nil {
			return strings.Join(out, "\n"), err
		}
		for i := range events {
			out = append(out, show(&events[i]))
		}
	}
}

// What the encoder writes, the decoder reads back.
func TestStreamsSurviveTheRoundTrip(t *testing.T) {
	files, _ := filepath.Glob("testdata/stream/*.txt")
	if len(files) == 0 {
		t.Fatal("no streams")
	}
	for _, file := range files {
		lines, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, err := feed(t, Dialect{}.NewStreamDecoder(exchange(sonnet45)), string(lines))
		if err != nil {
			t.Fatal(file, err)
		}
		d, e := Dialect{}.NewStreamDecoder(exchange(sonnet45)), Dialect{}.NewStreamEncoder(exchange(sonnet45))
		var stream []byte
		for line := range strings.SplitSeq(strings.TrimSpace(string(lines)), "\n") {
			name, payload, _ := strings.Cut(line, " ")
			events, err := d.Decode(nil, []byte(name), []byte(payload))
			if err != nil {
				t.Fatal(file, err)
			}
			for i := range events {
				stream = e.Encode(stream, &events[i])
			}
		}
		got, err := frames(t, stream, Dialect{}.NewStreamDecoder(exchange(sonnet45)))
		if err != nil || got != want {
			t.Errorf("%s: %v\ngot\n%s\nwant\n%s", file, err, got, want)
		}
	}
}

func TestTheForcedToolStreamsAsText(t *testing.T) {
	for _, c := range []struct{ name, lines, want string }{
		{
			"alone", `contentBlockStart {"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"i","name":"structured_output"}}}
			contentBlockDelta {"contentBlockIndex":0,"delta":{"toolUse":{"input":"{\"a\":"}}}
			contentBlockDelta {"contentBlockIndex":0,"delta":{"toolUse":{"input":"1}"}}}
			contentBlockStop {"contentBlockIndex":0}`,
			"start\n0 begin text\n0 text \"{\\\"a\\\":\"\n0 text \"1}\"\n0 end\nstop 1\nend",
		},
		{
			"beside a real call", `contentBlockStart {"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"i","name":"f"}}}
			contentBlockStop {"contentBlockIndex":0}`,
			"start\n0 begin call i f\n0 end\nstop 4\nend",
		},
	} {
		x := exchange(sonnet45)
		x.OutputTool = "structured_output"
		d, e := Dialect{}.NewStreamDecoder(x), Dialect{}.NewStreamEncoder(x)
		var stream []byte
		for line := range strings.SplitSeq(c.lines+"\nmessageStop {\"stopReason\":\"tool_use\"}\nmetadata {}", "\n") {
			name, payload, _ := strings.Cut(strings.TrimSpace(line), " ")
			events, err := d.Decode(nil, []byte(name), []byte(payload))
			if err != nil {
				t.Fatal(err)
			}
			for i := range events {
				stream = e.Encode(stream, &events[i])
			}
		}
		got, err := frames(t, stream, Dialect{}.NewStreamDecoder(exchange(sonnet45)))
		if err != nil || got != c.want {
			t.Errorf("%s: %v\ngot\n%s\nwant\n%s", c.name, err, got, c.want)
		}
	}
}

func TestErrorsAreExceptionFrames(t *testing.T) {
	e := Dialect{}.NewStreamEncoder(exchange(sonnet45))
	stream := e.Error(nil, &chat.Error{Kind: chat.ErrRateLimit, Message: "slow down"})
	m, err := eventstream.NewReader(bytes.NewReader(stream)).Next()
	if err != nil || string(m.Type) != eventstream.TypeException || string(m.Exception) != "throttlingException" || string(m.Payload) != `{"message":"slow down"}` {
		t.Errorf("%v %+v", err, m)
	}
	for k := chat.ErrInvalidRequest; k <= chat.ErrUnsupported; k++ {
		if schemas.ConverseStreamOutput.Member(exception(k)) == nil {
			t.Errorf("kind %d: the service has no %s", k, exception(k))
		}
	}
	if e.ContentType() != "application/vnd.amazon.eventstream" || len(e.KeepAlive(nil)) != 0 {
		t.Error("an event stream has no comments")
	}
}

// The simulated Bedrock answers what was encoded; its stream is decoded.
func TestAgainstTheSimulatedBedrock(t *testing.T) {
	r := ask(user(say(`say and call weather {"city":"Łódź"}`)))
	r.Tools, r.Stream, r.Reasoning.Effort = []chat.Tool{weather()}, true, "low"
	x := exchange(sonnet45)
	body, err := Dialect{}.EncodeRequest(nil, r, x)
	if err != nil {
		t.Fatal(err)
	}
	code, stream := send(sonnet45, true, string(body))
	d := Dialect{}.NewStreamDecoder(x)
	got, err := frames(t, []byte(stream), d)
	if err != nil || code != 200 || !d.Done() {
		t.Fatalf("%d %v\n%s", code, err, got)
	}
	for _, part := range []string{"begin thinking", "signature ", "begin text", "begin call ", " weather", "dź", "stop 4", "usage "} {
		if !strings.Contains(got, part) {
			t.Errorf("no %q in\n%s", part, got)
		}
	}
	if len(x.Notes) > 0 {
		t.Errorf("notes %q", x.Notes)
	}
}

// Streams of GPT count the cache among the input, Claude's do not: the same call has the same usage, streamed or not.
func TestUsageOfAStreamByItsModel(t *testing.T) {
	const metadata = `{"usage":{"inputTokens":4995,"outputTokens":4,"cacheReadInputTokens":0,"cacheWriteInputTokens":4993}}`
	for id, want := range map[string]int64{"us.openai.gpt-5.6-sol": 2, "us.anthropic.claude-sonnet-5": 4995} {
		d := Dialect{}.NewStreamDecoder(&chat.Exchange{TargetModel: id, Facts: model.Lookup(id)})
		out, err := d.Decode(nil, []byte("messageStop"), []byte(`{"stopReason":"end_turn"}`))
		if err != nil {
			t.Fatal(err)
		}
		if out, err = d.Decode(out, []byte("metadata"), []byte(metadata)); err != nil {
			t.Fatal(err)
		}
		for _, e := range out {
			if e.Kind == chat.EventUsage && (e.Usage.Input != want || e.Usage.CacheWrite != 4993) {
				t.Errorf("%s: %+v, want an input of %d", id, e.Usage, want)
			}
		}
	}
}

// The reason to stop is kept back for the trace in the metadata. Where the transport ends without one, it is told, and no
// usage is made up.
func TestAStopWithoutMetadataIsAnEnd(t *testing.T) {
	d := Dialect{}.NewStreamDecoder(exchange(sonnet45))
	if _, err := feed(t, d, "messageStart {\"role\":\"assistant\"}\n"+`messageStop {"stopReason":"stop_sequence","additionalModelResponseFields":{"stop_sequence":"END"}}`); err != nil || !d.Done() {
		t.Fatalf("done %v, %v", d.Done(), err)
	}
	events := d.(chat.Finisher).Finish(nil)
	if len(events) != 2 || events[0].Kind != chat.EventStop || string(events[0].StopSequence) != `"END"` || events[1].Kind != chat.EventEnd {
		t.Errorf("%+v", events)
	}
	if again := d.(chat.Finisher).Finish(nil); len(again) != 0 {
		t.Errorf("a second end: %+v", again)
	}
}
