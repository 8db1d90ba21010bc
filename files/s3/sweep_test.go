package s3

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
)

// S3 dates the content of a large file by the beginning of its upload. A sweep that came while an upload of more than an
// hour was about to write its index object took the content for abandoned, and left a file without content.
func TestSweepSparesTheContentOfSlowUploads(t *testing.T) {
	for age, removed := range map[time.Duration]int{time.Minute: 0, 2 * time.Hour: 0, 11 * time.Hour: 0, 25 * time.Hour: 1} {
		var mu sync.Mutex
		var deleted []string
		key := ""
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			query := r.URL.Query()
			switch {
			case r.Method == http.MethodDelete:
				mu.Lock()
				deleted = append(deleted, strings.TrimPrefix(r.URL.Path, "/b/"))
				mu.Unlock()
				w.WriteHeader(http.StatusNoContent)
			case query.Has("uploads"):
				_, _ = fmt.Fprint(w, `<ListMultipartUploadsResult></ListMultipartUploadsResult>`)
			case strings.Contains(query.Get("prefix"), contentDir):
				_, _ = fmt.Fprintf(w, `<ListBucketResult><Contents><Key>%s</Key><LastModified>%s</LastModified></Contents></ListBucketResult>`,
					key, time.Now().Add(-age).UTC().Format("2006-01-02T15:04:05.000Z"))
			default: // the index, which does not have the file yet
				_, _ = fmt.Fprint(w, `<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>`)
			}
		}))
		s := provision(t, fmt.Sprintf(`{"bucket":"b","endpoint":%q,"path_style":true,"region":"us-east-1","access_key_id":"AKIA","secret_access_key":"s"}`, srv.URL))
		key = s.contentKey("o", files.NewID(time.Now().Add(-age)))
		n, err := s.Sweep(t.Context())
		srv.Close()
		if n != removed || err != nil || len(deleted) != removed || removed == 1 && deleted[0] != key {
			t.Errorf("content of %v ago: removed %d, %v; deleted %v", age, n, err, deleted)
		}
	}
}

// A server that is down was told of after 23 seconds: the client of a failed upload waited for all tries to remove what
// might be left of it.
func TestFailedUploadIsToldWhileItsRestIsStillBeingRemoved(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a client's patience")
	}
	var up atomic.Bool
	removed := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !up.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent)
		close(removed)
	}))
	defer srv.Close()
	s := provision(t, fmt.Sprintf(`{"bucket":"b","endpoint":%q,"path_style":true,"region":"us-east-1","access_key_id":"AKIA","secret_access_key":"s"}`, srv.URL))
	begun := time.Now()
	s.undo(t.Context(), "key")
	if took := time.Since(begun); took > 3*undoTime {
		t.Errorf("the client waited for %v", took)
	}
	up.Store(true)
	<-removed
}
