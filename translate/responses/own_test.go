package responses

import (
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

const ownCore = "0123456789abcdef0123456789abcdef"

func TestARelayedReplyBecomesOneThatTheGatewayKeeps(t *testing.T) {
	o := NewOwn(&chat.Exchange{ID: ownCore, Previous: "resp_before"})
	for _, c := range []struct{ name, in, want string }{
		{
			"the response", `{"type":"response.created","sequence_number":0,"response":{"id":"resp_up","store":false,"previous_response_id":null,"output":[]}}`,
			`{"type":"response.created","sequence_number":0,"response":{"id":"resp_#","store":true,"previous_response_id":"resp_before","output":[]}}`,
		},
		{"an item", `{"type":"response.output_item.added","output_index":0,"item":{"id":"rs_up","type":"reasoning"}}`, `{"type":"response.output_item.added","output_index":0,"item":{"id":"rs_#_0","type":"reasoning"}}`},
		{"one that is announced before its place", `{"item":{"type":"message","id":"msg_a"},"output_index":1,"type":"response.output_item.added"}`, `{"item":{"type":"message","id":"msg_#_1"},"output_index":1,"type":"response.output_item.added"}`},
		{
			"a piece of text, whatever stands in it", `{"type":"response.output_text.delta","item_id":"msg_a","output_index":1,"delta":"\"item_id\":\"msg_a\""}`,
			`{"type":"response.output_text.delta","item_id":"msg_#_1","output_index":1,"delta":"\"item_id\":\"msg_a\""}`,
		},
		{"a piece without a place", `{"type":"response.output_text.delta","item_id":"rs_up","delta":""}`, `{"type":"response.output_text.delta","item_id":"rs_#_0","delta":""}`},
		{"an id of no form", `{"output_index":2,"item":{"id":"550e8400-e29b","type":"x"}}`, `{"output_index":2,"item":{"id":"item_#_2","type":"x"}}`},
		{"no id", `{"output_index":3,"item":{"type":"function_call"}}`, `{"output_index":3,"item":{"type":"function_call","id":"item_#_3"}}`},
		{
			"the end, in another order", `{"type":"response.completed","response":{"output":[{"id":"msg_a","content":[{"id":"x"}]},{"id":"rs_up"}],"id":"resp_up"}}`,
			`{"type":"response.completed","response":{"output":[{"id":"msg_#_1","content":[{"id":"x"}]},{"id":"rs_#_0"}],"id":"resp_#","store":true}}`,
		},
		{"what is no event", `[DONE]`, `[DONE]`},
		{"nor a place", `{"output_index":1e9,"item_id":"fc_z"}`, `{"output_index":1e9,"item_id":"fc_#_4"}`},
	} {
		if got, want := string(o.Event([]byte(c.in))), strings.ReplaceAll(c.want, "#", ownCore); got != want {
			t.Errorf("%s: %s\nbecame %s\nwant   %s", c.name, c.in, got, want)
		}
	}
	whole := `{"id":"resp_up","output":[{"id":"fc_a"},{"id":"msg_b"}],"store":false}`
	o = NewOwn(&chat.Exchange{ID: ownCore})
	if got, want := string(o.Response([]byte(whole))), strings.ReplaceAll(`{"id":"resp_#","output":[{"id":"fc_#_0"},{"id":"msg_#_1"}],"store":true}`, "#", ownCore); got != want {
		t.Errorf("a whole reply became %s", got)
	}
}

func TestIDsOfTheGatewaysItemsReachNoUpstream(t *testing.T) {
	own := `"id":"msg_` + ownCore + `_3"`
	for id, ours := range map[string]bool{
		"msg_" + ownCore + "_0": true, "fc_" + ownCore + "_12": true, "fco_" + ownCore + "_i2": true, "msg_" + ownCore: false, "msg_" + ownCore + "_": false, "": false,
		"_" + ownCore + "_0": false, "msg_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b": false, "msg_" + strings.ToUpper(ownCore) + "_0": false,
	} {
		if OwnID([]byte(id)) != ours {
			t.Errorf("%q is taken for one of the gateway's: %v", id, !ours)
		}
	}
	if got := string(withoutOwnID(json.Value(`{` + own + `,"type":"x"}`))); got != `{"type":"x"}` {
		t.Errorf("an item became %s", got)
	}
	for _, x := range []*chat.Exchange{openAI(), runtimeGPT()} {
		in := `{"model":"m","store":false,"input":[{` + own + `,"role":"assistant","content":"a"},{"type":"function_call","call_id":"c","name":"f","arguments":"{}",` + own + `},{"type":"function_call_output","call_id":"c","output":"o"},{"role":"user","id":"mine","content":"b"}]}`
		got, err := Dialect{}.Splice(nil, parsed(t, in), &chat.Edits{}, x)
		if want := strings.Replace(strings.Replace(in, own+`,"role"`, `"role"`, 1), `,`+own, "", 1); err != nil || string(got) != want {
			t.Errorf("sent %s, %v\nwant %s", got, err, want)
		}
	}
}

func TestTheLastEventIsFound(t *testing.T) {
	for stream, want := range map[string]string{
		"event: a\ndata: {\"x\":1}\n\nevent: b\ndata: {}\n\n": "event: b\ndata: {}\n\n|{}",
		"event: b\ndata: {}\n\n":                              "event: b\ndata: {}\n\n|{}",
		": ping\n\n":                                          ": ping\n\n|",
		"":                                                    "|",
	} {
		at, from, to := LastEvent([]byte(stream))
		if got := stream[at:] + "|" + stream[from:to]; got != want {
			t.Errorf("%q: %q, want %q", stream, got, want)
		}
	}
	b := []byte(`{"type":"x","response":{"output":["\"store\":true",{"store":true}],"store":true,"z":1}}`)
	from, to, ok := ResponseIn(b)
	if !ok || string(b[from:to]) != `{"output":["\"store\":true",{"store":true}],"store":true,"z":1}` {
		t.Fatalf("%s", b[from:to])
	}
	if got, want := string(AppendUnstored(nil, b, from)), `{"type":"x","response":{"output":["\"store\":true",{"store":true}],"store":false,"z":1}}`; got != want {
		t.Errorf("%s", got)
	}
}

func TestWhatTheGatewayStoresHasItsReasoningSealed(t *testing.T) {
	for in, want := range map[string]string{
		`{"model":"m","input":"Hi"}`:                                                        `{"model":"m","input":"Hi","store":false,"include":["reasoning.encrypted_content"]}`,
		`{"model":"m","store":true,"input":"Hi","include":["x"]}`:                           `{"model":"m","store":false,"input":"Hi","include":["x","reasoning.encrypted_content"]}`,
		`{"model":"m","store":null,"input":"Hi","include":null}`:                            `{"model":"m","store":false,"input":"Hi","include":["reasoning.encrypted_content"]}`,
		`{"model":"m","input":"Hi","include":["reasoning.encrypted_content"],"store":true}`: `{"model":"m","input":"Hi","include":["reasoning.encrypted_content"],"store":false}`,
	} {
		x := runtimeGPT()
		x.Stored = true
		got, err := Dialect{}.Splice(nil, parsed(t, in), &chat.Edits{}, x)
		if err != nil || string(got) != want || len(x.Dropped) > 0 {
			t.Errorf("%s\nwas sent as %s, dropped %v, %v\nwant %s", in, got, x.Dropped, err, want)
		}
	}
}

// What a delta of a relayed stream that is kept costs above others: no memory.
func TestADeltaOfAKeptRelayAllocatesNothing(t *testing.T) {
	o := NewOwn(&chat.Exchange{ID: ownCore})
	o.Event([]byte(`{"type":"response.output_item.added","output_index":0,"item":{"id":"msg_up","type":"message"}}`))
	delta := []byte(`{"type":"response.output_text.delta","sequence_number":7,"item_id":"msg_up","output_index":0,"content_index":0,"delta":" a few words","logprobs":[]}`)
	if n := testing.AllocsPerRun(100, func() { o.Event(delta) }); n != 0 {
		t.Errorf("%.0f allocations", n)
	}
}

func FuzzOwnEvent(f *testing.F) {
	f.Add([]byte(`{"type":"response.output_item.added","output_index":0,"item":{"id":"rs_up"}}`))
	f.Add([]byte(`{"response":{"id":1,"output":[1,{"id":"a_"}]},"item_id":"x"}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		o := NewOwn(&chat.Exchange{ID: ownCore})
		got := o.Event(payload)
		if json.Valid(payload) == nil && json.Valid(got) != nil {
			t.Fatalf("%s became %s", payload, got)
		}
	})
}
