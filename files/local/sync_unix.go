//go:build !windows

package local

import "os"

// syncDir puts a directory's names on disk: syncing a file does not sync its name.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the store's own directory
	if err != nil {
		return unavailable("syncing the directory", err)
	}
	defer func() { _ = d.Close() }()
	if err := d.Sync(); err != nil {
		return unavailable("syncing the directory", err)
	}
	return nil
}
