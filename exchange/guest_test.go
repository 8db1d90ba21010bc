package exchange_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/handler"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// readerFunc is a body that is read by a function.
type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
func (f readerFunc) Close() error               { return nil }

// A module of others may read the body that it was given for as long as its reply is open, and tells nobody. Memory that another
// request used meanwhile would show it that user's words.
func TestTheBodyOfAGuestIsItsOwn(t *testing.T) {
	const stream = `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}` + "\n\ndata: [DONE]\n\n"
	ask := func(user string, streamed string) string {
		return `{"model":"gpt-4o","max_tokens":9,"stream":` + streamed + `,"messages":[{"role":"user","content":"` + strings.Repeat(user, 400) + `"}]}`
	}
	var g *handler.Gateway
	g = gatewayOf(opener(func(ctx context.Context, c *upstream.Call) (*upstream.Reply, error) {
		if !c.Stream {
			return whole(`{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}`), nil
		}
		body := c.Body
		was := bytes.Clone(body)
		left := strings.NewReader(stream)
		r := &upstream.Reply{Status: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}}}
		return r, r.Stream(upstream.NewEvents(readerFunc(func(p []byte) (int, error) {
			if int64(left.Len()) < left.Size()/2 { // the reply has begun
				post(ctx, g, "/v1/messages", ask("user B ", "false"))
				if !bytes.Equal(body, was) {
					t.Errorf("the body became %.200q", body)
				}
			}
			return io.LimitReader(left, 120).Read(p)
		}), func(_, _ []byte) *chat.Error { return nil }))
	}), nil)
	if w := post(t.Context(), g, "/v1/messages", ask("user A ", "true")); !strings.Contains(w.Body.String(), "message_stop") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
