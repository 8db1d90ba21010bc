package hostile

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// usageOf is what the process uses, the clients of the test included.
type usageOf struct{ goroutines, files, kb int }

func used() usageOf {
	runtime.GC()
	u := usageOf{goroutines: runtime.NumGoroutine()}
	if entries, err := os.ReadDir("/proc/self/fd"); err == nil {
		u.files = len(entries)
	}
	if status, err := os.ReadFile("/proc/self/status"); err == nil {
		if _, rest, ok := strings.Cut(string(status), "VmRSS:"); ok {
			_, _ = fmt.Sscanf(rest, "%d", &u.kb)
		}
	}
	return u
}

// crowd is many clients that misbehave in one way.
type crowd struct {
	name        string
	count, full int // clients; full is the number with HOSTILE=full
	// act is one client; what it returns stays open until all have acted.
	act func(net.Conn) error
}

var crowds = []crowd{
	{"connect and send nothing", 200, 10_000, func(net.Conn) error { return nil }},
	{"send half a body and wait", 100, 1_000, func(c net.Conn) error {
		_, err := io.WriteString(c, "POST /v1/chat/completions HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 1000000\r\n\r\n"+strings.Repeat(" ", 32<<10))
		return err
	}},
	{"half-close after the request", 200, 2_000, func(c net.Conn) error {
		if _, err := io.WriteString(c, streamRequest("")); err != nil {
			return err
		}
		return c.(*net.UnixConn).CloseWrite()
	}},
	{"ask for a stream and disconnect at once", 2_000, 80_000, func(c net.Conn) error {
		_, err := io.WriteString(c, streamRequest(""))
		_ = c.Close()
		return err
	}},
	{"ask for 100 streams over HTTP/2 and reset each at once", 20, 800, resetStreams},
	{"ask for a stream and read a byte at a time", 50, 500, func(c net.Conn) error {
		if _, err := io.WriteString(c, streamRequest("")); err != nil {
			return err
		}
		_, err := io.ReadFull(c, make([]byte, 1))
		return err
	}},
	{"send a request a byte at a time, and not to its end", 20, 200, func(c net.Conn) error {
		for i := range 64 {
			if _, err := io.WriteString(c, streamRequest("")[i:i+1]); err != nil {
				return err
			}
		}
		return nil
	}},
}

// resetStreams is the attack CVE-2023-44487: streams that are reset do not count among those that are open at once. The
// server may close the connection meanwhile.
func resetStreams(c net.Conn) error {
	if _, err := io.WriteString(c, http2.ClientPreface); err != nil {
		return err
	}
	go func() { _, _ = io.Copy(io.Discard, c) }()
	f := http2.NewFramer(c, nil)
	if err := f.WriteSettings(); err != nil {
		return err
	}
	_, body, _ := strings.Cut(streamRequest(""), "\r\n\r\n")
	var head bytes.Buffer
	for id := uint32(1); id < 200; id += 2 {
		head.Reset()
		fields := hpack.NewEncoder(&head)
		for _, field := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":authority", "gateway.test"}, {":path", "/v1/chat/completions"}, {"content-type", "application/json"}} {
			if err := fields.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}); err != nil {
				return err
			}
		}
		if f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: head.Bytes(), EndHeaders: true}) != nil ||
			f.WriteData(id, true, []byte(body)) != nil || f.WriteRSTStream(id, http2.ErrCodeCancel) != nil {
			return nil // the server had enough
		}
	}
	return nil
}

// TestClientsThatMisbehaveLeaveNothingBehind measures what crowds of clients cost while they last and afterwards. With
// HOSTILE=full their numbers are those of an attack.
func TestClientsThatMisbehaveLeaveNothingBehind(t *testing.T) {
	url, _ := endless(t)
	// Idle connections to the upstream are kept for the next call, and would be counted as left behind.
	once := strings.Replace(fmt.Sprintf(site, url), "api_key k", "api_key k\n\t\ttransport http {\n\t\t\tkeepalive off\n\t\t}", 1)
	g := gatewaytest.StartWith(t, strings.Replace(idleLimits, "{", "{\n\tprotocols h1 h2c", 1), once)
	full := os.Getenv("HOSTILE") == "full"
	g.Post(t, "/v1/chat/completions", "warm up")
	g.Client.CloseIdleConnections()
	for _, c := range crowds {
		n := c.count
		if full {
			n = c.full
		}
		before := used()
		open := make([]net.Conn, 0, n)
		for range n {
			conn := g.Dial(t)
			if err := c.act(conn); err != nil {
				t.Logf("%s: %v", c.name, err)
			}
			open = append(open, conn)
		}
		during := used()
		for _, conn := range open {
			_ = conn.Close()
		}
		deadline := time.Now().Add(30 * time.Second)
		after := used()
		for (after.goroutines > before.goroutines+10 || after.files > before.files+10) && time.Now().Before(deadline) {
			runtime.Gosched()
			after = used()
		}
		t.Logf("%6d clients %s: goroutines %d, %d, %d; files %d, %d, %d; resident MB %d, %d, %d (before, with them, after)", n, c.name,
			before.goroutines, during.goroutines, after.goroutines, before.files, during.files, after.files, before.kb/1024, during.kb/1024, after.kb/1024)
		if after.goroutines > before.goroutines+10 || after.files > before.files+10 {
			t.Errorf("%s: %d goroutines and %d files are left of what was %d and %d", c.name, after.goroutines, after.files, before.goroutines, before.files)
		}
	}
	if a := g.Post(t, "/v1/chat/completions", `{"model":"nowhere","messages":[]}`); a.Status != 404 {
		t.Errorf("afterwards: %d %s", a.Status, a.Body)
	}
}
