package auth

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

// runCaddy runs a site in this process until the test ends, and gives its URL.
func runCaddy(t *testing.T, site string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(fmt.Appendf(nil,
		"{\n admin off\n persist_config off\n auto_https off\n}\nhttp://%s {\n bind 127.0.0.1\n%s\n}\n", addr, site), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(config, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	return "http://" + addr
}

// Through the whole Caddy: the 401 is one body, the credential does not reach
// what is behind, and the access log has no key in it when the two fields are
// deleted as the documentation says. Caddy hides only Authorization by itself,
// and removing the headers from the request does not help: it logs a copy made
// before any handler runs.
func TestThroughCaddy(t *testing.T) {
	log := filepath.ToSlash(filepath.Join(t.TempDir(), "access.log"))
	url := runCaddy(t, `
	log {
		output file `+log+`
		format filter {
			request>headers>X-Api-Key delete
			request>headers>Api-Key delete
		}
	}
	handle_errors {
		respond "the site's own page for {err.status_code}"
	}
	respond "{http.auth.user.id}|{http.auth.user.models}|{header.Authorization}{header.X-Api-Key}{header.Api-Key}"
	api_key_auth {
		key alice sk-alice
		key bob sk-bob {
			models gpt-* o3
		}
	}`)
	for _, tc := range []struct {
		header, value string
		status        int
		body          string
	}{
		{"Authorization", "Bearer sk-alice", 200, "alice||"},
		{"X-Api-Key", "sk-bob", 200, "bob|gpt-* o3|"},
		{"Api-Key", "sk-bob", 200, "bob|gpt-* o3|"},
		{"Api-Key", "sk-eve", 401, `{"error":{"message":"` + wrong + `","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`},
		{"X-Other", "sk-eve", 401, `{"error":{"message":"` + missing + `","type":"invalid_request_error","param":null,"code":null}}`},
	} {
		req, err := http.NewRequest(http.MethodPost, url+"/v1/chat/completions", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(tc.header, tc.value)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != tc.status || string(body) != tc.body {
			t.Errorf("%s: got %d %s\nwant %d %s", tc.header, resp.StatusCode, body, tc.status, tc.body)
		}
	}
	logged, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(logged, []byte("\n")); n != 5 {
		t.Errorf("%d lines logged, want 5", n)
	}
	for _, key := range []string{"sk-alice", "sk-bob"} {
		if bytes.Contains(logged, []byte(key)) {
			t.Errorf("%s stands in the access log:\n%s", key, logged)
		}
	}
	if !bytes.Contains(logged, []byte(`"user_id":"alice"`)) {
		t.Errorf("the user does not stand in the access log:\n%s", logged)
	}
}
