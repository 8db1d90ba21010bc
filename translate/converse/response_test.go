package converse

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/schemas"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	wire "github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// plain renders blocks for comparison.
func plain(content []chat.Block) string {
	var parts []string
	for i := range content {
		b := &content[i]
		switch b.Kind {
		case chat.Text:
			s := "text " + string(b.Text)
			if b.Citations() != nil {
				s += " cites " + string(b.Citations())
			}
			parts = append(parts, s)
		case chat.ToolUse:
			parts = append(parts, "call "+b.Tool.ID+" "+b.Tool.Name+" "+string(b.Tool.Input))
		case chat.Thinking:
			parts = append(parts, "thinking "+string(b.Text)+" "+string(b.Signature()))
		case chat.RedactedThinking:
			parts = append(parts, "redacted "+string(b.Data()))
		default:
			parts = append(parts, b.Kind.String())
		}
	}
	return strings.Join(parts, " | ")
}

func reply(content, rest string) string {
	return `{"output":{"message":{"role":"assistant","content":` + content + `}}` + rest + `}`
}

func TestReplies(t *testing.T) {
	for _, c := range []struct {
		name, body, want string
		stop             chat.StopReason
		note             string
	}{
		{name: "text", body: reply(`[{"text":"hi \u00e9"}]`, `,"stopReason":"end_turn"`), want: `text "hi \u00e9"`, stop: chat.StopEnd},
		{
			name: "all text blocks, reasoning and calls survive side by side",
			body: reply(`[{"reasoningContent":{"reasoningText":{"text":"h","signature":"s"}}},{"text":"a"},{"text":"b"},{"toolUse":{"toolUseId":"1","name":"f","input":{"x": 1}}},{"toolUse":{"name":"g","toolUseId":"2","input":{}}}]`, `,"stopReason":"tool_use"`),
			want: `thinking "h" "s" | text "a" | text "b" | call 1 f {"x": 1} | call 2 g {}`, stop: chat.StopToolUse,
		},
		{name: "redacted reasoning", body: reply(`[{"reasoningContent":{"redactedContent":"AAEC"}}]`, ``), want: `redacted "AAEC"`},
		{
			name: "the text of citations", body: reply(`[{"citationsContent":{"content":[{"text":"a"},{"text":"b"}],"citations":[{"title":"t"}]}}]`, `,"stopReason":"max_tokens"`),
			want: `text "a" cites [{"title":"t"}] | text "b"`, stop: chat.StopLength,
		},
		{name: "a call without input", body: reply(`[{"toolUse":{"toolUseId":"1","name":"f"}}]`, ``), want: `call 1 f {}`},
		{name: "an unknown block", body: reply(`[{"text":"a"},{"hologram":{"text":"x"}},{"text":"b"}]`, ``), want: `text "a" | text "b"`, note: "hologram"},
		{name: "the provider's own tools", body: reply(`[{"toolUse":{"toolUseId":"1","name":"web","type":"server_tool_use","input":{}}},{"text":"b"}]`, ``), want: `opaque | text "b"`},
		{name: "no output", body: `{"stopReason":"end_turn"}`, stop: chat.StopEnd, note: "without output"},
		{name: "null output", body: `{"output":null,"stopReason":null,"usage":null,"metrics":null,"trace":null,"serviceTier":null,"additionalModelResponseFields":null}`},
		{name: "null content", body: reply(`null`, ``)},
		{name: "null message", body: `{"output":{"message":null}}`},
		{name: "null blocks and members", body: reply(`[null,{"text":null},{"toolUse":null},{"reasoningContent":null},{"reasoningContent":{"reasoningText":null}},{"citationsContent":null},{"text":"a"}]`, ``), want: `text "a"`, note: "no object"},
		{name: "a guardrail", body: reply(`[{"text":"Blocked."}]`, `,"stopReason":"guardrail_intervened","trace":{"guardrail":{}}`), want: `text "Blocked."`, stop: chat.StopFiltered},
		{name: "an unknown stop reason", body: reply(`[]`, `,"stopReason":"tired"`), note: "tired"},
		{name: "a full context", body: reply(`[]`, `,"stopReason":"model_context_window_exceeded"`), stop: chat.StopContextFull},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := exchange(sonnet45)
			r, err := Dialect{}.DecodeResponse([]byte(c.body), x)
			if err != nil {
				t.Fatal(err)
			}
			if got := plain(r.Content); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if r.Stop != c.stop {
				t.Errorf("stop %v, want %v", r.Stop, c.stop)
			}
			if notes := strings.Join(x.Notes, "\n"); c.note == "" && notes != "" || !strings.Contains(notes, c.note) {
				t.Errorf("notes %q, want %q", notes, c.note)
			}
		})
	}
}

func TestRepliesThatAreNoJSON(t *testing.T) {
	for _, body := range []string{"", "null", "[]", `{"output":`, `{"output":{}} x`, `<html>`} {
		if r, err := (Dialect{}).DecodeResponse([]byte(body), exchange(sonnet45)); err == nil {
			t.Errorf("%q gave %+v", body, r)
		}
	}
}

func TestUsage(t *testing.T) {
	body := reply(`[]`, `,"usage":{"inputTokens":3,"outputTokens":5,"totalTokens":108,"cacheReadInputTokens":40,"cacheWriteInputTokens":60,"cacheDetails":[{"ttl":"5m","inputTokens":20},{"ttl":"1h","inputTokens":40}]}`)
	r, err := Dialect{}.DecodeResponse([]byte(body), exchange(sonnet45))
	if err != nil {
		t.Fatal(err)
	}
	want := chat.Usage{Known: true, Input: 3, Output: 5, CacheRead: 40, CacheWrite: 60, CacheWrite1h: 40}
	if r.Usage != want || r.Usage.Prompt() != 103 || r.Usage.Total() != 108 {
		t.Errorf("got %+v, want %+v", r.Usage, want)
	}
	r, err = Dialect{}.DecodeResponse([]byte(reply(`[]`, ``)), exchange(sonnet45))
	if err != nil || r.Usage.Known {
		t.Errorf("a usage was made up: %+v, %v", r.Usage, err)
	}
	r, err = Dialect{}.DecodeResponse([]byte(reply(`[]`, `,"usage":{"inputTokens":-1,"outputTokens":"x","cacheReadInputTokens":1e99}`)), exchange(sonnet45))
	if err != nil || r.Usage != (chat.Usage{Known: true}) {
		t.Errorf("nonsense counts: %+v, %v", r.Usage, err)
	}
}

// A recorded reply decodes and encodes to one that the SDK's model of the service takes, and that decodes to the same.
func TestRepliesSurviveTheRoundTrip(t *testing.T) {
	files, _ := filepath.Glob("testdata/reply/*.json")
	if len(files) == 0 {
		t.Fatal("no replies")
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		x := exchange(sonnet45)
		first, err := Dialect{}.DecodeResponse(body, x)
		if err != nil {
			t.Fatal(file, err)
		}
		again, err := Dialect{}.EncodeResponse(nil, first, x)
		if err != nil {
			t.Fatal(file, err)
		}
		var tree any
		if err := json.Unmarshal(again, &tree); err != nil {
			t.Fatalf("%s: %v in %s", file, err, again)
		}
		if err := conforms(tree, schemas.ConverseResponse, "$"); err != nil {
			t.Errorf("%s: %v in %s", file, err, again)
		}
		second, err := Dialect{}.DecodeResponse(again, x)
		if err != nil {
			t.Fatal(file, err)
		}
		compact := func(s string) string { return string(wire.AppendCompact(nil, []byte(s))) }
		if compact(plain(first.Content)) != compact(plain(second.Content)) || first.Stop != second.Stop || first.Usage != second.Usage ||
			first.LatencyMS != second.LatencyMS || compact(string(first.Trace)) != string(second.Trace) || first.ServiceTier != second.ServiceTier {
			t.Errorf("%s: %s became %s", file, body, again)
		}
	}
}

func TestEncodedReplies(t *testing.T) {
	for _, c := range []struct {
		name, tool, want string
		reply            chat.Response
	}{
		{
			name:  "text and usage",
			reply: chat.Response{Content: []chat.Block{say("hi")}, Stop: chat.StopEnd, Usage: chat.Usage{Known: true, Input: 1, Output: 2}, LatencyMS: 7},
			want:  `{"output":{"message":{"role":"assistant","content":[{"text":"hi"}]}},"stopReason":"end_turn","usage":{"inputTokens":1,"outputTokens":2,"totalTokens":3,"cacheReadInputTokens":0,"cacheWriteInputTokens":0},"metrics":{"latencyMs":7}}`,
		},
		{
			name: "the forced tool becomes text", tool: "structured_output",
			reply: chat.Response{Content: []chat.Block{toolCall("1", "structured_output", `{"a": 1}`)}, Stop: chat.StopToolUse},
			want:  `{"output":{"message":{"role":"assistant","content":[{"text":"{\"a\":1}"}]}},"stopReason":"end_turn"}`,
		},
		{
			name: "a real call wins", tool: "structured_output",
			reply: chat.Response{Content: []chat.Block{toolCall("1", "structured_output", `{}`), toolCall("2", "f", `{}`)}, Stop: chat.StopToolUse},
			want:  `{"output":{"message":{"role":"assistant","content":[{"toolUse":{"toolUseId":"2","name":"f","input":{}}}]}},"stopReason":"tool_use"}`,
		},
		{name: "an unknown stop", reply: chat.Response{}, want: `{"output":{"message":{"role":"assistant","content":[]}},"stopReason":"end_turn"}`},
	} {
		x := exchange(sonnet45)
		x.OutputTool = c.tool
		got, err := Dialect{}.EncodeResponse(nil, &c.reply, x)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %v\ngot  %s\nwant %s", c.name, err, got, c.want)
		}
	}
}

// The API promises metrics on every reply and at every stream's end, also for a provider that measures nothing.
func TestARepliesLatencyIsMeasuredWhereTheProviderDoesNot(t *testing.T) {
	x := exchange(sonnet45)
	x.Started = time.Now()
	got, err := Dialect{}.EncodeResponse(nil, &chat.Response{Stop: chat.StopEnd}, x)
	if err != nil || !strings.Contains(string(got), `"metrics":{"latencyMs":`) {
		t.Errorf("%v %s", err, got)
	}
	e := Dialect{}.NewStreamEncoder(x)
	stream := e.Encode(nil, &chat.Event{Kind: chat.EventStart})
	stream = e.Encode(stream, &chat.Event{Kind: chat.EventStop, Stop: chat.StopEnd})
	stream = e.Encode(stream, &chat.Event{Kind: chat.EventEnd})
	if !strings.Contains(string(stream), `"metrics":{"latencyMs":`) {
		t.Errorf("%q", stream)
	}
}

func TestErrors(t *testing.T) {
	e := &chat.Error{Kind: chat.ErrRateLimit, Message: `too "many"`}
	if got := string(Dialect{}.EncodeError(nil, e, "id")); got != `{"message":"too \"many\""}` || ErrorType(e) != "ThrottlingException" {
		t.Errorf("%s %s", ErrorType(e), got)
	}
	// OpenAI's "type": "requests" would be a class of its own to botocore.
	e.Type = "requests"
	if got := ErrorType(e); got != "ThrottlingException" {
		t.Errorf("another provider's name of an error: %s", got)
	}
	e = &chat.Error{Type: "ModelNotReadyException", Dialect: Name, Body: []byte(`{"Message":"x"}`)}
	if got := string(Dialect{}.EncodeError(nil, e, "id")); got != `{"Message":"x"}` || ErrorType(e) != "ModelNotReadyException" {
		t.Errorf("%s %s", ErrorType(e), got)
	}
}
