package observe_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// statusOf returns the gateway's status as JSON.
func statusOf(t *testing.T, g *gatewaytest.Gateway) *gatewaytest.Answer {
	t.Helper()
	a := g.Get(t, "/bedrock_gateway/status")
	if a.Status != http.StatusOK || a.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	return a
}

func TestTheStatusPage(t *testing.T) {
	up := gatewaytest.NewUpstream(t, gatewaytest.Reply{Body: answered})
	config := "bedrock_gateway {\n upstream status-page-test openai k {\n base_url " + up.URL + "/v1\n }\n %s\n}"
	g := gatewaytest.Start(t, fmt.Sprintf(config, "status_page"))
	g.Post(t, "/v1/chat/completions", fmt.Sprintf(ask, "gpt-4o"))
	var report struct {
		Upstreams []struct {
			Name    string `json:"name"`
			Healthy bool   `json:"healthy"`
			Calls   int    `json:"calls_per_minute"`
		}
	}
	if err := json.Unmarshal([]byte(statusOf(t, g).Body), &report); err != nil || len(report.Upstreams) != 1 || report.Upstreams[0].Name != "status-page-test" || !report.Upstreams[0].Healthy || report.Upstreams[0].Calls != 1 {
		t.Errorf("%v: %+v", err, report)
	}
	for path, mediaType := range map[string]string{
		"/bedrock_gateway/status": "text/html; charset=utf-8", "/bedrock_gateway/status/app.js": "text/javascript; charset=utf-8", "/bedrock_gateway/status/style.css": "text/css; charset=utf-8",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, gatewaytest.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", "text/html,*/*")
		a := g.Do(t, req)
		policy := a.Header.Get("Content-Security-Policy")
		if a.Status != http.StatusOK || a.Header.Get("Content-Type") != mediaType || !strings.HasPrefix(policy, "default-src 'none'; script-src 'self';") || strings.Contains(policy, "unsafe") || a.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", path, a.Status, a.Header)
		}
		if strings.Contains(a.Body, "innerHTML") || strings.Contains(a.Body, "<script>") {
			t.Errorf("%s has what a strict policy does not allow", path)
		}
	}
	// Off unless it is written.
	g.Load(t, fmt.Sprintf(config, ""))
	if a := g.Get(t, "/bedrock_gateway/status"); a.Body != "" {
		t.Errorf("without the word: %d %s", a.Status, a.Body)
	}
}

// browser returns the path of Chromium. The script that runs all tests installs it.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("no Chromium: apt-get install chromium")
	}
	t.Skip("no Chromium here")
	return ""
}

// Names of models and users are clients' words. A page that put one of them into its HTML would let any client act as the
// operator who looks at it.
func TestClientsWordsAreTextOnTheStatusPage(t *testing.T) {
	chromium := browser(t)
	const image = `<img src=x onerror="document.title='taken'">`
	up := gatewaytest.NewUpstream(t, gatewaytest.Reply{Body: answered}, gatewaytest.Reply{Status: http.StatusInternalServerError, Body: `{"error":{"message":"no","type":"<b>type</b>"}}`})
	g := gatewaytest.Start(t, `api_key_auth {
	key <script>document.title='taken'</script> key-of-mallory-0123456
}
bedrock_gateway {
	openai k {
		base_url `+up.URL+`/v1
	}
	route * openai
	# So that they are among the largest of all that this process has called.
	price * {
		input  1000000
		output 1000000
	}
	status_page
}`)
	for range 2 {
		name, _ := json.Marshal(image)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, gatewaytest.URL+"/v1/chat/completions", strings.NewReader(`{"model":`+string(name)+`,"messages":[{"role":"user","content":"Hi"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer key-of-mallory-0123456")
		g.Do(t, req)
	}
	to, _ := url.Parse(gatewaytest.URL)
	site := httptest.NewServer(&httputil.ReverseProxy{
		Transport: g.Client.Transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Header.Set("Authorization", "Bearer key-of-mallory-0123456")
		},
	})
	defer site.Close()
	cmd := exec.CommandContext(t.Context(), chromium, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(), "--virtual-time-budget=4000", "--dump-dom", site.URL+"/bedrock_gateway/status")
	dom, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, dom)
	}
	page := string(dom)
	for _, want := range []string{"<title>Gateway status</title>", `&lt;img src=x onerror="document.title='taken'"&gt;`, "&lt;script&gt;document.title='taken'&lt;/script&gt;", "&lt;b&gt;type&lt;/b&gt;", "As of "} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s: %s", want, page)
		}
	}
	for _, bad := range []string{"<img", "<b>", "taken</title>"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %s: %s", bad, page)
		}
	}
}

// admin returns the global option for an admin API on a free port, and its address.
func admin(t *testing.T) (option, address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	_ = l.Close()
	return "admin " + address, "http://" + address
}

func getAdmin(t *testing.T, address, path string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, req)
}

func do(t *testing.T, req *http.Request) (status int, body string) {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var b strings.Builder
	if err := res.Write(&b); err != nil {
		t.Fatal(err)
	}
	_, body, _ = strings.Cut(b.String(), "\r\n\r\n")
	return res.StatusCode, body
}

func TestTheAdminAPIHasTheStatusAndTheMetrics(t *testing.T) {
	up := gatewaytest.NewUpstream(t, gatewaytest.Reply{Body: answered})
	option, address := admin(t)
	g := gatewaytest.StartWith(t, option, "bedrock_gateway {\n upstream admin-test openai k {\n base_url "+up.URL+"/v1\n }\n}")
	g.Post(t, "/v1/chat/completions", fmt.Sprintf(ask, "gpt-4o"))
	if status, body := getAdmin(t, address, "/bedrock_gateway/status"); status != http.StatusOK || !strings.Contains(body, `"name":"admin-test","kind":"openai","healthy":true,"failing_models":[],"calls_per_minute":1`) {
		t.Errorf("%d %s", status, body)
	}
	if status, body := getAdmin(t, address, "/metrics"); status != http.StatusOK || !strings.Contains(body, `caddy_bedrock_gateway_attempts_total{outcome="ok",upstream="admin-test"} 1`) {
		t.Errorf("%d %s", status, body)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"/bedrock_gateway/status", nil)
	if err != nil {
		t.Fatal(err)
	}
	if status, body := do(t, req); status != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d %s", status, body)
	}
	if a := g.Get(t, "/bedrock_gateway/status"); a.Status == http.StatusOK && strings.Contains(a.Body, "admin-test") {
		t.Error("the site shows the status, though nobody wrote status_page")
	}
}

func TestNoSecretIsShown(t *testing.T) {
	option, address := admin(t)
	g := gatewaytest.StartWith(t, option, strings.Replace(secretive(t, filepath.Join(t.TempDir(), "access.log")), "usage_log", "status_page", 1))
	saySecrets(t, g)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, gatewaytest.URL+"/bedrock_gateway/status", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+userKey)
	a := g.Do(t, req)
	if !strings.Contains(a.Body, `"name":"alice"`) {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	searched(t, "the status page", a.Body)
	for _, path := range []string{"/bedrock_gateway/status", "/metrics", "/config/", "/reverse_proxy/upstreams"} {
		_, body := getAdmin(t, address, path)
		searched(t, "the admin API's "+path, body)
	}
}
