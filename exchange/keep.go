package exchange

import (
	"bytes"
	"context"
	"fmt"
	"strings"
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
	begun bool          // there is a draft, or will be
	ready chan struct{} // closed when the draft is packed; nil: it is already
	draft stored.Draft
	err   error // why there is none

	marks func() []byte // of the stream's events; nil: it is none
	told  bool          // the id is known
	seen  []byte        // of a reply that passes by unread, until its id is known

	mu     sync.Mutex
	packed bool
	over   bool
	held   held // the memory of what is packed, and of the draft afterwards
	copy   held // that of packing
}

// keepReply decides whether the reply is kept. Ids of Responses are secrets where nobody authenticates, so that those of the
// request, which logs and headers show, do not do.
func (c *Call) keepReply() {
	if c.Client == nil || c.Client.Name() != responses.Name || c.Out.Name() != responses.Name {
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
	if k == nil || k.begun || !c.stores() || c.keptThere(a) {
		return
	}
	input := c.turn.input
	if input == nil {
		input = c.Body.Value("input")
	}
	k.begun = true
	size := len(c.turn.before) + len(input)
	if size > stored.Small && !c.engine.tryHold(c.r, &k.copy, int64(size)) { // packing needs a copy
		k.err, k.packed = stored.ErrNoMemory, true
		return
	}
	if size <= stored.Small {
		k.draft, k.err = c.engine.Stored.Draft(c.core, c.turn.before, input)
		k.packed = true
		return
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
	if k.packed {
		k.copy.release()
		k.held.shrink(int64(k.draft.Size()))
	}
	if k.over {
		k.held.release()
	}
}

// releaseBody gives back the memory of the request, of which nothing but a draft is needed any more.
func (c *Call) releaseBody() {
	k := c.keep
	if k == nil || !k.begun {
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
	if !k.begun {
		return false
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), stored.Patience)
	defer cancel()
	s := c.engine.Stored
	err := k.wait(ctx)
	if err == nil {
		err = s.Save(ctx, &stored.Record{
			ID: stored.ResponseID(c.core), Owner: c.Caller.Owner, Model: c.Model, CreatedAt: time.Unix(c.start.Unix(), 0), Response: response, Marks: k.streamed(),
		}, k.draft)
	}
	s.Saved(c.r.Context(), "a response", err, c.logged()...)
	return err == nil
}

// streamed returns the marks of the stream in which the reply goes out; nil if it is none.
func (k *keeping) streamed() []byte {
	if k.marks == nil {
		return nil
	}
	return k.marks()
}

// wait waits for the draft.
func (k *keeping) wait(ctx context.Context) error {
	if k.ready == nil {
		return k.err
	}
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

// keepIDs records which upstream keeps a response or its items, within a second. The bytes that told the ids stay as they are.
func (c *Call) keepIDs(a *attempt, ids ...string) {
	all := make([]stored.Kept, 0, len(ids))
	for _, id := range ids {
		if id != "" && len(all) < maxKeptItems {
			all = append(all, stored.Kept{ID: id, Owner: c.Caller.Owner, Upstream: a.target.Name, Model: c.Model})
		}
	}
	if len(all) == 0 {
		return
	}
	err := c.engine.Stored.SaveKeptAll(c.r.Context(), all)
	c.engine.Stored.Saved(c.r.Context(), "which upstream keeps a response", err, c.logged()...)
}

// maxKeptItems bounds of how many ids of one reply is recorded who keeps them.
const maxKeptItems = 256

// itemIDs appends the ids of a response's items.
func itemIDs(ids []string, response json.Value) []string {
	output := json.Find(response, "output")
	w := json.WalkAt(output, 0)
	for ok := len(output) > 0 && w.Array(); ok && w.Element(); {
		ids = append(ids, json.String(json.Find(w.Value(), "id")).Unquote())
	}
	return ids
}

// keepWhole keeps a reply that is not streamed, and returns it as it is to be sent: body itself, or a copy in out that says
// that it is not stored.
func (c *Call) keepWhole(a *attempt, body []byte, out *buffer) []byte {
	switch {
	case c.keep == nil:
	case c.keptThere(a) && string(json.Find(body, "store")) == "false": // a server that imitates OpenAI and keeps nothing
	case c.keptThere(a):
		c.countedHere(body)
		c.keepIDs(a, itemIDs([]string{json.String(json.Find(body, "id")).Unquote()}, body)...)
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
			return b[:0], errClientGone
		}
		p.take()
		b, from = append(b[:0], b[at:]...), from-at
	}
	if c.store(b[from+start : from+end]) {
		return b, nil
	}
	return responses.AppendUnstored(nil, b, from+start), nil
}

// keepFrame does what a frame asks for whose event stands in buf from from on. Of OpenAI's the first that tells the id does, and
// the last, which tells those of the items; of the gateway's own the last.
func (c *Call) keepFrame(a *attempt, p *watchdog, buf *buffer, from int, f *upstream.Frame, ended bool) error {
	k := c.keep
	if !c.keptThere(a) {
		var err error
		if ended && !k.told {
			k.told = true
			buf.b, err = c.keepStream(p, buf.b)
		}
		return err
	}
	if k.told && !ended {
		return nil
	}
	start, end, ok := responses.ResponseIn(f.Payload)
	if !ok {
		return nil
	}
	if from > 0 {
		if err := p.write(buf.b[:from]); err != nil {
			return errClientGone
		}
		p.take()
		buf.b = append(buf.b[:0], buf.b[from:]...)
	}
	response := f.Payload[start:end]
	if string(json.Find(response, "store")) == "false" {
		k.told = true // a server that imitates OpenAI and keeps nothing
		return nil
	}
	if ended {
		c.countedHere(response)
	}
	var ids []string
	if !k.told {
		k.told = true
		ids = append(ids, json.String(json.Find(response, "id")).Unquote())
	}
	c.keepIDs(a, itemIDs(ids, response)...)
	return nil
}

// relayedID looks for the id of a response that passes by unread, and records who keeps it before the rest of it goes out.
func (c *Call) relayedID(a *attempt, piece []byte) {
	k := c.keep
	if k == nil || k.told {
		return
	}
	k.seen = append(k.seen, piece...)
	if id, ok := idAtHead(k.seen); ok {
		k.told = true
		c.keepIDs(a, id)
	}
	if k.told || len(k.seen) > maxSeen {
		k.told, k.seen = true, nil
	}
}

// idAtHead returns the id of the response that the beginning of a reply tells, whole or streamed: the response's own, and no
// other that it holds, such as one in its metadata, which is the client's to choose. ok is false while too little of it is there.
func idAtHead(reply []byte) (id string, ok bool) {
	reply = bytes.TrimLeft(reply, " \t\r\n")
	if len(reply) == 0 {
		return "", false
	}
	w := json.WalkAt(reply, 0)
	if reply[0] != '{' {
		at := bytes.Index(reply, dataField)
		if at < 0 {
			return "", false
		}
		if w = json.WalkAt(reply, at+len(dataField)); !enter(&w, "response") {
			return "", false
		}
	}
	if !enter(&w, "id") || w.Kind() != json.Text {
		return "", false
	}
	v := w.String()
	if w.Offset() >= len(reply) || len(v) < 2 {
		return "", false
	}
	id = v.Unquote()
	return id, strings.HasPrefix(id, "resp_")
}

// enter goes to the value of a member of the object that w stands before.
func enter(w *json.Walker, key string) bool {
	for in := w.Object(); in && w.Member(); w.Skip() {
		if string(w.Key()) == key {
			return true
		}
	}
	return false
}

var dataField = []byte("data: ")

// maxSeen bounds how far into a relayed reply its id is looked for: it stands at its beginning.
const maxSeen = 16 << 10
