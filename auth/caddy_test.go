package auth_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/open-bedrock/caddy-bedrock-gateway/auth"
	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// Through the whole Caddy: the 401 has one body, the credential does not reach
// later handlers, and the access log and, with debug, the log of errors have no key when the two fields are
// deleted as documented. Caddy itself redacts only Authorization. Removing the headers from the
// request does not help, because Caddy logs a copy made before any handler runs.
func TestThroughCaddy(t *testing.T) {
	log := filepath.ToSlash(filepath.Join(t.TempDir(), "access.log"))
	refusals := filepath.ToSlash(filepath.Join(t.TempDir(), "error.log"))
	g := gatewaytest.StartWith(t, `log refusals {
		include http.log.error
		level DEBUG
		output file `+refusals+`
		format filter {
			request>headers>X-Api-Key delete
			request>headers>Api-Key delete
		}
	}`, `
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
	respond "{http.auth.user.id}|{http.auth.user.models}|{http.auth.user.tags}|{header.Authorization}{header.X-Api-Key}{header.Api-Key}"
	api_key_auth {
		key alice sk-alice
		key bob sk-bob {
			models gpt-* o3
			tags red blue
		}
		key carol sk-carol {
			expires 2020-01-31
		}
	}`)
	for _, tc := range []struct {
		header, value string
		status        int
		body          string
	}{
		{"Authorization", "Bearer sk-alice", 200, "alice|||"},
		{"X-Api-Key", "sk-bob", 200, "bob|gpt-* o3|red blue|"},
		{"Api-Key", "sk-bob", 200, "bob|gpt-* o3|red blue|"},
		{"Api-Key", "sk-carol", 401, `{"error":{"message":"` + auth.Wrong + `","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`},
		{"Api-Key", "sk-eve", 401, `{"error":{"message":"` + auth.Wrong + `","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`},
		{"X-Other", "sk-other", 401, `{"error":{"message":"` + auth.Missing + `","type":"invalid_request_error","param":null,"code":null}}`},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, gatewaytest.URL+"/v1/chat/completions", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(tc.header, tc.value)
		if a := g.Do(t, req); a.Status != tc.status || a.Body != tc.body || a.Broken != nil {
			t.Errorf("%s: got %d %s, %v\nwant %d %s", tc.header, a.Status, a.Body, a.Broken, tc.status, tc.body)
		}
	}
	// The last line is written when its answer has gone out already.
	var logged []byte
	for end := time.Now().Add(10 * time.Second); bytes.Count(logged, []byte("\n")) < 6 && time.Now().Before(end); {
		var err error
		if logged, err = os.ReadFile(log); err != nil {
			t.Fatal(err)
		}
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	refused, err := os.ReadFile(refusals)
	if err != nil {
		t.Fatal(err)
	}
	if n, m := bytes.Count(logged, []byte("\n")), bytes.Count(refused, []byte("not authenticated")); n != 6 || m != 3 {
		t.Errorf("%d lines logged, want 6, and %d refusals, want 3", n, m)
	}
	for _, key := range []string{"sk-alice", "sk-bob", "sk-carol", "sk-eve"} {
		if bytes.Contains(logged, []byte(key)) || bytes.Contains(refused, []byte(key)) {
			t.Errorf("%s stands in a log:\n%s%s", key, logged, refused)
		}
	}
	if !bytes.Contains(logged, []byte(`"user_id":"alice"`)) {
		t.Errorf("the user does not stand in the access log:\n%s", logged)
	}
	if n := bytes.Count(logged, []byte(`"expired_key_of":"carol"`)); n != 1 {
		t.Errorf("%d lines tell of the expired key, want 1:\n%s", n, logged)
	}
}
