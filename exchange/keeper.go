package exchange

import (
	"net/http"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/responses"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// inquiry is a call on a response that an upstream keeps. What one in the background used is told by no other: it counts when
// its end is seen first, and its items' ids are recorded then.
type inquiry struct {
	id   string
	seen []byte // of the reply: all of it, or the end of a long stream
}

// maxInquiry bounds what is held of a reply, in bytes. One that is longer passes by uncounted, but for a stream whose last event
// is no longer than half of it.
const maxInquiry = 16 << 20

// Inquire asks the upstream of the route for a response that it keeps. path is that of the call there.
func (c *Call) Inquire(route *upstream.Route, id, path string) error {
	c.inquiry = &inquiry{id: id}
	return c.Relay(route, func(*upstream.Target) (string, string) { return path, c.r.URL.RawQuery })
}

// note keeps what passes by.
func (q *inquiry) note(piece []byte) {
	if q == nil {
		return
	}
	if len(q.seen)+len(piece) > maxInquiry {
		q.seen = append(q.seen[:0], q.seen[min(len(q.seen), maxInquiry/2):]...)
	}
	q.seen = append(q.seen, piece...)
}

// inquired counts what a response in the background used, if this reply is the first that tells of its end.
func (c *Call) inquired(in *relayed) {
	q := c.inquiry
	if q == nil || c.engine.Stored == nil || in.reply.Status != http.StatusOK {
		return
	}
	response := json.Value(q.seen)
	if in.flush {
		_, from, to := responses.LastEvent(q.seen)
		start, end, ok := responses.ResponseIn(q.seen[from:to])
		if !ok {
			return
		}
		response = json.Value(q.seen[from+start : from+end])
	}
	if json.Valid(response) != nil || !c.endsInBackground(response) || json.String(json.Find(response, "id")).Unquote() != q.id {
		return
	}
	c.keepIDs(in.attempt, itemIDs(nil, response)...)
	if first, err := c.engine.Stored.First(c.r.Context(), c.Caller.Owner, q.id); !first {
		c.engine.Stored.Saved(c.r.Context(), "that the tokens of a response were counted", err, c.logged()...)
		return
	}
	res, err := c.Out.DecodeResponse(response, &chat.Exchange{Model: c.Model, TargetModel: c.Record.UpstreamModel, Target: responses.Name})
	if err == nil {
		c.Record.Count(&res.Usage, res.Routed)
		c.Record.Stop, c.Record.ServedModel, c.Record.ServiceTier = res.Stop, res.Model, res.ServiceTier
	}
}

// endsInBackground reports whether a response was made in the background and is over.
func (c *Call) endsInBackground(response json.Value) bool {
	if string(json.Find(response, "background")) != "true" {
		return false
	}
	switch strings.Trim(string(json.Find(response, "status")), `"`) {
	case "completed", "incomplete", "failed", "cancelled":
		return true
	}
	return false
}

// countedHere notes that the tokens of a response in the background were counted by the call that made it.
func (c *Call) countedHere(response json.Value) {
	if !c.Record.Usage.Known || !c.endsInBackground(response) {
		return
	}
	if id := json.String(json.Find(response, "id")).Unquote(); id != "" {
		_, err := c.engine.Stored.First(c.r.Context(), c.Caller.Owner, id)
		c.engine.Stored.Saved(c.r.Context(), "that the tokens of a response were counted", err, c.logged()...)
	}
}
