package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/files/local"
)

const testMaxSize = 1 << 20

// newFilesServer serves the Files API from an empty directory; the header X-Owner says whose files a request sees.
func newFilesServer(t *testing.T) (*httptest.Server, string) {
	t.Helper()
	dir := t.TempDir()
	s := &local.Store{Dir: dir}
	s.MaxSize = testMaxSize
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	if err := s.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	return serveFiles(t, s), dir
}

// filesGateway returns a gateway of a store and no upstream.
func filesGateway(s files.Store, owner func(*http.Request) string) *Gateway {
	return New(Config{Config: exchange.Config{
		Files: s, Caller: func(r *http.Request) exchange.Caller { return exchange.Caller{Owner: owner(r)} },
	}})
}

// alone serves what is the gateway's, and 404 for all else.
func alone(g *Gateway) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.ServeHTTP(w, r) {
			http.NotFound(w, r)
		}
	})
}

func serveFiles(t *testing.T, s files.Store) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(alone(filesGateway(s, func(r *http.Request) string { return r.Header.Get("X-Owner") })))
	t.Cleanup(srv.Close)
	return srv
}

// formPart is one part of an upload; a part with a filename is a file.
type formPart struct{ name, filename, contentType, value string }

func uploadBody(parts ...formPart) (contentType, body string) {
	const boundary = "XbX"
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + p.name + `"`)
		if p.filename != "" {
			b.WriteString(`; filename="` + p.filename + `"`)
		}
		if p.contentType != "" {
			b.WriteString("\r\nContent-Type: " + p.contentType)
		}
		b.WriteString("\r\n\r\n" + p.value + "\r\n")
	}
	b.WriteString("--" + boundary + "--\r\n")
	return "multipart/form-data; boundary=" + boundary, b.String()
}

type filesAnswer struct {
	status int
	header http.Header
	body   string
}

func callFiles(t *testing.T, method, url string, h http.Header, body string) filesAnswer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(req.Header, h)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return filesAnswer{res.StatusCode, res.Header, string(b)}
}

func uploadParts(t *testing.T, srv *httptest.Server, parts ...formPart) filesAnswer {
	t.Helper()
	contentType, body := uploadBody(parts...)
	return callFiles(t, http.MethodPost, srv.URL+"/v1/files", http.Header{"Content-Type": {contentType}}, body)
}

func decodeFile(t *testing.T, a filesAnswer) fileObject {
	t.Helper()
	var f fileObject
	if err := json.Unmarshal([]byte(a.body), &f); err != nil || a.status != http.StatusOK {
		t.Fatalf("status %d, body %s (%v)", a.status, a.body, err)
	}
	return f
}

func filesOnDisk(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestUploadThenUse(t *testing.T) {
	srv, dir := newFilesServer(t)
	content := "Date,Sales\n2024-01-01,150\n"
	// As the README's curl sends it: the file first, of a generic type, the purpose behind it.
	f := decodeFile(t, uploadParts(t, srv,
		formPart{"file", "data.csv", "application/octet-stream", content}, formPart{name: "purpose", value: "assistants"}))
	if f.Object != "file" || f.Filename != "data.csv" || f.Purpose != "assistants" || f.Bytes != int64(len(content)) ||
		f.Status != "processed" || f.ExpiresAt != 0 || !files.ValidID(f.ID) {
		t.Errorf("upload: %+v", f)
	}
	if got := decodeFile(t, callFiles(t, http.MethodGet, srv.URL+"/v1/files"+"/"+f.ID, nil, "")); got != f {
		t.Errorf("get: %+v, want %+v", got, f)
	}
	got := callFiles(t, http.MethodGet, srv.URL+"/v1/files"+"/"+f.ID+"/content", nil, "")
	if got.status != http.StatusOK || got.body != content {
		t.Errorf("content: %d %q", got.status, got.body)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/csv", "X-Content-Type-Options": "nosniff", "Accept-Ranges": "bytes",
		"Content-Disposition": `attachment; filename="data.csv"`,
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.header.Get(name), want)
		}
	}
	del := callFiles(t, http.MethodDelete, srv.URL+"/v1/files"+"/"+f.ID, nil, "")
	if want := `{"id":"` + f.ID + `","object":"file","deleted":true}`; del.status != http.StatusOK || del.body != want {
		t.Errorf("delete: %d %s, want %s", del.status, del.body, want)
	}
	for _, path := range []string{"/" + f.ID, "/" + f.ID + "/content"} {
		if a := callFiles(t, http.MethodGet, srv.URL+"/v1/files"+path, nil, ""); a.status != http.StatusNotFound || !strings.Contains(a.body, f.ID) {
			t.Errorf("after delete %s: %d %s", path, a.status, a.body)
		}
	}
	if n := filesOnDisk(t, dir); n != 0 {
		t.Errorf("%d files left on disk", n)
	}
}

func TestFilesBelongToTheirOwner(t *testing.T) {
	srv, _ := newFilesServer(t)
	contentType, body := uploadBody(formPart{"file", "a.txt", "", "alice's"}, formPart{name: "purpose", value: "batch"})
	f := decodeFile(t, callFiles(t, http.MethodPost, srv.URL+"/v1/files", http.Header{"Content-Type": {contentType}, "X-Owner": {"alice"}}, body))
	nothing := strings.ReplaceAll(callFiles(t, http.MethodGet, srv.URL+"/v1/files"+"/file-"+strings.Repeat("0", 32), nil, "").body,
		"file-"+strings.Repeat("0", 32), f.ID)
	for _, c := range []struct{ method, path string }{
		{http.MethodGet, "/" + f.ID}, {http.MethodGet, "/" + f.ID + "/content"}, {http.MethodDelete, "/" + f.ID},
	} {
		a := callFiles(t, c.method, srv.URL+"/v1/files"+c.path, http.Header{"X-Owner": {"bob"}}, "")
		if a.status != http.StatusNotFound || a.body != nothing {
			t.Errorf("%s %s by another: %d %s; want the answer for no file, %s", c.method, c.path, a.status, a.body, nothing)
		}
	}
	if a := callFiles(t, http.MethodGet, srv.URL+"/v1/files", http.Header{"X-Owner": {"bob"}}, ""); strings.Contains(a.body, f.ID) {
		t.Errorf("listed for another: %s", a.body)
	}
	if a := callFiles(t, http.MethodGet, srv.URL+"/v1/files", http.Header{"X-Owner": {"alice"}}, ""); !strings.Contains(a.body, f.ID) {
		t.Errorf("not listed for its owner: %s", a.body)
	}
}

func TestListPages(t *testing.T) {
	srv, _ := newFilesServer(t)
	if a := callFiles(t, http.MethodGet, srv.URL+"/v1/files", nil, ""); a.body != `{"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false}` {
		t.Errorf("empty: %s", a.body)
	}
	want := make(map[string]bool)
	for range 5 {
		f := decodeFile(t, uploadParts(t, srv, formPart{"file", "a.txt", "", "x"}, formPart{name: "purpose", value: "batch"}))
		want[f.ID] = true
	}
	after, pages := "", 0
	for {
		var page struct {
			Data    []fileObject
			FirstID string `json:"first_id"`
			LastID  string `json:"last_id"`
			HasMore bool   `json:"has_more"`
		}
		a := callFiles(t, http.MethodGet, srv.URL+"/v1/files"+"?limit=2&order=asc&purpose=batch&after="+after, nil, "")
		if err := json.Unmarshal([]byte(a.body), &page); err != nil || len(page.Data) == 0 {
			t.Fatalf("%s: %v", a.body, err)
		}
		if page.FirstID != page.Data[0].ID || page.LastID != page.Data[len(page.Data)-1].ID {
			t.Errorf("first and last of %s", a.body)
		}
		for _, f := range page.Data {
			if !want[f.ID] {
				t.Errorf("%s is listed twice, or from nowhere", f.ID)
			}
			delete(want, f.ID)
		}
		after = page.LastID
		if pages++; !page.HasMore {
			break
		}
	}
	if len(want) != 0 || pages != 3 {
		t.Errorf("%d files not listed in %d pages", len(want), pages)
	}
	for _, query := range []string{"limit=0", "limit=10001", "limit=x", "limit=-1", "order=up", "after=file-1", "after=x"} {
		if a := callFiles(t, http.MethodGet, srv.URL+"/v1/files"+"?"+query, nil, ""); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d", query, a.status)
		}
	}
}

func TestMethodsAndPaths(t *testing.T) {
	srv, _ := newFilesServer(t)
	id := "/file-" + strings.Repeat("0", 32)
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"PUT", "", 405, "GET, HEAD, POST"},
		{"DELETE", "", 405, "GET, HEAD, POST"},
		{"POST", id, 405, "DELETE, GET, HEAD"},
		{"PATCH", id, 405, "DELETE, GET, HEAD"},
		{"DELETE", id + "/content", 405, "GET, HEAD"},
		{"POST", "/health", 405, "GET, HEAD"},
		{"GET", id, 404, ""},
		{"GET", "/file", 404, ""},
		{"GET", "/file-123", 404, ""},
		{"DELETE", "/x", 404, ""},
		{"GET", "/", 404, ""},
		{"GET", id + "/", 404, ""},
		{"GET", id + "/content/", 404, ""},
		{"GET", id + "/other", 404, ""},
		{"GET", "/..%2f..%2fetc/content", 404, ""},
		{"GET", "/health/x", 404, ""},
	} {
		a := callFiles(t, c.method, srv.URL+"/v1/files"+c.path, nil, "")
		if a.status != c.status || a.header.Get("Allow") != c.allow || !strings.HasPrefix(a.body, `{"error":{"message":`) {
			t.Errorf("%s %s: %d, Allow %q, %s", c.method, c.path, a.status, a.header.Get("Allow"), a.body)
		}
	}
	g := filesGateway(downStore{}, func(*http.Request) string { return "" })
	for path, want := range map[string]bool{"/v1/files": true, "/v1/files/x": true, "/v1/filesystem": false, "/v1/file": false} {
		if res, _ := g.surface.find(&url.URL{Path: path}); res != nil != want {
			t.Errorf("%s is the gateway's: %v", path, !want)
		}
	}
}

// downStore is a store that cannot be reached.
type downStore struct{ files.Store }

var errDown = fmt.Errorf("%w: connection refused", files.ErrUnavailable)

func (downStore) Put(context.Context, files.Upload) (files.File, error) { return files.File{}, errDown }

func (downStore) Get(context.Context, string, string) (files.File, error) {
	return files.File{}, errDown
}

func (downStore) List(context.Context, string, files.Query) (files.Page, error) {
	return files.Page{}, errDown
}
func (downStore) Delete(context.Context, string, string) error { return errDown }
func (downStore) Check(context.Context) (files.Health, error) {
	return files.Health{Store: "s3", Bucket: "b", Region: "eu-west-1"}, errDown
}
func (downStore) Options() files.Options { return files.Options{MaxSize: testMaxSize} }

func TestStoreDown(t *testing.T) {
	srv := serveFiles(t, downStore{})
	id := "/file-" + strings.Repeat("0", 32)
	contentType, body := uploadBody(formPart{name: "purpose", value: "batch"}, formPart{"file", "a.txt", "", "hello"})
	for _, c := range []struct{ method, path, body string }{
		{"POST", "", body}, {"GET", "", ""}, {"GET", id, ""}, {"GET", id + "/content", ""}, {"DELETE", id, ""}, {"GET", "/health", ""},
	} {
		a := callFiles(t, c.method, srv.URL+"/v1/files"+c.path, http.Header{"Content-Type": {contentType}}, c.body)
		if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" || strings.Contains(a.body, "refused") {
			t.Errorf("%s %s: %d %s", c.method, c.path, a.status, a.body)
		}
	}
	var h map[string]any
	if err := json.Unmarshal([]byte(callFiles(t, "GET", srv.URL+"/v1/files"+"/health", nil, "").body), &h); err != nil {
		t.Fatal(err)
	}
	if h["status"] != "unhealthy" || h["service"] != "files" || h["s3_bucket_configured"] != true || h["aws_region"] != "eu-west-1" || h["credentials_valid"] != false {
		t.Errorf("health: %v", h)
	}
}

func TestFilesHealth(t *testing.T) {
	srv, _ := newFilesServer(t)
	a := callFiles(t, http.MethodGet, srv.URL+"/v1/files"+"/health", nil, "")
	if a.status != http.StatusOK || !strings.Contains(a.body, `"status":"healthy","service":"files","store":"local","s3_bucket_configured":false,"aws_region":null,"credentials_valid":false`) {
		t.Errorf("%d %s", a.status, a.body)
	}
}
