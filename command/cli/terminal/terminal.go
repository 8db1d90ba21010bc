// Package terminal knows what stands at the other end of a command's streams: a terminal or a file, how wide it is, and
// whether it wants colours.
package terminal

import (
	"io"
	"os"
	"strconv"

	"golang.org/x/term"
)

// defaultWidth is the number of columns where there is no terminal to ask.
const defaultWidth = 80

// defaultHeight is the number of lines there.
const defaultHeight = 24

// Is reports whether a stream, such as cmd.InOrStdin(), is a terminal.
func Is(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Width returns the number of columns of what w writes to. Where it is no terminal, COLUMNS says it, else it is 80.
func Width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			return n
		}
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	return defaultWidth
}

// Height returns the number of lines of what w writes to, or 24 where it is no terminal.
func Height(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if _, n, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			return n
		}
	}
	return defaultHeight
}

// Codes reports whether escape codes may be written to w: it is a terminal that understands them, and NO_COLOR
// (https://no-color.org) is not set.
func Codes(w io.Writer) bool {
	return Is(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
