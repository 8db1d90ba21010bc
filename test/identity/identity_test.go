// Package identity runs the examples that let others than api_key_auth say who a client is: Caddy's basic_auth, forward_auth
// and client certificates.
package identity

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// site is an example that runs, and where its log is.
type site struct {
	url, log string
	client   *http.Client
}

// start runs an example at a port of its own, by Caddy's internal authority, with a log.
func start(t *testing.T, name string, certificates ...tls.Certificate) *site {
	t.Helper()
	file := filepath.Join("../../examples/identity", name, "Caddyfile")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	if formatted := caddyfile.Format(text); !bytes.Equal(formatted, text) {
		t.Errorf("caddy fmt would make of it:\n%s", formatted)
	}
	dir := t.TempDir()
	t.Setenv("XDG_DATA_HOME", dir)
	t.Setenv("XDG_CONFIG_HOME", dir)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s := &site{url: fmt.Sprintf("https://localhost:%d", port), log: filepath.ToSlash(filepath.Join(dir, "access.log"))}
	const globals = "{\n\tadmin off\n\tpersist_config off\n\tskip_install_trust\n\tauto_https disable_redirects\n\tlog {\n\t\tlevel ERROR\n\t}\n}\n"
	run := globals + strings.Replace(string(text), "ai.example.com {\n", fmt.Sprintf("%s {\n\tbind 127.0.0.1\n\tlog {\n\t\toutput file %s\n\t}\n", s.url, s.log), 1)
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(run), map[string]any{"filename": file})
	if err != nil {
		t.Fatalf("%v\n%s", err, run)
	}
	if err := caddy.Load(config, true); err != nil {
		t.Fatalf("%v\n%s", err, run)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: certificates}} //nolint:gosec // the authority is the test's own
	t.Cleanup(transport.CloseIdleConnections)
	s.client = &http.Client{Transport: transport, Timeout: time.Minute}
	s.wait(t, transport.TLSClientConfig)
	return s
}

// wait returns when the site has its certificate, which Caddy obtains while it runs.
func (s *site) wait(t *testing.T, config *tls.Config) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		conn, err := (&tls.Dialer{Config: config}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "https://"))
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// ask asks for a model and returns the status, and the requests that remain.
func (s *site) ask(t *testing.T, model string, headers ...string) (status int, remain string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/chat/completions", strings.NewReader(`{"model":"`+model+`","messages":[{"role":"user","content":"Hi"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Add(name, value)
	}
	res, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	if _, err := io.ReadAll(res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("X-Ratelimit-Remaining-Requests")
}

// users stops Caddy and returns the users of the access log's lines.
func (s *site) users(t *testing.T) string {
	t.Helper()
	if err := caddy.Stop(); err != nil { // which waits for the log's last line
		t.Fatal(err)
	}
	logged, err := os.ReadFile(s.log)
	if err != nil {
		t.Fatal(err)
	}
	var users []string
	for line := range bytes.Lines(logged) {
		var l struct {
			User string `json:"user_id"`
		}
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatal(err)
		}
		users = append(users, l.User)
	}
	return strings.Join(users, " ")
}

func provider(t *testing.T) *gatewaytest.Upstream {
	t.Helper()
	u := gatewaytest.NewUpstream(t)
	u.Play(gatewaytest.Reply{Body: `{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`})
	t.Setenv("OPENAI_BASE_URL", u.URL+"/v1")
	t.Setenv("OPENAI_API_KEY", "sk-upstream")
	return u
}

// row is a client, the model it asks for, and what it gets.
type row struct {
	who, model string
	headers    []string
	status     int
	remain     string
}

func (s *site) run(t *testing.T, u *gatewaytest.Upstream, rows []row, users string) {
	t.Helper()
	for _, r := range rows {
		if status, remain := s.ask(t, r.model, r.headers...); status != r.status || remain != r.remain {
			t.Errorf("%s asks for %s: got %d, %s remain; want %d, %s", r.who, r.model, status, remain, r.status, r.remain)
		}
	}
	if got := s.users(t); got != users {
		t.Errorf("the log's users are %q, want %q", got, users)
	}
	for _, seen := range u.Seen() {
		for _, name := range []string{"Remote-User", "Remote-Groups", "Cookie"} {
			if v := seen.Header.Get(name); v != "" {
				t.Errorf("the upstream was sent %s: %s", name, v)
			}
		}
		if v := seen.Header.Get("Authorization"); v != "Bearer sk-upstream" {
			t.Errorf("the upstream was sent Authorization: %s", v)
		}
	}
}

func TestBasicAuth(t *testing.T) {
	u := provider(t)
	// By `caddy hash-password --bcrypt-cost 4`, which takes a millisecond and not a second.
	t.Setenv("ALICE_HASH", "$2a$04$RBtEpNGFEaEwJB31469ZNuFluid5yeRtQxZKKChdWyqvA6NijC/hG")
	t.Setenv("BOB_HASH", "$2a$04$EpGVtUaI9A0SNUhZUDY3v.RBpCie1tRN2sw8zTiYWcp0d/fP8Gwba")
	basic := func(user, password string) []string {
		r := &http.Request{Header: http.Header{}}
		r.SetBasicAuth(user, password)
		return []string{"Authorization: " + r.Header.Get("Authorization")}
	}
	alice, bob := basic("alice", "alice's password"), basic("bob", "bob's password")
	start(t, "basic-auth").run(t, u, []row{
		{"alice", "gpt-4o", alice, 200, "59"},
		{"alice", "gpt-4o-mini", alice, 200, "58"},
		{"bob", "gpt-4o-mini", bob, 200, "59"},
		{"bob", "gpt-4o", bob, 404, ""},
		{"eve", "gpt-4o", basic("alice", "guessed"), 401, ""},
		{"nobody", "gpt-4o", nil, 401, ""},
	}, "alice alice bob bob  ")
}

// A client cannot say by itself who it is: headers of that name are the service's alone.
func TestForwardAuth(t *testing.T) {
	u := provider(t)
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutPrefix(r.Header.Get("Cookie"), "session=")
		switch {
		case !ok || r.URL.Path != "/api/authz/forward-auth" || r.Header.Get("X-Forwarded-Uri") != "/v1/chat/completions":
			w.WriteHeader(http.StatusUnauthorized)
		case name != "nameless":
			w.Header().Set("Remote-User", name)
			if name == "alice" {
				w.Header().Set("Remote-Groups", "users,engineers")
			}
		}
	}))
	t.Cleanup(service.Close)
	t.Setenv("AUTH_SERVICE", strings.TrimPrefix(service.URL, "http://"))
	start(t, "forward-auth").run(t, u, []row{
		{"alice", "gpt-4o", []string{"Cookie: session=alice"}, 200, "59"},
		{"bob", "gpt-4o-mini", []string{"Cookie: session=bob"}, 200, "59"},
		{"bob", "gpt-4o", []string{"Cookie: session=bob"}, 404, ""},
		{"bob, who says that he is alice", "gpt-4o", []string{"Cookie: session=bob", "Remote-User: alice", "Remote-Groups: engineers"}, 404, ""},
		{"a session without a name", "gpt-4o-mini", []string{"Cookie: session=nameless", "Remote-User: alice"}, 200, "59"},
		{"nobody", "gpt-4o", nil, 401, ""},
	}, "alice bob bob bob  ")
}

func TestClientCertificates(t *testing.T) {
	u := provider(t)
	ca, others := authority(t), authority(t)
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Certificate[0]}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CLIENT_CA", path)
	s := start(t, "mtls", client(t, ca, "alice"))
	//nolint:gosec // the authority is the test's own
	for name, refused := range map[string]*tls.Config{
		"without a certificate":           {InsecureSkipVerify: true},
		"with one of another authority's": {InsecureSkipVerify: true, Certificates: []tls.Certificate{client(t, others, "alice")}},
	} {
		transport := &http.Transport{TLSClientConfig: refused}
		res, err := (&http.Client{Transport: transport}).Get(s.url + "/v1/models") //nolint:noctx // refused at once
		if err == nil {
			_ = res.Body.Close()
			t.Errorf("%s: got %d", name, res.StatusCode)
		}
		transport.CloseIdleConnections()
	}
	s.run(t, u, []row{
		{"alice", "gpt-4o", nil, 200, "59"},
		{"alice", "gpt-4o-mini", nil, 200, "58"},
	}, "alice alice")
}

func authority(t *testing.T) tls.Certificate {
	t.Helper()
	return certificate(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "the company's authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil)
}

func client(t *testing.T, ca tls.Certificate, name string) tls.Certificate {
	t.Helper()
	return certificate(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name, Organization: []string{"Company"}}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, &ca)
}

// certificate makes a certificate, signed by ca or by itself.
func certificate(t *testing.T, c *x509.Certificate, ca *tls.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(time.Now().UnixNano()), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := c, any(key)
	if ca != nil {
		signer = ca.PrivateKey
		if parent, err = x509.ParseCertificate(ca.Certificate[0]); err != nil {
			t.Fatal(err)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
