//go:build linux

package soak

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// provider is an upstream whose listener, and answers, can be taken away.
type provider struct {
	address string
	server  *http.Server
	fails   atomic.Bool
	calls   [2000]atomic.Int32 // by tenths of a second since begun
	begun   time.Time
	hole    int   // a socket that listens and accepts nothing
	filling []int // the connections that wait there for good
}

const answer = `{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{address: "127.0.0.1:0", begun: time.Now(), hole: -1}
	p.listen(t)
	t.Cleanup(func() { _ = p.server.Close() })
	return p
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.calls[min(int(time.Since(p.begun)/(100*time.Millisecond)), len(p.calls)-1)].Add(1)
	_, _ = io.Copy(io.Discard, r.Body)
	time.Sleep(10 * time.Millisecond) // the model thinks
	if p.fails.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	_, _ = io.WriteString(w, answer)
}

func (p *provider) listen(t *testing.T) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	p.address = l.Addr().String()
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: time.Minute}
	go p.server.Serve(l) //nolint:errcheck // it ends with the test
}

// refuse closes the listener and all connections.
func (p *provider) refuse() { _ = p.server.Close() }

// swallow lets nobody connect, and tells nobody: the queue of connections is full.
func (p *provider) swallow(t *testing.T) {
	t.Helper()
	p.refuse()
	_, port, _ := net.SplitHostPort(p.address)
	at := &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	_, _ = fmt.Sscan(port, &at.Port)
	var err error
	if p.hole, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0); err != nil {
		t.Fatal(err)
	}
	_ = syscall.SetsockoptInt(p.hole, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	if err := syscall.Bind(p.hole, at); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(p.hole, 0); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		_ = syscall.Connect(fd, at) // in progress
		p.filling = append(p.filling, fd)
	}
}

// restore makes it what it was.
func (p *provider) restore(t *testing.T) {
	t.Helper()
	p.fails.Store(false)
	if p.hole >= 0 {
		for _, fd := range append(p.filling, p.hole) {
			_ = syscall.Close(fd)
		}
		p.listen(t)
	} else if conn, err := net.DialTimeout("tcp", p.address, time.Second); err != nil { //nolint:noctx // bounded
		p.listen(t)
	} else {
		_ = conn.Close()
	}
}

// most returns the most calls in a tenth of a second of a time.
func (p *provider) most(from, to time.Duration) int32 {
	most := int32(0)
	for i := from / (100 * time.Millisecond); i < to/(100*time.Millisecond); i++ {
		most = max(most, p.calls[i].Load())
	}
	return most
}

// one is a call of a client.
type one struct {
	at, took time.Duration
	sent     int
	by       string
	status   int
}

// TestOutage takes one of two upstreams away for 20 s, in three ways at once, by the settings that are the default.
func TestOutage(t *testing.T) {
	if os.Getenv("SOAK") == "" {
		t.Skip("it takes 50 s: SOAK=60s test/redis/run ./test/soak")
	}
	const before, outage, after, clients = 5 * time.Second, 20 * time.Second, 25 * time.Second, 10
	kinds := []struct {
		name string
		take func(*testing.T, *provider)
	}{
		{"refused", func(_ *testing.T, p *provider) { p.refuse() }},
		{"fails", func(_ *testing.T, p *provider) { p.fails.Store(true) }},
		{"swallowed", func(t *testing.T, p *provider) { t.Helper(); p.swallow(t) }},
	}
	second := newProvider(t)
	firsts := make([]*provider, len(kinds))
	var config strings.Builder
	fmt.Fprintf(&config, "bedrock_gateway {\n\tupstream second openai k {\n\t\tbase_url http://%s/v1\n\t}\n", second.address)
	for i, k := range kinds {
		firsts[i] = newProvider(t)
		fmt.Fprintf(&config, "\tupstream first-%[1]s openai k {\n\t\tbase_url http://%[2]s/v1\n\t}\n\troute %[1]s {\n\t\tto first-%[1]s m\n\t\tto second m\n\t}\n", k.name, firsts[i].address)
	}
	g := gatewaytest.Start(t, config.String()+"}")
	ctx, cancel := context.WithTimeout(t.Context(), before+outage+after)
	defer cancel()
	begun := time.Now()
	for _, p := range firsts {
		p.begun = begun
	}
	seen := make([][]one, len(kinds))
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i, k := range kinds {
		for range clients {
			wg.Go(func() {
				for ctx.Err() == nil {
					c := one{at: time.Since(begun), sent: 1}
					if res, err := g.Try(context.Background(), "/v1/chat/completions", `{"model":"`+k.name+`","messages":[{"role":"user","content":"Hi"}]}`); err == nil {
						raw, err := io.ReadAll(res.Body)
						_ = res.Body.Close()
						if c.status = res.StatusCode; err != nil || string(raw) == "" {
							c.status = 0
						}
						c.by = res.Header.Get("Bedrock-Gateway-Upstream")
						_, _ = fmt.Sscan(res.Header.Get("Bedrock-Gateway-Attempts"), &c.sent) // it is there where there were more
					}
					c.took = time.Since(begun) - c.at
					mu.Lock()
					seen[i] = append(seen[i], c)
					mu.Unlock()
					time.Sleep(100 * time.Millisecond) // a client's pace
				}
			})
		}
	}
	time.Sleep(before) // under load
	for i, k := range kinds {
		k.take(t, firsts[i])
	}
	time.Sleep(outage) // under load
	for _, p := range firsts {
		p.restore(t)
	}
	wg.Wait()
	for i, k := range kinds {
		judge(t, k.name, firsts[i], seen[i], before, before+outage)
	}
}

func judge(t *testing.T, name string, p *provider, seen []one, from, to time.Duration) {
	t.Helper()
	calls, sent, wrong, slow := 0, 0, 0, 0
	slowest, recovered := time.Duration(0), time.Duration(0)
	slices.SortFunc(seen, func(a, b one) int { return int(a.at + a.took - b.at - b.took) })
	for _, c := range seen {
		if c.status != http.StatusOK {
			wrong++
		}
		if c.at >= from && c.at < to {
			calls, sent, slowest = calls+1, sent+c.sent, max(slowest, c.took)
			if c.took > time.Second {
				slow++
			}
		}
		if recovered == 0 && c.at >= to && strings.HasPrefix(c.by, "first-") {
			recovered = c.at + c.took - to
		}
	}
	usual, burst := p.most(0, from), p.most(to, to+25*time.Second)
	t.Logf("%-9s: %d calls in the outage, %.3f sent for each, %d answers wrong, %d slower than 1 s, the slowest %v; asked again %v after its return; in 100 ms it got %d at most before, %d when it was back",
		name, calls, float64(sent)/float64(calls), wrong, slow, slowest.Round(time.Millisecond), recovered.Round(100*time.Millisecond), usual, burst)
	switch {
	case wrong > 0:
		t.Errorf("%s: %d of the clients' calls failed", name, wrong)
	case float64(sent) > 1.1*float64(calls):
		t.Errorf("%s: %d calls were sent for %d", name, sent, calls)
	case recovered == 0 || recovered > 20*time.Second:
		t.Errorf("%s: asked again after %v", name, recovered)
	case burst > 3*usual+5:
		t.Errorf("%s: a stampede of %d calls in 100 ms, where %d are usual", name, burst, usual)
	}
}
