package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/files/storetest"
)

// S3 failing one call in five, half of them when the object was put: what was answered for is there, and once.
func TestObjectsOfAFlakyServer(t *testing.T) {
	open := newBucket(t)
	var calls, failed atomic.Int64
	s := open(t, flaky(t, &calls, &failed))
	direct := open(t, endpoint(t))
	var refused atomic.Int64
	var wg sync.WaitGroup
	gate := make(chan struct{}, 8)
	for i := range 100 {
		wg.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			o := storetest.Object("o", fmt.Sprintf("resp_%d", i), strings.Repeat("body ", i*100))
			if err := s.PutObject(t.Context(), o, true); err != nil {
				if !errors.Is(err, files.ErrUnavailable) {
					t.Errorf("put: %v", err) // such as ErrExists, by its own first try
				}
				refused.Add(1)
				return
			}
			if got, err := direct.GetObject(t.Context(), "o", o.Kind, o.ID); err != nil || string(got.Body) != string(o.Body) {
				t.Errorf("put, and not there: %d bytes, %v", len(got.Body), err)
			}
			if got, err := s.GetObject(t.Context(), "o", o.Kind, o.ID); err == nil && string(got.Body) != string(o.Body) {
				t.Errorf("%d bytes of %d without an error", len(got.Body), len(o.Body))
			} else if err != nil && !errors.Is(err, files.ErrUnavailable) {
				t.Errorf("get: %v", err)
			}
		})
	}
	wg.Wait()
	t.Logf("%d calls, %d made to fail; %d of 100 puts refused", calls.Load(), failed.Load(), refused.Load())
	if failed.Load()*10 < calls.Load() || refused.Load() > 10 {
		t.Error("too few calls failed, or too many puts")
	}
}

// A server that hangs holds nobody longer than they wait; one that lets nobody write is unavailable, and so is one that is full.
func TestObjectsOfAServerThatDoesNotTakeThem(t *testing.T) {
	hang := make(chan struct{})
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
	}{
		{"hangs", func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-hang
		}},
		{"is read-only", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `<Error><Code>AccessDenied</Code></Error>`)
		}},
		{"is full", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInsufficientStorage)
			_, _ = io.WriteString(w, `<Error><Code>XMinioStorageFull</Code></Error>`)
		}},
		{"answers with a page", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, `<html>`)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := httptest.NewServer(c.handler)
			defer srv.Close()
			defer func() {
				if c.name == "hangs" {
					close(hang)
				}
			}()
			s := provision(t, fmt.Sprintf(`{"bucket":"b","endpoint":%q,"path_style":true,"region":"us-east-1",
				"access_key_id":"AKIAEXAMPLE","secret_access_key":"a-very-secret-key"}`, srv.URL))
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			start := time.Now()
			err := s.PutObject(ctx, storetest.Object("o", "resp_1", "x"), true)
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("it took %v", took)
			}
			if err == nil || strings.Contains(err.Error(), "secret") || !errors.Is(err, files.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("put: %v", err)
			}
		})
	}
}
