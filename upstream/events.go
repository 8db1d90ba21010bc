package upstream

import (
	"bytes"
	"errors"
	"io"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/sse"
)

// events reads the server-sent events of a reply.
type events struct {
	body   io.ReadCloser
	r      sse.Reader
	report func(name, data []byte) *chat.Error
	done   bool // the last event was returned without the blank line behind it
}

// NewEvents returns the frames of a reply of server-sent events. report returns the error that an event reports, nil
// for any other event.
func NewEvents(body io.ReadCloser, report func(name, data []byte) *chat.Error) Frames {
	f := &events{body: body, report: report}
	f.r.Reset(body)
	return f
}

// Next returns the next event; an event that reports an error comes with that error.
func (f *events) Next() (Frame, error) {
	if f.done {
		return Frame{}, io.EOF
	}
	e, err := f.r.Next()
	if err != nil {
		return f.last(err)
	}
	frame := Frame{Name: e.Type, Payload: e.Data, Raw: e.Raw}
	if e.Data != nil {
		if reported := f.report(e.Type, e.Data); reported != nil {
			return frame, reported
		}
	}
	return frame, nil
}

// last looks at what came without its blank line. Some servers end with a bare "data: [DONE]": that is whole.
func (f *events) last(err error) (Frame, error) {
	rest := f.r.Rest()
	if !errors.Is(err, io.ErrUnexpectedEOF) || string(bytes.TrimRight(rest, "\r\n")) != "data: [DONE]" {
		return Frame{}, err
	}
	f.done = true
	return Frame{Payload: []byte("[DONE]"), Raw: append(bytes.Clone(bytes.TrimRight(rest, "\r\n")), "\n\n"...)}, nil
}

func (f *events) Buffered() bool { return f.r.Buffered() }

func (f *events) Close() error { return f.body.Close() }
