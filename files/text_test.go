package files

import (
	"context"
	"errors"
	"math"
	"runtime"
	"testing"
	"time"
)

// Extractions wait for their turn, for a bounded time, and no longer than their client does.
func TestQueue(t *testing.T) {
	q := make(queue, 1)
	if err := q.enter(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := q.enter(t.Context(), time.Millisecond); !errors.Is(err, ErrBusy) {
		t.Errorf("beyond the wait: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	waiting := make(chan error)
	go func() { waiting <- q.enter(gone, time.Hour) }()
	cancel()
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Errorf("after the client left: %v", err)
	}
	go func() { waiting <- q.enter(t.Context(), time.Hour) }()
	q.leave()
	if err := <-waiting; err != nil {
		t.Errorf("after a turn ended: %v", err)
	}
}

// What all extractions take together stays below a quarter of the process's memory limit, where it has one.
func TestExtractionsAtOnce(t *testing.T) {
	processors := min(max(2, runtime.GOMAXPROCS(0)), maxExtractions)
	for limit, want := range map[int64]int{math.MaxInt64: processors, 64 << 20: 1, 256 << 20: 1, 512 << 20: 2, 64 << 30: processors} {
		if got := extractionsAtOnce(limit); got != want {
			t.Errorf("with %d MiB: %d, want %d", limit>>20, got, want)
		}
	}
}

// A file that took too long is tried again after a while: that may have been the machine.
func TestTimeIsForgotten(t *testing.T) {
	c := newTextCache(1 << 20)
	c.put(textEntry{key: textKey{sha256: "a"}, err: ErrUnreadable, until: time.Now().Add(time.Hour)})
	c.put(textEntry{key: textKey{sha256: "b"}, err: ErrUnreadable, until: time.Now().Add(-time.Hour)})
	if _, ok := c.get(textKey{sha256: "a"}); !ok {
		t.Error("forgotten too soon")
	}
	if _, ok := c.get(textKey{sha256: "b"}); ok || c.used != entryOverhead {
		t.Errorf("not forgotten; %d bytes used", c.used)
	}
}
