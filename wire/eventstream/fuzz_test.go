package eventstream_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/open-bedrock/caddy-bedrock-gateway/wire/eventstream"
)

// split is a source that gives at most n bytes a Read.
type split struct {
	b []byte
	n int
}

func (s *split) Read(p []byte) (int, error) {
	if len(s.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.b[:min(s.n, len(s.b))])
	s.b = s.b[n:]
	return n, nil
}

// FuzzReader checks, on any bytes, that the frames read are the stream's
// prefix, that the SDK reads the same from each, and that the end is clean only
// where nothing is left.
func FuzzReader(f *testing.F) {
	for i, frame := range conversation(f) {
		f.Add(frame, uint8(i))
		f.Add(append(bytes.Clone(frame), frame...), uint8(9))
		f.Add(frame[:len(frame)-1], uint8(0))
	}
	f.Add(rawFrame([]byte("\x01n\x0a"), nil), uint8(1))
	f.Fuzz(func(t *testing.T, stream []byte, step uint8) {
		r := eventstream.NewReader(&split{stream, int(step) + 1})
		done := 0
		for {
			m, err := r.Next()
			if err != nil {
				if err == io.EOF && done != len(stream) {
					t.Fatalf("clean end after %d of %d bytes", done, len(stream))
				}
				if err == io.ErrUnexpectedEOF && done == len(stream) {
					t.Fatal("unexpected end between frames")
				}
				return
			}
			if !bytes.HasPrefix(stream[done:], m.Raw) {
				t.Fatal("a frame is not what was sent")
			}
			want, err := sdk.NewDecoder().Decode(bytes.NewReader(m.Raw), nil)
			if err != nil {
				t.Fatalf("accepted, but the sdk says %v", err)
			}
			checkMessage(t, m, want, stream[done:done+len(m.Raw)])
			done += len(m.Raw)
		}
	})
}

// FuzzHeaders puts any bytes in the place of the headers of a frame with good
// checksums, which random damage never reaches, and compares with the SDK.
func FuzzHeaders(f *testing.F) {
	for _, frame := range conversation(f) {
		n := int(frame[6])<<8 | int(frame[7])
		f.Add(frame[12 : 12+n])
	}
	f.Add([]byte("\x0b:event-type\x07\x00\x01a\x0b:event-type\x07\x00\x01b"))
	f.Add([]byte("\x00\x00"))
	f.Fuzz(func(t *testing.T, headers []byte) {
		if len(headers) > 1<<16 {
			return
		}
		frame := rawFrame(headers, []byte("{}"))
		want, sdkErr := sdk.NewDecoder().Decode(bytes.NewReader(frame), nil)
		got, err := eventstream.NewReader(bytes.NewReader(frame)).Next()
		if err != nil {
			if !errors.Is(err, eventstream.ErrMalformed) {
				t.Fatalf("error %v, want ErrMalformed", err)
			}
			if sdkErr == nil && !knownHeaderWithoutString(want) && !nameOfNothing(headers) && !namedTwice(headers) {
				t.Fatalf("refused %q: %v", headers, err)
			}
			return
		}
		if sdkErr != nil {
			t.Fatalf("accepted %q, but the sdk says %v", headers, sdkErr)
		}
		checkMessage(t, got, want, frame)
	})
}

// knownHeaderWithoutString reports what this package refuses and the SDK leaves
// to its caller.
func knownHeaderWithoutString(m sdk.Message) bool {
	for _, h := range m.Headers {
		if len(h.Name) > 0 && h.Name[0] == ':' {
			if _, ok := h.Value.(sdk.StringValue); !ok {
				return true
			}
		}
	}
	return false
}

// namedTwice reports whether a header with a meaning stands there more than
// once: the SDK keeps the last alone, though the first may be what was refused.
func namedTwice(headers []byte) bool {
	for _, name := range []string{
		eventstream.HeaderMessageType, eventstream.HeaderEventType, eventstream.HeaderExceptionType,
		eventstream.HeaderErrorCode, eventstream.HeaderErrorMessage, eventstream.HeaderContentType,
	} {
		if bytes.Count(headers, []byte(name)) > 1 {
			return true
		}
	}
	return false
}

// nameOfNothing reports whether headers end with the length of a name of which
// no byte follows, which the SDK takes for the end of the headers.
func nameOfNothing(headers []byte) bool {
	n := len(headers) - 1
	if n < 0 || headers[n] == 0 {
		return false
	}
	_, err := eventstream.NewReader(bytes.NewReader(rawFrame(headers[:n], nil))).Next()
	return err == nil
}
