package transport

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// retiring closes the connections that were in use when the configuration ended. Of HTTP/1 http.Transport does that
// itself; one of HTTP/2 would stay idle for two minutes.
type retiring struct {
	*reverseproxy.HTTPTransport
	direct  *direct // nil where all requests go by http.Transport
	retired atomic.Bool
}

// retire is called when the configuration ends.
func (r *retiring) retire() {
	r.retired.Store(true)
	if r.direct != nil {
		r.direct.retire()
	}
	r.closeIdle() // the last stream may just have ended
}

// closeIdle closes what is idle soon.
func (r *retiring) closeIdle() {
	time.AfterFunc(closeDelay, r.HTTPTransport.Transport.CloseIdleConnections)
}

// keeper is a body that can be had as a type which http.Transport sends with the head in one write. HTTP/2, which upstreams with TLS
// speak, has no such type.
type keeper interface{ Keep() io.ReadCloser }

// RoundTrip sends a request.
func (r *retiring) RoundTrip(req *http.Request) (*http.Response, error) {
	if r.direct != nil && r.direct.takes(req) {
		return r.direct.RoundTrip(req)
	}
	if b, ok := req.Body.(keeper); ok && req.ContentLength <= maxDirect && req.URL.Scheme == "http" {
		req.Body = b.Keep()
	}
	res, err := r.HTTPTransport.RoundTrip(req)
	if err == nil && res.ProtoMajor == 2 {
		res.Body = &lastBody{res.Body, r}
	}
	return res, err
}

// closeDelay is how long HTTP/2 may take to forget a stream whose body was closed.
const closeDelay = time.Second

// lastBody is a body that may be the last of its connection.
type lastBody struct {
	io.ReadCloser
	of *retiring
}

// Close closes the body, and the connection too if nobody will use it again.
func (b *lastBody) Close() error {
	err := b.ReadCloser.Close()
	if b.of.retired.Load() {
		b.of.closeIdle()
	}
	return err
}
