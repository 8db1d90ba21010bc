package handler

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// manual returns the text of README.md and docs/.
func manual(t *testing.T) string {
	t.Helper()
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	var b strings.Builder
	for _, page := range append(pages, "../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(text)
	}
	return b.String()
}

// TestEveryEndpointIsInTheManual expects the line `METHOD path` of each row, as docs/endpoints.md has it.
func TestEveryEndpointIsInTheManual(t *testing.T) {
	text := manual(t)
	names := map[string]bool{}
	for _, e := range endpoints {
		if names[e.name] {
			t.Errorf("two endpoints are named %s", e.name)
		}
		names[e.name] = true
		method := e.method
		if method == "" {
			method = "any"
		}
		line := "| `" + e.name + "` | " + method + " | `" + e.path + "` |"
		if !strings.Contains(text, line) {
			t.Errorf("docs/endpoints.md lacks the row %s", line)
		}
		if e.off != "" && !strings.Contains(text, "`"+e.off+"`") {
			t.Errorf("the manual does not mention %s", e.off)
		}
	}
}

func TestPathsFindTheirEndpoints(t *testing.T) {
	g := New(Config{Health: true, Native: true})
	for _, c := range []struct{ method, path, name, variable string }{
		{"POST", "/v1/chat/completions", "chat", ""},
		{"GET", "/v1/chat/completions/health", "chat.health", ""},
		{"HEAD", "/v1/models", "models.list", ""},
		{"GET", "/v1/models/us.amazon.nova-pro-v1:0", "models.get", "us.amazon.nova-pro-v1:0"},
		{"GET", "/v1/models/a/b", "models.get", "a/b"},
		{"PUT", "/v1/images/generations", "images", "/generations"},
		{"GET", "/v1/models/", "", ""},
		{"POST", "/v1/embeddings", "embeddings", ""},
		{"POST", "/v1/embeddingsx", "", ""},
		{"POST", "/v1/images/../files", "", ""},
		{"POST", "/model/a%2Fb/invoke", "invoke", "a/b"},
		{"POST", "/model/arn:aws:x/y/converse-stream", "converse_stream", "arn:aws:x/y"},
		{"POST", "/model//invoke", "", ""},
		{"POST", "/model/a/elsewhere", "", ""},
		{"GET", "/foundation-models/x", "foundation_models", "/x"},
		{"GET", "/foundation-modelsx", "", ""},
		{"GET", "/v1/files", "", ""}, // there is no store
		{"GET", "/", "", ""},
	} {
		u, err := url.Parse(c.path)
		if err != nil {
			t.Fatal(err)
		}
		name, variable := "", ""
		if res, v := g.surface.find(u); res != nil {
			if e := res.endpoint(c.method); e != nil {
				name, variable = e.name, v
			}
		}
		if name != c.name || variable != c.variable {
			t.Errorf("%s %s: endpoint %q of %q, want %q of %q", c.method, c.path, name, variable, c.name, c.variable)
		}
	}
}

// Every request is matched: the search must not allocate.
func TestFindingAnEndpointDoesNotAllocate(t *testing.T) {
	g := New(Config{Health: true, Native: true})
	for _, path := range []string{"/v1/chat/completions", "/model/anthropic.claude-3-haiku-20240307-v1:0/converse", "/index.html"} {
		u := &url.URL{Path: path}
		if n := testing.AllocsPerRun(100, func() { g.surface.find(u) }); n > 0 {
			t.Errorf("%s: %.0f allocations", path, n)
		}
	}
}

func TestAWrongMethodIsToldTheRightOnes(t *testing.T) {
	g := New(Config{Health: true, Native: true})
	for path, want := range map[string]string{
		"/v1/chat/completions": "POST", "/v1/models": "GET, HEAD", "/health": "GET, HEAD", "/model/x/converse": "POST", "/foundation-models": "GET, HEAD",
	} {
		w := httptest.NewRecorder()
		if !g.ServeHTTP(w, httptest.NewRequest(http.MethodPatch, path, nil)) || w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != want {
			t.Errorf("%s: %d, Allow %q, want %q", path, w.Code, w.Header().Get("Allow"), want)
		}
	}
}
