//go:build !windows

package terminal

import "os"

// enableCodes reports whether a terminal understands escape codes; those here do.
func enableCodes(*os.File) bool { return true }
