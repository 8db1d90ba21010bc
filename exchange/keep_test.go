package exchange

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
)

// goneWriter is a client that has left.
type goneWriter struct{ http.ResponseWriter }

func (goneWriter) Write([]byte) (int, error) { return 0, errors.New("gone") }

// A client that left while the events before the last went out took the buffer's memory with it. The next relay that drew that
// buffer from the pool read into no room at all, for ever.
func TestNoBufferWithoutRoomComesFromThePool(t *testing.T) {
	c := &Call{keep: new(keeping), r: httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)}
	p := &c.watch
	p.w = goneWriter{httptest.NewRecorder()}
	p.rc = *http.NewResponseController(p.w)
	buf := getBuffer()
	buf.b = append(buf.b, "event: a\ndata: {}\n\nevent: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\",\"store\":true}}\n\n"...)
	rest, err := c.keepStream(p, buf.b)
	if !errors.Is(err, errClientGone) || cap(rest) != cap(buf.b) {
		t.Errorf("%v, and a buffer of %d bytes of %d", err, cap(rest), cap(buf.b))
	}
	for _, b := range []*buffer{{}, {b: make([]byte, 0, 10)}} {
		putBuffer(b)
		if got := getBuffer(); cap(got.b) < leastPooled {
			t.Errorf("a buffer of %d bytes", cap(got.b))
		}
	}
}
