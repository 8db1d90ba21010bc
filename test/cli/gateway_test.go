package cli_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// gateway is a simulated gateway of its own process, with prices and a usage log, and the admin endpoint.
type gateway struct {
	url, admin string
}

// serveGateway runs one until the test ends. Words are more of its block.
func serveGateway(t *testing.T, h *home, words string) gateway {
	t.Helper()
	port, models, admin := gatewaytest.FreePort(t), gatewaytest.FreePort(t), gatewaytest.FreePort(t)
	file := h.file(t, "Caddyfile", fmt.Sprintf(`{
	admin localhost:%[3]d
	persist_config off
	log usage {
		include http.handlers.bedrock_gateway.usage
		output file usage.log
	}
}
http://127.0.0.1:%[1]d {
	bedrock_gateway {
		openai sk-simulator {
			base_url http://127.0.0.1:%[2]d/v1
		}
		bedrock us-east-1 {
			endpoint http://127.0.0.1:%[2]d
			control_endpoint http://127.0.0.1:%[2]d
			sts_endpoint http://127.0.0.1:%[2]d
			credentials AKIASIMULATOR0000000 simulator-secret-key
		}
		files local
		usage_log
		status_page
		cost_header
		price * {
			input 1
			output 10
		}
		%[4]s
	}
}
http://127.0.0.1:%[2]d {
	bedrock_simulator
}
`, port, models, admin, words))
	p := h.start(t, "run", "--config", file, "--adapter", "caddyfile")
	p.await(t, "serving initial configuration")
	g := gateway{url: fmt.Sprintf("http://127.0.0.1:%d", port), admin: fmt.Sprintf("localhost:%d", admin)}
	h.env = append(h.env, "CHAT_SERVER_URL="+g.url, "CADDY_ADMIN="+g.admin, "DEFAULT_OPENAI_MODEL=gpt-4o-mini")
	return g
}

// call makes a chat, as some client would.
func (g gateway) call(t *testing.T, body string) {
	t.Helper()
	c := http.Client{Timeout: time.Minute}
	res, err := c.Post(g.url+"/v1/chat/completions", "application/json", strings.NewReader(body)) //nolint:noctx // it has a time limit
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
}

// has is a command, and what must be in what it says.
type has struct {
	args        string // separated by spaces
	stdin       string
	code        int
	stdout, err []string // texts that must be there, none must be there if it is nil
}

func (w has) check(t *testing.T, h *home) string {
	t.Helper()
	got := h.caddy(t, w.stdin, append([]string{"bedrock"}, strings.Fields(w.args)...)...)
	if got.code != w.code {
		t.Errorf("%s: exit code %d, want %d\n%s%s", w.args, got.code, w.code, got.stdout, got.err)
	}
	for _, stream := range []struct {
		name, got string
		want      []string
	}{{"stdout", got.stdout, w.stdout}, {"stderr", got.err, w.err}} {
		if len(stream.want) == 0 && stream.got != "" {
			t.Errorf("%s: %s has %q", w.args, stream.name, stream.got)
		}
		for _, text := range stream.want {
			if !strings.Contains(stream.got, text) {
				t.Errorf("%s: %s has no %q:\n%s", w.args, stream.name, text, stream.got)
			}
		}
		if strings.Contains(stream.got, "\x1b") {
			t.Errorf("%s: terminal codes in %s, which is no terminal: %q", w.args, stream.name, stream.got)
		}
	}
	return got.stdout
}
