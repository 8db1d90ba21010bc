package eventstream_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/open-bedrock/caddy-bedrock-gateway/wire/eventstream"
)

// endless returns the same frames over and over.
type endless struct {
	frames []byte
	pos    int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.frames[e.pos:])
	e.pos = (e.pos + n) % len(e.frames)
	return n, nil
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	src := &endless{frames: bytes.Join(conversation(t), nil)}
	r := eventstream.NewReader(src)
	for range 1000 { // the buffer reaches its size
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		r.Buffered()
	}); n != 0 {
		t.Errorf("Next allocates %v times a frame", n)
	}

	headers := []eventstream.Header{{Name: eventstream.HeaderEventType, Value: "chunk"}}
	payload := []byte(`{"bytes":"e30="}`)
	dst := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(1000, func() {
		dst = eventstream.Append(dst[:0], headers, payload)
	}); n != 0 {
		t.Errorf("Append allocates %v times a frame", n)
	}
}

func BenchmarkNext(b *testing.B) {
	for _, size := range []int{64, 1 << 10, 32 << 10} {
		frame := event(b, "contentBlockDelta", strings.Repeat("x", size))
		b.Run(fmt.Sprintf("payload=%d", size), func(b *testing.B) {
			r := eventstream.NewReader(&endless{frames: frame})
			b.SetBytes(int64(len(frame)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Next(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkNextSDK(b *testing.B) {
	frame := event(b, "contentBlockDelta", strings.Repeat("x", 64))
	var src io.Reader = &endless{frames: frame}
	dec, buf := sdk.NewDecoder(), make([]byte, 0, 1024)
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := dec.Decode(src, buf); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	headers := []eventstream.Header{
		{Name: eventstream.HeaderEventType, Value: "chunk"},
		{Name: eventstream.HeaderContentType, Value: "application/json"},
		{Name: eventstream.HeaderMessageType, Value: eventstream.TypeEvent},
	}
	payload := []byte(strings.Repeat("x", 64))
	dst := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		dst = eventstream.Append(dst[:0], headers, payload)
	}
}
