package terminal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/charmbracelet/x/ansi"
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
	if Is(a.out) {
		text := strings.TrimRight(prompt, " ")
		prompt = ansi.Wordwrap(text, max(Width(a.out)-2, 1), "") + prompt[len(text):]
	}
	_, _ = fmt.Fprint(a.out, prompt) // where nobody sees it, the answer may still come
	if f, ok := a.in.(*os.File); ok && secret && Is(a.in) {
		line, err := hidden(int(f.Fd())) //nolint:gosec // a file's number
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

// interrupted is the exit code of a program that Ctrl-C ended, as shells report it.
const interrupted = 130

// hidden reads a line that is not shown. Ctrl-C ends the program, and leaves a terminal that shows what is typed.
func hidden(fd int) ([]byte, error) {
	state, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	signals, over := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, os.Interrupt)
	defer signal.Stop(signals)
	defer close(over)
	go func() {
		select {
		case <-over:
		case <-signals:
			_ = term.Restore(fd, state) // there is nothing else to do
			os.Exit(interrupted)
		}
	}()
	return term.ReadPassword(fd)
}
