package simulator

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	// The modules a config without TLS comes down to.
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	_ "github.com/caddyserver/caddy/v2/modules/caddytls"
	_ "github.com/caddyserver/caddy/v2/modules/logging"
)

// freeAddr is a loopback address nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestServesInsideCaddy runs the directive, which needs no order, behind a real listener: HTTP/1.1 and HTTP/2 clients
// (the AWS SDK for JavaScript speaks h2c) get whole streams, and see broken ones break.
func TestServesInsideCaddy(t *testing.T) {
	addr := freeAddr(t)
	config := fmt.Sprintf("{\n admin off\n persist_config off\n auto_https off\n log {\n  level ERROR\n }\n"+
		" servers {\n  protocols h1 h2 h2c\n }\n}\nhttp://%s {\n handle /elsewhere {\n  respond next\n }\n bedrock_simulator\n}\n", addr)
	raw, _, err := caddyfile.Adapter{ServerType: httpcaddyfile.ServerType{}}.Adapt([]byte(config), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(raw, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = caddy.Stop() })

	var h1, h2 http.Protocols
	h1.SetHTTP1(true)
	h2.SetUnencryptedHTTP2(true)
	for name, protocols := range map[string]*http.Protocols{"HTTP/1.1": &h1, "HTTP/2.0": &h2} {
		t.Run(name, func(t *testing.T) {
			client := &http.Client{Transport: &http.Transport{Protocols: protocols}, Timeout: 10 * time.Second}
			defer client.CloseIdleConnections()
			get := func(path, key, body string) (string, error) {
				return fetch(t.Context(), client, "http://"+addr+path, key, body, name)
			}
			const words = `{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"one two%s"}]}`
			if got, err := get("/v1/chat/completions", "sk-simulator", fmt.Sprintf(words, "")); err != nil || !strings.Contains(got, "data: [DONE]") {
				t.Errorf("a stream: %q, %v", got, err)
			}
			got, err := get("/v1/chat/completions", "sk-simulator", fmt.Sprintf(words, " [[fault:cut=600]]"))
			if err == nil || len(got) != 600 {
				t.Errorf("a cut stream gave %d bytes and %v", len(got), err)
			}
			if got, err := get("/model/amazon.nova-lite-v1%3A0/converse", "simulator-bedrock-api-key",
				`{"messages":[{"role":"user","content":[{"text":"hi there"}]}]}`); err != nil || !strings.Contains(got, "hi there") {
				t.Errorf("converse: %q, %v", got, err)
			}
			if got, err := get("/elsewhere", "", "{}"); err != nil || got != "next" {
				t.Errorf("another path: %q, %v", got, err)
			}
		})
	}
}

func fetch(ctx context.Context, client *http.Client, url, key, body, protocol string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+key)
	reply, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer reply.Body.Close()
	if reply.Proto != protocol {
		return "", fmt.Errorf("answered in %s", reply.Proto)
	}
	b, err := io.ReadAll(reply.Body)
	return string(b), err
}
