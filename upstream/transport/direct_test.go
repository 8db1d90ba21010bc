package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// listen serves each connection by f, and returns the URL.
func listen(t testing.TB, f func(nc net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close() //nolint:errcheck // a test's
				f(nc)
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// rawServer answers the first request of each connection with bytes, and closes it.
func rawServer(t testing.TB, reply func() []byte) string {
	t.Helper()
	return listen(t, func(nc net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(nc)); err == nil {
			_, _ = nc.Write(reply())
		}
	})
}

// seen is all that a caller sees of a reply.
type seen struct {
	status      int
	proto       string
	header      string
	body        string
	trailer     string
	length      int64
	failed, cut bool
}

func see(t testing.TB, rt http.RoundTripper, url string) seen {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(`{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	res, err := rt.RoundTrip(req)
	if err != nil {
		return seen{failed: true}
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	if res.StatusCode == http.StatusSwitchingProtocols {
		return seen{status: res.StatusCode} // nobody reads on
	}
	body, err := io.ReadAll(res.Body)
	s := seen{
		status: res.StatusCode, proto: res.Proto, body: string(body), length: res.ContentLength, cut: err != nil,
		header: fmt.Sprint(maps.Clone(res.Header)),
	}
	if err == nil {
		s.trailer = fmt.Sprint(res.Trailer)
	}
	return s
}

// both returns a direct transport and http.Transport, with the same configuration.
func both(t testing.TB, raw string) (*direct, *http.Transport) {
	t.Helper()
	_, rt := build(t, raw)
	r, ok := rt.(*retiring)
	if !ok || r.direct == nil {
		t.Fatalf("%s is not sent directly", raw)
	}
	return r.direct, r.HTTPTransport.Transport
}

var replies = map[string]string{
	"a length":               "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-A: 1\r\nX-A: 2\r\n\r\nabc",
	"no body":                "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n",
	"an empty body":          "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	"chunks":                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
	"a trailer":              "HTTP/1.1 200 OK\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n",
	"until the end":          "HTTP/1.1 200 OK\r\n\r\nabc",
	"HTTP/1.0":               "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc",
	"interim replies":        "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
	"many interim":           strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 7) + "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
	"switching protocols":    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
	"nothing":                "",
	"half a head":            "HTTP/1.1 200 OK\r\nContent-Le",
	"a cut body":             "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
	"a cut chunk":            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
	"no last chunk":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
	"a wrong chunk":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
	"two lengths":            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
	"a negative length":      "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabcd",
	"length and chunks":      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	"another coding":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
	"not HTTP":               "hello\r\n\r\n",
	"another version":        "HTTP/2.0 200 OK\r\n\r\nabc",
	"no status":              "HTTP/1.1 OK\r\n\r\n",
	"more than its length":   "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef",
	"a second reply":         "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb",
	"a folded header":        "HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\nContent-Length: 1\r\n\r\na",
	"a wrong header":         "HTTP/1.1 200 OK\r\nX A: 1\r\nContent-Length: 1\r\n\r\na",
	"a status of two digits": "HTTP/1.1 99 X\r\nContent-Length: 1\r\n\r\na",
	"a status of 999":        "HTTP/1.1 999 X\r\nContent-Length: 1\r\n\r\na",
	"line feeds alone":       "HTTP/1.1 200 OK\nContent-Length: 1\n\na",
	"pragma":                 "HTTP/1.1 200 OK\r\nPragma: no-cache\r\nContent-Length: 1\r\n\r\na",
}

func TestRepliesAreThoseOfTheStandardTransport(t *testing.T) {
	for name, reply := range replies {
		t.Run(name, func(t *testing.T) {
			d, std := both(t, "")
			url := rawServer(t, func() []byte { return []byte(reply) })
			if got, want := see(t, d, url), see(t, std, url); got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func FuzzReplies(f *testing.F) {
	for _, reply := range replies {
		f.Add([]byte(reply))
	}
	var reply atomic.Pointer[[]byte]
	url := rawServer(f, func() []byte { return *reply.Load() })
	_, rt := build(f, "")
	r := rt.(*retiring)
	f.Fuzz(func(t *testing.T, b []byte) {
		reply.Store(&b)
		r.direct.closeIdle() // the server closes each, in its own time
		r.HTTPTransport.Transport.CloseIdleConnections()
		got, want := see(t, r.direct, url), see(t, r.HTTPTransport.Transport, url)
		if got != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	})
}

func TestAHeadIsBounded(t *testing.T) {
	d, std := both(t, `{"protocol":"http","max_response_header_size":2000}`)
	url := rawServer(t, func() []byte {
		return []byte("HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("a", 64<<10) + "\r\nContent-Length: 1\r\n\r\na")
	})
	if got, want := see(t, d, url), see(t, std, url); got != want || !got.failed {
		t.Errorf("got %+v, want %+v", got, want)
	}
	// Nor do replies of 1xx come without end.
	url = rawServer(t, func() []byte { return []byte(strings.Repeat("HTTP/1.1 103 Early Hints\r\nX-A: 1\r\n\r\n", 10_000)) })
	if got, want := see(t, d, url), see(t, std, url); got != want || !got.failed {
		t.Errorf("got %+v, want %+v", got, want)
	}
	// The body of a reply is not bounded by it.
	url = rawServer(t, func() []byte {
		return []byte("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("a", 100000))
	})
	if got := see(t, d, url); got.cut || len(got.body) != 100000 {
		t.Errorf("%d bytes, cut %v", len(got.body), got.cut)
	}
}

// counted is a server that counts its connections.
func counted(t *testing.T, h http.HandlerFunc) (*httptest.Server, *atomic.Int32, *atomic.Int32) {
	t.Helper()
	var opened, closed atomic.Int32
	s := httptest.NewUnstartedServer(h)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			opened.Add(1)
		case http.StateClosed:
			closed.Add(1)
		case http.StateActive, http.StateIdle, http.StateHijacked:
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s, &opened, &closed
}

func echo(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }

// eventually fails the test if what is waited for does not come about.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); {
		if time.Now().After(end) {
			t.Fatalf("not in ten seconds: %s", what)
		}
	}
}

func TestAConnectionIsUsedAgain(t *testing.T) {
	d, _ := both(t, "")
	s, opened, closed := counted(t, echo)
	for range 5 {
		if got := see(t, d, s.URL); got.body != `{"a":1}` {
			t.Fatalf("got %+v", got)
		}
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
	// One that the server has closed in the meantime is not.
	s.CloseClientConnections()
	eventually(t, "the server's end", func() bool { return closed.Load() == 1 })
	for range 2 {
		if got := see(t, d, s.URL); got.body != `{"a":1}` {
			t.Fatalf("got %+v", got)
		}
	}
	if n := opened.Load(); n != 2 {
		t.Errorf("%d connections", n)
	}
	// Nor is any, when the configuration has ended.
	d.retire()
	see(t, d, s.URL)
	eventually(t, "the end of all connections", func() bool { return closed.Load() == opened.Load() })
}

func TestAConnectionWhoseReplyWasNotReadIsClosed(t *testing.T) {
	d, _ := both(t, "")
	s, opened, closed := counted(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) })
	for range 2 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := d.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if _, err := res.Body.Read(make([]byte, 1)); !errors.Is(err, errClosedBody) {
			t.Errorf("got %v", err)
		}
	}
	eventually(t, "two connections and their ends", func() bool { return opened.Load() == 2 && closed.Load() == 2 })
}

func TestAConnectionThatIsIdleForTooLongIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &direct{Transport: &http.Transport{IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 2}, idle: make(map[string][]*conn)}
		var ends []net.Conn
		for range 3 {
			near, far := net.Pipe()
			ends = append(ends, far)
			d.give(&conn{Conn: near}, "a")
			time.Sleep(10 * time.Second)
		}
		closed := func() (closed [3]bool) {
			synctest.Wait()
			for i, end := range ends {
				_ = end.SetReadDeadline(time.Now().Add(time.Millisecond))
				_, err := end.Read(make([]byte, 1))
				closed[i] = errors.Is(err, io.EOF)
			}
			return closed
		}
		if got := closed(); got != [3]bool{2: true} {
			t.Errorf("after 30 seconds %v: the third is one more than are kept", got)
		}
		time.Sleep(35 * time.Second)
		if got := closed(); got != [3]bool{0: true, 2: true} {
			t.Errorf("after 65 seconds %v", got)
		}
		time.Sleep(10 * time.Second)
		if got := closed(); got != [3]bool{true, true, true} || len(d.idle) != 0 || d.sweeping {
			t.Errorf("after 75 seconds %v, %d hosts, sweeping %v", got, len(d.idle), d.sweeping)
		}
	})
}

func TestTheEndOfARequestEndsItsReply(t *testing.T) {
	reason := errors.New("the reason")
	for _, late := range []bool{false, true} { // before the head, and within the body
		d, _ := both(t, "")
		asked := make(chan struct{})
		s, _, closed := counted(t, func(w http.ResponseWriter, r *http.Request) {
			if late {
				_ = http.NewResponseController(w).Flush()
			}
			close(asked)
			<-r.Context().Done()
		})
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			<-asked
			cancel(reason)
		}()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := d.RoundTrip(req)
		if late && err == nil {
			_, err = io.ReadAll(res.Body)
			_ = res.Body.Close()
		}
		if !errors.Is(err, reason) {
			t.Errorf("late %v: got %v", late, err)
		}
		eventually(t, "the connection's end", func() bool { return closed.Load() == 1 })
	}
}

// A watchdog closes a body that another goroutine is reading.
func TestABodyIsClosedWhileItIsRead(t *testing.T) {
	d, _ := both(t, "")
	s, _, closed := counted(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	for range 20 {
		closed.Store(0)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := d.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		go res.Body.Close() //nolint:errcheck // it has none
		if _, err := res.Body.Read(make([]byte, 1)); err == nil {
			t.Error("a read of nothing")
		}
		eventually(t, "the connection's end", func() bool { return closed.Load() == 1 })
	}
}

func TestWhatGoesByTheStandardTransport(t *testing.T) {
	for _, raw := range []string{
		`{"protocol":"http","max_conns_per_host":7}`, `{"protocol":"http","response_header_timeout":1000}`, `{"protocol":"http","read_timeout":1000}`,
		`{"protocol":"http","write_timeout":1000}`, `{"protocol":"http","proxy_protocol":"v1"}`, `{"protocol":"http","versions":["h2c","2"]}`,
		`{"protocol":"http","keep_alive":{"enabled":false}}`, `{"protocol":"http","keep_alive":{"max_idle_conns":5}}`, `{"protocol":"http","compression":true}`,
		`{"protocol":"http","read_buffer_size":1000}`,
	} {
		if _, rt := build(t, raw); rt.(*retiring).direct != nil {
			t.Errorf("%s is sent directly", raw)
		}
	}
	d, _ := both(t, "")
	for _, tt := range []struct {
		url, body string
		want      bool
	}{
		{"http://127.0.0.1", "a", true},
		{"http://127.0.0.1:1", "", true},
		{"https://127.0.0.1", "a", false},
		{"http://bücher.example", "a", false},
		{"http://127.0.0.1", strings.Repeat("a", maxDirect+1), false},
	} {
		var body io.Reader
		if tt.body != "" {
			body = strings.NewReader(tt.body)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, tt.url, body)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.takes(req); got != tt.want {
			t.Errorf("%s with %d bytes: %v", tt.url, len(tt.body), got)
		}
	}
	// A trace, whose hooks would not be called: spans lost the server's address.
	traced := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{})
	req, err := http.NewRequestWithContext(traced, http.MethodPost, "http://127.0.0.1", strings.NewReader("a"))
	if err != nil || d.takes(req) {
		t.Error("a request that is traced is sent directly")
	}
	// A body of unknown length, and a proxy.
	req, err = http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1", io.MultiReader(strings.NewReader("a")))
	if err != nil || d.takes(req) {
		t.Error("a body of unknown length is sent directly")
	}
	proxied, _ := both(t, `{"protocol":"http","network_proxy":{"from":"url","url":"http://127.0.0.1:9"}}`)
	if req, err = http.NewRequestWithContext(t.Context(), http.MethodPost, "http://192.0.2.1", nil); err != nil || proxied.takes(req) {
		t.Error("a request through a proxy is sent directly")
	}
}

func TestTheAddressOfAHost(t *testing.T) {
	refused := errors.New("refused")
	var dialed string
	d := &direct{Transport: &http.Transport{DialContext: func(_ context.Context, _, address string) (net.Conn, error) {
		dialed = address
		return nil, refused
	}}}
	for in, want := range map[string]string{
		"http://a.example": "a.example:80", "http://a.example:": "a.example:80", "http://a.example:8080": "a.example:8080",
		"http://[::1]": "[::1]:80", "http://[::1]:8080": "[::1]:8080", "http://[fe80::1%25en0]": "[fe80::1%en0]:80",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.RoundTrip(req); !errors.Is(err, refused) || dialed != want { //nolint:bodyclose // there is none
			t.Errorf("%s: got %s, %v; want %s", in, dialed, err, want)
		}
	}
}
