package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

func TestUploadFields(t *testing.T) {
	srv, dir := newFilesServer(t)
	file := formPart{"file", "a.txt", "text/plain", "hello"}
	purpose := formPart{name: "purpose", value: "user_data"}
	anchor := formPart{name: "expires_after[anchor]", value: "created_at"}
	seconds := formPart{name: "expires_after[seconds]", value: "3600"}
	for _, c := range []struct {
		name  string
		parts []formPart
		param string // "" is success
	}{
		{"purpose first", []formPart{purpose, file}, ""},
		{"purpose last", []formPart{file, purpose}, ""},
		{"unknown fields", []formPart{{name: "x", value: strings.Repeat("y", 5000)}, file, purpose}, ""},
		{"expiring", []formPart{anchor, file, seconds, purpose}, ""},
		{"no file", []formPart{purpose}, "file"},
		{"no parts", nil, "file"},
		{"file without a name", []formPart{{name: "file", value: "text"}, purpose}, "file"},
		{"two files", []formPart{file, purpose, file}, "file"},
		{"empty file", []formPart{{"file", "a.txt", "", ""}, purpose}, "file"},
		{"no purpose", []formPart{file}, "purpose"},
		{"unknown purpose before", []formPart{{name: "purpose", value: "fun"}, file}, "purpose"},
		{"unknown purpose after", []formPart{file, {name: "purpose", value: "fun"}}, "purpose"},
		{"two purposes", []formPart{purpose, file, purpose}, "purpose"},
		{"output purpose", []formPart{file, {name: "purpose", value: "assistants_output"}}, "purpose"},
		{"huge purpose", []formPart{file, {name: "purpose", value: strings.Repeat("p", 5000)}}, "purpose"},
		{"anchor alone", []formPart{anchor, file, purpose}, "expires_after"},
		{"seconds alone", []formPart{seconds, file, purpose}, "expires_after"},
		{"other anchor", []formPart{{name: "expires_after[anchor]", value: "now"}, seconds, file, purpose}, "expires_after.anchor"},
		{"too soon", []formPart{anchor, {name: "expires_after[seconds]", value: "3599"}, file, purpose}, "expires_after.seconds"},
		{"too late", []formPart{anchor, {name: "expires_after[seconds]", value: "2592001"}, file, purpose}, "expires_after.seconds"},
		{"far too late", []formPart{anchor, {name: "expires_after[seconds]", value: "9223372036854775807"}, file, purpose}, "expires_after.seconds"},
		{"so far before that it overflows to a month from now", []formPart{anchor, {name: "expires_after[seconds]", value: "-18446740000"}, file, purpose}, "expires_after.seconds"},
		{"no number", []formPart{anchor, {name: "expires_after[seconds]", value: "1h"}, file, purpose}, "expires_after.seconds"},
		{"name of dots", []formPart{{"file", "../..", "", "x"}, purpose}, "file"},
		{"many parts", append(bytesParts(100), file, purpose), "-"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := filesOnDisk(t, dir)
			a := uploadParts(t, srv, c.parts...)
			if c.param == "" {
				f := decodeFile(t, a)
				if strings.Contains(c.name, "expiring") != (f.ExpiresAt == f.CreatedAt+3600) {
					t.Errorf("%+v", f)
				}
				return
			}
			var e struct {
				Error struct{ Message, Type, Param string }
			}
			if err := json.Unmarshal([]byte(a.body), &e); err != nil {
				t.Fatal(err)
			}
			if c.param == "-" {
				c.param = ""
			}
			if a.status != http.StatusBadRequest || e.Error.Type != "invalid_request_error" || e.Error.Param != c.param || e.Error.Message == "" {
				t.Errorf("%d %s", a.status, a.body)
			}
			if after := filesOnDisk(t, dir); after != before {
				t.Errorf("left %d files behind", after-before)
			}
		})
	}
}

func bytesParts(n int) []formPart {
	parts := make([]formPart, n)
	for i := range parts {
		parts[i] = formPart{name: "x", value: "y"}
	}
	return parts
}

func TestUploadRefusesOtherBodies(t *testing.T) {
	srv, dir := newFilesServer(t)
	contentType, body := uploadBody(formPart{"file", "a.txt", "", "hello"}, formPart{name: "purpose", value: "batch"})
	for _, c := range []struct{ name, contentType, body string }{
		{"json", "application/json", `{}`},
		{"no boundary", "multipart/form-data", body},
		{"no type", "", body},
		{"another boundary", "multipart/form-data; boundary=other", body},
		{"cut in the file", contentType, body[:strings.Index(body, "hello")+3]},
		{"cut in a field", contentType, body[:strings.Index(body, "batch")+2]},
		{"cut before the end", contentType, body[:len(body)-6]},
		{"empty", contentType, ""},
	} {
		if a := callFiles(t, http.MethodPost, srv.URL+"/v1/files", http.Header{"Content-Type": {c.contentType}}, c.body); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", c.name, a.status, a.body)
		}
	}
	if n := filesOnDisk(t, dir); n != 0 {
		t.Errorf("%d files left on disk", n)
	}
}

func TestUploadOverMaxSize(t *testing.T) {
	srv, dir := newFilesServer(t)
	purpose := formPart{name: "purpose", value: "batch"}
	for _, c := range []struct {
		size int
		want int
	}{
		{testMaxSize, http.StatusOK},
		{testMaxSize + 1, http.StatusRequestEntityTooLarge},
		{testMaxSize + formOverhead - 1000, http.StatusRequestEntityTooLarge},
		{testMaxSize + 3*formOverhead, http.StatusRequestEntityTooLarge},
	} {
		contentType, body := uploadBody(formPart{"file", "a.bin", "", strings.Repeat("x", c.size)}, purpose)
		for _, chunked := range []bool{false, true} {
			// In process: over a socket, the answer to a body nobody reads may be lost to the reset that follows.
			req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/files", strings.NewReader(body))
			req.Header.Set("Content-Type", contentType)
			if chunked {
				req.ContentLength = -1
			}
			rec := httptest.NewRecorder()
			srv.Config.Handler.ServeHTTP(rec, req)
			if rec.Code != c.want {
				t.Errorf("%d bytes, chunked %v: %d %s", c.size, chunked, rec.Code, rec.Body)
			}
		}
	}
	if n := filesOnDisk(t, dir); n != 4 {
		t.Errorf("%d files on disk, want the 4 of two uploads", n)
	}
}

// A client that goes away in the middle leaves nothing.
func TestClientGoneMidUpload(t *testing.T) {
	srv, dir := newFilesServer(t)
	contentType, body := uploadBody(formPart{"file", "a.bin", "", strings.Repeat("x", 300_000)}, formPart{name: "purpose", value: "batch"})
	done := make(chan struct{})
	inner := srv.Config.Handler
	srv.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(done)
		inner.ServeHTTP(w, r)
	})
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
		"/v1/files", contentType, len(body), body[:200_000])
	if err := errors.Join(err, conn.Close()); err != nil {
		t.Fatal(err)
	}
	<-done
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

// A malformed part header must not be a way around the limits, or a panic.
func FuzzUploadForm(f *testing.F) {
	contentType, body := uploadBody(formPart{"file", "a.txt", "", "hello"}, formPart{name: "purpose", value: "batch"})
	f.Add(body)
	f.Add(strings.ReplaceAll(body, "\r\n", "\n"))
	f.Add(strings.ReplaceAll(body, `"a.txt"`, `"a.txt"; filename*=UTF-8''%0a%ff`))
	f.Fuzz(func(t *testing.T, body string) {
		api := filesGateway(discardStore{}, func(*http.Request) string { return "" })
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/files", strings.NewReader(body))
		req.Header.Set("Content-Type", contentType)
		rec := httptest.NewRecorder()
		api.ServeHTTP(rec, req)
		if rec.Code != 200 && rec.Code != 400 && rec.Code != 413 {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
	})
}

// discardStore reads uploads and keeps nothing.
type discardStore struct{ downStore }

func (discardStore) Put(_ context.Context, u files.Upload) (files.File, error) {
	m := files.NewMeter(u.Body, testMaxSize)
	if _, err := io.Copy(io.Discard, m); err != nil {
		return files.File{}, err
	}
	f, err := u.Finish("file-"+strings.Repeat("0", 32), time.Unix(0, 0), m)
	if err == nil && (f.Filename == "" || strings.ContainsAny(f.Filename, "/\\\n\r\x00")) {
		return f, errors.New("unclean name " + f.Filename)
	}
	return f, err
}

// A form that breaks off right behind a boundary was cut: without "--" behind it, more was to come (RFC 2046, 5.1.1).
func TestUploadCutAtABoundary(t *testing.T) {
	srv, dir := newFilesServer(t)
	contentType, body := uploadBody(formPart{name: "purpose", value: "user_data"}, formPart{name: "file", filename: "a.txt", value: "hello"})
	for _, cut := range []string{"--\r\n", "-\r\n"} {
		a := callFiles(t, http.MethodPost, srv.URL+"/v1/files", http.Header{"Content-Type": {contentType}}, strings.TrimSuffix(body, cut))
		if a.status != http.StatusBadRequest || !strings.Contains(a.body, "ended early") {
			t.Errorf("without %q: %d %s", cut, a.status, a.body)
		}
	}
	if kept, _ := filepath.Glob(filepath.Join(dir, "*", "*")); len(kept) != 0 {
		t.Errorf("kept: %q", kept)
	}
	if a := callFiles(t, http.MethodPost, srv.URL+"/v1/files", http.Header{"Content-Type": {contentType}}, strings.TrimSuffix(body, "\r\n")); a.status != http.StatusOK {
		t.Errorf("without the last line end: %d %s", a.status, a.body)
	}
}

// A refusal reaches a client that is still sending. Where the gateway itself announced that the connection closes, the
// server closed it at once, and the reset took the answer along.
func TestUploadTooLargeIsRead(t *testing.T) {
	srv, _ := newFilesServer(t)
	contentType, _ := uploadBody()
	for i := range 20 {
		var d net.Dialer
		c, err := d.DialContext(t.Context(), "tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, err = fmt.Fprintf(c, "POST /v1/files HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nContent-Length: 100000000\r\n\r\n%s", contentType, strings.Repeat("x", 64<<10))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(c)
		if err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 413 ") || !strings.Contains(string(got), "File is too large") {
			t.Fatalf("upload %d: %q, %v", i, got, err)
		}
		_ = c.Close()
	}
}
