package hostile

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/quic-go/quic-go/http3"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// startHTTP3 runs a site over HTTP/3, which needs certificates and a port, and returns its URL and a client that speaks
// nothing else.
func startHTTP3(t *testing.T, directives string) (string, *http.Client) {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	var err error
	for range 5 { // a free port may be taken before Caddy has it
		var udp net.PacketConn
		if udp, err = new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		port := udp.LocalAddr().(*net.UDPAddr).Port
		_ = udp.Close()
		var config []byte
		config, _, err = caddyconfig.GetAdapter("caddyfile").Adapt(fmt.Appendf(nil,
			"{\n\tadmin off\n\tpersist_config off\n\tskip_install_trust\n\tauto_https disable_redirects\n\t%s\n}\nhttps://localhost:%d {\n\tbind 127.0.0.1\n\ttls internal\n\t%s\n}\n",
			strings.Replace(idleLimits, "{", "{\n\tprotocols h1 h2 h3", 1), port, directives), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err = caddy.Load(config, true); err != nil {
			continue
		}
		t.Cleanup(func() {
			if err := caddy.Stop(); err != nil {
				t.Error(err)
			}
		})
		awaitCertificate(t, fmt.Sprintf("localhost:%d", port))
		transport := &http3.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // the certificate is made for this test
		t.Cleanup(func() { _ = transport.Close() })
		return fmt.Sprintf("https://localhost:%d", port), &http.Client{Transport: transport, Timeout: time.Minute}
	}
	t.Fatal(err)
	return "", nil
}

// awaitCertificate returns as soon as the site has its certificate, which Caddy makes beside the start: until then it refuses
// handshakes with an internal error.
func awaitCertificate(t *testing.T, address string) {
	t.Helper()
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // the certificate is made for this test
	for deadline := time.Now().Add(20 * time.Second); ; {
		conn, err := dialer.DialContext(t.Context(), "tcp", address)
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// A silent stream over HTTP/3 is not cut either, and a refusal reaches a client that still sends.
func TestHTTP3(t *testing.T) {
	later := make(chan struct{})
	up := gatewaytest.NewUpstream(t, gatewaytest.Reply{
		Header: map[string]string{"Content-Type": "text/event-stream"},
		Body:   "data: " + silentChunk + "\n\n", Until: later, Rest: "data: " + silentEnd + "\n\ndata: [DONE]\n\n",
	})
	url, client := startHTTP3(t, fmt.Sprintf(keyed, up.URL))
	send := func(body io.Reader, key string) (*http.Response, string, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/chat/completions", body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Api-Key", key)
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close() //nolint:errcheck // read to its end
		text, err := io.ReadAll(res.Body)
		return res, string(text), err
	}
	timer := time.AfterFunc(3*time.Second, func() { close(later) }) // three times what the server lets a write stall
	defer timer.Stop()
	res, body, err := send(strings.NewReader(`{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"Hi"}]}`), "0123456789abcdef")
	if res.ProtoMajor != 3 || res.StatusCode != http.StatusOK || err != nil || !strings.HasSuffix(body, "data: [DONE]\n\n") {
		t.Errorf("%s %d, broken %v: %s", res.Proto, res.StatusCode, err, body)
	}
	for range 20 {
		res, body, err := send(io.LimitReader(zeros{}, 8<<20), "wrong")
		if res.StatusCode != http.StatusUnauthorized || err != nil || !strings.Contains(body, `"code":"invalid_api_key"`) {
			t.Errorf("%d, broken %v: %s", res.StatusCode, err, body)
		}
	}
}
