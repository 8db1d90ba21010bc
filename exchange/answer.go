package exchange

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// answer writes a whole reply: the upstream's own bytes where they are in the dialect asked for, else a translation.
func (c *Call) answer(a *attempt) error {
	raw := a.body.b
	res, err := a.call.Dialect.DecodeResponse(raw, a.x)
	if err == nil {
		c.Record.Count(&res.Usage, res.Routed)
		c.Record.Stop, c.Record.ServedModel, c.Record.ReplyID, c.Record.ServiceTier = res.Stop, res.Model, res.ID, res.ServiceTier
	}
	if err == nil || !reported(err) && json.Valid(raw) == nil {
		if !hasMembers(raw) {
			return c.unreadable(a, &chat.Error{Kind: chat.ErrUpstream, Code: "upstream_error", Message: "the upstream answered with success and no reply: its body is not an object with members", Cause: err})
		}
	}
	body := raw
	if c.relays(a) {
		if err != nil {
			if reported(err) || json.Valid(raw) != nil { // an error, or a login page, in spite of its status
				return c.unreadable(a, err)
			}
			a.x.Note("the upstream's reply cannot be read; it was relayed as it is, its tokens are not counted")
		} else if names := c.namingOf(a); names.name != "" || names.own != nil {
			out := getBuffer()
			defer putBuffer(out)
			out.b = names.append(out.b, raw)
			body = out.b
		}
	} else {
		if err != nil {
			return c.unreadable(a, err)
		}
		out := getBuffer()
		defer putBuffer(out)
		if out.b, err = c.Out.EncodeResponse(out.b, res, a.x); err != nil {
			return c.unreadable(a, err)
		}
		body = out.b
	}
	if c.keep != nil {
		out := getBuffer()
		defer putBuffer(out)
		body = c.keepWhole(a, body, out)
	}
	c.note(a.x)
	c.said.Answer(body)
	c.setHeaders(a)
	h := c.w.Header()
	c.costHeader(h)
	h["Content-Type"] = JSONType
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	c.Record.Status = http.StatusOK
	c.Record.FirstByte = time.Since(c.start)
	c.w.WriteHeader(http.StatusOK)
	if _, err := c.w.Write(body); err != nil {
		c.Record.Status, c.Record.Err = statusClientGone, errClientGone
	}
	return nil
}

// costHeader is the header of a reply, and the trailer of a stream whose client reads trailers: what a stream cost is known at its
// end. Only such a client gets it (RFC 9110, section 6.5.1).
const costHeader = "Bedrock-Gateway-Cost"

// costHeader tells the client what the reply cost, if the configuration wants that and the cost is known.
func (c *Call) costHeader(h http.Header) {
	if !c.engine.CostHeader {
		return
	}
	if c.Record.Price(c.engine.Prices); c.Record.Priced {
		h[costHeader] = []string{c.Record.Cost.String()}
	}
}

var JSONType = []string{"application/json"}

// hasMembers reports whether the reply is an object with members: every dialect's is. null, [] or {} is no answer, though it
// came with a 200.
func hasMembers(reply []byte) bool {
	r := json.NewReader(reply)
	return r.Kind() == json.Object && r.Object() && r.Member()
}

// unreadable returns the error for a reply that cannot be translated; what the client can mend stays as it is.
func (c *Call) unreadable(a *attempt, err error) error {
	var e *chat.Error
	if !errors.As(err, &e) {
		e = chat.Unreadable("a reply", err)
	}
	e.Upstream = a.target.Name
	return e
}
