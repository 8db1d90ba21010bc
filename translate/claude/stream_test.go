package claude

import (
	"errors"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// ownStream is a stream as InvokeModelWithResponseStream's chunks hold it.
var ownStream = []string{
	`{"type":"message_start","message":{"model":"claude-sonnet-4-5-20250929","id":"msg_bdrk_1","type":"message","role":"assistant","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":3,"cache_read_input_tokens":2,"output_tokens":1}}}`,
	`{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}`,
	`{"type":"ping"}`,
	`{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm"}}`,
	`{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}`,
	`{"type":"content_block_stop","index":0}`,
	`{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"b3Bh"}}`,
	`{"type":"content_block_stop","index":1}`,
	`{"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}`,
	`{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"He\"llo"}}`,
	`{"type":"content_block_delta","index":2,"delta":{"type":"citations_delta","citation":{"type":"char_location","cited_text":"x"}}}`,
	`{"type":"content_block_stop","index":2}`,
	`{"type":"content_block_start","index":3,"content_block":{"type":"server_tool_use","id":"srv","name":"web_search","input":{}}}`,
	`{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"q\":1}"}}`,
	`{"type":"content_block_stop","index":3}`,
	`{"type":"content_block_start","index":4,"content_block":{"type":"tool_use","id":"toolu_1","name":"weather","input":{}}}`,
	`{"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":""}}`,
	`{"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"{\"city\": \"Pa"}}`,
	`{"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"ris\"}"}}`,
	`{"type":"content_block_stop","index":4}`,
	`{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":42}}`,
	`{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":10,"outputTokenCount":42,"invocationLatency":1,"firstByteLatency":1}}`,
}

func decodeAll(t *testing.T, payloads []string) ([]chat.Event, *streamDecoder, error) {
	t.Helper()
	d := Dialect{}.NewStreamDecoder(exchangeFor(sonnet45)).(*streamDecoder)
	var all []chat.Event
	for _, p := range payloads {
		var err error
		if all, err = d.Decode(all, nil, []byte(p)); err != nil {
			return all, d, err
		}
	}
	return all, d, nil
}

func TestDecodedStream(t *testing.T) {
	events, d, err := decodeAll(t, ownStream)
	if err != nil {
		t.Fatal(err)
	}
	const want = `start msg_bdrk_1 claude-sonnet-4-5-20250929 {Known:true Input:10 Output:1 CacheRead:2 CacheWrite:3 Reasoning:0 ReasoningKnown:false CacheWrite1h:0}
begin 0 thinking
ping
delta 0 thinking "Hm"
signature 0 thinking "c2ln"
stop 0
begin 1 redacted_thinking"b3Bh"
stop 1
begin 2 text
delta 2 text "He\"llo"
citation 2 text {"type":"char_location","cited_text":"x"}
stop 2
begin 3 opaque{"type":"server_tool_use","id":"srv","name":"web_search","input":{}}
delta 3 opaque "{\"q\":1}"
stop 3
begin 4 tool_use toolu_1=weather
delta 4 tool_use ""
delta 4 tool_use "{\"city\": \"Pa"
delta 4 tool_use "ris\"}"
stop 4
finish 4 
usage {Known:true Input:10 Output:42 CacheRead:2 CacheWrite:3 Reasoning:0 ReasoningKnown:false CacheWrite1h:0}
end
`
	if got := show(events); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if !d.Done() {
		t.Error("not done")
	}
}

func TestOddStreams(t *testing.T) {
	tests := []struct {
		name     string
		payloads []string
		want     string
	}{
		{"deltas without a beginning", []string{`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}`, `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"b"}}`}, "begin 0 text\ndelta 0 text \"a\"\ndelta 0 text \"b\"\n"},
		{"a call's delta without a beginning", []string{`{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{"}}`}, ""},
		{"a delta of another kind than its block", []string{`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`, `{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{"}}`}, "begin 0 text\n"},
		{"content that stands in the beginning", []string{
			`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"a"}}`, `{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"i","name":"n","input":{"a": 1}}}`,
			`{"type":"content_block_start","index":2,"content_block":{"type":"thinking","thinking":"t","signature":"s"}}`,
		}, "begin 0 text\ndelta 0 text \"a\"\nbegin 1 tool_use i=n\ndelta 1 tool_use \"{\\\"a\\\":1}\"\nbegin 2 thinking\ndelta 2 thinking \"t\"\nsignature 2 thinking \"s\"\n"},
		{"members in another order", []string{`{"delta":{"text":"a","type":"text_delta"},"index":7,"type":"content_block_delta","p":"abc"}`}, "begin 7 text\ndelta 7 text \"a\"\n"},
		{"a block that is not closed", []string{`{"type":"content_block_start","index":3,"content_block":{"type":"text","text":""}}`, `{"type":"message_stop"}`}, "begin 3 text\nstop 3\nend\n"},
		{"what nobody knows", []string{`{"type":"new_event"}`, `{}`, `{"type":5}`, `{"type":"content_block_start"}`, `{"type":"content_block_delta","index":0,"delta":5}`, `{"type":"content_block_delta","index":0,"delta":{"type":"new_delta"}}`, `{"type":"content_block_stop","index":9}`, `{"type":"message_start"}`}, "start   {Known:false Input:0 Output:0 CacheRead:0 CacheWrite:0 Reasoning:0 ReasoningKnown:false CacheWrite1h:0}\n"},
		{"events behind the end", []string{`{"type":"message_stop"}`, `{"type":"message_stop"}`, `{"type":"ping"}`, `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}`}, "end\n"},
		{"an unknown stop reason", []string{`{"type":"message_delta","delta":{"stop_reason":"tired"}}`}, "finish 0 \n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			events, _, err := decodeAll(t, tt.payloads)
			if got := show(events); err != nil || got != tt.want {
				t.Errorf("got\n%s\nwant\n%s\n%v", got, tt.want, err)
			}
		})
	}
}

func TestErrorsInAStream(t *testing.T) {
	for payload, want := range map[string]*chat.Error{
		`{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`:     {Kind: chat.ErrOverloaded, Message: "Overloaded", Retryable: true},
		`{"type":"error","error":{"type":"rate_limit_error","message":"Slow down"}}`:      {Kind: chat.ErrRateLimit, Message: "Slow down", Retryable: true},
		`{"type":"error","error":{"type":"authentication_error","message":"key sk-abc"}}`: {Kind: chat.ErrPermission, Message: "the upstream refused the gateway's credentials"},
		`{"type":"error","error":{"type":"new_error","message":"New"}}`:                   {Kind: chat.ErrUpstream, Message: "New", Retryable: true},
		`{"error":{"message":"No type"}}`:                                                 {Kind: chat.ErrUpstream, Message: "No type", Retryable: true},
		`{"type":"error"}`:                                                                {Kind: chat.ErrUpstream, Message: "the upstream reported an error", Retryable: true},
	} {
		_, d, err := decodeAll(t, []string{payload})
		var e *chat.Error
		if !errors.As(err, &e) || e.Kind != want.Kind || e.Message != want.Message || e.Retryable != want.Retryable || d.Done() {
			t.Errorf("%s: %+v", payload, e)
		}
	}
}

// A stream that was cut is never whole, wherever it was cut.
func TestTruncatedStreamsNeverEnd(t *testing.T) {
	for i, p := range ownStream {
		for cut := range len(p) {
			events, d, err := decodeAll(t, append(append([]string{}, ownStream[:i]...), p[:cut]))
			if err == nil {
				t.Fatalf("event %d cut at %d: no error", i, cut)
			}
			if d.Done() || strings.Contains(show(events), "end\n") {
				t.Fatalf("event %d cut at %d: the stream ended well", i, cut)
			}
		}
		if _, d, err := decodeAll(t, ownStream[:i]); err != nil || d.Done() {
			t.Fatalf("%d events: %v, done %v", i, err, d.Done())
		}
	}
}
