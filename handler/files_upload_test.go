package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
)

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
