package terminal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Asker asks for lines of text: a person at a terminal, or a file that has the answers, a line each.
type Asker struct {
	in    io.Reader
	out   io.Writer // of the prompts
	lines *bufio.Reader
}

// NewAsker returns an Asker that reads in and writes its prompts to out.
func NewAsker(in io.Reader, out io.Writer) *Asker {
	return &Asker{in: in, out: out, lines: bufio.NewReader(in)}
}

// Ask returns the line that is typed, without blanks around it. A secret is not shown while it is typed. The error is io.EOF
// if there is no more.
func (a *Asker) Ask(prompt string, secret bool) (string, error) {
	_, _ = fmt.Fprint(a.out, prompt) // where nobody sees it, the answer may still come
	if f, ok := a.in.(*os.File); ok && secret && Is(a.in) {
		line, err := term.ReadPassword(int(f.Fd())) //nolint:gosec // a file's number
		_, _ = fmt.Fprintln(a.out)
		return strings.TrimSpace(string(line)), err
	}
	line, err := a.lines.ReadString('\n')
	if errors.Is(err, io.EOF) && line != "" {
		err = nil // the last line has no break
	}
	if !Is(a.in) {
		_, _ = fmt.Fprintln(a.out)
	}
	return strings.TrimSpace(line), err
}
