package exchange

import (
	"bytes"
	"encoding/base64"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/converse"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/eventstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// invokeEncoder wraps a dialect's events for a client of InvokeModelWithResponseStream: what the dialect writes as
// server-sent events goes out as event-stream chunks. It serves models that live elsewhere; Bedrock's own chunks are
// relayed.
type invokeEncoder struct {
	chat.StreamEncoder
	sse []byte
}

// chunkHeaders are those of a chunk as Bedrock sends it.
var chunkHeaders = []eventstream.Header{
	{Name: eventstream.HeaderEventType, Value: "chunk"},
	{Name: eventstream.HeaderContentType, Value: "application/json"},
	{Name: eventstream.HeaderMessageType, Value: eventstream.TypeEvent},
}

func (e *invokeEncoder) ContentType() string { return "application/vnd.amazon.eventstream" }

func (e *invokeEncoder) KeepAlive(dst []byte) []byte { return dst } // the format has no comments

func (e *invokeEncoder) Encode(dst []byte, ev *chat.Event) []byte {
	e.sse = e.StreamEncoder.Encode(e.sse[:0], ev)
	for line := range bytes.SplitSeq(e.sse, []byte("\n")) {
		if data, ok := bytes.CutPrefix(line, []byte("data: ")); ok {
			payload := append([]byte(`{"bytes":"`), base64.StdEncoding.AppendEncode(nil, data)...)
			dst = eventstream.Append(dst, chunkHeaders, append(payload, `"}`...))
		}
	}
	return dst
}

// Error appends the exception that Bedrock would send.
func (e *invokeEncoder) Error(dst []byte, err *chat.Error) []byte {
	return translate.ByName(converse.Name).NewStreamEncoder(&chat.Exchange{}).Error(dst, err)
}

// appendPayload appends an event of the upstream's, which came in another transport, as a server-sent event. Anthropic's
// events have their type in their name as well.
func appendPayload(dst, payload []byte, named bool) []byte {
	oneLine := bytes.IndexByte(payload, '\n') < 0 && bytes.IndexByte(payload, '\r') < 0
	if name, ok := firstType(payload); oneLine && (ok || !named) { // as providers write them
		if named {
			dst = append(append(append(dst, "event: "...), name...), '\n')
		}
		dst = append(append(dst, "data: "...), payload...)
		return append(dst, "\n\n"...)
	}
	if named {
		r := json.NewReader(payload)
		for r.Object(); r.Member(); {
			if string(r.Key()) == "type" && r.Kind() == json.Text {
				if name := r.String(); !name.Escaped() { // a name with a line break in it would be an event of its own
					dst = append(dst, "event: "...)
					dst = append(dst, name.Bytes()...)
					dst = append(dst, '\n')
				}
				break
			}
			r.Skip()
		}
	}
	dst = append(dst, "data: "...)
	dst = json.AppendCompact(dst, payload)
	return append(dst, "\n\n"...)
}

// firstType returns the type of an event that begins with it.
func firstType(payload []byte) (name []byte, ok bool) {
	if payload, ok = bytes.CutPrefix(payload, []byte(`{"type":"`)); !ok {
		return nil, false
	}
	n := bytes.IndexByte(payload, '"')
	return payload[:max(n, 0)], n > 0 && bytes.IndexByte(payload[:n], '\\') < 0
}
