package exchange

import (
	"context"
	"math"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

const (
	// unnamed is what a request may hold without its caller being looked up: most requests are far smaller.
	unnamed = 64 << 10
	// holdWait is how long a request waits for memory that others hold.
	holdWait = 2 * time.Second
	// holdRetry is when a client whose request got none may come back.
	holdRetry = time.Second
	// blockSize is about what the canonical request holds for one object of a body: a content block, its place in a list.
	blockSize = 128
)

// Memory counts the bytes that requests hold: bodies as far as they were received, and what is made of them. All gateways
// of a process share one. It is safe for concurrent use; the zero value is ready.
type Memory struct {
	used    atomic.Int64
	waiting atomic.Int32

	mu      sync.Mutex
	callers map[string]int64 // what each caller holds, of requests above unnamed
	freed   chan struct{}    // closed when memory is given back while somebody waits
}

// limits are the bounds of a Memory, in bytes: of all requests together, and of one caller's.
type limits struct{ all, caller int64 }

// limitsOf returns the bounds of max_buffered. A caller may hold a quarter of it, but always one body of max_body.
func limitsOf(maxBuffered, maxBody int64) limits {
	return limits{maxBuffered, max(maxBuffered/4, maxBody)}
}

// defaultMaxBuffered returns a quarter of the memory that the process may use, 1 GB if nothing bounds that; in any case room
// for a body of max_body.
func defaultMaxBuffered(maxBody int64) int64 {
	n := int64(1_000_000_000)
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		n = limit / 4
	}
	return max(n, maxBody)
}

// held is what one request holds of a Memory. The zero value holds nothing.
type held struct {
	memory *Memory
	caller string
	named  bool // n is counted for the caller, too
	n      int64
}

// hold makes h hold n more bytes for the request. It waits a moment where others hold too much, then returns a 503.
func (en *Engine) hold(r *http.Request, h *held, n int64) error {
	m := &en.Process.Memory
	if en.MaxBuffered == 0 || n <= 0 {
		return nil
	}
	h.memory = m
	if !h.named && h.n+n <= unnamed && m.used.Add(n) <= en.limits.all {
		h.n += n
		return nil
	} else if !h.named && h.n+n <= unnamed {
		m.used.Add(-n)
	}
	if h.caller == "" {
		h.caller = en.callerKey(r)
	}
	if m.take(h, n, en.limits) {
		return nil
	}
	return m.wait(r.Context(), h, n, en.limits)
}

// tryHold makes h hold n more bytes for the request if they are free now, and reports whether they were.
func (en *Engine) tryHold(r *http.Request, h *held, n int64) bool {
	if en.MaxBuffered == 0 {
		return true
	}
	h.memory = &en.Process.Memory
	if h.caller == "" {
		h.caller = en.callerKey(r)
	}
	return h.memory.take(h, n, en.limits)
}

// callerKey names the caller for the bound of one caller.
func (en *Engine) callerKey(r *http.Request) string {
	if en.CallerKey == nil {
		return "?"
	}
	return en.CallerKey(r)
}

// take adds n bytes to h if they fit. A request that alone holds memory always gets it: max_body bounds it.
func (m *Memory) take(h *held, n int64, l limits) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	others, own := m.used.Load()-h.n, m.callers[h.caller]
	if h.named {
		own -= h.n
	}
	if others > 0 && others+h.n+n > l.all || own > 0 && own+h.n+n > l.caller {
		return false
	}
	m.used.Add(n)
	if m.callers == nil {
		m.callers = map[string]int64{}
	}
	h.n += n
	m.callers[h.caller] = own + h.n
	h.named = true
	return true
}

// wait takes n bytes as soon as they fit.
func (m *Memory) wait(ctx context.Context, h *held, n int64, l limits) error {
	m.waiting.Add(1)
	defer m.waiting.Add(-1)
	timer := time.NewTimer(holdWait)
	defer timer.Stop()
	for {
		m.mu.Lock()
		if m.freed == nil {
			m.freed = make(chan struct{})
		}
		freed := m.freed
		m.mu.Unlock()
		if m.take(h, n, l) {
			return nil
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return errClientGone
		case <-timer.C:
			return &chat.Error{
				Kind: chat.ErrOverloaded, Code: "too_much_buffered", RetryAfter: holdRetry,
				Message: "the gateway holds as many request bodies as its memory allows; try again shortly (max_buffered)",
			}
		}
	}
}

// release gives back what h holds; it may be called again.
func (h *held) release() { h.shrink(0) }

// shrink gives back what h holds above to bytes.
func (h *held) shrink(to int64) {
	m, n := h.memory, h.n-to
	if m == nil || n <= 0 {
		return
	}
	h.n = to
	m.used.Add(-n)
	if !h.named && m.waiting.Load() == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if h.named {
		h.named = to > 0
		if m.callers[h.caller] -= n; m.callers[h.caller] <= 0 {
			delete(m.callers, h.caller)
		}
	}
	if m.freed != nil {
		close(m.freed)
		m.freed = nil
	}
}
