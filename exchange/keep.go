package exchange

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/stored"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/responses"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// A reply of Responses is kept unless the client refuses that, so that it can be gone on with by its id. What OpenAI answers by
// itself is kept there, and here which upstream that is.

// turn is what a kept reply depends on besides the reply.
type turn struct {
	previous string     // the response that the request goes on from; "" for none
	before   json.Value // its items, a JSON array; nil for none
	input    json.Value // the turn's own items, where not all of them are the body's; nil: they are the body's input
}

// keeping is a reply that is to be kept. It is made for such calls alone.
type keeping struct {
	ready chan struct{} // closed when the draft is packed; nil: there is none
	draft stored.Draft
	err   error // why there is none

	mu     sync.Mutex
	packed bool
	over   bool
	held   held // the memory of what is packed, and of the draft afterwards
}

// keepReply decides whether the reply is kept. Ids of Responses are secrets where nobody authenticates, so that those of the
// request, which logs and headers show, do not do.
func (c *Call) keepReply() {
	if c.Client.Name() != responses.Name || c.Out.Name() != responses.Name {
		return
	}
	c.core = stored.NewID()
	if c.engine.Stored != nil && string(c.Body.Value("store")) != "false" {
		c.keep = new(keeping)
	}
}

// replyID returns the core of the reply's id.
func (c *Call) replyID() string {
	if c.core != "" {
		return c.core
	}
	return c.id
}

// stores reports whether the gateway itself keeps the reply, if that is not relayed from OpenAI's own API.
func (c *Call) stores() bool { return c.keep != nil && c.engine.Stored.Keeps() }

// keptThere reports whether the upstream that answers keeps the reply: OpenAI's own API, whose bytes are relayed. Bedrock's
// copies of it are asked to keep nothing.
func (c *Call) keptThere(a *attempt) bool { return c.relays(a) && a.x.Access.Host == model.AnyHost }

// beginDraft begins to pack the conversation while the upstream works, once.
func (c *Call) beginDraft(a *attempt) {
	k := c.keep
	if k == nil || k.ready != nil || !c.stores() || c.keptThere(a) {
		return
	}
	input := c.turn.input
	if input == nil {
		input = c.Body.Value("input")
	}
	k.ready = make(chan struct{})
	go k.pack(c.engine.Stored, c.core, c.turn.before, input)
}

// pack makes the draft.
func (k *keeping) pack(s *stored.Store, core string, before, input json.Value) {
	defer close(k.ready)
	defer func() {
		if v := recover(); v != nil {
			k.err = fmt.Errorf("panic: %v", v)
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		k.packed = true
		k.shrink()
	}()
	k.draft, k.err = s.Draft(core, before, input)
}

// shrink gives back the memory that is not needed any more. The caller holds the lock.
func (k *keeping) shrink() {
	switch {
	case k.over:
		k.held.release()
	case k.packed:
		k.held.shrink(int64(k.draft.Size()))
	}
}

// releaseBody gives back the memory of the request, of which nothing but a draft is needed any more.
func (c *Call) releaseBody() {
	k := c.keep
	if k == nil || k.ready == nil {
		c.held.release()
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held, c.held = c.held, held{}
	k.shrink()
}

// endKeeping gives back what a reply that was to be kept still holds.
func (c *Call) endKeeping() {
	if k := c.keep; k != nil {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.over = true
		k.shrink()
	}
}

// store keeps the final response, and reports whether it is kept: within a second, or not at all. The store alone decides.
func (c *Call) store(response []byte) bool {
	k := c.keep
	if k.ready == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), stored.Patience)
	defer cancel()
	s := c.engine.Stored
	err := k.wait(ctx)
	if err == nil {
		err = s.Save(ctx, &stored.Record{
			ID: stored.ResponseID(c.core), Owner: c.Caller.Owner, Model: c.Model, CreatedAt: time.Unix(c.start.Unix(), 0), Response: response,
		}, k.draft)
	}
	s.Saved(c.r.Context(), "a response", err, c.logged()...)
	return err == nil
}

// wait waits for the draft.
func (k *keeping) wait(ctx context.Context) error {
	select {
	case <-k.ready:
		return k.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Call) logged() []zap.Field {
	return []zap.Field{zap.String("request_id", c.Record.RequestID), zap.String("model", c.Model)}
}

// keepID records which upstream keeps a response, within a second. The bytes that told its id stay as they are.
func (c *Call) keepID(a *attempt, id string) {
	err := c.engine.Stored.SaveKept(c.r.Context(), &stored.Kept{ID: id, Owner: c.Caller.Owner, Upstream: a.target.Name, Model: c.Model})
	c.engine.Stored.Saved(c.r.Context(), "which upstream keeps a response", err, c.logged()...)
}

// keepWhole keeps a reply that is not streamed, and returns it as it is to be sent: body itself, or a copy in out that says
// that it is not stored.
func (c *Call) keepWhole(a *attempt, body []byte, out *buffer) []byte {
	switch {
	case c.keep == nil:
	case c.keptThere(a):
		if id := json.String(json.Find(body, "id")).Unquote(); id != "" {
			c.keepID(a, id)
		}
	case c.stores() && !c.store(body):
		out.b = responses.AppendUnstored(out.b[:0], body, 0)
		return out.b
	}
	return body
}

// keepStream keeps a reply whose last events are in b, and returns the terminal event as it is to be sent. What stands before
// it is sent at once: nothing but that event waits for the store.
func (c *Call) keepStream(p *watchdog, b []byte) ([]byte, error) {
	at, from, to := responses.LastEvent(b)
	start, end, ok := responses.ResponseIn(b[from:to])
	if !ok || !responses.Final(b[from:to]) {
		return b, nil
	}
	if at > 0 {
		if err := p.write(b[:at]); err != nil {
			return nil, errClientGone
		}
		p.take()
	}
	if c.store(b[from+start : from+end]) {
		return b[at:], nil
	}
	return responses.AppendUnstored(nil, b[at:], from+start-at), nil
}

// keepFrame does what a frame asks for that was put into buf, and reports whether another may ask for more. Of OpenAI's the
// first that tells the id does; of the gateway's own the last.
func (c *Call) keepFrame(a *attempt, p *watchdog, buf *buffer, f *upstream.Frame, ended bool) (more bool, err error) {
	if c.keptThere(a) {
		if from, to, ok := responses.ResponseIn(f.Payload); ok {
			if id := json.String(json.Find(f.Payload[from:to], "id")).Unquote(); id != "" {
				c.keepID(a, id)
				return false, nil
			}
		}
		return true, nil
	}
	if !ended {
		return true, nil
	}
	buf.b, err = c.keepStream(p, buf.b)
	return false, err
}
