package upstream

import (
	"sync"
	"sync/atomic"
	"time"
)

// The budget of retries: within budgetSeconds a share of the calls, and always a few, so that an upstream that is seldom
// asked has its retries too. Without a budget every client's call becomes three while an upstream fails, which keeps it from
// coming back.
const (
	budgetSeconds = 10
	budgetShare   = 5 // one retry for so many calls
	budgetLeast   = 10
)

// budget counts the calls and retries of the last seconds. Counting a call takes no lock.
type budget struct {
	seconds [budgetSeconds + 1]second
	mu      sync.Mutex // held while a retry is spent
}

type second struct {
	unix    atomic.Int64 // which second is counted here
	calls   atomic.Int64
	retries atomic.Int64
}

// at returns the counts of the second. A count of a call that races with the second's beginning may be lost.
func (b *budget) at(now time.Time) *second {
	unix := now.Unix()
	s := &b.seconds[uint64(unix)%uint64(len(b.seconds))] //nolint:gosec // time after 1970
	if old := s.unix.Load(); old != unix && s.unix.CompareAndSwap(old, unix) {
		s.calls.Store(0)
		s.retries.Store(0)
	}
	return s
}

// call counts a call's first try.
func (b *budget) call(now time.Time) { b.at(now).calls.Add(1) }

// spend reports whether a retry may be made, and counts it.
func (b *budget) spend(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	current := b.at(now)
	var calls, retries int64
	for i := range b.seconds {
		if s := &b.seconds[i]; now.Unix()-s.unix.Load() < budgetSeconds {
			calls += s.calls.Load()
			retries += s.retries.Load()
		}
	}
	if retries >= max(calls/budgetShare, budgetLeast) {
		return false
	}
	current.retries.Add(1)
	return true
}
