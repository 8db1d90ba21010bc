package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/files/extract"
	"github.com/open-bedrock/caddy-bedrock-gateway/files/extract/budget"
)

const (
	cacheBytes = 64 << 20
	// maxExtractions bounds the extractions of the process, each of which may take budget.Peak and a processor.
	maxExtractions = 8
	// maxQueue is how long an extraction waits for its turn. The longest before it takes 15 s.
	maxQueue = 30 * time.Second
	// timeRemembered is how long a file that took too long is refused without another try: that depends on the machine,
	// where all other failures depend on the file.
	timeRemembered = time.Minute
)

// texts and turns are shared by all stores and configurations of the process: a text depends on the content alone, and
// memory is the process's.
var (
	texts = newTextCache(cacheBytes)
	turns = sync.OnceValue(func() queue { return make(queue, extractionsAtOnce(debug.SetMemoryLimit(-1))) })
)

// extractionsAtOnce returns how many extractions may run in a process with a memory limit (GOMEMLIMIT): as many as it
// has processors, but no more than take a quarter of its memory.
func extractionsAtOnce(memoryLimit int64) int {
	n := min(max(2, runtime.GOMAXPROCS(0)), maxExtractions)
	if memoryLimit < math.MaxInt64 {
		n = min(n, int(max(1, memoryLimit/4/budget.Peak)))
	}
	return n
}

// queue lets as many work at once as its capacity.
type queue chan struct{}

// enter waits for a turn, which leave ends. It fails with ErrBusy after wait, or with the context's error.
func (q queue) enter(ctx context.Context, wait time.Duration) error {
	select {
	case q <- struct{}{}:
		return nil
	default:
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case q <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return ErrBusy
	}
}

func (q queue) leave() { <-q }

// text returns f's content as text of at most limit bytes, from the cache if it was extracted before. What failed before
// for a reason that lies in the content fails again without another try.
func text(ctx context.Context, s Store, f File, limit int64, work *extract.Request) (textEntry, error) {
	key := textKey{sha256: f.SHA256, mediaType: f.MediaType, extension: strings.ToLower(path.Ext(f.Filename)), limit: limit}
	if t, ok := texts.get(key); ok {
		return t, t.err
	}
	if err := turns().enter(ctx, maxQueue); err != nil {
		return textEntry{}, err
	}
	defer turns().leave()
	// While this one waited, another request may have read the same file.
	if t, ok := texts.get(key); ok {
		return t, t.err
	}
	r, err := s.Open(ctx, f, 0, -1)
	if err != nil {
		return textEntry{}, err
	}
	defer func() { _ = r.Close() }()
	src := &sourceReader{r: r}
	began := time.Now()
	res, err := extract.Text(ctx, src, f.MediaType, f.Filename, extract.Limits{Text: limit, Size: f.Bytes, Request: work})
	switch {
	case src.err != nil:
		// The store failed, not the file: a text cut short by that would be wrong, and retrying can help.
		return textEntry{}, src.err
	case err != nil && ctx.Err() != nil:
		return textEntry{}, ctx.Err()
	case errors.Is(err, extract.ErrTime) && src.waited > time.Since(began)/2:
		return textEntry{}, fmt.Errorf("%w: reading content took %v", ErrUnavailable, src.waited.Round(time.Second))
	case errors.Is(err, extract.ErrRequest):
		// The file may be fine in another request.
		return textEntry{}, fmt.Errorf("%w: %w; name fewer of them", ErrUnreadable, err)
	case err != nil:
		t := textEntry{key: key, err: fmt.Errorf("%w: %w", ErrUnreadable, err)}
		if errors.Is(err, extract.ErrTime) {
			t.until = time.Now().Add(timeRemembered)
		}
		texts.put(t)
		return textEntry{}, t.err
	}
	t := textEntry{key: key, text: strings.TrimRight(res.Text, "\n"), truncated: res.Truncated}
	texts.put(t)
	return t, nil
}

// sourceReader remembers the store's own error, which extractors may take for a malformed document, and how long the
// store took.
type sourceReader struct {
	r      io.Reader
	err    error
	waited time.Duration
}

func (s *sourceReader) Read(p []byte) (int, error) {
	began := time.Now()
	n, err := s.r.Read(p)
	s.waited += time.Since(began)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}
