//go:build !linux && !darwin && !freebsd && !windows

package local

// diskFree does not know, which is taken for enough: a full disk then is an error of the write.
func diskFree(string) (free, size uint64, err error) { return 1, 1, nil }
