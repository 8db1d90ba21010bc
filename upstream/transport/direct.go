package transport

import (
	"context"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// direct sends plain HTTP/1.1 on the caller's goroutine. http.Transport has two goroutines for each connection and hands every
// request and reply over to them, which is a sixth of what a call costs here; and it keeps two buffers for each connection that is
// idle. What is written and what is read is the standard library's own: Request.Write and ReadResponse.
//
// It is taken for what it can do as http.Transport does: upstreams without TLS and without a proxy between, transports without
// words that bound or shape connections, and small requests. It is safe for concurrent use.
type direct struct {
	*http.Transport // its settings, and its dialer
	mu              sync.Mutex
	idle            map[string][]*conn // by host, the last used last
	retired         bool               // nothing stays idle any more
	sweeping        bool
}

// maxDirect is the largest body that is sent directly. A server may answer before it has read all of a larger one, and wait until
// its answer is read.
const maxDirect = 64 << 10

// newDirect returns nil for a transport whose configuration only http.Transport honours.
func newDirect(h *reverseproxy.HTTPTransport) *direct {
	t := h.Transport
	plain := canPeek && h.ProxyProtocol == "" && h.ReadTimeout == 0 && h.WriteTimeout == 0 && h.ReadBufferSize == readBuffer && h.WriteBufferSize == 0 &&
		slices.Contains(h.Versions, "1.1") && !slices.Contains(h.Versions, "h2c") && !slices.Contains(h.Versions, "3") &&
		t.MaxConnsPerHost == 0 && t.MaxIdleConns == 0 && t.ResponseHeaderTimeout == 0 && !t.DisableKeepAlives && t.DisableCompression
	if !plain {
		return nil
	}
	return &direct{Transport: t, idle: make(map[string][]*conn)}
}

// takes reports whether the request can be sent directly.
func (d *direct) takes(req *http.Request) bool {
	if req.URL.Scheme != "http" || req.Close || req.Body != nil && (req.ContentLength <= 0 || req.ContentLength > maxDirect) || !ascii(req.URL.Host) {
		return false
	}
	if httptrace.ContextClientTrace(req.Context()) != nil {
		return false // its hooks tell of http.Transport's own doings
	}
	proxy, err := d.Proxy(req)
	return proxy == nil && err == nil
}

func ascii(host string) bool {
	for i := range len(host) {
		if host[i] >= 0x80 {
			return false // it has another name on the wire
		}
	}
	return true
}

// RoundTrip sends a request and returns the head of its reply, which does not say what it replies to. When the request's context ends, so does the reading of the
// reply's body. The caller closes the body; a connection whose reply was not read to its end is closed with it.
func (d *direct) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	limit := d.MaxResponseHeaderBytes
	if limit <= 0 {
		limit = maxHeader
	}
	var b *body
	var res *http.Response
	for {
		c, err := d.take(ctx, req.URL)
		if err != nil {
			if req.Body != nil {
				_ = req.Body.Close()
			}
			return nil, err
		}
		b = &body{conn: c, of: d, ctx: ctx, host: req.URL.Host, stop: context.AfterFunc(ctx, c.interrupt)}
		if res, err = c.exchange(req, limit); err == nil {
			break
		}
		b.stop()
		c.close()
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case !c.used || c.written > 0 && !(c.silent && idempotent(req)) || req.Body != nil && req.GetBody == nil:
			return nil, err
		case req.Body != nil: // the server had closed the connection, and has seen nothing of the request
			if req.Body, err = req.GetBody(); err != nil {
				return nil, err
			}
		}
	}
	res.Request = nil // its body would live as long as the reply
	b.keep = !res.Close && res.StatusCode != http.StatusSwitchingProtocols
	b.ReadCloser, b.waits = res.Body, res.ContentLength < 0
	if res.Body == http.NoBody {
		b.end(whole)
		return res, nil
	}
	res.Body = b
	return res, nil
}

// idempotent reports whether a request may be sent again though the server may have seen it, as http.Transport does.
func idempotent(req *http.Request) bool {
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return req.Body == nil
	}
	return false
}

// take returns a connection that is idle and was not closed by the server, or a new one.
func (d *direct) take(ctx context.Context, to *url.URL) (*conn, error) {
	host := to.Host
	for {
		d.mu.Lock()
		list := d.idle[host]
		if len(list) == 0 {
			d.mu.Unlock()
			break
		}
		c := list[len(list)-1]
		list[len(list)-1] = nil
		d.idle[host] = list[:len(list)-1]
		d.mu.Unlock()
		if c.peek() {
			return c, nil
		}
		c.close()
	}
	address := host
	if to.Port() == "" {
		address = net.JoinHostPort(to.Hostname(), "80")
	}
	nc, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return newConn(nc)
}

// give keeps a connection for the next request to its host.
func (d *direct) give(c *conn, host string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.retired || len(d.idle[host]) >= d.MaxIdleConnsPerHost {
		c.close()
		return
	}
	c.since, c.used, c.written = time.Now(), true, 0
	d.idle[host] = append(d.idle[host], c)
	if !d.sweeping && d.IdleConnTimeout > 0 {
		d.sweeping = true
		time.AfterFunc(d.IdleConnTimeout, d.sweep)
	}
}

// sweep closes what has been idle for too long. It runs again as long as something is idle.
func (d *direct) sweep() {
	d.mu.Lock()
	defer d.mu.Unlock()
	oldest := time.Now()
	for host, list := range d.idle {
		n := 0
		for n < len(list) && time.Since(list[n].since) >= d.IdleConnTimeout {
			list[n].close()
			n++
		}
		if list = slices.Delete(list, 0, n); len(list) == 0 {
			delete(d.idle, host)
			continue
		}
		d.idle[host] = list
		if list[0].since.Before(oldest) {
			oldest = list[0].since
		}
	}
	if d.sweeping = len(d.idle) > 0; d.sweeping {
		time.AfterFunc(max(d.IdleConnTimeout-time.Since(oldest), time.Second), d.sweep)
	}
}

// retire closes what is idle, and lets nothing become it.
func (d *direct) retire() {
	d.mu.Lock()
	d.retired = true
	d.mu.Unlock()
	d.closeIdle()
}

func (d *direct) closeIdle() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for host, list := range d.idle {
		for _, c := range list {
			c.close()
		}
		delete(d.idle, host)
	}
}
