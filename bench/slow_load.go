package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	// slowApart is how far the beginnings of two streams are apart.
	slowApart = time.Millisecond
	// slowPerConnection is how many streams the client has on an HTTP/2 connection, fewer than the 250 that Caddy allows.
	slowPerConnection = 200
)

// slowLoad is the streams' client. It reads what it must to find the events.
type slowLoad struct {
	address string
	body    string
	delays  delays
	began   atomic.Int64
	failed  chan error
}

// open begins n streams, one after the other, and returns when all of them have begun. What goes wrong then or later is sent
// to failed.
func (l *slowLoad) open(n int, secure bool) error {
	start := time.Now()
	var conn *slowClient
	for i := range n {
		time.Sleep(time.Until(start.Add(time.Duration(i) * slowApart)))
		if !secure {
			go func() { l.fail(l.plain()) }()
			continue
		}
		if i%slowPerConnection == 0 {
			var err error
			if conn, err = l.connect(); err != nil {
				return err
			}
		}
		if err := conn.ask(l.body); err != nil {
			return err
		}
	}
	for end := time.Now().Add(replyTimeout); l.began.Load() < int64(n); time.Sleep(10 * time.Millisecond) {
		select {
		case err := <-l.failed:
			return err
		default:
		}
		if time.Now().After(end) {
			return fmt.Errorf("of %d streams only %d have begun", n, l.began.Load())
		}
	}
	return nil
}

// fail keeps the first error.
func (l *slowLoad) fail(err error) {
	select {
	case l.failed <- err:
	default:
	}
}

// plain has a stream on an HTTP/1.1 connection until it ends, which is an error.
func (l *slowLoad) plain() error {
	conn, err := net.Dial("tcp", l.address)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // the stream has failed
	if _, err := conn.Write(post(chatPath, l.body)); err != nil {
		return err
	}
	r := bufio.NewReaderSize(conn, 1<<10)
	line, err := r.ReadString('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(line, "HTTP/1.1 200 ") {
		rest, _ := r.Peek(r.Buffered())
		return fmt.Errorf("%s%s", line, rest)
	}
	l.began.Add(1)
	for {
		line, err := r.ReadSlice('\n')
		if string(line) == "0\r\n" {
			err = errors.New("the stream has ended")
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		l.delays.scan(line)
	}
}

// slowClient is an HTTP/2 connection of the client's.
type slowClient struct {
	of     *slowLoad
	mu     sync.Mutex // for writing frames
	frames *http2.Framer
	fields bytes.Buffer
	encode *hpack.Encoder
	last   uint32 // the stream that was begun last
}

func (l *slowLoad) connect() (*slowClient, error) {
	conn, err := tls.Dial("tcp", l.address, clientTLS())
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		return nil, err
	}
	c := &slowClient{of: l, frames: http2.NewFramer(conn, bufio.NewReaderSize(conn, 16<<10))}
	c.encode = hpack.NewEncoder(&c.fields)
	c.frames.SetReuseFrames()
	c.frames.ReadMetaHeaders = hpack.NewDecoder(4<<10, nil)
	if err := greet(c.frames); err != nil {
		return nil, err
	}
	go func() { l.fail(c.read()) }()
	return c, nil
}

// serverName is the host of a site with TLS.
const serverName = "localhost"

// clientTLS trusts everybody: it only ever asks servers that were started here.
func clientTLS() *tls.Config {
	return &tls.Config{ServerName: serverName, NextProtos: []string{"h2"}, InsecureSkipVerify: true} //nolint:gosec // loopback
}

// ask begins a stream.
func (c *slowClient) ask(body string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := c.last + 1
	c.last += 2
	err := writeHead(c.frames, c.encode, &c.fields, id, [][2]string{
		{":method", "POST"},
		{":scheme", "https"},
		{":authority", serverName},
		{":path", chatPath},
		{"user-agent", "bench"},
		{"content-type", "application/json"},
		{"content-length", strconv.Itoa(len(body))},
	})
	if err != nil {
		return err
	}
	return c.frames.WriteData(id, true, []byte(body))
}

// read reads the streams until one ends, which is an error.
func (c *slowClient) read() error {
	for {
		f, err := c.frames.ReadFrame()
		if err == nil {
			err = answerControl(&c.mu, c.frames, f)
		}
		if err != nil {
			return err
		}
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			if status := f.PseudoValue("status"); status != "200" || f.StreamEnded() {
				return fmt.Errorf("a stream has ended with status %q", status)
			}
			c.of.began.Add(1)
		case *http2.DataFrame:
			if f.StreamEnded() {
				return fmt.Errorf("a stream has ended: %.300q", f.Data())
			}
			c.of.delays.scan(f.Data())
		case *http2.RSTStreamFrame:
			return fmt.Errorf("a stream was reset: %s", f.ErrCode)
		}
	}
}
