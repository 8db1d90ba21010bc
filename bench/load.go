package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// replyTimeout bounds one request, so that a run ends whatever a server does.
const replyTimeout = 60 * time.Second

// errUnanswered says that a connection ended before the first byte of a reply.
var errUnanswered = errors.New("no reply")

// request is an HTTP request ready for the wire.
type request []byte

func post(path, body string, header ...string) request {
	return request("POST " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nContent-Type: application/json\r\nContent-Length: " +
		strconv.Itoa(len(body)) + "\r\n" + strings.Join(append(header, ""), "\r\n") + "\r\n" + body)
}

// pool keeps the connections to a server from round to round.
type pool struct {
	address string
	clients []*client
}

// client is one connection.
type client struct {
	net.Conn
	r *bufio.Reader
}

// grow opens connections until there are n.
func (p *pool) grow(n int) error {
	for len(p.clients) < n {
		c, err := dial(p.address)
		if err != nil {
			return err
		}
		p.clients = append(p.clients, c)
	}
	return nil
}

func dial(address string) (*client, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &client{Conn: conn, r: bufio.NewReaderSize(conn, 16<<10)}, nil
}

func (p *pool) close() {
	for _, c := range p.clients {
		_ = c.Close()
	}
	p.clients = nil
}

// load asks on n connections at once, on each as soon as it was answered, for the given time. What was begun is
// finished. It gives the number of requests.
func (p *pool) load(req request, n int, d time.Duration) (int64, error) {
	if err := p.grow(n); err != nil {
		return 0, err
	}
	var total atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	end := time.Now().Add(d)
	for _, c := range p.clients[:n] {
		wg.Go(func() {
			for {
				if err := c.ask(req, io.Discard); err != nil {
					failed.Store(&err)
					return
				}
				total.Add(1)
				if !time.Now().Before(end) {
					return
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return total.Load(), nil
}

// ask sends the request and reads its whole reply, which must be a 200.
func (c *client) ask(req request, dst io.Writer) error {
	res, err := c.send(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, res.Body)
	return errors.Join(err, res.Body.Close())
}

// send sends the request and reads the head of its reply.
func (c *client) send(req request) (*http.Response, error) {
	if err := c.SetDeadline(time.Now().Add(replyTimeout)); err != nil {
		return nil, err
	}
	if _, err := c.Write(req); err != nil {
		return nil, fmt.Errorf("%w: %w", errUnanswered, err)
	}
	if _, err := c.r.Peek(1); err != nil {
		return nil, fmt.Errorf("%w: %w", errUnanswered, err)
	}
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10))
		return nil, fmt.Errorf("%s: %s", res.Status, body)
	}
	return res, nil
}

// probe asks once and checks that the reply holds what tells that the right work is done.
func (p *pool) probe(req request, want string) error {
	if err := p.grow(1); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := p.clients[0].ask(req, &b); err != nil {
		return err
	}
	if !bytes.Contains(b.Bytes(), []byte(want)) {
		return fmt.Errorf("the reply lacks %q: %.300q", want, b.Bytes())
	}
	return nil
}
