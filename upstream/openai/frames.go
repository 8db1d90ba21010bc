package openai

import (
	"bytes"
	"errors"
	"io"

	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/sse"
)

// frames reads the server-sent events of a reply.
type frames struct {
	body io.ReadCloser
	r    sse.Reader
	done bool // the last event was given without the blank line behind it
}

func newFrames(body io.ReadCloser) *frames {
	f := &frames{body: body}
	f.r.Reset(body)
	return f
}

// Next gives the next event; one that tells of an error comes with it.
func (f *frames) Next() (upstream.Frame, error) {
	if f.done {
		return upstream.Frame{}, io.EOF
	}
	e, err := f.r.Next()
	if err != nil {
		return f.last(err)
	}
	frame := upstream.Frame{Name: e.Type, Payload: e.Data, Raw: e.Raw}
	if e.Data != nil {
		if reported := eventError(e.Type, e.Data); reported != nil {
			return frame, reported
		}
	}
	return frame, nil
}

// last looks at what came without its blank line. Some servers end with a bare "data: [DONE]": that is whole.
func (f *frames) last(err error) (upstream.Frame, error) {
	rest := f.r.Rest()
	if !errors.Is(err, io.ErrUnexpectedEOF) || string(bytes.TrimRight(rest, "\r\n")) != "data: [DONE]" {
		return upstream.Frame{}, err
	}
	f.done = true
	return upstream.Frame{Payload: []byte("[DONE]"), Raw: append(bytes.Clone(bytes.TrimRight(rest, "\r\n")), "\n\n"...)}, nil
}

func (f *frames) Buffered() bool { return f.r.Buffered() }

func (f *frames) Close() error { return f.body.Close() }
