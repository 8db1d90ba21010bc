// Package kept is a map for the hot path: it is read without a lock, grows up to a bound, and keeps what it has.
package kept

import (
	"maps"
	"sync"
	"sync/atomic"
)

// Map maps keys to values that are added once and never replaced. Reading takes no lock and allocates nothing; adding copies
// the map, so it is for keys that soon are all there. It is safe for concurrent use; the zero value is empty.
type Map[K comparable, V any] struct {
	mu      sync.Mutex // for adding
	current atomic.Pointer[map[K]*V]
}

// Get returns the value of a key; nil if it has none.
func (m *Map[K, V]) Get(key K) *V {
	if current := m.current.Load(); current != nil {
		return (*current)[key]
	}
	return nil
}

// Add returns the value of a key, which is that of create if it had none; nil if there are most keys already.
func (m *Map[K, V]) Add(key K, most int, create func() *V) *V {
	if v := m.Get(key); v != nil || len(m.All()) >= most {
		return v // a full map costs no lock either
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if v := m.Get(key); v != nil {
		return v
	}
	next := make(map[K]*V)
	if current := m.current.Load(); current != nil {
		if len(*current) >= most {
			return nil
		}
		maps.Copy(next, *current)
	}
	v := create()
	next[key] = v
	m.current.Store(&next)
	return v
}

// All returns the map as it is now. It must not be changed.
func (m *Map[K, V]) All() map[K]*V {
	if current := m.current.Load(); current != nil {
		return *current
	}
	return nil
}
