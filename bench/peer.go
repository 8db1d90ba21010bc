package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// peer is a gateway that somebody else started, and configured with the address of the stub for peers as its upstream.
type peer struct {
	name    string
	address string // host and port
	path    string // of chat completions
	model   string
	pid     int
	headers []string
	clients []*client // nil where a connection failed

	converse bool // it asks the stub by Converse, not by OpenAI's API
}

// parsePeer reads name=URL=model=pid; the URL is what a client of OpenAI's calls its base URL.
func parsePeer(text string) (*peer, error) {
	name, rest, named := strings.Cut(text, "=")
	last := strings.LastIndexByte(rest, '=')
	if !named || name == "" || last < 0 {
		return nil, fmt.Errorf("%q is not name=URL=model=pid", text)
	}
	pid, err := strconv.Atoi(rest[last+1:])
	if err != nil || pid < 1 {
		return nil, fmt.Errorf("%q does not end in the id of a process", text)
	}
	rest = rest[:last]
	last = strings.LastIndexByte(rest, '=')
	if last < 0 || last == len(rest)-1 {
		return nil, fmt.Errorf("%q names no model", text)
	}
	base, err := url.Parse(rest[:last])
	if err != nil || base.Scheme != "http" || !loopback(base.Host) {
		return nil, fmt.Errorf("%q: the URL of a peer is http:// with an address of loopback and a port", text)
	}
	return &peer{name: name, address: base.Host, path: strings.TrimSuffix(base.Path, "/") + "/chat/completions", model: rest[last+1:], pid: pid}, nil
}

// loopback reports whether it is an address of this machine alone, with a port.
func loopback(address string) bool {
	a, err := netip.ParseAddrPort(address)
	return err == nil && a.Addr().IsLoopback() && a.Port() != 0
}

// peerFlags are the peers of the command line.
type peerFlags []*peer

func (f *peerFlags) String() string { return "" }

func (f *peerFlags) Set(text string) error {
	p, err := parsePeer(text)
	if err == nil {
		*f = append(*f, p)
	}
	return err
}

// header reads name=Header: value, for a peer that was named before.
func (f *peerFlags) header(text string) error {
	name, line, _ := strings.Cut(text, "=")
	if !strings.Contains(line, ": ") || strings.ContainsAny(line, "\r\n") {
		return fmt.Errorf("%q is not name=Header: value", text)
	}
	for _, p := range *f {
		if p.name == name {
			p.headers = append(p.headers, line)
			return nil
		}
	}
	return fmt.Errorf("no peer before it is named %q", name)
}

// chat is the request that the peer gets.
func (p *peer) chat(stream bool) request {
	return post(p.path, openaiRequest(p.model, stream), p.headers...)
}

// tally is what came of the requests of a round.
type tally struct {
	served, failed int64
	cause          error // of one that failed
}

func (t *tally) add(o tally) {
	t.served += o.served
	t.failed += o.failed
	if o.cause != nil {
		t.cause = o.cause
	}
}

// failurePause keeps a peer that refuses everything from being asked in a tight loop.
const failurePause = 10 * time.Millisecond

// load is what pool.load is for a server of ours, but that a failure is counted and costs its connection alone.
func (p *peer) load(req request, want answer, n int, d time.Duration) tally {
	for len(p.clients) < n {
		p.clients = append(p.clients, nil)
	}
	var total tally
	var mu sync.Mutex
	var wg sync.WaitGroup
	end := time.Now().Add(d)
	for i := range n {
		wg.Go(func() {
			var t tally
			var body bytes.Buffer
			for {
				if err := p.ask(i, req, want, &body); err != nil {
					t.add(tally{failed: 1, cause: err})
					time.Sleep(failurePause)
				} else {
					t.served++
				}
				if !time.Now().Before(end) {
					break
				}
			}
			mu.Lock()
			defer mu.Unlock()
			total.add(t)
		})
	}
	wg.Wait()
	return total
}

// ask asks on a connection, which is opened if it must be, and checks the reply. A peer may close a connection that was idle
// between two rounds: then the request is sent again on a new one, as HTTP's clients do.
func (p *peer) ask(i int, req request, want answer, body *bytes.Buffer) error {
	for {
		c := p.clients[i]
		kept := c != nil
		if !kept {
			var err error
			if c, err = dial(p.address); err != nil {
				return err
			}
			p.clients[i] = c
		}
		body.Reset()
		err := c.ask(req, body)
		if err == nil {
			return want.in(body.Bytes())
		}
		_ = c.Close()
		p.clients[i] = nil
		if !kept || !errors.Is(err, errUnanswered) || errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
	}
}

func (p *peer) close() {
	for _, c := range p.clients {
		if c != nil {
			_ = c.Close()
		}
	}
}

// answer is what a peer's reply must hold, however the peer writes its JSON and cuts its deltas.
type answer struct {
	text  string
	times int
	end   string
}

var errIncomplete = errors.New("a 200 whose reply is not whole")

func (a answer) in(body []byte) error {
	if n := bytes.Count(body, []byte(a.text)); n != a.times {
		return fmt.Errorf("%w: %q %d times instead of %d", errIncomplete, a.text, n, a.times)
	}
	if !bytes.Contains(body, []byte(a.end)) {
		return fmt.Errorf("%w: it lacks %q", errIncomplete, a.end)
	}
	return nil
}
