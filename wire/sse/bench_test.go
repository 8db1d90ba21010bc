package sse_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/wire/sse"
)

// endless returns the same events over and over.
type endless struct {
	events string
	pos    int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.events[e.pos:])
	e.pos = (e.pos + n) % len(e.events)
	return n, nil
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	for name, events := range map[string]string{
		"LF":              "event: delta\ndata: {\"text\":\"x\"}\n\n: keep-alive\n\n",
		"CRLF, two lines": "data: a\r\ndata: b\r\n\r\n",
	} {
		r := sse.NewReader(&endless{events: strings.Repeat(events, 7)})
		next := func() {
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
			r.Buffered()
		}
		for range 5000 { // the buffer reaches its size
			next()
		}
		if n := testing.AllocsPerRun(5000, next); n != 0 {
			t.Errorf("%s: Next allocates %v times an event", name, n)
		}
	}

	dst, data := make([]byte, 0, 1024), []byte("{}")
	if n := testing.AllocsPerRun(1000, func() {
		dst = sse.AppendComment(sse.AppendEvent(dst[:0], "ping", data), "keep-alive")
	}); n != 0 {
		t.Errorf("appending allocates %v times", n)
	}
}

func BenchmarkNext(b *testing.B) {
	for _, size := range []int{64, 300, 32 << 10} {
		b.Run(fmt.Sprintf("data=%d", size), func(b *testing.B) {
			ev := "data: " + strings.Repeat("x", size) + "\n\n"
			r := sse.NewReader(&endless{events: ev})
			b.SetBytes(int64(len(ev)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Next(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("back to back", func(b *testing.B) {
		ev := "event: content_block_delta\ndata: " + strings.Repeat("x", 200) + "\n\n"
		r := sse.NewReader(&endless{events: strings.Repeat(ev, 100)})
		b.SetBytes(int64(len(ev)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := r.Next(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkManyLines guards against a search that starts over with every line:
// the cost per byte must be that of a short event.
func BenchmarkManyLines(b *testing.B) {
	for _, eol := range []string{"\n", "\r", "\r\n"} {
		for _, lines := range []int{100, 100_000} {
			b.Run(fmt.Sprintf("eol=%q/lines=%d", eol, lines), func(b *testing.B) {
				ev := strings.Repeat("data: x"+eol, lines) + eol
				r := sse.NewReader(&endless{events: ev})
				b.SetBytes(int64(len(ev)))
				for b.Loop() {
					if _, err := r.Next(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
