package bedrock

import (
	"encoding/json"
	"io"

	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/eventstream"
)

// frames reads the event-stream messages of a reply.
type frames struct {
	body io.ReadCloser
	r    eventstream.Reader
}

func newFrames(body io.ReadCloser) *frames {
	f := &frames{body: body}
	f.r.Reset(body)
	return f
}

// Next gives the next message; an exception comes with it as its error.
func (f *frames) Next() (upstream.Frame, error) {
	m, err := f.r.Next()
	if err != nil {
		return upstream.Frame{}, err
	}
	frame := upstream.Frame{Name: m.Event, Payload: m.Payload, Raw: m.Raw}
	switch string(m.Type) {
	case eventstream.TypeException:
		var doc struct {
			Message string `json:"message"` // encoding/json takes Message, too
		}
		_ = json.Unmarshal(m.Payload, &doc) // what is no JSON has no message
		return frame, newError(string(m.Exception), doc.Message, 0)
	case eventstream.TypeError:
		return frame, newError(string(m.ErrorCode), string(m.ErrorMessage), 0)
	}
	return frame, nil
}

func (f *frames) Buffered() bool { return f.r.Buffered() }

func (f *frames) Close() error { return f.body.Close() }
