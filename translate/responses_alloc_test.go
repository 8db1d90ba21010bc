package translate

import (
	"fmt"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

// conversation is the work of a call to Converse that streams a hundred pieces of text: the request read and written, the
// stream read and written.
func conversation(t testing.TB, client Dialect, body []byte, frames [][2][]byte, req, buf []byte, events []chat.Event) {
	t.Helper()
	upstream := ByName("converse")
	x := &chat.Exchange{Model: "m", TargetModel: "m", Target: "converse", Facts: model.Lookup("anthropic.claude-sonnet-4-5-20250929-v1:0"), ID: "0123456789abcdef01234567"}
	r, err := client.DecodeRequest(body, x)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := upstream.EncodeRequest(req[:0], r, x); err != nil {
		t.Fatal(err)
	}
	dec, enc := upstream.NewStreamDecoder(x), client.NewStreamEncoder(x)
	for _, f := range frames {
		if events, err = dec.Decode(events[:0], f[0], f[1]); err != nil {
			t.Fatal(err)
		}
		buf = buf[:0]
		for i := range events {
			buf = enc.Encode(buf, &events[i])
		}
	}
}

// raceDetector reports whether the test was built with the race detector, which empties pools at random.
var raceDetector bool

// A stream of Responses repeats all of its text at its end. It costs no more allocations than a stream of chat and a tenth.
func TestAStreamOfResponsesCostsLikeOneOfChat(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates, too")
	}
	frames := [][2][]byte{{[]byte("messageStart"), []byte(`{"role":"assistant"}`)}}
	for i := range 100 {
		frames = append(frames, [2][]byte{[]byte("contentBlockDelta"), fmt.Appendf(nil, `{"contentBlockIndex":0,"delta":{"text":" word %d"}}`, i)})
	}
	frames = append(frames,
		[2][]byte{[]byte("contentBlockStop"), []byte(`{"contentBlockIndex":0}`)},
		[2][]byte{[]byte("messageStop"), []byte(`{"stopReason":"end_turn"}`)},
		[2][]byte{[]byte("metadata"), []byte(`{"usage":{"inputTokens":3,"outputTokens":5,"totalTokens":8}}`)})
	req, buf, events := make([]byte, 0, 1<<14), make([]byte, 0, 1<<16), make([]chat.Event, 0, 8)
	count := func(dialect, body string) float64 {
		client := ByName(dialect)
		return testing.AllocsPerRun(100, func() { conversation(t, client, []byte(body), frames, req, buf, events) })
	}
	for name, bodies := range map[string][2]string{
		"a question": {
			`{"model":"m","stream":true,"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Hello there"}],"temperature":0.5,"max_tokens":500}`,
			`{"model":"m","stream":true,"instructions":"Be kind.","input":"Hello there","temperature":0.5,"max_output_tokens":500}`,
		},
		"tools and a history": {
			`{"model":"m","stream":true,"messages":[{"role":"user","content":"Weather?"},{"role":"assistant","content":"Let me see.","tool_calls":[{"id":"c1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Rome\"}"}},{"id":"c2","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]},{"role":"tool","tool_call_id":"c1","content":"sunny"},{"role":"tool","tool_call_id":"c2","content":"rain"},{"role":"user","content":"Thanks"}],"tools":[{"type":"function","function":{"name":"weather","description":"Tells it.","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}]}`,
			`{"model":"m","stream":true,"input":[{"role":"user","content":"Weather?"},{"role":"assistant","content":"Let me see."},{"type":"function_call","call_id":"c1","name":"weather","arguments":"{\"city\":\"Rome\"}"},{"type":"function_call","call_id":"c2","name":"weather","arguments":"{\"city\":\"Oslo\"}"},{"type":"function_call_output","call_id":"c1","output":"sunny"},{"type":"function_call_output","call_id":"c2","output":"rain"},{"role":"user","content":"Thanks"}],"tools":[{"type":"function","name":"weather","description":"Tells it.","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}]}`,
		},
	} {
		chats, responses := count("openai", bodies[0]), count("responses", bodies[1])
		t.Logf("%s: chat %v, Responses %v", name, chats, responses)
		if responses > chats*1.1 {
			t.Errorf("%s: %v allocations, and %v of chat", name, responses, chats)
		}
	}
}
