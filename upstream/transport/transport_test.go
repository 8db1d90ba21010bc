package transport

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func build(t testing.TB, raw string) (*http.Transport, http.RoundTripper) {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	rt, err := (&HTTP{TransportRaw: json.RawMessage(raw)}).Transport(ctx)
	if err != nil {
		t.Fatal(err)
	}
	h, ok := rt.(*retiring)
	if !ok {
		t.Fatalf("got a %T", rt)
	}
	return h.Transport, rt
}

func TestDefaults(t *testing.T) {
	tr, _ := build(t, "")
	if tr.MaxIdleConnsPerHost != 512 || !tr.DisableCompression || tr.TLSHandshakeTimeout != 10*time.Second {
		t.Errorf("idle conns %d, compression off %v, handshake %s", tr.MaxIdleConnsPerHost, tr.DisableCompression, tr.TLSHandshakeTimeout)
	}
	if tr.TLSNextProto["h2"] == nil {
		t.Error("no HTTP/2")
	}
}

func TestWhatIsConfiguredStands(t *testing.T) {
	tr, _ := build(t, `{"protocol":"http","compression":true,"max_conns_per_host":7,
		"keep_alive":{"max_idle_conns_per_host":3},"response_header_timeout":1000000000,
		"tls":{"handshake_timeout":2000000000}}`)
	if tr.MaxIdleConnsPerHost != 3 || tr.DisableCompression || tr.MaxConnsPerHost != 7 ||
		tr.ResponseHeaderTimeout != time.Second || tr.TLSHandshakeTimeout != 2*time.Second {
		t.Errorf("got %d idle conns, compression off %v, %d conns, %s for a header, %s for a handshake",
			tr.MaxIdleConnsPerHost, tr.DisableCompression, tr.MaxConnsPerHost, tr.ResponseHeaderTimeout, tr.TLSHandshakeTimeout)
	}
}

func TestUnknownFieldIsAnError(t *testing.T) {
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	_, err := (&HTTP{TransportRaw: json.RawMessage(`{"protocol":"http","max_cons":1}`)}).Transport(ctx)
	if err == nil || !strings.Contains(err.Error(), `unknown field "max_cons"`) {
		t.Errorf("got %v", err)
	}
}

func TestUnmarshalTransport(t *testing.T) {
	d := caddyfile.NewTestDispenser("transport http {\n dial_timeout 1s\n}")
	d.Next()
	var h HTTP
	if err := h.UnmarshalTransport(d); err != nil {
		t.Fatal(err)
	}
	if got, want := string(h.TransportRaw), `{"dial_timeout":1000000000,"protocol":"http"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A dial can outlive the request it began for; by then the request's own
// goroutine writes the variables that Caddy's dialer would read.
func TestDialDoesNotSeeTheRequestsVariables(t *testing.T) {
	tr, _ := build(t, "")
	ctx := context.WithValue(context.Background(), caddyhttp.VarsCtxKey, map[string]any{})
	seen := any("not dialed")
	dial := withoutVars(func(ctx context.Context, _, _ string) (net.Conn, error) {
		seen = ctx.Value(caddyhttp.VarsCtxKey)
		return nil, net.ErrClosed
	})
	if _, err := dial(ctx, "tcp", "127.0.0.1:1"); err == nil {
		t.Fatal("no error")
	}
	if seen != nil {
		t.Errorf("the dial saw %v", seen)
	}

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Accept-Encoding"); got != "" {
			t.Errorf("asked for %s", got)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		t.Errorf("got %s", resp.Status)
	}
}

// Caddy's DialError hides what it wraps. An upstream that could not be connected to was therefore counted as failing for the
// one model that was asked for, and a dial that took too long as an upstream that cannot be reached.
func TestAnErrorOfDialingIsKnownAsOne(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := closed.Addr().String()
	closed.Close()
	for raw, timeout := range map[string]bool{`{"protocol":"http"}`: false, `{"protocol":"http","dial_timeout":1}`: true} {
		_, rt := build(t, raw)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = rt.RoundTrip(req)
		op, ok := errors.AsType[*net.OpError](err)
		if !ok || op.Op != "dial" || !strings.HasPrefix(err.Error(), "dial tcp") {
			t.Errorf("%s: got %T %v", raw, err, err)
		}
		var ne net.Error
		if !errors.As(err, &ne) || ne.Timeout() != timeout {
			t.Errorf("%s: a timeout is %v: %v", raw, !timeout, err)
		}
	}
}
