package fetch

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

var png = append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 64)...)

func TestPublicKnowsEveryInnerAddress(t *testing.T) {
	tests := map[string]bool{
		"8.8.8.8": true, "2606:4700::1111": true,
		"127.0.0.1": false, "::1": false, "0.0.0.0": false, "::": false, "10.0.0.1": false, "172.16.3.4": false,
		"192.168.1.1": false, "169.254.169.254": false, "fe80::1": false, "fd00:ec2::254": false, "100.64.0.1": false,
		"::ffff:127.0.0.1": false, "::ffff:169.254.169.254": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false,
		"224.0.0.1": false, "255.255.255.255": false, "198.18.0.1": false, "192.0.0.192": false,
		// These were dialled: documentation, discard, reserved and translated ranges of IANA's registries.
		"192.0.2.1": false, "198.51.100.7": false, "203.0.113.9": false, "192.88.99.1": false, "::ffff:192.0.2.1": false,
		"64:ff9b:1::a00:1": false, "100::1": false, "2001:db8::1": false, "2001:0:1::1": false, "3fff::1": false, "5f00::1": false,
		"::7f00:1": false, "fec0::1": false, "ff02::1": false, "4000::1": false,
	}
	for text, want := range tests {
		if got := public(netip.MustParseAddr(text)); got != want {
			t.Errorf("public(%s) = %v, want %v", text, got, want)
		}
	}
}

// What listens on the machine's own public address trusts the machine as if it were loopback.
func TestAddressesOfTheMachineAreItsOwn(t *testing.T) {
	addrs := []net.Addr{&net.IPNet{IP: net.ParseIP("8.8.4.4"), Mask: net.CIDRMask(24, 32)}, &net.IPNet{IP: net.ParseIP("2606:4700::2"), Mask: net.CIDRMask(64, 128)}, &net.UnixAddr{}}
	for text, want := range map[string]bool{"8.8.4.4": true, "::ffff:8.8.4.4": true, "2606:4700::2": true, "8.8.4.5": false, "2606:4700::3": false} {
		if got := owns(addrs, netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if own(netip.MustParseAddr("127.0.0.1")) != true {
		t.Error("loopback is not among the interfaces' addresses")
	}
}

func TestImageRefusesInnerAddressesOnEveryHop(t *testing.T) {
	inner := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		t.Error("the inner server was reached")
		_, _ = w.Write(png)
	}))
	defer inner.Close()
	c := New(0, 0)
	for _, address := range []string{inner.URL, strings.Replace(inner.URL, "127.0.0.1", "localhost", 1), "http://[::1]:1/", "http://0/"} {
		if _, _, err := c.Image(t.Context(), address); err == nil {
			t.Errorf("%s was fetched", address)
		}
	}
	// The first hop is allowed, the one that it redirects to is not.
	var hops int
	outer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hops++
		http.Redirect(w, r, inner.URL, http.StatusFound)
	}))
	defer outer.Close()
	outerAddr := netip.MustParseAddrPort(strings.TrimPrefix(outer.URL, "http://"))
	first := true
	c = newClient(0, 0, func(a netip.Addr) bool { ok := first && a == outerAddr.Addr(); first = false; return ok })
	if _, _, err := c.Image(t.Context(), outer.URL); !errors.Is(err, ErrAddress) || hops != 1 {
		t.Errorf("err = %v after %d hops, want ErrAddress after 1", err, hops)
	}
}

func TestImage(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ok":
			w.Header().Set("Content-Type", "text/plain") // a lie that does not count
			_, _ = w.Write(png)
		case "/html":
			w.Header().Set("Content-Type", "image/png")
			_, _ = w.Write([]byte("<html>"))
		case "/large":
			w.(http.Flusher).Flush() // no Content-Length
			_, _ = w.Write(bytes.Repeat(png, 100))
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		case "/hang":
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		default:
			http.NotFound(w, r)
		}
	}))
	defer srv.Close()
	c := newClient(1000, 2*time.Second, func(netip.Addr) bool { return true })
	tests := []struct {
		path string
		want error
	}{
		{"/ok", nil}, {"/html", ErrType}, {"/large", ErrTooLarge}, {"/loop", ErrFailed}, {"/file", ErrFailed}, {"/none", ErrFailed},
	}
	for _, tt := range tests {
		mediaType, data, err := c.Image(t.Context(), srv.URL+tt.path)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: err = %v, want %v", tt.path, err, tt.want)
		}
		if tt.want == nil && (mediaType != "image/png" || !bytes.Equal(data, png)) {
			t.Errorf("%s: got %s, %d bytes", tt.path, mediaType, len(data))
		}
	}
	c = newClient(1000, 50*time.Millisecond, func(netip.Addr) bool { return true })
	if _, _, err := c.Image(t.Context(), srv.URL+"/hang"); !errors.Is(err, ErrFailed) {
		t.Errorf("a server that hangs: err = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := c.Image(ctx, srv.URL+"/ok"); !errors.Is(err, context.Canceled) {
		t.Errorf("a client that is gone: err = %v", err)
	}
}
