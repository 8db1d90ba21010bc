package responses

import (
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

var (
	textDelta     = []byte(`{"type":"response.output_text.delta","sequence_number":17,"item_id":"msg_0123456789abcdef0123456789abcdef","output_index":1,"content_index":0,"delta":" word","logprobs":[],"obfuscation":"0123456789"}`)
	argumentDelta = []byte(`{"type":"response.function_call_arguments.delta","sequence_number":17,"item_id":"fc_0123456789abcdef","output_index":2,"delta":"{\"city\":"}`)
	summaryDelta  = []byte(`{"type":"response.reasoning_summary_text.delta","sequence_number":17,"item_id":"rs_0123456789abcdef","output_index":0,"summary_index":1,"delta":" thought"}`)
)

// begun is a decoder that has read the stream's events up to a delta of each kind.
func begun(t testing.TB, upTo int) chat.StreamDecoder {
	t.Helper()
	d := Dialect{}.NewStreamDecoder(runtimeGPT())
	var events []chat.Event
	for _, line := range whole[:upTo] {
		var err error
		if events, err = d.Decode(events[:0], nil, []byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func TestADeltaIsDecodedWithoutAllocations(t *testing.T) {
	for _, c := range []struct {
		name  string
		upTo  int
		frame []byte
	}{{"text", 14, textDelta}, {"arguments", 24, argumentDelta}, {"summary", 9, summaryDelta}} {
		d, events := begun(t, c.upTo), make([]chat.Event, 0, 4)
		if n := testing.AllocsPerRun(100, func() {
			var err error
			if events, err = d.Decode(events[:0], nil, c.frame); err != nil || len(events) != 1 {
				t.Error(err, events)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
	}
}

func BenchmarkStreamDecodeTextDelta(b *testing.B) {
	d, events := begun(b, 14), make([]chat.Event, 0, 4)
	b.SetBytes(int64(len(textDelta)))
	b.ReportAllocs()
	for b.Loop() {
		events, _ = d.Decode(events[:0], nil, textDelta)
	}
}

func BenchmarkDecodeResponse(b *testing.B) {
	body := []byte(`{"id":"resp_1","status":"completed","output":[{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"some words of an answer","annotations":[],"logprobs":[]}]}],"usage":{"input_tokens":300,"input_tokens_details":{"cached_tokens":0},"output_tokens":200,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":500}}`)
	x := runtimeGPT()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (Dialect{}).DecodeResponse(body, x); err != nil {
			b.Fatal(err)
		}
	}
}
