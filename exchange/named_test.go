package exchange

import (
	"bytes"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/eventstream"
)

// A relayed frame keeps its bytes but for the model's name, in each transport.
func TestNamedFrames(t *testing.T) {
	const (
		sse     = "text/event-stream; charset=utf-8"
		start   = `{"type":"message_start","message":{"id":"1","model":"upstreams"}}`
		renamed = `{"type":"message_start","message":{"id":"1","model":"mine"}}`
	)
	event := func(raw, payload string) *upstream.Frame {
		return &upstream.Frame{Raw: []byte(raw), Payload: []byte(payload)}
	}
	for name, tc := range map[string]struct {
		naming naming
		frames []*upstream.Frame
		want   string
	}{
		"the first alone": {
			naming{name: "mine"},
			[]*upstream.Frame{event("event: message_start\ndata: "+start+"\n\n", start), event("data: "+start+"\n\n", start)},
			"event: message_start\ndata: " + renamed + "\n\ndata: " + start + "\n\n",
		},
		"each": {
			naming{name: "mine", every: true},
			[]*upstream.Frame{event("data: "+start+"\n\n", start), event(": ping\n\n", ""), event("data: "+start+"\r\n\r\n", start)},
			"data: " + renamed + "\n\n: ping\n\ndata: " + renamed + "\r\n\r\n",
		},
		"none": {
			naming{},
			[]*upstream.Frame{event("data: "+start+"\n\n", start)},
			"data: " + start + "\n\n",
		},
		"data in several lines": {
			naming{name: "mine"},
			[]*upstream.Frame{event("event: message_start\ndata: {\"type\":\"message_start\",\ndata: \"message\":{\"model\":\"upstreams\"}}\n\n", "{\"type\":\"message_start\",\n\"message\":{\"model\":\"upstreams\"}}")},
			"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"mine\"}}\n\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []byte
			for _, f := range tc.frames {
				got = tc.naming.frame(got, f, true)
			}
			if string(got) != tc.want {
				t.Errorf("got\n%q\nwant\n%q", got, tc.want)
			}
		})
	}
	n := naming{name: "mine"}
	raw := n.frame(nil, event("the binary frame", start), false)
	var r eventstream.Reader
	r.Reset(bytes.NewReader(raw))
	m, err := r.Next()
	if err != nil || string(m.Event) != "chunk" || !bytes.Contains(m.Payload, []byte(`{"bytes":"`)) {
		t.Errorf("got %q, %v", raw, err)
	}
}
