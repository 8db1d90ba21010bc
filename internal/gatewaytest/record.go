package gatewaytest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// exchanged is one request and its answer, as a line of the file that TRAFFIC names. test/openapi compares those with the
// description of the API.
type exchanged struct {
	Package  string      `json:"package"` // the last part of its path
	Test     string      `json:"test"`
	Method   string      `json:"method"`
	Path     string      `json:"path"`
	Request  http.Header `json:"request_header"`
	Sent     []byte      `json:"sent"`
	Status   int         `json:"status"`
	Response http.Header `json:"response_header"`
	Got      []byte      `json:"got"`
	Whole    bool        `json:"whole"` // the answer was read to its end
}

// compared are the packages whose traffic is written down. Others play upstreams that fail in every way and clients that send
// anything, or use the transport as the *http.Transport that it is.
var compared = []string{"grid", "translation", "apis", "retrieval", "files", "recall", "openapi"}

// recorded returns a transport that writes down what goes through it, if the environment asks for that.
func recorded(t testing.TB, next http.RoundTripper) http.RoundTripper {
	path := os.Getenv("TRAFFIC")
	pkg, _, _ := strings.Cut(filepath.Base(os.Args[0]), ".")
	if path == "" || !slices.Contains(compared, pkg) {
		return next
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600) //nolint:gosec // whoever runs the tests names it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return &recorder{pkg: pkg, test: t.Name(), next: next, out: f}
}

type recorder struct {
	pkg  string
	test string
	next http.RoundTripper
	out  *os.File
	many atomic.Int64
}

const (
	largest = 1 << 20 // of a body: a test of large bodies is no test of their form
	most    = 1500    // of one test, which cuts a stream at every byte
)

func (rec *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.ContentLength > largest || req.Header.Get("Content-Encoding") != "" || rec.many.Add(1) > most {
		return rec.next.RoundTrip(req)
	}
	line := &exchanged{Package: rec.pkg, Test: rec.test, Method: req.Method, Path: req.URL.EscapedPath(), Request: req.Header.Clone()}
	if req.GetBody != nil && !strings.HasPrefix(req.Header.Get("Content-Type"), "multipart/") {
		body, err := req.GetBody()
		if err == nil {
			line.Sent, _ = io.ReadAll(body) // a copy in memory
		}
	}
	res, err := rec.next.RoundTrip(req)
	if err != nil {
		return res, err
	}
	line.Status, line.Response = res.StatusCode, res.Header.Clone()
	res.Body = &recordedBody{ReadCloser: res.Body, rec: rec, line: line}
	return res, nil
}

// recordedBody writes its exchange down when it is closed.
type recordedBody struct {
	io.ReadCloser
	rec  *recorder
	line *exchanged
	got  bytes.Buffer
	once sync.Once
}

func (b *recordedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.got.Len() < largest {
		b.got.Write(p[:n])
	}
	b.line.Whole = b.line.Whole || errors.Is(err, io.EOF)
	return n, err
}

func (b *recordedBody) Close() error {
	b.once.Do(func() {
		b.line.Got = b.got.Bytes()
		if line, err := json.Marshal(b.line); err == nil {
			_, _ = b.rec.out.Write(append(line, '\n')) // one write, for several processes have the file
		}
	})
	return b.ReadCloser.Close()
}
