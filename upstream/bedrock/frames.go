package bedrock

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/eventstream"
	wirejson "github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// frames reads the event-stream messages of a reply.
type frames struct {
	body   io.ReadCloser
	r      eventstream.Reader
	chunks bool   // messages hold a model's own event, in base64
	chunk  []byte // the last of these, decoded
	glance func(name, beginning []byte) bool
}

// newFrames reads body; chunks is true for a reply of InvokeModelWithResponseStream, whose messages wrap the
// model's own events.
func newFrames(body io.ReadCloser, chunks bool) *frames {
	f := &frames{body: body, chunks: chunks}
	f.r.Reset(body)
	return f
}

// Next returns the next message; an exception comes with it as its error.
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
		_ = json.Unmarshal(m.Payload, &doc) // another body has no message
		return reported(frame, newError(string(m.Exception), doc.Message, 0))
	case eventstream.TypeError:
		return reported(frame, newError(string(m.ErrorCode), string(m.ErrorMessage), 0))
	}
	if f.chunks {
		if err := f.unwrap(m.Payload); err != nil {
			return frame, err
		}
		frame.Name, frame.Payload = nil, f.chunk
	}
	return frame, nil
}

// reported returns a frame with its error. The bytes of one that names the account are left out: clients get the error.
func reported(f upstream.Frame, e *chat.Error) (upstream.Frame, error) {
	if e.Kind == chat.ErrPermission || arn.Match(f.Raw) {
		f.Raw = nil
	}
	return f, e
}

// unwrap decodes {"bytes":"<base64>"} into f.chunk.
func (f *frames) unwrap(payload []byte) error {
	text, ok := wrapped(payload)
	if !ok {
		var data wirejson.String
		r := wirejson.NewReader(payload)
		for r.Object(); r.Member(); {
			if string(r.Key()) == "bytes" {
				data = r.String()
			} else {
				r.Skip()
			}
		}
		if err := r.End(); err != nil {
			return fmt.Errorf("chunk of a stream: %w", err)
		}
		text = data.Bytes()
	}
	if f.glance != nil && len(text) > glanced && f.glances(text[:glanced]) {
		return nil
	}
	size := base64.StdEncoding.DecodedLen(len(text))
	if cap(f.chunk) < size {
		f.chunk = make([]byte, size)
	}
	n, err := base64.StdEncoding.Decode(f.chunk[:size], text)
	if err != nil {
		return fmt.Errorf("chunk of a stream: %w", err)
	}
	f.chunk = f.chunk[:n]
	return nil
}

// glanced is how much of a chunk's base64 is decoded for a glance at it: the type of the event, where that stands first.
const glanced = 40

// glances decodes the beginning of a chunk, and reports whether that is enough.
func (f *frames) glances(text []byte) bool {
	size := base64.StdEncoding.DecodedLen(glanced)
	if cap(f.chunk) < size {
		return false
	}
	f.chunk = f.chunk[:size]
	n, err := base64.StdEncoding.Decode(f.chunk, text)
	return err == nil && n == size && f.glance(nil, f.chunk)
}

// Glance makes the payloads of relayed chunks no longer than a glance takes. They go on as they came.
func (f *frames) Glance(only func(name, beginning []byte) bool) { f.glance = only }

// wrapped finds the base64 of a chunk as Bedrock writes it, {"bytes":"…","p":"…"} with nothing escaped and p, which is
// padding, left out at times. For any other form ok is false, and a JSON reader is used.
func wrapped(payload []byte) (text []byte, ok bool) {
	text, ok = bytes.CutPrefix(payload, []byte(`{"bytes":"`))
	if !ok {
		return nil, false
	}
	text, rest, ok := bytes.Cut(text, []byte(`"`))
	if !ok || string(rest) == "}" {
		return text, ok
	}
	rest, ok = bytes.CutPrefix(rest, []byte(`,"p":"`))
	return text, ok && bytes.IndexByte(rest, '"') == len(rest)-2 && rest[len(rest)-1] == '}' && bytes.IndexByte(rest, '\\') < 0
}

func (f *frames) Buffered() bool { return f.r.Buffered() }

func (f *frames) Close() error { return f.body.Close() }
