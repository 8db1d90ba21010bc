// Package redis runs gateways of several processes that count limits together in a real Redis, which the tests stop, pause
// and start again. test/redis/run says where redis-server is.
package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// fleet is gateways with a limit in common, and a provider behind them that knows what it gave.
type fleet struct {
	gateways []*gatewaytest.Process
	urls     []string
	given    atomic.Int64 // tokens
	client   *http.Client
}

// limitTokens is the limit per second, of which a tenth is reserved for a reply that may be longer.
const limitTokens = 10_000

// newFleet starts so many gateways; store is the line of the Caddyfile.
func newFleet(t *testing.T, n int, store string) *fleet {
	t.Helper()
	binary := gatewaytest.Build(t, os.Getenv("CADDY"))
	f := &fleet{}
	provider := httptest.NewServer(http.HandlerFunc(f.provide))
	t.Cleanup(provider.Close)
	for range n {
		dir, address := t.TempDir(), fmt.Sprintf("127.0.0.1:%d", gatewaytest.FreePort(t))
		config := filepath.Join(dir, "Caddyfile")
		text := fmt.Sprintf(`{
	admin off
	persist_config off
	log {
		level DEBUG
		include http.handlers.bedrock_gateway.limits_store
	}
}
http://%s {
	bedrock_gateway {
		openai sk-1 {
			base_url %s/v1
		}
		limit all {
			tokens %d 1s
			concurrent 1000
		}
		limit each {
			key {http.request.header.X-User}
			requests 1000000 day
		}
		%s
	}
}
`, address, provider.URL, limitTokens, store)
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p := gatewaytest.Run(t, dir, binary, "run", "--config", config, "--adapter", "caddyfile")
		gatewaytest.Await(t, address)
		f.gateways = append(f.gateways, p)
		f.urls = append(f.urls, "http://"+address)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 200}
	t.Cleanup(transport.CloseIdleConnections)
	f.client = &http.Client{Transport: transport, Timeout: 30 * time.Second}
	return f
}

// provide answers as OpenAI does, by replies of up to a fifth more tokens than are reserved for them.
func (f *fleet) provide(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Stream bool `json:"stream"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	tokens := 100 + rand.IntN(1100) //nolint:gosec // sizes
	usage := fmt.Sprintf(`"usage":{"prompt_tokens":20,"completion_tokens":%d,"total_tokens":%d}`, tokens, tokens+20)
	f.given.Add(int64(tokens + 20))
	if !body.Stream {
		time.Sleep(20 * time.Millisecond) // the model thinks
		_, _ = io.WriteString(w, `{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],`+usage+`}`)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	const chunk = `{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[%s]%s}`
	for range 5 {
		_, _ = fmt.Fprintf(w, "data: "+chunk+"\n\n", `{"index":0,"delta":{"content":"Hi"}}`, "")
		w.(http.Flusher).Flush()
		time.Sleep(5 * time.Millisecond) // the model thinks
	}
	_, _ = fmt.Fprintf(w, "data: "+chunk+"\n\ndata: "+chunk+"\n\ndata: [DONE]\n\n", `{"index":0,"delta":{},"finish_reason":"stop"}`, "", "", ","+usage)
}

// load is what clients saw.
type load struct {
	calls, refused atomic.Int64
	mu             sync.Mutex
	slowest        time.Duration
	wrong          []string
}

// ask lets 64 clients call until ctx ends, each as soon as its last call ended or a little after a refusal.
func (f *fleet) ask(ctx context.Context) *load {
	l := &load{}
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			body := fmt.Sprintf(`{"model":"gpt-4o","stream":%v,"messages":[{"role":"user","content":"Hello"}]}`, i%2 == 0)
			for n := i; ctx.Err() == nil; n++ {
				begun := time.Now()
				status, reply, err := f.call(f.urls[n%len(f.urls)], body, fmt.Sprint(i))
				l.mu.Lock()
				l.slowest = max(l.slowest, time.Since(begun))
				if err != nil || status != http.StatusOK && status != http.StatusTooManyRequests || status == http.StatusOK && !strings.Contains(reply, `"total_tokens"`) && i%2 != 0 || status == http.StatusOK && i%2 == 0 && !strings.Contains(reply, "[DONE]") {
					l.wrong = append(l.wrong, fmt.Sprintf("%d %v %s", status, err, reply))
				}
				l.mu.Unlock()
				if status == http.StatusOK {
					l.calls.Add(1)
					continue
				}
				l.refused.Add(1)
				select {
				case <-ctx.Done():
				case <-time.After(time.Duration(150+rand.IntN(200)) * time.Millisecond): //nolint:gosec // a client's patience
				}
			}
		})
	}
	wg.Wait()
	return l
}

func (f *fleet) call(url, body, user string) (status int, reply string, err error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-User", user)
	res, err := f.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	raw, err := io.ReadAll(res.Body)
	return res.StatusCode, string(raw), errors.Join(err, res.Body.Close())
}

func (l *load) check(t *testing.T) {
	t.Helper()
	t.Logf("%d calls, %d refused, the slowest took %v", l.calls.Load(), l.refused.Load(), l.slowest.Round(time.Millisecond))
	if len(l.wrong) > 0 {
		t.Errorf("%d wrong answers, such as %s", len(l.wrong), l.wrong[0])
	}
	if l.slowest > 3*time.Second {
		t.Errorf("a request took %v", l.slowest)
	}
}
