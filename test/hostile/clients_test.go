package hostile

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// idleLimits is Caddy's own defence, which the gateway must work with: 1 minute each where nothing is configured.
const idleLimits = "servers {\n\ttimeouts {\n\t\tread_body_idle 1s\n\t\twrite_idle 1s\n\t}\n}"

const site = `bedrock_gateway {
	openai {
		api_key k
		base_url %s
	}
	files off
}`

func streamRequest(head string) string {
	body := `{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"Hi"}]}`
	return fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: gateway.test\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s", len(body), head, body)
}

// endless streams until its client leaves; left tells of every client that did.
func endless(t *testing.T) (url string, left chan time.Time) {
	t.Helper()
	left = make(chan time.Time, 1000)
	chunk := `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"` + strings.Repeat("x", 8<<10) + `"},"finish_reason":null}]}` + "\n\n"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for {
			if _, err := io.WriteString(w, chunk); err != nil || r.Context().Err() != nil {
				select {
				case left <- time.Now():
				default: // nobody counts that many
				}
				return
			}
			w.(http.Flusher).Flush()
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL, left
}

// A client that never reads is cut by the server in front. Its upstream went on for as long as the model had words.
func TestTheUpstreamOfAClientThatNeverReadsIsCancelledWithItsCut(t *testing.T) {
	url, left := endless(t)
	g := gatewaytest.StartWith(t, idleLimits, fmt.Sprintf(site, url))
	const clients = 20
	start := time.Now()
	for range clients {
		conn := g.Dial(t)
		if _, err := io.WriteString(conn, streamRequest("")); err != nil {
			t.Fatal(err)
		}
	}
	for i := range clients {
		select {
		case at := <-left:
			if i == clients-1 {
				t.Logf("the last upstream was cancelled after %s", at.Sub(start))
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%d of %d upstreams are still open %s after their clients were cut", clients-i, clients, time.Since(start))
		}
	}
}

// A body that stalls is answered, where the answer can be written.
func TestABodyThatStallsIsA408(t *testing.T) {
	url, _ := endless(t)
	g := gatewaytest.StartWith(t, idleLimits, fmt.Sprintf(site, url))
	conn := g.Dial(t)
	if _, err := io.WriteString(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 100\r\n\r\n{\"model\":"); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusRequestTimeout || !strings.Contains(string(body), `"code":"request_timeout"`) {
		t.Errorf("%d: %s", res.StatusCode, body)
	}
}

// What an upstream sends before and after it was silent.
const (
	silentChunk = `{"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}`
	silentEnd   = `{"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`
)

// A stream may be silent for longer than the server lets a write stall: nothing is being written then.
func TestASilentButHealthyStreamIsNotCut(t *testing.T) {
	for proto, major := range map[string]int{"HTTP/1": 1, "HTTP/2": 2} {
		t.Run(proto, func(t *testing.T) {
			later := make(chan struct{})
			up := gatewaytest.NewUpstream(t, gatewaytest.Reply{
				Header: map[string]string{"Content-Type": "text/event-stream"},
				Body:   "data: " + silentChunk + "\n\n", Until: later, Rest: "data: " + silentEnd + "\n\ndata: [DONE]\n\n",
			})
			g := gatewaytest.StartWith(t, strings.Replace(idleLimits, "{", "{\n\tprotocols h1 h2c", 1), fmt.Sprintf(site, up.URL))
			var protocols http.Protocols
			protocols.SetHTTP1(major == 1)
			protocols.SetUnencryptedHTTP2(major == 2)
			g.Client.Transport.(*http.Transport).Protocols = &protocols
			timer := time.AfterFunc(3*time.Second, func() { close(later) }) // three times what the server lets a write stall
			defer timer.Stop()
			res := g.Open(t.Context(), t, "/v1/chat/completions", `{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"Hi"}]}`)
			body, err := io.ReadAll(res.Body)
			if res.ProtoMajor != major || res.StatusCode != http.StatusOK || err != nil || !strings.HasSuffix(string(body), "data: [DONE]\n\n") {
				t.Errorf("%s %d, broken %v: %s", res.Proto, res.StatusCode, err, body)
			}
		})
	}
}

// Connections to an upstream that no configuration has any more stayed open for two minutes.
func TestConnectionsOfAReplacedConfigurationAreClosed(t *testing.T) {
	t.Run("HTTP/1", func(t *testing.T) { replaced(t, 1, 2) })
	t.Run("HTTP/2", func(t *testing.T) { replaced(t, 2, 1) })
}

// replaced replaces a configuration whose upstream speaks a version of HTTP, and waits until the connections that it
// opened are closed.
func replaced(t *testing.T, major, connections int) {
	const chunk = `{"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}`
	later := make(chan struct{})
	opened := 0
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !strings.Contains(string(body), `"stream":true`) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}`)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: "+chunk+"\n\n")
		w.(http.Flusher).Flush()
		<-later
		_, _ = io.WriteString(w, "data: [DONE]\n\n")
	}))
	states := make(chan http.ConnState, 100)
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) { states <- s }
	srv.Config.Protocols = new(http.Protocols)
	srv.Config.Protocols.SetHTTP1(major == 1)
	srv.Config.Protocols.SetUnencryptedHTTP2(major == 2)
	srv.Start()
	defer srv.Close()
	configured := fmt.Sprintf(site, srv.URL)
	if major == 2 {
		configured = strings.Replace(configured, "base_url", "transport http {\n\t\t\tversions h2c\n\t\t}\n\t\tbase_url", 1)
	}
	g := gatewaytest.Start(t, configured)
	// One connection is idle when the configuration goes, one is in use.
	res := g.Open(t.Context(), t, "/v1/chat/completions", `{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"Hi"}]}`)
	if a := g.Post(t, "/v1/chat/completions", `{"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}]}`); a.Status != http.StatusOK {
		t.Fatal(a.Status, a.Body)
	}
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		g.Load(t, "respond gone")
	}()
	// Caddy waits for the streams of the old configuration, or not: both must end well.
	select {
	case <-loaded:
	case <-time.After(2 * time.Second):
	}
	close(later)
	if body, err := io.ReadAll(res.Body); err != nil || !strings.HasSuffix(string(body), "data: [DONE]\n\n") {
		t.Errorf("the stream broke with the reload: %v: %s", err, body)
	}
	<-loaded
	timeout := time.After(20 * time.Second)
	for gone := 0; gone < connections; {
		select {
		case s := <-states:
			switch s { //nolint:exhaustive // the others say nothing of how many there are
			case http.StateNew:
				opened++
			case http.StateClosed:
				gone++
			}
		case <-timeout:
			t.Fatalf("of %d connections %d were closed", opened, gone)
		}
	}
}
