package claude

import (
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

var textDelta = []byte(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello, I am fine"}}`)

// begunDecoder is one in the midst of a text.
func begunDecoder() (chat.StreamDecoder, []chat.Event) {
	d := Dialect{}.NewStreamDecoder(exchangeFor(sonnet45))
	events, _ := d.Decode(make([]chat.Event, 0, 4), nil, []byte(`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`))
	return d, events
}

func TestAFurtherDeltaAllocatesNothing(t *testing.T) {
	d, events := begunDecoder()
	if n := testing.AllocsPerRun(100, func() {
		var err error
		if events, err = d.Decode(events[:0], nil, textDelta); err != nil || len(events) != 1 {
			t.Error(err, events)
		}
	}); n != 0 {
		t.Errorf("decoding a text_delta: %v allocations", n)
	}
	for _, kind := range []chat.BlockKind{chat.Text, chat.Thinking, chat.ToolUse} {
		e := Dialect{}.NewStreamEncoder(exchangeFor(sonnet45))
		begin, ev := calling(0, "a", "f"), delta(0, kind, `"{\"city\":"`)
		begin.Block = kind
		buf := e.Encode(make([]byte, 0, 4096), &begin)
		buf = e.Encode(buf, &ev)
		if n := testing.AllocsPerRun(100, func() { buf = e.Encode(buf[:0], &ev) }); n != 0 {
			t.Errorf("encoding a delta of %s: %v allocations", kind, n)
		}
	}
}

func BenchmarkDecodeTextDelta(b *testing.B) {
	d, events := begunDecoder()
	b.ReportAllocs()
	for b.Loop() {
		events, _ = d.Decode(events[:0], nil, textDelta)
	}
}

func BenchmarkEncodeTextDelta(b *testing.B) {
	e := Dialect{}.NewStreamEncoder(exchangeFor(sonnet45))
	ev := delta(0, chat.Text, `"Hello, I am fine"`)
	buf := e.Encode(make([]byte, 0, 4096), &ev)
	b.ReportAllocs()
	for b.Loop() {
		buf = e.Encode(buf[:0], &ev)
	}
}

func BenchmarkEncodeRequest(b *testing.B) {
	x := exchangeFor(sonnet45)
	r, err := Dialect{}.DecodeRequest([]byte(everything), x)
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if buf, err = (Dialect{}).EncodeRequest(buf[:0], r, x); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeRequest(b *testing.B) {
	x := exchangeFor(sonnet45)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (Dialect{}).DecodeRequest([]byte(everything), x); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSplice(b *testing.B) {
	body := parsed(b, `{"model":"x","stream":true,"max_tokens":100,"messages":[{"role":"user","content":[{"type":"text","text":"Hello"}]},{"role":"assistant","content":"Hi"},{"role":"user","content":"How are you?"}]}`)
	x := exchangeFor(sonnet45)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = (Dialect{}).Splice(buf[:0], body, &chat.Edits{}, x); err != nil {
			b.Fatal(err)
		}
	}
}
