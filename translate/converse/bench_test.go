package converse

import (
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// chat2k is a chat of about 2 KB once encoded: system, five messages, one tool.
func chat2k() *chat.Request {
	lorem := strings.Repeat("Lorem ipsum dolor sit amet, consectetur adipiscing elit. ", 5)
	return &chat.Request{
		System:   []chat.Block{say("You are a helpful assistant. " + lorem)},
		Messages: []chat.Message{user(say(lorem)), assistant(say(lorem)), user(say(lorem)), assistant(say(lorem)), user(say(lorem))},
		Tools:    []chat.Tool{weather()}, Temperature: v("0.7"), MaxTokens: 512,
	}
}

func TestEncodeAllocatesLittle(t *testing.T) {
	r, buf := chat2k(), make([]byte, 0, 4096)
	x := exchange(sonnet45)
	if n := testing.AllocsPerRun(100, func() {
		var err error
		if buf, err = (Dialect{}).EncodeRequest(buf[:0], r, x); err != nil {
			t.Fatal(err)
		}
	}); n > 2 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkEncodeRequest(b *testing.B) {
	r, buf := chat2k(), make([]byte, 0, 4096)
	x := exchange(sonnet45)
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = (Dialect{}).EncodeRequest(buf[:0], r, x); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(buf)))
}

var deltaName, deltaPayload = []byte("contentBlockDelta"), []byte(`{"contentBlockIndex":0,"delta":{"text":" world and"},"p":"abcdefghijklmnopqrstuvwxyzABC"}`)

func TestDeltasDoNotAllocate(t *testing.T) {
	d := Dialect{}.NewStreamDecoder(exchange(sonnet45))
	out, err := d.Decode(make([]chat.Event, 0, 8), deltaName, deltaPayload)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		if out, err = d.Decode(out[:0], deltaName, deltaPayload); err != nil || len(out) != 1 {
			t.Fatal(err, out)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	e := Dialect{}.NewStreamEncoder(exchange(sonnet45))
	frame := e.Encode(nil, &out[0])
	if n := testing.AllocsPerRun(100, func() { frame = e.Encode(frame[:0], &out[0]) }); n != 0 {
		t.Errorf("encoding: %v allocations", n)
	}
}

func BenchmarkDecodeDelta(b *testing.B) {
	d := Dialect{}.NewStreamDecoder(exchange(sonnet45))
	out := make([]chat.Event, 0, 8)
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if out, err = d.Decode(out[:0], deltaName, deltaPayload); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeDelta(b *testing.B) {
	e := Dialect{}.NewStreamEncoder(exchange(sonnet45))
	ev := chat.Event{Kind: chat.EventBlockDelta, Text: q(" world and")}
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = e.Encode(dst[:0], &ev)
	}
}

var reply1k = []byte(`{"metrics":{"latencyMs":1234},"output":{"message":{"content":[{"text":"` + strings.Repeat("The answer is long. ", 40) + `"}],"role":"assistant"}},"stopReason":"end_turn","usage":{"inputTokens":320,"outputTokens":180,"totalTokens":500,"cacheReadInputTokens":0,"cacheWriteInputTokens":0}}`)

func BenchmarkDecodeResponse(b *testing.B) {
	x := exchange(sonnet45)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (Dialect{}).DecodeResponse(reply1k, x); err != nil {
			b.Fatal(err)
		}
	}
}
