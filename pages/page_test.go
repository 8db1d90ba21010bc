package pages

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func testPage() *Page {
	script := strings.Repeat("let x = 1;\n", 100)
	return newPage(fstest.MapFS{
		"page/index.html": {Data: []byte("<!doctype html><title>A page</title>")},
		"page/big.js.gz":  {Data: compress([]byte(script))},
		"page/app.js":     {Data: []byte(script)},
	}, "page", "default-src 'none'")
}

func get(t *testing.T, p *Page, name string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/page/"+name, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	name, _, _ = strings.Cut(name, "?")
	p.Serve(w, r, name)
	return w.Result()
}

func body(t *testing.T, res *http.Response) []byte {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAFileIsTheSameInEveryEncoding(t *testing.T) {
	p := testPage()
	for _, name := range []string{"", "index.html", "big.js", "app.js"} {
		plain := get(t, p, name)
		packed := get(t, p, name, "Accept-Encoding", "gzip, br")
		if plain.StatusCode != 200 || packed.StatusCode != 200 || packed.Header.Get("Content-Encoding") != "gzip" || plain.Header.Get("Content-Encoding") != "" {
			t.Fatalf("%s: %v, %v", name, plain, packed)
		}
		if !bytes.Equal(body(t, plain), unpack(body(t, packed))) {
			t.Errorf("%s: the encodings differ", name)
		}
		if a, b := plain.Header.Get("Etag"), packed.Header.Get("Etag"); a == b {
			t.Errorf("%s: both encodings have the tag %s", name, a)
		}
	}
}

func TestAFileIsSentOnce(t *testing.T) {
	p := testPage()
	for _, name := range []string{"", "big.js", "app.js"} {
		for _, encoding := range []string{"identity", "gzip"} {
			tag := get(t, p, name, "Accept-Encoding", encoding).Header.Get("Etag")
			res := get(t, p, name, "Accept-Encoding", encoding, "If-None-Match", tag)
			if res.StatusCode != http.StatusNotModified || len(body(t, res)) > 0 || res.Header.Get("Content-Security-Policy") == "" {
				t.Errorf("%s in %s: %v", name, encoding, res)
			}
		}
	}
	if c := get(t, p, "app.js").Header.Get("Cache-Control"); c != "no-cache" {
		t.Errorf("Cache-Control is %q", c)
	}
	if c := get(t, p, "app.js?v=1").Header.Get("Cache-Control"); c != "max-age=31536000, immutable" {
		t.Errorf("Cache-Control of a file of a version is %q", c)
	}
}

func TestFilesSayWhatTheyAre(t *testing.T) {
	p := testPage()
	for name, want := range map[string]string{"": "text/html; charset=utf-8", "big.js": "text/javascript; charset=utf-8"} {
		h := get(t, p, name).Header
		if h.Get("Content-Type") != want || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Security-Policy") != "default-src 'none'" {
			t.Errorf("%s: %v", name, h)
		}
	}
	if res := get(t, p, "other.js"); res.StatusCode != http.StatusNotFound || res.Header.Get("Cache-Control") != "" {
		t.Errorf("a file that is not there: %v", res)
	}
}

// A proxy may have taken a part of the path away, so that only a relative address is right.
func TestThePathWithoutASlashLeadsToTheOneWith(t *testing.T) {
	for path, want := range map[string]string{"/docs": "docs/", "/docs?a=b": "docs/?a=b"} {
		w := httptest.NewRecorder()
		ServeSlash(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusPermanentRedirect || w.Header().Get("Location") != want {
			t.Errorf("%s: %d to %q, want %q", path, w.Code, w.Header().Get("Location"), want)
		}
	}
}
