package upstream

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

// Lent tells whether the memory of a request's body may be used again: transports may read it after the reply came. The zero
// value is ready; it is safe for concurrent use.
type Lent struct{ readers atomic.Int32 }

// Free reports whether nobody reads the body any more.
func (l *Lent) Free() bool { return l.readers.Load() == 0 }

// SetBody gives the request a body in memory, which a transport can send again on a stale connection. lent is told of its readers;
// nil: the memory is used for nothing else.
func SetBody(req *http.Request, b []byte, lent *Lent) {
	open := func() io.ReadCloser { return io.NopCloser(bytes.NewReader(b)) } // http.Transport sends this very type with the head in one write
	if lent != nil {
		open = func() io.ReadCloser {
			lent.readers.Add(1)
			return &lentBody{lent: lent, all: b, left: b}
		}
	}
	req.Body = open()
	req.GetBody = func() (io.ReadCloser, error) { return open(), nil }
	req.ContentLength = int64(len(b))
}

// lentBody reads lent memory until it is closed. A transport may close it while it reads.
type lentBody struct {
	lent *Lent
	all  []byte

	mu     sync.Mutex
	left   []byte
	closed bool
}

var errBodyClosed = errors.New("read from the closed body of a request")

// Read copies: what it returned depends on the lent memory no longer.
func (b *lentBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return 0, errBodyClosed
	case len(b.left) == 0:
		return 0, io.EOF
	}
	n := copy(p, b.left)
	b.left = b.left[n:]
	return n, nil
}

// Close ends the reading. It may be called again.
func (b *lentBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.closed = true
		b.left = nil
		b.lent.readers.Add(-1)
	}
	return nil
}

// Keep returns a reader of the whole body which is never known to be closed, so that the memory is never used again.
func (b *lentBody) Keep() io.ReadCloser { return io.NopCloser(bytes.NewReader(b.all)) }
