package fault

import "sync"

// maxKeys bounds what a Counter remembers; beyond it the counts start afresh.
const maxKeys = 4096

// Counter knows how often a fault that is to happen only so many times has happened. The zero value is ready; it is
// safe for concurrent use.
type Counter struct {
	mu   sync.Mutex
	seen map[string]int
}

// Due reports whether s happens to this call, and counts it. Calls are the same if key (the model and the last user
// text, say) and the directive are. A Spec without Times is always due. The call that is served after s.Times failed
// ones starts the count afresh, so that a test can be run twice against one simulator.
func (c *Counter) Due(key string, s Spec) bool {
	if s.Times == 0 {
		return true
	}
	key += "\x00" + s.Raw
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil || len(c.seen) > maxKeys {
		c.seen = map[string]int{}
	}
	if c.seen[key] >= s.Times {
		delete(c.seen, key)
		return false
	}
	c.seen[key]++
	return true
}
