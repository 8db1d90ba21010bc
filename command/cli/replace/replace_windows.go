package replace

import (
	"io/fs"
	"os"
)

// lock does nothing: Windows has no lock on a folder.
func lock(string) (unlock func(), err error) { return func() {}, nil }

// own does nothing: a new file in a folder gets the folder's access list.
func own(*os.File, fs.FileInfo) error { return nil }

// syncFolder does nothing: Windows writes renames by itself.
func syncFolder(string) error { return nil }
