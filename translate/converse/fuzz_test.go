package converse

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/schemas"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	wire "github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

func addFiles(f *testing.F, pattern string) {
	f.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", pattern, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
}

var fuzzModels = []string{sonnet45, opus46, opus48, fable51, haiku3, nova, nova2, llama, mistral, mistral7, gptOSS, deepseek, r1, cohere, unknown}

// A native body is refused, or becomes a body that the service's model takes, for whatever model it goes to.
func FuzzDecodeRequest(f *testing.F) {
	addFiles(f, "testdata/request/*.json")
	f.Add([]byte(`{"messages":[{"role":"user","content":[{"text":"a"},{"cachePoint":{"type":"default"}}]}],"toolConfig":{"tools":[{"toolSpec":{"name":"a.b","inputSchema":{"json":{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#"}}}}}}],"toolChoice":{"any":{}}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := Dialect{}.DecodeRequest(body, exchange(sonnet45))
		if err != nil {
			mustBeRefusal(t, err)
			return
		}
		for _, id := range fuzzModels {
			x := exchange(id)
			out, err := Dialect{}.EncodeRequest(nil, r, x)
			if err != nil {
				mustBeRefusal(t, err)
				continue
			}
			if err := wire.Valid(out); err != nil {
				t.Fatalf("%v in %s", err, out)
			}
			if !ownMembersIn(r) {
				checkShape(t, string(out))
			}
		}
	})
}

// ownMembersIn reports whether the request carries raw parts of the client's own, whose shape is the client's affair.
func ownMembersIn(r *chat.Request) bool {
	if len(r.Extra) > 0 || r.Guardrail != nil {
		return true
	}
	for i := range r.Tools {
		if r.Tools[i].Raw != nil {
			return true
		}
	}
	own := func(content []chat.Block) bool {
		for i := range content {
			if b := &content[i]; b.Kind == chat.Opaque || b.Kind == chat.ToolResult && opaqueIn(b.Tool.Content) || b.Kind == chat.RedactedThinking {
				return true
			}
		}
		return false
	}
	for i := range r.Messages {
		if own(r.Messages[i].Content) {
			return true
		}
	}
	return own(r.System)
}

func opaqueIn(content []chat.Block) bool {
	for i := range content {
		if content[i].Kind == chat.Opaque {
			return true
		}
	}
	return false
}

func mustBeRefusal(t *testing.T, err error) {
	t.Helper()
	var refusal *chat.Error
	if !errors.As(err, &refusal) || refusal.StatusCode() >= 500 || refusal.Message == "" {
		t.Fatalf("no refusal that a client can mend: %v", err)
	}
}

// FuzzEncodeRequest builds any canonical chat from bytes. What comes out is refused, or JSON of the service's shape in
// which turns alternate and no text is blank.
func FuzzEncodeRequest(f *testing.F) {
	f.Add([]byte("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"))
	f.Add([]byte("user says call result call result text image end of it all"))
	f.Add(bytes.Repeat([]byte{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9}, 8))
	f.Fuzz(func(t *testing.T, seed []byte) {
		g := generator{seed: seed}
		r := g.request()
		x := &chat.Exchange{Model: "m", Facts: model.Lookup(fuzzModels[g.pick(len(fuzzModels))])}
		out, err := Dialect{}.EncodeRequest(nil, r, x)
		if err != nil {
			mustBeRefusal(t, err)
			return
		}
		checkShape(t, string(out))
		checkTurns(t, out)
	})
}

func checkTurns(t *testing.T, body []byte) {
	t.Helper()
	var req struct {
		Messages []struct {
			Role    string
			Content []map[string]json.RawMessage
		}
		ToolConfig *struct{ Tools []any }
	}
	if err := json.Unmarshal(body, &req); err != nil {
		t.Fatal(err)
	}
	last := "assistant"
	points, tools := 0, false
	for _, m := range req.Messages {
		if m.Role == last || len(m.Content) == 0 {
			t.Fatalf("a turn of %s after one of %s in %s", m.Role, last, body)
		}
		last = m.Role
		for _, b := range m.Content {
			var text string
			if raw, ok := b["text"]; ok && json.Unmarshal(raw, &text) == nil && strings.TrimSpace(text) == "" {
				t.Fatalf("blank text in %s", body)
			}
			if _, ok := b["cachePoint"]; ok {
				points++
			}
			_, call := b["toolUse"]
			_, result := b["toolResult"]
			tools = tools || call || result
		}
	}
	if points > rules.MaxBreakpoints {
		t.Fatalf("%d cache points in %s", points, body)
	}
	if tools && (req.ToolConfig == nil || len(req.ToolConfig.Tools) == 0) {
		t.Fatalf("tool blocks without a toolConfig in %s", body)
	}
}

// Any reply is refused as unreadable, or read without panic, and can be written again in the service's shape.
func FuzzDecodeResponse(f *testing.F) {
	addFiles(f, "testdata/reply/*.json")
	f.Add([]byte(`{"output":{"message":{"content":[{"text":null},{"hologram":{}},null]}},"usage":{"inputTokens":1e3},"stopReason":"x"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		x := exchange(sonnet45)
		r, err := Dialect{}.DecodeResponse(body, x)
		if err != nil {
			return
		}
		out, err := Dialect{}.EncodeResponse(nil, r, x)
		if err != nil {
			t.Fatal(err)
		}
		var tree map[string]any
		if err := json.Unmarshal(out, &tree); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		delete(tree, "trace") // as it came
		delete(tree, "additionalModelResponseFields")
		if bytes.Contains(out, []byte("citations")) || bytes.Contains(out, []byte("redacted")) {
			return
		}
		if err := conforms(tree, schemas.ConverseResponse, "$"); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
	})
}

// Any frames give events in an order that an encoder can rely on: blocks begin before their deltas and end once.
func FuzzStreamDecoder(f *testing.F) {
	addFiles(f, "testdata/stream/*.txt")
	f.Fuzz(func(t *testing.T, lines []byte) {
		d, e := Dialect{}.NewStreamDecoder(exchange(sonnet45)), Dialect{}.NewStreamEncoder(exchange(sonnet45))
		other := Dialect{}.NewStreamDecoder(exchange(sonnet45))
		open := map[int]chat.BlockKind{}
		started, ended := false, false
		for line := range bytes.SplitSeq(lines, []byte("\n")) {
			name, payload, _ := bytes.Cut(line, []byte(" "))
			events, err := d.Decode(nil, name, payload)
			// With a space before it, nothing is in the form that is known to the byte.
			if again, failed := other.Decode(nil, name, append([]byte(" "), payload...)); (failed == nil) != (err == nil) || err == nil && !reflect.DeepEqual(events, again) {
				t.Fatalf("%q is read as %+v, %v, with a space before it as %+v, %v", payload, events, err, again, failed)
			}
			if err != nil {
				if d.Done() {
					t.Fatal("done after an error")
				}
				return
			}
			for i := range events {
				ev := &events[i]
				kind, isOpen := open[ev.Index]
				switch ev.Kind {
				case chat.EventStart:
					if started {
						t.Fatal("two starts")
					}
					started = true
				case chat.EventBlockStart:
					if isOpen {
						t.Fatalf("block %d begins twice", ev.Index)
					}
					open[ev.Index] = ev.Block
				case chat.EventBlockDelta, chat.EventSignature, chat.EventCitation:
					if !isOpen || kind != ev.Block || ev.Kind == chat.EventBlockDelta && len(ev.Text) < 2 {
						t.Fatalf("delta of block %d: %s", ev.Index, show(ev))
					}
				case chat.EventBlockStop:
					if !isOpen {
						t.Fatalf("block %d ends without a beginning", ev.Index)
					}
					delete(open, ev.Index)
				case chat.EventEnd:
					ended = true
					if len(open) > 0 {
						t.Fatal("the end leaves blocks open")
					}
				case chat.EventStop, chat.EventUsage, chat.EventPing:
				}
				if !started {
					t.Fatal("no start")
				}
				e.Encode(nil, ev)
			}
		}
		if d.Done() && !ended {
			events := d.(chat.Finisher).Finish(nil)
			ended = len(events) > 0 && events[len(events)-1].Kind == chat.EventEnd
		}
		if ended != d.Done() {
			t.Fatal("done without an end")
		}
	})
}
