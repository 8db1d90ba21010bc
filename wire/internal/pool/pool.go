// Package pool pools the buffers of stream readers: thousands of streams
// a second would otherwise make as much garbage as they carry.
package pool

import "sync"

// The sizes that are pooled, in bytes.
const (
	// Small is what a slow stream keeps: thousands of them, with one small event at
	// a time, are the common case.
	Small = 4 << 10
	// Large is for a stream's beginning, and while its events come faster than they
	// are read, so that many of them are taken with one Read.
	Large = 32 << 10
)

var (
	small = sync.Pool{New: func() any { return new([Small]byte) }}
	large = sync.Pool{New: func() any { return new([Large]byte) }}
)

// Get returns a buffer of the size, which holds anything. Sizes other than those
// of this package are allocated, not pooled.
func Get(size int) []byte {
	switch size {
	case Small:
		return small.Get().(*[Small]byte)[:]
	case Large:
		return large.Get().(*[Large]byte)[:]
	}
	return make([]byte, size)
}

// Put takes back what Get gave, whole. It must not be used any more.
func Put(b []byte) {
	switch cap(b) {
	case Small:
		small.Put((*[Small]byte)(b[:Small]))
	case Large:
		large.Put((*[Large]byte)(b[:Large]))
	}
}
