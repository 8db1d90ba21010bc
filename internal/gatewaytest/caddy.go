// Package gatewaytest runs a whole Caddy with the gateway in the test's own process, and plays the upstreams behind it: the
// test sets what an upstream answers, and checks what it was sent. It is for tests of behaviour that a user sees; strict
// stand-ins for the providers are in package simulator.
package gatewaytest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	_ "github.com/caddyserver/caddy/v2/modules/standard" // Caddy's own modules

	_ "github.com/open-bedrock/caddy-bedrock-gateway" // the gateway
)

// URL is the address of every Gateway; its Client resolves it.
const URL = "http://gateway.test"

// running guards the process's one Caddy: tests that start one cannot run in parallel.
var running sync.Mutex

// Gateway is a running Caddy.
type Gateway struct {
	// Client reaches the gateway, and nothing else. It does not retry, and follows no redirect.
	Client *http.Client
	socket string
	// transport is the Client's.
	transport *http.Transport
	// globals are further global options of the Caddyfile.
	globals string
	// Log is the file that Caddy's log, at DEBUG level, goes to.
	Log string
}

// Start runs a Caddy whose only site has the given directives, usually a bedrock_gateway block, and stops it when the
// test ends. It listens on a socket in a directory of its own, so that no port can be in use.
func Start(t testing.TB, directives string) *Gateway {
	t.Helper()
	return StartWith(t, "", directives)
}

// StartWith is Start with global options besides those of every Gateway.
func StartWith(t testing.TB, globals, directives string) *Gateway {
	t.Helper()
	running.Lock()
	t.Cleanup(running.Unlock)
	dir, err := os.MkdirTemp("", "gw") // t.TempDir is too long for a socket's path on some systems
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	t.Setenv("XDG_DATA_HOME", filepath.Join(dir, "data"))
	g := &Gateway{globals: globals, socket: filepath.Join(dir, "s"), Log: filepath.Join(dir, "log")}
	g.Load(t, directives)
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping caddy: %v", err)
		}
	})
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", g.socket)
		},
		DisableCompression: true,
	}
	t.Cleanup(transport.CloseIdleConnections)
	g.transport = transport
	g.Client = &http.Client{
		Transport: recorded(t, transport), Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return g
}

// Dial opens a connection to the gateway, for clients that do with it what no http.Client does.
func (g *Gateway) Dial(t testing.TB) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "unix", g.socket)
	for deadline := time.Now().Add(time.Minute); errors.Is(err, syscall.EAGAIN) && time.Now().Before(deadline); {
		runtime.Gosched() // so many clients dial at once that they have to queue
		conn, err = new(net.Dialer).DialContext(t.Context(), "unix", g.socket)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// DisableKeepAlives makes the client open a connection for each request.
func (g *Gateway) DisableKeepAlives() { g.transport.DisableKeepAlives = true }

// Load reloads the running Caddy with new directives, and returns when the old one accepts no connection any more. Idle
// connections of the Client's to the old one are closed: it closes them too, and a POST that meets one in that moment is not
// sent again by net/http.
func (g *Gateway) Load(t testing.TB, directives string) {
	t.Helper()
	var old net.Conn
	if g.transport != nil {
		old = g.idle(t)
	}
	if err := g.load(directives); err != nil {
		t.Fatal(err)
	}
	if old == nil {
		return
	}
	// http.Server.Shutdown closes idle connections when its listeners are closed; caddy.Load returns before.
	if n, err := old.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Fatalf("the old server did not close its idle connection: read %d bytes: %v", n, err)
	}
	g.transport.CloseIdleConnections()
}

// idle opens a connection on which the running server waits for a second request. The first was answered by net/http itself:
// no directive sees it.
func (g *Gateway) idle(t testing.TB) net.Conn {
	t.Helper()
	conn := g.Dial(t)
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(conn, "OPTIONS * HTTP/1.1\r\nHost: gateway.test\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return conn
}

func (g *Gateway) load(directives string) error {
	admin := "admin off"
	if strings.HasPrefix(g.globals, "admin ") {
		admin = "" // the test's own
	}
	caddyfile := fmt.Sprintf("{\n\t%s\n\tpersist_config off\n\tlog {\n\t\tlevel DEBUG\n\t\toutput file %s\n\t}\n\t%s\n}\nhttp:// {\n\tbind unix/%s\n\t%s\n}\n",
		admin, g.Log, strings.ReplaceAll(g.globals, "\n", "\n\t"), g.socket, strings.ReplaceAll(directives, "\n", "\n\t"))
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), nil)
	if err != nil {
		return fmt.Errorf("adapting: %w\n%s", err, caddyfile)
	}
	if err := caddy.Load(config, true); err != nil {
		return fmt.Errorf("loading: %w\n%s", err, caddyfile)
	}
	return nil
}

// Post sends a JSON body and returns the whole answer.
func (g *Gateway) Post(t testing.TB, path, body string) *Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	return g.Do(t, req)
}

// Open posts a JSON body and returns the response as soon as it begins. The response ends with ctx, and with the test.
func (g *Gateway) Open(ctx context.Context, t testing.TB, path, body string) *http.Response {
	t.Helper()
	res, err := g.Try(ctx, path, body)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// Try is Open for other goroutines than the test's, and for requests that fail. The caller must close the body.
func (g *Gateway) Try(ctx context.Context, path, body string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, URL+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return g.Client.Do(req)
}

// Get requests a path and returns the whole answer.
func (g *Gateway) Get(t testing.TB, path string) *Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return g.Do(t, req)
}
