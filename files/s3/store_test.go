package s3

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/caddyserver/caddy/v2"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/files/storetest"
)

// endpoint is a real S3 server; test/s3/run starts one and says where.
func endpoint(t *testing.T) string {
	t.Helper()
	e := os.Getenv("FILES_S3_ENDPOINT")
	if e == "" {
		t.Skip("no S3 server: run test/s3/run, or set FILES_S3_ENDPOINT, FILES_S3_ACCESS_KEY and FILES_S3_SECRET_KEY")
	}
	return e
}

// newBucket makes a bucket and gives what opens stores on it.
func newBucket(t *testing.T) func(t *testing.T, via string) *Store {
	t.Helper()
	direct := endpoint(t)
	bucket := fmt.Sprintf("files-%d", rand.Uint64()) //nolint:gosec // a name, not a secret
	open := func(t *testing.T, via string) *Store {
		t.Helper()
		return provision(t, fmt.Sprintf(`{"bucket":%q,"endpoint":%q,"path_style":true,"region":"us-east-1","max_size":%d,
			"access_key_id":%q,"secret_access_key":%q}`,
			bucket, via, storetest.MaxSize, os.Getenv("FILES_S3_ACCESS_KEY"), os.Getenv("FILES_S3_SECRET_KEY")))
	}
	if _, err := open(t, direct).client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	return open
}

func load(t *testing.T, config string) (*Store, error) {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	v, err := ctx.LoadModuleByID("http.handlers.bedrock_gateway.files.s3", json.RawMessage(config))
	if err != nil {
		return nil, err
	}
	return v.(*Store), nil
}

func provision(t *testing.T, config string) *Store {
	t.Helper()
	s, err := load(t, config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// keysOf returns the keys in the bucket, and the uploads not finished.
func keysOf(t *testing.T, s *Store) (keys []string) {
	t.Helper()
	l := s.walk("", "", maxKeys)
	for {
		o, err := l.next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if o == nil {
			break
		}
		keys = append(keys, aws.ToString(o.Key))
	}
	out, err := s.client.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &s.bucket})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range out.Uploads {
		keys = append(keys, "unfinished: "+aws.ToString(u.Key))
	}
	return keys
}

func TestStore(t *testing.T) {
	open := newBucket(t)
	storetest.Run(t, func(t *testing.T) files.Store { return open(t, endpoint(t)) })
}

func TestObjects(t *testing.T) {
	open := newBucket(t)
	storetest.RunObjects(t, func(t *testing.T) files.Store { return open(t, endpoint(t)) })
}

func TestFailedUploadLeavesNoObjects(t *testing.T) {
	s := newBucket(t)(t, endpoint(t))
	gone, leave := context.WithCancel(t.Context())
	for _, c := range []struct {
		name string
		ctx  context.Context //nolint:containedctx // a row of a table
		body io.Reader
	}{
		{"in the first part", t.Context(), io.MultiReader(bytes.NewReader(make([]byte, 1000)), failing{})},
		{"in a later part", t.Context(), io.MultiReader(bytes.NewReader(make([]byte, 11<<20)), failing{})},
		{"too large", t.Context(), bytes.NewReader(make([]byte, storetest.MaxSize+1))},
		{"client gone", gone, io.MultiReader(bytes.NewReader(make([]byte, 7<<20)), failing{before: leave})},
	} {
		_, err := s.Put(c.ctx, files.Upload{Body: c.body, Describe: storetest.Describe(files.Description{})})
		if err == nil {
			t.Errorf("%s: no error", c.name)
		}
		if left := keysOf(t, s); len(left) != 0 {
			t.Errorf("%s: left behind: %v", c.name, left)
		}
	}
}

type failing struct{ before func() }

func (f failing) Read([]byte) (int, error) {
	if f.before != nil {
		f.before()
	}
	return 0, io.ErrUnexpectedEOF
}

// Names that do not fit into a key, and pages of listings beyond S3's own.
func TestLongNames(t *testing.T) {
	s := newBucket(t)(t, endpoint(t))
	name := strings.Repeat("数", 300) + ".txt"
	long := storetest.Put(t, s, "o", name, []byte("x"))
	short := storetest.Put(t, s, "o", "short.txt", []byte("y"))
	if f, err := s.Get(t.Context(), "o", long.ID); err != nil || f.Filename != name {
		t.Errorf("get: %+v, %v", f, err)
	}
	p, err := s.List(t.Context(), "o", files.Query{Limit: 10, Ascending: long.ID < short.ID})
	if err != nil || len(p.Files) != 2 || p.Files[0].Filename != name || p.Files[1].Filename != "short.txt" {
		t.Errorf("list: %+v, %v", p, err)
	}
}

// A listing goes on over S3's own pages.
func TestWalkOverPages(t *testing.T) {
	s := newBucket(t)(t, endpoint(t))
	want := make(map[string]bool)
	for range 7 {
		want[storetest.Put(t, s, "o", "f.txt", []byte("x")).ID] = true
	}
	keys := s.walk(s.prefix+indexDir, "", 2)
	for {
		o, err := keys.next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if o == nil {
			break
		}
		f, _, ok := s.parseIndexKey(aws.ToString(o.Key), "o")
		if !ok || !want[f.ID] {
			t.Errorf("%s is not one of ours, or seen before", aws.ToString(o.Key))
		}
		delete(want, f.ID)
	}
	if len(want) > 0 {
		t.Errorf("%d files not seen", len(want))
	}
}

func TestSweepRemovesOrphans(t *testing.T) {
	s := newBucket(t)(t, endpoint(t))
	keep := storetest.Put(t, s, "o", "keep.txt", []byte("keep"))
	orphan := s.contentKey("o", files.NewID(time.Now()))
	for _, key := range []string{orphan, s.prefix + "content/notes.txt", s.prefix + "index/notes.txt"} {
		if _, err := s.client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &s.bucket, Key: &key, Body: strings.NewReader("half")}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.Sweep(t.Context()); n != 0 || err != nil {
		t.Errorf("young content: swept %d, %v", n, err)
	}
	// A server cannot be told when an object was written, so its removal is asked for by itself.
	if n, err := s.sweepOrphan(t.Context(), orphan, strings.TrimPrefix(orphan, s.prefix+contentDir)); n != 1 || err != nil {
		t.Errorf("orphan: %d, %v", n, err)
	}
	content := s.contentKey("o", keep.ID)
	if n, err := s.sweepOrphan(t.Context(), content, strings.TrimPrefix(content, s.prefix+contentDir)); n != 0 || err != nil {
		t.Errorf("content of a file: %d, %v", n, err)
	}
	if left := keysOf(t, s); len(left) != 4 {
		t.Errorf("left: %v; want the file's two and two that are not ours", left)
	}
}

// flaky forwards to S3 and fails one call in five: half of them before S3 sees it, half after S3 has done it. Answers
// with content break off in the middle instead.
func flaky(t *testing.T, calls, failed *atomic.Int64) string {
	t.Helper()
	target, err := url.Parse(endpoint(t))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	dice := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // the same faults each time
	proxy := &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		fate := dice.IntN(10)
		mu.Unlock()
		calls.Add(1)
		switch fate {
		case 0:
			failed.Add(1)
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>`)
		case 1:
			failed.Add(1)
			rec := httptest.NewRecorder()
			proxy.ServeHTTP(rec, r)
			if b := rec.Body.Bytes(); r.Method == http.MethodGet && len(b) > 1 {
				maps.Copy(w.Header(), rec.Header())
				w.WriteHeader(rec.Code)
				_, _ = w.Write(b[:len(b)/2])
			}
			panic(http.ErrAbortHandler)
		default:
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// S3 failing one call in five: what succeeds is right, what fails leaves nothing.
func TestFlakyServer(t *testing.T) {
	open := newBucket(t)
	var calls, failed atomic.Int64
	s := open(t, flaky(t, &calls, &failed))
	direct := open(t, endpoint(t))
	const uploads = 60
	var mu sync.Mutex
	kept := make(map[string][]byte)
	refused := 0
	var wg sync.WaitGroup
	gate := make(chan struct{}, 8)
	for i := range uploads {
		wg.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			content := bytes.Repeat([]byte{byte(i), byte(i >> 8), 'x'}, 1+i*777)
			if i%10 == 9 {
				content = bytes.Repeat(content, (6<<20)/len(content)+1)
			}
			f, err := s.Put(t.Context(), files.Upload{
				Owner: "o", Body: bytes.NewReader(content),
				Describe: storetest.Describe(files.Description{Filename: "f", Purpose: "batch", MediaType: "text/plain"}),
			})
			if err != nil {
				if !errors.Is(err, files.ErrUnavailable) {
					t.Errorf("put: %v", err)
				}
				mu.Lock()
				refused++
				mu.Unlock()
				return
			}
			mu.Lock()
			kept[f.ID] = content
			mu.Unlock()
			r, err := s.Open(t.Context(), f, 0, -1)
			if err != nil {
				t.Logf("open: %v", err)
				return
			}
			got, err := io.ReadAll(r)
			_ = r.Close()
			if err == nil && !bytes.Equal(got, content) {
				t.Errorf("read %d bytes of %d without an error", len(got), len(content))
			}
			if i%3 != 0 {
				return
			}
			if err := s.Delete(t.Context(), "o", f.ID); err == nil {
				mu.Lock()
				delete(kept, f.ID)
				mu.Unlock()
			} else {
				t.Logf("delete: %v", err)
			}
		})
	}
	wg.Wait()
	p, err := direct.List(t.Context(), "o", files.Query{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Files) != len(kept) {
		t.Errorf("%d files are listed, %d were answered with success", len(p.Files), len(kept))
	}
	for _, f := range p.Files {
		want, ok := kept[f.ID]
		r, err := direct.Open(t.Context(), f, 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		_ = r.Close()
		if !ok || err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: known %v, %d bytes of %d, %v", f.ID, ok, len(got), len(want), err)
		}
	}
	if left := keysOf(t, direct); len(left) != 2*len(kept) {
		t.Errorf("%d objects for %d files", len(left), len(kept))
	}
	t.Logf("%d calls, %d made to fail; %d uploads of %d refused", calls.Load(), failed.Load(), refused, uploads)
	if failed.Load()*10 < calls.Load() {
		t.Error("too few calls failed to show anything")
	}
}

// Both objects of a file, and those of the gateway's own, are encrypted with the key asked for, in one part or in several; the account's own default key
// must not be named.
func TestEncryption(t *testing.T) {
	for key, named := range map[string]string{"alias/files": "alias/files", "aws/s3": ""} {
		var mu sync.Mutex
		var asked []string
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			q := r.URL.Query()
			begins := r.Method == http.MethodPost && q.Has("uploads")
			if begins || r.Method == http.MethodPut && !q.Has("partNumber") {
				mu.Lock()
				asked = append(asked, r.Header.Get("X-Amz-Server-Side-Encryption")+" "+r.Header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"))
				mu.Unlock()
			}
			w.Header().Set("ETag", `"x"`)
			switch {
			case begins:
				_, _ = io.WriteString(w, `<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>`)
			case r.Method == http.MethodPost:
				_, _ = io.WriteString(w, `<CompleteMultipartUploadResult><ETag>"x"</ETag></CompleteMultipartUploadResult>`)
			case r.Method == http.MethodGet:
				_, _ = io.WriteString(w, `<ListMultipartUploadsResult></ListMultipartUploadsResult>`)
			}
		}))
		defer srv.Close()
		s := provision(t, fmt.Sprintf(`{"bucket":"b","endpoint":%q,"path_style":true,"region":"us-east-1","kms_key":%q,
			"access_key_id":"AKIAEXAMPLE","secret_access_key":"secret"}`, srv.URL, key))
		storetest.Put(t, s, "o", "small.txt", []byte("x"))
		storetest.Put(t, s, "o", "large.txt", make([]byte, partSize+1))
		if err := s.PutObject(t.Context(), storetest.Object("o", "resp_1", "x"), true); err != nil {
			t.Error(err)
		}
		for _, got := range asked {
			if got != "aws:kms "+named {
				t.Errorf("key %s: asked for %q", key, got)
			}
		}
		if len(asked) != 5 {
			t.Errorf("key %s: %d objects, want 5", key, len(asked))
		}
	}
}

// A server that is not there is told at once, and as that.
func TestServerDown(t *testing.T) {
	s := provision(t, `{"bucket":"b","endpoint":"http://127.0.0.1:1","path_style":true,"region":"eu-west-1",
		"access_key_id":"AKIAEXAMPLE","secret_access_key":"a-very-secret-key"}`)
	s.client = s3.New(s.client.Options(), func(o *s3.Options) { o.Retryer = aws.NopRetryer{} })
	h, err := s.Check(t.Context())
	if !errors.Is(err, files.ErrUnavailable) || h != (files.Health{Store: "s3", Bucket: "b", Region: "eu-west-1"}) {
		t.Errorf("check: %+v, %v", h, err)
	}
	_, err = s.Get(t.Context(), "", files.NewID(time.Now()))
	if !errors.Is(err, files.ErrUnavailable) || strings.Contains(err.Error(), "secret") {
		t.Errorf("get: %v", err)
	}
}
