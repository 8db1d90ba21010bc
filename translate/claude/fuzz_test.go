package claude

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// compact takes the white space out of the raw values that are written without it.
func compact(r *chat.Request) {
	var blocks func(list []chat.Block)
	blocks = func(list []chat.Block) {
		for i := range list {
			b := &list[i]
			if b.Own != nil {
				b.Own = chat.Own(compacted(*b.Own))
			}
			if b.Tool != nil {
				b.Tool.Input = compacted(b.Tool.Input)
				blocks(b.Tool.Content)
			}
			if b.Media != nil {
				blocks(b.Media.Content)
			}
		}
	}
	blocks(r.System)
	for i := range r.Messages {
		blocks(r.Messages[i].Content)
	}
	for i := range r.Tools {
		r.Tools[i].Schema, r.Tools[i].Raw = compacted(r.Tools[i].Schema), compacted(r.Tools[i].Raw)
	}
	for i := range r.Extra {
		r.Extra[i].Value = compacted(r.Extra[i].Value)
	}
	r.Reasoning.Display = compacted(r.Reasoning.Display)
}

func compacted(v chat.Value) chat.Value {
	if v == nil {
		return nil
	}
	return json.AppendCompact(nil, v)
}

// FuzzRequest holds that whatever is read is written as the same request: read again it is equal, written again the same
// bytes. The target is one that nothing is known of, so that no rule of a model's changes it.
func FuzzRequest(f *testing.F) {
	f.Add(everything)
	f.Add(`{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"a.b","name":"x y","input":{ "a" : 1 }}]},{"role":"user","content":[{"type":"text","text":"x"},{"type":"tool_result","tool_use_id":"a.b"}]}]}`)
	f.Add(`{"system":[{"type":"text","text":""}],"tools":[{"name":"a","input_schema":{"type":["object"]}},{"type":"x_1"}],"tool_choice":{"type":"none"},"messages":[{"role":"user","content":[{"type":"x"},{"type":"search_result","source":"s","title":"t","content":"c"}]}]}`)
	f.Add(`{"temperature":9,"top_p":1e9,"thinking":{"type":"adaptive","display":null},"output_config":{"format":{"type":"json_schema","schema":{"properties":{}}}},"messages":[{"role":"user","content":" \u00a0"},{"role":"system","content":"s"},{"role":"user","content":"b"}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		x := &chat.Exchange{}
		r, err := Dialect{}.DecodeRequest([]byte(body), x)
		if err != nil {
			known(t, err)
			return
		}
		once, err := Dialect{}.EncodeRequest(nil, r, x)
		if err != nil {
			known(t, err)
			return
		}
		if err := json.Valid(once); err != nil {
			t.Fatalf("%v\n%s", err, once)
		}
		x2 := &chat.Exchange{}
		r2, err := Dialect{}.DecodeRequest(once, x2)
		if err != nil {
			t.Fatalf("what was written is not read: %v\n%s", err, once)
		}
		twice, err := Dialect{}.EncodeRequest(nil, r2, x2)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%v\nonce  %s\ntwice %s", err, once, twice)
		}
	})
}

// orderlySeed is everything without what depends on the model.
var orderlySeed = strings.NewReplacer(`"temperature":1,`, "", `"anthropic_beta":["context-1m-2025-08-07"],`, "").Replace(everything)

// FuzzOrderlyRequest holds decode(encode(x)) == x for requests that need none of the mending that Claude's rules ask
// for.
func FuzzOrderlyRequest(f *testing.F) {
	f.Add(orderlySeed, "Hi", "f", `{"a":1}`)
	f.Add(`{"max_tokens":1,"messages":[{"role":"user","content":"x"}]}`, "", "g", `{}`)
	f.Fuzz(func(t *testing.T, body, text, name, input string) {
		x := &chat.Exchange{}
		r, err := Dialect{}.DecodeRequest([]byte(body), x)
		if err != nil {
			return
		}
		if rules.LegalName(name) && strings.HasPrefix(input, "{") && json.Valid([]byte(input)) == nil && strings.TrimSpace(text) != "" {
			said := chat.Block{Kind: chat.Text, Text: json.Quote(text)}
			if said.Text.Blank() {
				return
			}
			r.Messages = append(r.Messages, says(said), answers(calls("call", name, input)), says(result("call", said), said))
		}
		once, err := Dialect{}.EncodeRequest(nil, r, x)
		if err != nil || len(x.Dropped) > 0 || len(x.Notes) > 0 {
			return
		}
		r2, err := Dialect{}.DecodeRequest(once, &chat.Exchange{})
		if err != nil {
			t.Fatalf("%v\n%s", err, once)
		}
		if !orderly(r) {
			return
		}
		// What InvokeModel has elsewhere or not at all.
		r.Model, r.Stream, r.FileIDs, r.ServiceTier = "", false, nil, ""
		compact(r)
		compact(r2)
		if !reflect.DeepEqual(r, r2) {
			t.Fatalf("\n%+v\n%+v\n%s", r, r2, once)
		}
	})
}

// orderly reports whether a request is as Claude wants it: no neighbours of one role, results first, names legal and so on.
func orderly(r *chat.Request) bool {
	if r.MaxTokens == 0 || r.Format != nil || len(r.Betas) > 0 || r.Temperature != nil || r.TopP != nil || r.TopK != nil || r.Reasoning.Thinking == chat.ThinkingUnset && (r.Reasoning.Budget != 0 || r.Reasoning.Display != nil) {
		return false
	}
	if b := r.Reasoning.Budget; b != 0 && (b < 1024 || b >= r.MaxTokens) {
		return false
	}
	for i := range r.Tools {
		if t := &r.Tools[i]; t.Raw == nil && (!rules.LegalName(t.Name) || !bytes.Equal(objectSchema(t.Schema), t.Schema) || t.Strict != nil || t.Description != nil && t.Description.Blank()) {
			return false
		}
	}
	if len(r.Tools) == 0 || r.ToolChoice.Kind == chat.ToolsNone && r.ParallelToolCalls != nil || r.ParallelToolCalls != nil && *r.ParallelToolCalls || r.ParallelToolCalls != nil && r.ToolChoice.Kind == chat.ToolsUnset {
		return false
	}
	for _, s := range r.Stop {
		if json.Quote(s).Blank() {
			return false
		}
	}
	for i := range r.Messages {
		m := &r.Messages[i]
		if i > 0 && r.Messages[i-1].Role == m.Role || m.Role == chat.Assistant && i == len(r.Messages)-1 {
			return false
		}
		others := false
		for j := range m.Content {
			b := &m.Content[j]
			if b.Kind == chat.ToolResult && others || b.Kind == chat.Thinking && b.Own == nil || b.Tool != nil && !ids.Legal(b.Tool.ID) || b.Kind == chat.ToolUse && !rules.LegalName(b.Tool.Name) {
				return false
			}
			others = others || b.Kind != chat.ToolResult
		}
	}
	return true
}

// known checks that an error is one that the client is told.
func known(t *testing.T, err error) {
	t.Helper()
	var e *chat.Error
	if !errors.As(err, &e) || e.StatusCode() < 400 || e.Message == "" {
		t.Fatalf("error %T %v", err, err)
	}
}

// FuzzResponse holds that any reply is read without harm, and that one that was written is read as what it was.
func FuzzResponse(f *testing.F) {
	f.Add(wholeReply)
	f.Add(`{"content":[{"type":"text","text":"x"},{"type":"x"},5],"stop_reason":"stop_sequence","stop_sequence":"END","usage":{"output_tokens":1e3}}`)
	f.Add(`{"error":{"type":"api_error"}}`)
	f.Fuzz(func(t *testing.T, body string) {
		x := exchangeFor(sonnet45)
		r, err := Dialect{}.DecodeResponse([]byte(body), x)
		if err != nil {
			known(t, err)
			return
		}
		once, err := Dialect{}.EncodeResponse(nil, r, x)
		if err != nil || json.Valid(once) != nil {
			t.Fatalf("%s, %v", once, err)
		}
		r2, err := Dialect{}.DecodeResponse(once, x)
		if err != nil {
			t.Fatalf("what was written is not read: %v\n%s", err, once)
		}
		twice, err := Dialect{}.EncodeResponse(nil, r2, x)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%v\nonce  %s\ntwice %s", err, once, twice)
		}
	})
}

// FuzzStream holds that any stream is read without harm, that it ends well on message_stop alone, and that what is
// written of it is a stream of the same events.
func FuzzStream(f *testing.F) {
	f.Add(strings.Join(ownStream, "\n"))
	f.Add(strings.Join(ownStream[15:], "\n"))
	f.Add(`{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","name":"a"}}` + "\n" + `{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"x"}}` + "\n" + `{"type":"message_stop"}`)
	f.Fuzz(func(t *testing.T, stream string) {
		x := exchangeFor(sonnet45)
		d, e := Dialect{}.NewStreamDecoder(x), Dialect{}.NewStreamEncoder(x)
		other := Dialect{}.NewStreamDecoder(exchangeFor(sonnet45))
		var out []byte
		var events []chat.Event
		end := false
		for payload := range strings.SplitSeq(stream, "\n") {
			var err error
			events, err = d.Decode(events[:0], nil, []byte(payload))
			// With a space before it, nothing is in the form that is known to the byte.
			if again, failed := other.Decode(nil, nil, []byte(" "+payload)); (failed == nil) != (err == nil) || err == nil && !slices.EqualFunc(events, again, equal) {
				t.Fatalf("%q is read as %+v, %v, with a space before it as %+v, %v", payload, events, err, again, failed)
			}
			if err != nil {
				known(t, err)
				break
			}
			for i := range events {
				end = end || events[i].Kind == chat.EventEnd
				out = e.Encode(out, &events[i])
			}
		}
		if end != d.Done() || end && !strings.Contains(stream, "message_stop") && !strings.Contains(stream, `\u`) {
			t.Fatalf("end %v, done %v", end, d.Done())
		}
		checkStream(t, string(out), end)
	})
}

// checkStream checks that a stream is one that Anthropic's libraries take: one block at a time, indices dense, inputs
// whole in an ended stream.
func checkStream(t *testing.T, stream string, whole bool) {
	t.Helper()
	if stream == "" && !whole {
		return
	}
	open, next, started := false, 0, false
	last := ""
	for ev := range strings.SplitSeq(strings.TrimSuffix(stream, "\n\n"), "\n\n") {
		name, data, ok := strings.Cut(strings.TrimPrefix(ev, "event: "), "\ndata: ")
		v := []byte(data)
		if !ok || json.Valid(v) != nil || string(json.Find(v, "type")) != `"`+name+`"` {
			t.Fatalf("event %q", ev)
		}
		if name == "ping" {
			continue
		}
		if started == (name == "message_start") {
			t.Fatalf("%s out of place\n%s", name, stream)
		}
		started = true
		index, _ := json.ParseInt(json.Find(v, "index"))
		switch name {
		case "content_block_start":
			if open || int(index) != next {
				t.Fatalf("block %d begins, %d was due, open %v\n%s", index, next, open, stream)
			}
			open = true
		case "content_block_delta", "content_block_stop":
			if !open || int(index) != next {
				t.Fatalf("%s %d, %d is open: %v\n%s", name, index, next, open, stream)
			}
			if name == "content_block_stop" {
				open = false
				next++
			}
		case "message_delta":
			if open {
				t.Fatalf("block %d was not ended\n%s", next, stream)
			}
		}
		last = name
	}
	if whole != (last == "message_stop") {
		t.Fatalf("whole %v, but the last event is %s", whole, last)
	}
}

func TestTheSeedsAreOrderly(t *testing.T) {
	x := &chat.Exchange{}
	r := mustDecode(t, orderlySeed, x)
	if !orderly(r) {
		t.Error("the property of orderly requests is held for none of the seeds")
	}
}

func equal(a, b chat.Event) bool { return reflect.DeepEqual(a, b) }
