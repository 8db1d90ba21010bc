package observe_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/bedrock"
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/openai"
)

const example = "../../examples/observability/"

// program returns the path of one of Prometheus' programs. The script that runs all tests installs them.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatal("no " + name + ": apt-get install prometheus")
	default:
		t.Skip("no " + name + " here")
	}
	return path
}

func TestTheExamplesRules(t *testing.T) {
	promtool := program(t, "promtool")
	for _, args := range [][]string{{"check", "config", "prometheus.yml"}, {"check", "rules", "rules.yml"}, {"test", "rules", "rules_test.yml"}} {
		cmd := exec.CommandContext(t.Context(), promtool, args...)
		cmd.Dir = example
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
}

// observed returns a configuration in which everything happens that the dashboard shows.
func observed(t *testing.T) string {
	t.Helper()
	expires := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	mux := http.NewServeMux()
	mux.Handle("/v1/", openai.New(openai.Options{}))
	mux.HandleFunc("/sts/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprintf(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken>token</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
			bedrock.DefaultAccessKeyID, bedrock.DefaultSecretAccessKey, expires)
	})
	mux.Handle("/", bedrock.New(bedrock.Options{AccessKeys: map[string]bedrock.AccessKey{bedrock.DefaultAccessKeyID: {Secret: bedrock.DefaultSecretAccessKey, SessionToken: "token"}}}))
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	failing := gatewaytest.NewUpstream(t, gatewaytest.Reply{Status: http.StatusServiceUnavailable, Body: `{"error":{"message":"busy"}}`})
	// Refuses a member the first time, and never again: what was learnt is remembered for each model.
	picky := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		if strings.Contains(string(body), `"seed"`) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":{"message":"Unknown parameter: 'seed'.","type":"invalid_request_error","param":"seed","code":"unknown_parameter"}}`)
			return
		}
		_, _ = io.WriteString(w, answered)
	}))
	t.Cleanup(picky.Close)
	return fmt.Sprintf(`bedrock_gateway {
	openai %[1]s {
		base_url %[2]s/v1
	}
	bedrock us-east-1 {
		endpoint %[2]s
		sts_endpoint %[2]s/sts/
		credentials AKIDEXAMPLE secret
		assume_role arn:aws:iam::123456789012:role/gateway
	}
	upstream failing openai k {
		base_url %[3]s/v1
	}
	upstream picky openai k {
		base_url %[4]s/v1
	}
	route fallback {
		to failing gpt-4o
		to bedrock %[5]s
		retries 1
	}
	route picky-* picky
	limit everybody {
		tokens 100000000 day
	}
	files local %[6]q
	price * {
		input 1
		output 2
	}
}`, openai.DefaultKey, srv.URL, failing.URL, picky.URL, nova, t.TempDir())
}

// happen makes a round of calls of all kinds.
func happen(t *testing.T, g *gatewaytest.Gateway, round int) {
	t.Helper()
	long := strings.Repeat("the same words again, ", 600)
	var wg sync.WaitGroup
	for i, body := range []string{
		`{"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}]}`,
		`{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"Tell me more than one word"}]}`,
		`{"model":"` + nova + `","stream":true,"messages":[{"role":"user","content":"Tell me more than one word"}]}`,
		`{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"Hi [[fault:cut=900]]"}]}`,
		`{"model":"fallback","seed":1,"messages":[{"role":"user","content":"Hi"}]}`,
		`{"model":"picky-` + strconv.Itoa(round) + `","seed":1,"messages":[{"role":"user","content":"Hi"}]}`,
		`{"model":"` + sonnet + `","max_tokens":20,"messages":[{"role":"system","content":[{"type":"text","text":"` + long + `","cache_control":{"type":"ephemeral"}}]},{"role":"user","content":"Hi"}]}`,
		`{"model":"nowhere","messages":[{"role":"user","content":"Hi"}]}`,
	} {
		wg.Go(func() {
			if a := post(t, g, "/v1/chat/completions", body); a != nil && a.Status != http.StatusOK && i < 7 {
				t.Errorf("call %d: %d %s", i, a.Status, a.Body)
			}
		})
	}
	wg.Wait()
	form := "--x\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nassistants\r\n--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\ntext\r\n--x--\r\n"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, gatewaytest.URL+"/v1/files", strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	if a := g.Do(t, req); a.Status != http.StatusOK {
		t.Errorf("an upload: %d %s", a.Status, a.Body)
	}
}

// queries returns the dashboard's queries by the titles of their panels, as Grafana would send them.
func queries(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile(example + "dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Type, Title string
			Targets     []struct{ Expr, RefID string }
		}
	}
	if err := json.Unmarshal(data, &dashboard); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, p := range dashboard.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("the panel %q has no query", p.Title)
		}
		for _, target := range p.Targets {
			all[p.Title+" "+target.RefID] = strings.ReplaceAll(target.Expr, "$__rate_interval", "1m")
		}
	}
	return all
}

// query asks Prometheus, and returns how many results with a number there are.
func query(t *testing.T, address, expr string) (numbers int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/api/v1/query?query="+url.QueryEscape(expr), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0 // it does not listen yet
	}
	defer res.Body.Close()
	var reply struct {
		Status, Error string
		Data          struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&reply); err != nil {
		return 0
	}
	if reply.Status == "error" {
		t.Fatalf("%s: %s", expr, reply.Error)
	}
	for _, r := range reply.Data.Result {
		text, _ := r.Value[1].(string)
		if f, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(f) {
			numbers++
		}
	}
	return numbers
}

// A dashboard that was right once shows nothing after a metric was renamed, and nobody knows until he needs it.
func TestEveryPanelOfTheDashboardShowsSomething(t *testing.T) {
	prometheus := program(t, "prometheus")
	option, target := admin(t)
	g := gatewaytest.StartWith(t, option, observed(t))
	dir := t.TempDir()
	config, err := os.ReadFile(example + "prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := filepath.Abs(example + "rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	adapted := strings.NewReplacer("localhost:2019", strings.TrimPrefix(target, "http://"), "interval: 15s", "interval: 200ms", "rules.yml", rules).Replace(string(config))
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(adapted), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	cmd := exec.CommandContext(t.Context(), prometheus, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(out.String())
		}
	}()
	// Rates need two scrapes with something between them, so the load goes on until every panel has its numbers.
	missing := queries(t)
	total := len(missing)
	deadline := time.Now().Add(90 * time.Second)
	for round := 0; len(missing) > 0 && time.Now().Before(deadline); round++ {
		happen(t, g, round)
		for panel, expr := range missing {
			if query(t, "http://"+address, expr) > 0 {
				delete(missing, panel)
			}
		}
	}
	for panel, expr := range missing {
		t.Errorf("the panel %s shows nothing: %s", panel, expr)
	}
	t.Logf("%d queries of the dashboard return numbers", total)
}
