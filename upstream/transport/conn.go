package transport

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxHeader bounds the head of a reply, and of those of 1xx before it, where the configuration does not, as in http.Transport.
	maxHeader = 10 << 20
	// writeBuffer lets head and body of most requests go out in one write.
	writeBuffer = 16 << 10
	// A stream that says something now and then keeps a small buffer. While more comes at once, it is read by larger pieces.
	smallBuffer = 4 << 10
)

var (
	readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, smallBuffer) }}
	pieces  = sync.Pool{New: func() any { return new([readBuffer]byte) }}
	writers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, writeBuffer) }}
)

var (
	errLongHeader = errors.New("the head of the upstream's reply is too long")
	errClosedBody = errors.New("http: read on closed response body")
)

// conn is a connection of a direct transport. It has a buffer only while it is used.
type conn struct {
	net.Conn
	peek      func() bool // reports whether the server has neither sent anything nor closed it
	interrupt func()      // ends reads and writes
	r         *bufio.Reader
	piece     *[readBuffer]byte // a large piece, of which rest was not taken yet
	rest      []byte
	full      bool  // the last read got all that it could take
	left      int64 // bytes that may still be read
	written   int64 // bytes of this request
	silent    bool  // nothing of a reply came
	failed    error // of a read: a reset is told once, and the next read would be the stream's end
	cut       bool  // the last write failed
	used      bool  // by a request before
	since     time.Time
	closed    atomic.Bool
}

func newConn(nc net.Conn) (*conn, error) {
	c := &conn{Conn: nc, interrupt: func() { _ = nc.SetDeadline(past) }}
	var err error
	if c.peek, err = peeker(nc); err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("looking at a new connection: %w", err)
	}
	return c, nil
}

// past is a time at which everything is late.
var past = time.Unix(1, 0)

// exchange sends the request and reads the head of its reply, of at most limit bytes.
func (c *conn) exchange(req *http.Request, limit int64) (*http.Response, error) {
	w := writers.Get().(*bufio.Writer) //nolint:forcetypeassert // its pool has nothing else
	w.Reset(c)
	err := req.Write(together{w})
	if err == nil {
		err = w.Flush()
	}
	w.Reset(nil)
	writers.Put(w)
	refused := err // a server may answer before it has read all, and close: its answer is there to be read
	if err != nil && (c.written == 0 || !c.cut) {
		return nil, err
	}
	c.r = readers.Get().(*bufio.Reader) //nolint:forcetypeassert // its pool has nothing else
	c.r.Reset(c)
	c.left = limit
	for {
		res, err := http.ReadResponse(c.r, req)
		if err != nil {
			c.silent = c.left == limit
			c.empty()
			return nil, cmp.Or(refused, err)
		}
		res.Close = res.Close || refused != nil
		if res.StatusCode/100 != 1 || res.StatusCode == http.StatusSwitchingProtocols {
			c.left = math.MaxInt64
			return res, nil
		}
	}
}

// together is a writer that Request.Write does not flush before a body whose type it does not know.
type together struct{ *bufio.Writer }

// Read fills the buffer.
func (c *conn) Read(p []byte) (n int, err error) {
	switch {
	case len(c.rest) > 0:
		n = copy(p, c.rest)
	case c.left <= 0:
		return 0, errLongHeader
	case c.full && len(p) < readBuffer:
		c.piece = pieces.Get().(*[readBuffer]byte) //nolint:forcetypeassert // its pool has nothing else
		n, err = c.fill(c.piece[:])
		c.rest = c.piece[:n]
		n = copy(p, c.rest)
	default:
		return c.fill(p)
	}
	if c.rest = c.rest[n:]; len(c.rest) == 0 {
		pieces.Put(c.piece)
		c.piece = nil
	}
	return n, err
}

func (c *conn) fill(p []byte) (int, error) {
	if c.failed != nil {
		return 0, c.failed
	}
	p = p[:min(int64(len(p)), c.left)]
	n, err := c.Conn.Read(p)
	c.failed = err
	c.full = n == len(p)
	c.left -= int64(n)
	return n, err
}

// Write empties the other buffer.
func (c *conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.written += int64(n)
	c.cut = err != nil
	return n, err
}

// empty gives the buffer back, and reports whether nothing was read that was not asked for. Nobody may be reading.
func (c *conn) empty() bool {
	empty := c.r.Buffered() == 0 && len(c.rest) == 0
	c.r.Reset(nil)
	readers.Put(c.r)
	c.r, c.full = nil, false
	return empty
}

// close closes the connection. A read or write that is under way ends.
func (c *conn) close() {
	if c.closed.CompareAndSwap(false, true) {
		_ = c.Conn.Close()
	}
}

// What became of a body.
const (
	open int32 = iota
	whole
	broken
	closed
)

// body is the body of a reply. Close may be called while another goroutine reads.
type body struct {
	io.ReadCloser
	conn  *conn
	of    *direct
	ctx   context.Context //nolint:containedctx // the request's, which bounds the reading of the body as in http.Transport
	host  string
	stop  func() bool
	keep  bool
	waits bool // its end is told by what is still to come, not by a length
	state atomic.Int32
}

// Read reads the body. At its end the connection is free for another request.
func (b *body) Read(p []byte) (int, error) {
	switch b.state.Load() {
	case whole:
		return 0, io.EOF
	case open:
	default:
		return 0, errClosedBody
	}
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF): // io.ErrUnexpectedEOF is another error
		b.end(whole)
	default:
		b.end(broken)
		if b.ctx.Err() != nil {
			err = context.Cause(b.ctx)
		}
	}
	return n, err
}

// Wait returns when there is something to read, or nothing more will come. Who reads needs no buffer until then.
func (b *body) Wait() {
	if b.waits && b.state.Load() == open {
		_, _ = b.conn.r.Peek(1) // an error comes again when the body is read
	}
}

// Close closes the body, and with it a connection whose reply was not read to its end.
func (b *body) Close() error {
	b.end(closed)
	return nil
}

// end ends the use of the connection. The buffer of one that is closed may be read into at this moment, and is left to it.
func (b *body) end(how int32) {
	if !b.state.CompareAndSwap(open, how) {
		return
	}
	uninterrupted := b.stop()
	empty := how != closed && b.conn.empty()
	if how == whole && empty && uninterrupted && b.keep {
		b.of.give(b.conn, b.host)
		return
	}
	b.conn.close()
}
