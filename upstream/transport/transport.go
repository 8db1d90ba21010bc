// Package transport builds the HTTP transport an upstream calls through. It is
// Caddy's own, so that `transport http { ... }` means here what it means in
// reverse_proxy: TLS, proxies, timeouts, connection limits.
package transport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

const (
	// idleConnsPerHost is how many connections to the one host of an upstream
	// stay open between requests. Caddy's 32 is for many small backends; past it,
	// every request of a busy gateway would dial and shake hands anew.
	idleConnsPerHost = 512

	// readBuffer is how many bytes are taken from an HTTP/1 connection at a time.
	// Go's 4 KiB cut what comes at once into pieces that are each sent on by
	// themselves.
	readBuffer = 32 << 10

	// tlsHandshakeTimeout bounds the handshake where the configuration does not.
	tlsHandshakeTimeout = 10 * time.Second
)

// HTTP is the transport part of an upstream's configuration, embedded in its
// module.
type HTTP struct {
	// How requests reach the upstream, as in `reverse_proxy`; `protocol` names the
	// module. Default: `http`, keeping 512 idle connections and asking for no
	// compression.
	TransportRaw json.RawMessage `json:"transport,omitempty" caddy:"namespace=http.reverse_proxy.transport inline_key=protocol"`
}

// UnmarshalTransport reads `transport <protocol> { ... }`, the dispenser
// standing on the word transport.
func (t *HTTP) UnmarshalTransport(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.ArgErr()
	}
	protocol := d.Val()
	id := "http.reverse_proxy.transport." + protocol
	module, err := caddyfile.UnmarshalModule(d, id)
	if err != nil {
		return err
	}
	if _, ok := module.(http.RoundTripper); !ok {
		return d.Errf("module %s (%T) is not a RoundTripper", id, module)
	}
	t.TransportRaw = caddyconfig.JSONModuleObject(module, "protocol", protocol, nil)
	return nil
}

// Transport returns the transport, which is safe for concurrent use. Caddy closes its idle
// connections when the configuration ends, and those only: streams outlive a
// reload. Connections that are in use then are closed after their last stream.
func (t *HTTP) Transport(ctx caddy.Context) (http.RoundTripper, error) {
	if err := t.tune(); err != nil {
		return nil, err
	}
	module, err := ctx.LoadModule(t, "TransportRaw")
	if err != nil {
		return nil, fmt.Errorf("loading the transport: %w", err)
	}
	if h, ok := module.(*reverseproxy.HTTPTransport); ok {
		isolate(h.Transport)
		if h.Transport.TLSHandshakeTimeout == 0 {
			h.Transport.TLSHandshakeTimeout = tlsHandshakeTimeout
		}
		r := &retiring{HTTPTransport: h, direct: newDirect(h)}
		context.AfterFunc(ctx, r.retire)
		return r, nil
	}
	rt, ok := module.(http.RoundTripper)
	if !ok {
		return nil, fmt.Errorf("transport %T is not a RoundTripper", module)
	}
	return rt, nil
}

// tune replaces Caddy's defaults, which suit many small backends, by those that
// one large upstream needs. Configured values stay.
func (t *HTTP) tune() error {
	if len(t.TransportRaw) == 0 {
		t.TransportRaw = json.RawMessage(`{"protocol":"http"}`)
	}
	var kind struct {
		Protocol string `json:"protocol"`
	}
	if err := json.Unmarshal(t.TransportRaw, &kind); err != nil {
		return fmt.Errorf("transport: %w", err)
	}
	if kind.Protocol != "http" {
		return nil
	}
	var h struct {
		reverseproxy.HTTPTransport
		Protocol string `json:"protocol"`
	}
	if err := caddy.StrictUnmarshalJSON(t.TransportRaw, &h); err != nil {
		return fmt.Errorf("transport: %w", err)
	}
	if h.KeepAlive == nil {
		h.KeepAlive = new(reverseproxy.KeepAlive)
	}
	if h.KeepAlive.MaxIdleConnsPerHost == 0 {
		h.KeepAlive.MaxIdleConnsPerHost = idleConnsPerHost
	}
	if h.ReadBufferSize == 0 {
		h.ReadBufferSize = readBuffer
	}
	if h.Compression == nil {
		// A compressed stream arrives in blocks, not as it is made, and the
		// bytes go on to the client untouched.
		h.Compression = new(bool)
	}
	t.TransportRaw = caddyconfig.JSONModuleObject(h.HTTPTransport, "protocol", "http", nil)
	return nil
}

// isolate keeps dials away from the request's variables. The transport may go
// on dialing for a request that was meanwhile served by another connection, and
// Caddy's dialer reads the request's variables, a plain map that the request's
// own goroutine writes.
func isolate(t *http.Transport) {
	t.DialContext = withoutVars(t.DialContext)
	t.DialTLSContext = withoutVars(t.DialTLSContext)
}

type dialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

func withoutVars(dial dialFunc) dialFunc {
	if dial == nil {
		return nil
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(context.WithValue(ctx, caddyhttp.VarsCtxKey, nil), network, addr)
		if _, ok := errors.AsType[reverseproxy.DialError](err); ok {
			err = dialError{err}
		}
		return conn, err
	}
}

// dialError is Caddy's DialError, which hides what it wraps: that it is a dial, and
// whether it took too long, is what a failing upstream is told by.
type dialError struct{ error }

func (e dialError) Unwrap() error { return e.error }

// As makes the error a *net.OpError of a dial, which it was.
func (e dialError) As(target any) bool {
	op, ok := target.(**net.OpError)
	if ok {
		*op = &net.OpError{Op: "dial", Err: e.error}
	}
	return ok
}

// Timeout reports whether the dial took too long, in the words of the net
// package: its error is hidden.
func (e dialError) Timeout() bool { return strings.HasSuffix(e.Error(), "i/o timeout") }

// Temporary makes the error a net.Error.
func (e dialError) Temporary() bool { return e.Timeout() }
