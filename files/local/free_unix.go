//go:build linux || darwin || freebsd

package local

import "golang.org/x/sys/unix"

// diskFree returns how much of the disk that dir is on may still be written by this process, and how much of it there is for
// such processes, in blocks. As for df, what is reserved for root and what a quota withholds is no part of it.
func diskFree(dir string) (free, size uint64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, 0, err
	}
	free = uint64(max(s.Bavail, 0)) //nolint:gosec,unconvert,nolintlint // signed on FreeBSD, where root's reserve makes it negative
	return free, s.Blocks - min(s.Bfree, s.Blocks) + free, nil
}
