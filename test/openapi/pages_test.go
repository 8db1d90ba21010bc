package openapi_test

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

const local = "bedrock_gateway {\n openai k {\n base_url http://127.0.0.1:1/v1\n }\n %s\n}"

// A site that has pages of its own puts the gateway below a path, which Caddy takes away before the gateway sees it.
func TestPagesWorkBelowAPath(t *testing.T) {
	g := gatewaytest.Start(t, "handle_path /ai/* {\n"+strings.ReplaceAll(local, "%s", "")+"\n}\nrespond /docs \"the site's own\"")
	for _, page := range []string{"docs", "redoc", "playground"} {
		a := g.Get(t, "/ai/"+page+"?a=b")
		if a.Status != http.StatusPermanentRedirect || a.Header.Get("Location") != page+"/?a=b" {
			t.Errorf("/ai/%s: %d to %q", page, a.Status, a.Header.Get("Location"))
		}
		if a := g.Get(t, "/ai/"+page+"/"); a.Status != http.StatusOK || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
			t.Errorf("/ai/%s/: %d %v", page, a.Status, a.Header)
		}
	}
	var doc struct{ Servers []struct{ URL string } }
	if err := json.Unmarshal([]byte(g.Get(t, "/ai/openapi.json").Body), &doc); err != nil || len(doc.Servers) != 1 || doc.Servers[0].URL != "." {
		t.Errorf("%v: the servers are %v", err, doc.Servers)
	}
	if a := g.Get(t, "/docs"); a.Body != "the site's own" {
		t.Errorf("/docs: %d %s", a.Status, a.Body)
	}
}

func TestEachWordSwitchesItsPagesOff(t *testing.T) {
	g := gatewaytest.Start(t, "route {\n"+strings.ReplaceAll(local, "%s", "docs off")+"\nrespond 418\n}")
	for path, want := range map[string]int{
		"/docs": 418, "/docs/": 418, "/docs/app.js": 418, "/redoc": 418, "/redoc/": 418, "/openapi.json": 418, "/playground": 308, "/playground/": 200,
	} {
		if a := g.Get(t, path); a.Status != want {
			t.Errorf("docs off, %s: %d, want %d", path, a.Status, want)
		}
	}
	g.Load(t, "route {\n"+strings.ReplaceAll(local, "%s", "playground off")+"\nrespond 418\n}")
	for path, want := range map[string]int{"/docs": 308, "/docs/": 200, "/redoc/": 200, "/openapi.json": 200, "/playground": 418, "/playground/": 418} {
		if a := g.Get(t, path); a.Status != want {
			t.Errorf("playground off, %s: %d, want %d", path, a.Status, want)
		}
	}
	if doc := g.Get(t, "/openapi.json").Body; strings.Contains(doc, `"/playground/"`) || !strings.Contains(doc, `"/docs/"`) {
		t.Error("the description has what is off, or lacks what is on")
	}
}

func TestPagesAreSentOnceAndPacked(t *testing.T) {
	g := gatewaytest.Start(t, strings.ReplaceAll(local, "%s", ""))
	for _, path := range []string{"/openapi.json", "/docs/", "/docs/swagger-ui-bundle.js?v=5.35.0", "/redoc/redoc.standalone.js?v=2.5.4"} {
		get := func(header, value string) *gatewaytest.Answer {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, gatewaytest.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Accept-Encoding", "gzip")
			req.Header.Set(header, value)
			return g.Do(t, req)
		}
		a := get("Accept", "*/*")
		if a.Status != http.StatusOK || a.Header.Get("Content-Encoding") != "gzip" || a.Header.Get("Etag") == "" || a.Header.Get("Cache-Control") == "" {
			t.Errorf("%s: %d %v", path, a.Status, a.Header)
		}
		if b := get("If-None-Match", a.Header.Get("Etag")); b.Status != http.StatusNotModified || b.Body != "" {
			t.Errorf("%s again: %d, %d bytes", path, b.Status, len(b.Body))
		}
	}
}

// What a page loads must be the gateway's, by a relative address, and with the version that is served: a browser keeps a file
// that has its version in its address for a year.
func TestPagesNameTheirOwnFilesOnly(t *testing.T) {
	vendored, err := os.ReadFile("../../pages/vendored")
	if err != nil {
		t.Fatal(err)
	}
	address := regexp.MustCompile(`(?:src|href)="([^"]*)"`)
	for _, page := range []string{"docs", "redoc"} {
		dir := filepath.Join("../../pages", page)
		html, err := os.ReadFile(filepath.Join(dir, "index.html"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(html), "<style") || regexp.MustCompile(`<script[^>]*>[^<]`).Match(html) {
			t.Errorf("%s has a style or a script within", page)
		}
		for _, m := range address.FindAllStringSubmatch(string(html), -1) {
			name, version, versioned := strings.Cut(m[1], "?v=")
			if name == "../openapi.json" || name == "data:," {
				continue
			}
			_, plain := os.Stat(filepath.Join(dir, name))
			_, packed := os.Stat(filepath.Join(dir, name+".gz"))
			if plain != nil && packed != nil {
				t.Errorf("%s names %s, which is not there", page, name)
			}
			if packed == nil && !versioned {
				t.Errorf("%s names %s without its version", page, name)
			}
			if versioned && !regexp.MustCompile(" "+regexp.QuoteMeta(version)+" .* "+page+"/"+regexp.QuoteMeta(name)).Match(vendored) {
				t.Errorf("%s names %s in version %s, which is not what is served", page, name, version)
			}
		}
		// Licences stay with what they are for.
		if licences, err := fs.Glob(os.DirFS(dir), "*LICENSE*"); err != nil || len(licences) < 2 {
			t.Errorf("%s has the licences %v", page, licences)
		}
	}
}
