package exchange

import (
	"bytes"
	"encoding/base64"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/claude"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/responses"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/eventstream"
)

// naming puts the client's name for the model into a relayed reply. Claude Code takes thinking blocks for another model's
// where the names differ, and leaves them out of the next request, which is refused for it.
type naming struct {
	name  string // "": the reply keeps the upstream's name
	every bool   // in each frame, as in OpenAI's chat; else in the first that has one
	some  bool   // in those with a response, as in OpenAI's Responses
	buf   []byte
	own   *responses.Own // makes it a response that the gateway keeps; nil: it stays the upstream's
	raw   []byte         // of a frame that own made
}

// namingOf returns how the relayed reply names its model. Bedrock's name for a Claude model is no id of it that the client
// could have asked for, so on Anthropic's path it is always replaced. OpenAI's is the version of the model asked for, and
// Bedrock's own clients know its names: those stay, unless a route renamed the model.
func (c *Call) namingOf(a *attempt) naming {
	n := c.modelNaming(a)
	if c.stores() && !c.keptThere(a) {
		n.own = responses.NewOwn(a.x)
	}
	return n
}

func (c *Call) modelNaming(a *attempt) naming {
	own := c.Out.Name() == claude.Name
	// Bedrock's copies of OpenAI's APIs name what was asked there: a profile, or mantle's own name.
	api := a.x.Access.API
	if a.x.TargetModel == a.x.Model && (!own || c.form.Native) && api != model.Chat && api != model.Responses {
		return naming{}
	}
	return naming{name: a.x.Model, every: !own, some: c.Out.Name() == responses.Name}
}

// append appends a whole reply.
func (n *naming) append(dst, body []byte) []byte {
	if n.own != nil {
		body = n.own.Response(body)
	}
	if n.name != "" {
		if named, ok := chat.AppendNamed(dst, body, n.name); ok {
			return named
		}
	}
	return append(dst, body...)
}

// owned returns the frame with what is the gateway's in it: the frame itself where nothing is. It is valid until the next call.
func (n *naming) owned(f *upstream.Frame) upstream.Frame {
	if n.own == nil || f.Payload == nil {
		return *f
	}
	own := *f
	own.Payload = n.own.Event(f.Payload)
	n.raw = appendPayload(n.raw[:0], own.Payload, true)
	own.Raw = n.raw
	return own
}

// payload returns the payload with the name in it; the payload's own bytes where there is nothing to do. The result is
// valid until the next call.
func (n *naming) payload(payload []byte) []byte {
	if n.name == "" || payload == nil || n.some && !bytes.Contains(payload, inResponse) {
		return payload
	}
	var ok bool
	n.buf, ok = chat.AppendNamed(n.buf[:0], payload, n.name)
	if !n.every && (ok || !bytes.HasPrefix(payload, ping)) {
		n.name = "" // message_start comes first, but for pings
	}
	if !ok {
		return payload
	}
	return n.buf
}

var inResponse = []byte(`"response":`)

// ping begins the events that may come before a reply's first.
var ping = []byte(`{"type":"ping"`)

// frame appends a frame as it came but for the name. sse: it is a server-sent event, else one of Bedrock's event streams.
func (n *naming) frame(dst []byte, f *upstream.Frame, sse bool) []byte {
	if n.name == "" {
		return append(dst, f.Raw...)
	}
	payload := n.payload(f.Payload)
	if len(payload) == 0 || &payload[0] == &f.Payload[0] {
		return append(dst, f.Raw...)
	}
	if !sse {
		chunk := append([]byte(`{"bytes":"`), base64.StdEncoding.AppendEncode(nil, payload)...)
		return eventstream.Append(dst, chunkHeaders, append(chunk, `"}`...))
	}
	before, after, found := bytes.Cut(f.Raw, f.Payload)
	if !found { // its data stood in several lines
		return appendPayload(dst, payload, bytes.Contains(f.Raw, []byte("event:")))
	}
	dst = append(append(dst, before...), payload...)
	return append(dst, after...)
}
