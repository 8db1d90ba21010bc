package terminal

import (
	"io"
	"os"

	"github.com/charmbracelet/colorprofile"
)

// Colors returns which colors may be written to w. With NO_COLOR, whatever its value (https://no-color.org), text is bold or faint
// but has no color; what is no terminal gets no codes at all.
func Colors(w io.Writer) colorprofile.Profile {
	f, ok := w.(*os.File)
	if !ok || !Is(f) || os.Getenv("TERM") == "dumb" || !enableCodes(f) {
		return colorprofile.NoTTY
	}
	if os.Getenv("NO_COLOR") != "" {
		return colorprofile.ASCII
	}
	return max(colorprofile.Detect(w, os.Environ()), colorprofile.ANSI)
}
