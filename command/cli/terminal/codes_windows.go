package terminal

import (
	"os"

	"golang.org/x/sys/windows"
)

// enableCodes has the console understand escape codes, which it does when it is asked to, and reports whether it does.
func enableCodes(f *os.File) bool {
	var mode uint32
	console := windows.Handle(f.Fd())
	return windows.GetConsoleMode(console, &mode) == nil &&
		windows.SetConsoleMode(console, mode|windows.ENABLE_PROCESSED_OUTPUT|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
