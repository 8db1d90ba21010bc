package cli_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// With --domain it is HTTPS, by a certificate that Caddy gets: here from its own authority, and on ports that need no privilege.
func TestServeDomain(t *testing.T) {
	h := newHome(t)
	secure, plain := gatewaytest.FreePort(t), gatewaytest.FreePort(t)
	printed := h.caddy(t, "", "bedrock", "serve", "--simulate", "--domain", "localhost", "--api-key", "some-key-of-clients", "--print-config")
	ports := fmt.Sprintf("{\n\thttps_port %d\n\thttp_port %d\n\tskip_install_trust\n\t# Without", secure, plain)
	text := strings.Replace(printed.stdout, "{\n\t# Without", ports, 1)
	if printed.code != 0 || text == printed.stdout {
		t.Fatalf("%+v", printed)
	}
	h.file(t, "Caddyfile", text)
	p := h.start(t, "run", "--config", "Caddyfile")
	p.await(t, "certificate obtained successfully")
	root, err := os.ReadFile(filepath.Join(h.dir, "caddy", "pki", "authorities", "local", "root.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(root)
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}}
	for key, want := range map[string]string{"some-key-of-clients": `200 {"object":"list"`, "another": "401 {"} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", fmt.Sprintf("https://localhost:%d/v1/models", secure), http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		res, err := client.Do(req)
		// Caddy says that it has the certificate a moment before it serves it.
		for end := time.Now().Add(20 * time.Second); err != nil && time.Now().Before(end); res, err = client.Do(req) {
			time.Sleep(20 * time.Millisecond)
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if got := fmt.Sprintf("%d %s", res.StatusCode, body); err != nil || !strings.HasPrefix(got, want) || res.ProtoMajor != 2 {
			t.Errorf("with key %q: %.200s, HTTP/%d, %v", key, got, res.ProtoMajor, err)
		}
	}
}
