//go:build race

package sigv4

// The race detector makes sync.Pool drop items at random.
func init() { poolsKeep = false }
