// Package streams_test holds what must be true of every stream, however its upstream fails: a client can always tell a
// whole reply from a broken one.
package streams_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

const gateway = `bedrock_gateway {
	openai sk-test {
		base_url %[1]s/v1
	}
	bedrock us-east-1 {
		endpoint %[1]s
		credentials AKIDEXAMPLE secret
	}
	route gpt-* {
		to openai
		retries 0
	}
	route anthropic.* {
		to bedrock
		retries 0
	}
	files off
}`

func start(t *testing.T) (*gatewaytest.Gateway, *gatewaytest.Upstream) {
	t.Helper()
	u := gatewaytest.NewUpstream(t)
	return gatewaytest.Start(t, fmt.Sprintf(gateway, u.URL)), u
}

// stream is a whole reply of one provider, and how to ask for it.
type stream struct {
	name, model, reply string
	// ends is where the provider's own terminal event is complete: a cut from there on breaks nothing.
	ends int
	text string // of the reply
}

func streams() []stream {
	converse := gatewaytest.Frames(
		`messageStart {"role":"assistant","p":"ab"}`,
		`contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"Hello"},"p":"abc"}`,
		`contentBlockDelta {"contentBlockIndex":0,"delta":{"text":" wörld\n"}}`,
		`contentBlockStop {"contentBlockIndex":0}`,
		`contentBlockStart {"contentBlockIndex":1,"start":{"toolUse":{"toolUseId":"t1","name":"now"}}}`,
		`contentBlockDelta {"contentBlockIndex":1,"delta":{"toolUse":{"input":"{\"a\":1}"}}}`,
		`contentBlockStop {"contentBlockIndex":1}`,
		`messageStop {"stopReason":"tool_use"}`,
		`metadata {"usage":{"inputTokens":3,"outputTokens":5,"totalTokens":8},"metrics":{"latencyMs":1}}`,
	)
	chunk := func(choice string) string {
		return `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[` + choice + `]}`
	}
	openai := gatewaytest.SSE(
		chunk(`{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}`),
		chunk(`{"index":0,"delta":{"content":"Hello"},"finish_reason":null}`),
		chunk(`{"index":0,"delta":{"content":" wörld\n"},"finish_reason":null}`),
		chunk(`{"index":0,"delta":{},"finish_reason":"stop"}`),
		"[DONE]",
	)
	return []stream{
		{name: "converse", model: "anthropic.claude-3-5-sonnet-20241022-v2:0", reply: converse, ends: len(converse), text: "Hello wörld\n"},
		{name: "openai", model: "gpt-4o", reply: openai, ends: strings.Index(openai, "[DONE]") + len("[DONE]"), text: "Hello wörld\n"},
	}
}

func (s *stream) request() string {
	return `{"model":"` + s.model + `","stream":true,"messages":[{"role":"user","content":"Hi"}],"tools":[{"type":"function","function":{"name":"now"}}]}`
}

// ask plays one reply and checks what must be true of every answer: done exactly if the reply was whole, and otherwise an
// HTTP error, or an error event and a connection that does not end as it should.
func (s *stream) ask(t *testing.T, g *gatewaytest.Gateway, u *gatewaytest.Upstream, what string, reply gatewaytest.Reply, whole bool) {
	t.Helper()
	u.Play(reply)
	a := g.Post(t, "/v1/chat/completions", s.request())
	done := strings.Contains(a.Body, "data: [DONE]")
	failed := a.Status >= 400 || strings.Contains(a.Body, `data: {"error":`)
	switch {
	case whole && (a.Status != 200 || done != s.says(reply.Body) || failed || a.Broken != nil):
		t.Errorf("%s: a whole reply ended in status %d, broken %v:\n%s", what, a.Status, a.Broken, a.Body)
	case !whole && done:
		t.Errorf("%s: a broken reply ended like a whole one:\n%s", what, a.Body)
	case !whole && !failed:
		t.Errorf("%s: the client was not told:\n%s", what, a.Body)
	case !whole && a.Status == 200 && a.Broken == nil:
		t.Errorf("%s: the connection ended as if all was well:\n%s", what, a.Body)
	}
}

// says tells whether a whole reply ends in [DONE]: always, but where the upstream's own bytes are relayed and have none.
func (s *stream) says(reply string) bool {
	return s.name != "openai" || strings.Contains(reply, "[DONE]")
}

// The connection breaks off, or the reply ends in good order, after every byte.
func TestAStreamCutAnywhereNeverEndsLikeAWholeOne(t *testing.T) {
	g, u := start(t)
	for _, s := range streams() {
		t.Run(s.name, func(t *testing.T) {
			header := map[string]string{"Content-Type": contentType(s.name)}
			s.ask(t, g, u, "whole", gatewaytest.Reply{Body: s.reply, Header: header}, true)
			for n := range len(s.reply) {
				s.ask(t, g, u, fmt.Sprintf("cut after %d bytes", n), gatewaytest.Reply{Body: s.reply[:n], Header: header, Cut: true}, n >= s.ends)
				s.ask(t, g, u, fmt.Sprintf("ended after %d bytes", n), gatewaytest.Reply{Body: s.reply[:n], Header: header}, s.mayEnd(n))
			}
		})
	}
}

// mayEnd tells whether a reply that ends in good order after n bytes is whole. Servers that imitate OpenAI leave out the
// last [DONE]; what comes behind the reason to stop is then a formality.
func (s *stream) mayEnd(n int) bool {
	if s.name != "openai" || n >= s.ends {
		return n >= s.ends
	}
	stop := strings.Index(s.reply, `"finish_reason":"stop"`)
	frame := stop + strings.Index(s.reply[stop:], "\n\n") + 2
	return n == frame
}

func contentType(name string) string {
	if name == "openai" {
		return "text/event-stream"
	}
	return "application/vnd.amazon.eventstream"
}

// One bit of every byte is flipped: the frames' checksums tell.
func TestACorruptFrameIsAnError(t *testing.T) {
	g, u := start(t)
	s := streams()[0]
	for n := range len(s.reply) {
		b := []byte(s.reply)
		b[n] ^= 1 << (n % 8)
		s.ask(t, g, u, fmt.Sprintf("byte %d", n), gatewaytest.Reply{Body: string(b), Header: map[string]string{"Content-Type": contentType(s.name)}}, false)
	}
}
