//go:build linux || darwin || freebsd

package local

import "golang.org/x/sys/unix"

// diskFree returns how much of the disk that dir is on may still be written by this process, and the disk's size, in
// blocks.
func diskFree(dir string) (free, size uint64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, 0, err
	}
	return uint64(max(s.Bavail, 0)), s.Blocks, nil //nolint:gosec,unconvert,nolintlint // signed on FreeBSD, where root's reserve makes it negative
}
