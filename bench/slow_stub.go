package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// slowWindow is the flow control's window of both ends of HTTP/2: no stream here ever fills it. Caddy's own are as large
// where it matters: a stream that it reads has 4 MB.
const slowWindow = 1 << 30

// slowStub answers each request with a stream that does not end. Like the stub, it takes as little as can be of the CPUs that
// it shares with what is measured.
type slowStub struct{ slowEvents }

// serve answers on a listener until it is closed.
func (s slowStub) serve(l net.Listener, secure *tls.Config) error {
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		if secure != nil {
			go s.multiplexed(tls.Server(conn, secure))
		} else {
			go s.plain(conn)
		}
	}
}

// plain answers the one request of an HTTP/1.1 connection.
func (s slowStub) plain(conn net.Conn) {
	defer conn.Close() //nolint:errcheck // the peer is gone
	if err := readRequest(bufio.NewReaderSize(conn, 1<<10)); err != nil {
		return
	}
	chunk := func(event string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(event), event) }
	pump(func(stamped bool) error {
		if !stamped {
			_, err := io.WriteString(conn, head(s.contentType)+"Transfer-Encoding: chunked\r\n\r\n"+chunk(s.first))
			return err
		}
		_, err := io.WriteString(conn, chunk(s.next(stamp())))
		return err
	})
}

// slowConn is a connection of the stub's that many streams share.
type slowConn struct {
	slowStub
	mu     sync.Mutex // for all below, as only one frame is written at a time
	frames *http2.Framer
	fields bytes.Buffer
	encode *hpack.Encoder
	open   map[uint32]bool
}

// multiplexed answers the requests of an HTTP/2 connection. What is in them does not matter, so that their header is not
// decoded.
func (s slowStub) multiplexed(conn net.Conn) {
	defer conn.Close() //nolint:errcheck // the peer is gone
	r := bufio.NewReaderSize(conn, 16<<10)
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(r, preface); err != nil || string(preface) != http2.ClientPreface {
		return
	}
	c := &slowConn{slowStub: s, frames: http2.NewFramer(conn, r), open: map[uint32]bool{}}
	c.encode = hpack.NewEncoder(&c.fields)
	c.frames.SetReuseFrames()
	if greet(c.frames) != nil {
		return
	}
	for {
		f, err := c.frames.ReadFrame()
		if err == nil {
			err = answerControl(&c.mu, c.frames, f)
		}
		if err != nil {
			return
		}
		switch f := f.(type) {
		case *http2.DataFrame:
			if f.StreamEnded() {
				c.start(f.StreamID)
			}
		case *http2.RSTStreamFrame:
			c.mu.Lock()
			delete(c.open, f.StreamID)
			c.mu.Unlock()
		}
	}
}

// start begins the stream that answers a request.
func (c *slowConn) start(id uint32) {
	c.mu.Lock()
	c.open[id] = true
	c.mu.Unlock()
	go pump(func(stamped bool) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.open[id] {
			return errors.New("the client has left")
		}
		if stamped {
			return c.frames.WriteData(id, false, []byte(c.next(stamp())))
		}
		if err := writeHead(c.frames, c.encode, &c.fields, id, [][2]string{{":status", "200"}, {"content-type", c.contentType}}); err != nil {
			return err
		}
		return c.frames.WriteData(id, false, []byte(c.first))
	})
}

// greet sends the settings of either end of an HTTP/2 connection.
func greet(f *http2.Framer) error {
	if err := f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: slowWindow}, http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 250}); err != nil {
		return err
	}
	return f.WriteWindowUpdate(0, slowWindow)
}

// answerControl answers a frame of the connection itself, if it is one that wants an answer.
func answerControl(mu *sync.Mutex, w *http2.Framer, f http2.Frame) error {
	mu.Lock()
	defer mu.Unlock()
	switch f := f.(type) {
	case *http2.SettingsFrame:
		if !f.IsAck() {
			return w.WriteSettingsAck()
		}
	case *http2.PingFrame:
		if !f.IsAck() {
			return w.WritePing(true, f.Data)
		}
	case *http2.GoAwayFrame:
		return fmt.Errorf("the connection ends: %s", f.ErrCode)
	}
	return nil
}

// writeHead writes the header of a request or reply.
func writeHead(w *http2.Framer, e *hpack.Encoder, b *bytes.Buffer, id uint32, fields [][2]string) error {
	b.Reset()
	for _, f := range fields {
		if err := e.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}); err != nil {
			return err
		}
	}
	return w.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: b.Bytes(), EndHeaders: true})
}
