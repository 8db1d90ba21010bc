package hostile

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// keyed is a site that refuses in all its ways: no key, no path, too large.
const keyed = `route {
	api_key_auth {
		key alice 0123456789abcdef
	}
	bedrock_gateway {
		max_body 1MB
		openai {
			api_key k
			base_url %s
		}
		files off
	}
}`

// A 401 was lost to clients that still sent: its connection was reset at once, and the answer with it. A client that sends
// all of a large body before it reads gets it whole, and so does one that pauses.
func TestA401ReachesAClientThatStillSends(t *testing.T) {
	url, _ := endless(t)
	g := gatewaytest.StartWith(t, "", fmt.Sprintf(keyed, url))
	block := strings.Repeat("x", 64<<10)
	chunk := fmt.Sprintf("%x\r\n%s\r\n", len(block), block)
	for name, c := range map[string]struct {
		head, send string
		times      int
	}{
		"sends all":              {"Content-Length: 2097152", block, 32},
		"sends all, chunked":     {"Transfer-Encoding: chunked", chunk, 32},
		"pauses":                 {"Content-Length: 2097152", block, 1},
		"pauses, chunked":        {"Transfer-Encoding: chunked", chunk, 1},
		"has little left":        {"Content-Length: 100000", block, 1},
		"expects to be asked":    {"Expect: 100-continue\r\nContent-Length: 2097152", "", 0},
		"expects, and sends all": {"Expect: 100-continue\r\nContent-Length: 2097152", block, 32},
	} {
		t.Run(name, func(t *testing.T) {
			var wait sync.WaitGroup
			for range 20 {
				conn := g.Dial(t)
				wait.Go(func() {
					_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
					_, err := fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: gateway.test\r\n%s\r\n\r\n", c.head)
					for range c.times {
						if err == nil {
							_, err = io.WriteString(conn, c.send)
						}
					}
					if err != nil {
						t.Errorf("could not send: %v", err)
						return
					}
					if got, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 401 ") || !strings.HasSuffix(string(got), `"code":null}}`) {
						t.Errorf("got %q, %v", got, err)
					}
				})
			}
			wait.Wait()
		})
	}
}

// counted counts what a client sent of its body.
type counted struct {
	io.Reader
	n atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// Every refusal of a large body reaches Go's client, 20 times of 20, over HTTP/1 and HTTP/2, and where the client asks first.
func TestARefusalReachesAClientWithALargeBody(t *testing.T) {
	url, _ := endless(t)
	g := gatewaytest.StartWith(t, "servers {\n\tprotocols h1 h2c\n}", fmt.Sprintf(keyed, url))
	const size = 8 << 20
	for major := 1; major <= 2; major++ {
		var protocols http.Protocols
		protocols.SetHTTP1(major == 1)
		protocols.SetUnencryptedHTTP2(major == 2)
		transport := g.Client.Transport.(*http.Transport).Clone()
		transport.Protocols, transport.ExpectContinueTimeout = &protocols, 10*time.Second
		t.Cleanup(transport.CloseIdleConnections)
		for _, c := range []struct {
			name, path, key string
			expect          bool
			status          int
		}{
			{"401", "/v1/chat/completions", "", false, http.StatusUnauthorized},
			{"401, asked first", "/v1/chat/completions", "", true, http.StatusUnauthorized},
			{"401 of an upload", "/v1/files", "", false, http.StatusUnauthorized},
			{"404", "/v1/nothing", "0123456789abcdef", false, http.StatusNotFound},
			{"413", "/v1/chat/completions", "0123456789abcdef", false, http.StatusRequestEntityTooLarge},
		} {
			t.Run(fmt.Sprintf("HTTP/%d %s", major, c.name), func(t *testing.T) {
				var wait sync.WaitGroup
				for range 20 {
					wait.Go(func() {
						ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
						defer cancel()
						body := &counted{Reader: io.LimitReader(zeros{}, size)}
						req, _ := http.NewRequestWithContext(ctx, http.MethodPost, gatewaytest.URL+c.path, body)
						req.ContentLength = size
						if c.key != "" {
							req.Header.Set("X-Api-Key", c.key)
						}
						if c.expect {
							req.Header.Set("Expect", "100-continue")
						}
						res, err := transport.RoundTrip(req)
						if err != nil {
							t.Error(err)
							return
						}
						defer res.Body.Close() //nolint:errcheck // read to its end
						text, err := io.ReadAll(res.Body)
						if err != nil || res.StatusCode != c.status || !strings.Contains(string(text), `"error"`) {
							t.Errorf("%d %s, %v", res.StatusCode, text, err)
						}
						if n := body.n.Load(); c.expect && n > 0 {
							t.Errorf("%d bytes were sent unasked", n)
						}
					})
				}
				wait.Wait()
			})
		}
	}
}

// zeros is a body without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
