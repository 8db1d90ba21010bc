//go:build !race

package extract

// race reports whether the race detector is on, and slow by what it divides the work of the bombs: it makes everything ten
// times slower.
const (
	race = false
	slow = 1
)
