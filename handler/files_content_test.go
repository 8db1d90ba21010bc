package handler

import (
	"bytes"
	"context"
	"io"
	"mime"
	"net/http"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
)

func TestContentRangesAndConditions(t *testing.T) {
	srv, _ := newFilesServer(t)
	f := decodeFile(t, uploadParts(t, srv, formPart{"file", "a.txt", "", "0123456789"}, formPart{name: "purpose", value: "batch"}))
	url := srv.URL + "/v1/files" + "/" + f.ID + "/content"
	etag := callFiles(t, http.MethodGet, url, nil, "").header.Get("ETag")
	for _, c := range []struct {
		name, key, value string
		status           int
		body, rng        string
	}{
		{"part", "Range", "bytes=2-4", 206, "234", "bytes 2-4/10"},
		{"open end", "Range", "bytes=7-", 206, "789", "bytes 7-9/10"},
		{"past the end", "Range", "bytes=7-99", 206, "789", "bytes 7-9/10"},
		{"suffix", "Range", "bytes=-3", 206, "789", "bytes 7-9/10"},
		{"long suffix", "Range", "bytes=-99", 206, "0123456789", "bytes 0-9/10"},
		{"behind the end", "Range", "bytes=10-", 416, "", "bytes */10"},
		{"empty suffix", "Range", "bytes=-0", 416, "", "bytes */10"},
		{"many", "Range", "bytes=0-1,3-4", 200, "0123456789", ""},
		{"backwards", "Range", "bytes=4-2", 200, "0123456789", ""},
		{"signed", "Range", "bytes=+1-2", 200, "0123456789", ""},
		{"other unit", "Range", "lines=1-2", 200, "0123456789", ""},
		{"overflow", "Range", "bytes=0-99999999999999999999", 200, "0123456789", ""},
		{"same", "If-None-Match", etag, 304, "", ""},
		{"same, weak, in a list", "If-None-Match", `"x", W/` + etag, 304, "", ""},
		{"any", "If-None-Match", "*", 304, "", ""},
		{"other", "If-None-Match", `"x"`, 200, "0123456789", ""},
		{"must be same", "If-Match", etag, 200, "0123456789", ""},
		{"must be other", "If-Match", `"x"`, 412, "", ""},
	} {
		a := callFiles(t, http.MethodGet, url, http.Header{c.key: {c.value}}, "")
		if a.status != c.status || c.status < 300 && a.body != c.body || a.header.Get("Content-Range") != c.rng {
			t.Errorf("%s: %d %q %q", c.name, a.status, a.body, a.header.Get("Content-Range"))
		}
	}
	for cond, want := range map[string]int{etag: 206, `"x"`: 200, "Mon, 02 Jan 2006 15:04:05 GMT": 200} {
		if a := callFiles(t, http.MethodGet, url, http.Header{"Range": {"bytes=0-0"}, "If-Range": {cond}}, ""); a.status != want {
			t.Errorf("If-Range %s: %d", cond, a.status)
		}
	}
	if a := callFiles(t, http.MethodHead, url, nil, ""); a.status != 200 || a.header.Get("Content-Length") != "10" || a.body != "" {
		t.Errorf("HEAD: %+v", a)
	}
}

func TestFilenames(t *testing.T) {
	srv, _ := newFilesServer(t)
	long := strings.Repeat("n", 295) + ".json"
	for _, c := range []struct{ sent, kept, disposition string }{
		{"../../etc/passwd", "passwd", `attachment; filename="passwd"`},
		{`C:\\Users\\me\\täglich.csv`, "täglich.csv", `attachment; filename="t_glich.csv"; filename*=UTF-8''t%C3%A4glich.csv`},
		{"数据 📄.txt", "数据 📄.txt", `attachment; filename="__ _.txt"; filename*=UTF-8''%E6%95%B0%E6%8D%AE%20%F0%9F%93%84.txt`},
		{`say \"hi\".txt`, `say "hi".txt`, `attachment; filename="say _hi_.txt"; filename*=UTF-8''say%20%22hi%22.txt`},
		{"100%.txt", "100%.txt", `attachment; filename="100_.txt"; filename*=UTF-8''100%25.txt`},
		{long, long, `attachment; filename="` + long + `"`},
		{"tab\there.txt", "tab_here.txt", `attachment; filename="tab_here.txt"`},
		{"evil\u202egpj.exe", "evil_gpj.exe", `attachment; filename="evil_gpj.exe"`},
	} {
		f := decodeFile(t, uploadParts(t, srv, formPart{"file", c.sent, "text/plain", "x"}, formPart{name: "purpose", value: "batch"}))
		if f.Filename != c.kept {
			t.Errorf("%q is kept as %q, want %q", c.sent, f.Filename, c.kept)
		}
		got := callFiles(t, http.MethodHead, srv.URL+"/v1/files"+"/"+f.ID+"/content", nil, "").header.Get("Content-Disposition")
		if got != c.disposition {
			t.Errorf("%q is sent as %s, want %s", c.sent, got, c.disposition)
		}
		if _, params, err := mime.ParseMediaType(got); err != nil || params["filename"] != c.kept {
			t.Errorf("%s reads as %q, %v", got, params["filename"], err)
		}
	}
}

// A store that ends early must not look like a whole file: the connection breaks instead.
func TestContentCutShort(t *testing.T) {
	srv := serveFiles(t, cutStore{})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/v1/files"+"/file-"+strings.Repeat("0", 32)+"/content", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err == nil {
		_, err = io.ReadAll(res.Body)
		_ = res.Body.Close()
	}
	if err == nil {
		t.Error("a cut file was taken for a whole one")
	}
}

type cutStore struct{ downStore }

func (cutStore) Get(context.Context, string, string) (files.File, error) {
	return files.File{Bytes: 10, MediaType: "text/plain", Filename: "a.txt"}, nil
}

func (cutStore) Open(context.Context, files.File, int64, int64) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader([]byte("01234"))), nil
}
