// Package pages_test asks for the pages that browsers get, through a whole Caddy. What they do in a browser is checked by the
// script run, beside this file.
package pages_test

import (
	"io/fs"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// gateway is a gateway that asks nobody.
const gateway = "bedrock_gateway {\n openai k {\n base_url http://127.0.0.1:1/v1\n }\n %s\n}"

func TestThePlaygroundIsServedUnderItsPolicy(t *testing.T) {
	g := gatewaytest.Start(t, strings.Replace(gateway, "%s", "", 1))
	types := map[string]string{
		"html": "text/html; charset=utf-8", "js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml",
	}
	names := []string{""}
	dir := os.DirFS("../../pages/playground")
	if err := fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		file := name
		if name == "" {
			file = "index.html"
		}
		want, err := fs.ReadFile(dir, file)
		if err != nil {
			t.Fatal(err)
		}
		a := g.Get(t, "/playground/"+name)
		policy := a.Header.Get("Content-Security-Policy")
		if a.Status != http.StatusOK || a.Body != string(want) || a.Header.Get("Content-Type") != types[file[strings.LastIndexByte(file, '.')+1:]] ||
			!strings.HasPrefix(policy, "default-src 'none'; script-src 'self'; style-src 'self'; ") || strings.Contains(policy, "unsafe") || a.Header.Get("Etag") == "" {
			t.Errorf("%s: %d %v", file, a.Status, a.Header)
		}
	}
	if a := g.Get(t, "/playground/none.js"); a.Status != http.StatusNotFound || a.Header.Get("Content-Security-Policy") == "" {
		t.Errorf("a file that is not there: %d %v", a.Status, a.Header)
	}
}

// The address is relative: under handle_path the gateway does not see all of the path that the browser has.
func TestThePlaygroundIsFoundWithoutItsSlash(t *testing.T) {
	g := gatewaytest.Start(t, "handle_path /ai/* {\n"+strings.Replace(gateway, "%s", "", 1)+"\n}")
	a := g.Get(t, "/ai/playground?x=1")
	if a.Status != http.StatusPermanentRedirect || a.Header.Get("Location") != "playground/?x=1" {
		t.Errorf("%d %v", a.Status, a.Header)
	}
	if a := g.Get(t, "/ai/playground/"); a.Status != http.StatusOK || !strings.Contains(a.Body, "<title>Playground</title>") {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

func TestThePlaygroundIsTheNextHandlersWhenItIsOff(t *testing.T) {
	g := gatewaytest.Start(t, strings.Replace(gateway, "%s", "playground off", 1)+"\nrespond /playground* mine")
	for _, path := range []string{"/playground", "/playground/", "/playground/app.js"} {
		if a := g.Get(t, path); a.Body != "mine" {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
	}
	if a := g.Get(t, "/health"); a.Status != http.StatusOK {
		t.Errorf("/health: %d %s", a.Status, a.Body)
	}
}
