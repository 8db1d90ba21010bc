// Package failure is how commands fail: with a message that names the cause and the next step, in lines that fit a terminal
// of 80 columns, and with an exit code that scripts can tell apart.
package failure

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// Exit codes. 0 is success; those above 1 are documented in docs/cli.md.
const (
	Failed      = 1   // what was asked for could not be done
	Usage       = 2   // the command line is wrong: an unknown flag, a missing argument, flags that exclude each other
	Unreachable = 3   // no gateway answered
	Refused     = 4   // a gateway answered with an error
	Interrupted = 130 // Ctrl-C, as shells report it
)

// Error is an error with its next step.
type Error struct {
	Code  int    // the exit code
	Cause error  // what went wrong
	Next  string // what the user can do about it; "" if there is nothing to say
}

// New returns an error of the exit code Failed.
func New(cause error, next string) *Error { return &Error{Failed, cause, next} }

// Newf is New with the cause's format and its arguments.
func Newf(next, format string, args ...any) *Error { return New(fmt.Errorf(format, args...), next) }

// Usagef returns an error of the exit code Usage.
func Usagef(next, format string, args ...any) *Error {
	return &Error{Usage, fmt.Errorf(format, args...), next}
}

func (f *Error) Error() string { return f.Cause.Error() }

func (f *Error) Unwrap() error { return f.Cause }

// width is the widest line of a message, in characters.
const width = 80

// Print writes an error in the form of all commands:
//
//	Error: .env cannot be read: permission denied
//	  → run this as the file's owner, or name another by --env-file
func Print(w io.Writer, err error) {
	text := Fill("Error: ", "  ", err.Error())
	if f, ok := errors.AsType[*Error](err); ok && f.Next != "" {
		text += Fill("  → ", "    ", f.Next)
	}
	_, _ = io.WriteString(w, text) // where stderr is closed, nobody reads it
}

// Fill breaks text into lines of at most width characters, at spaces; first and rest are what the first line and the others
// begin with. A word that is longer, such as a URL, is left whole, so that it can be copied. Line breaks stay.
func Fill(first, rest, text string) string {
	var b strings.Builder
	indent := first
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		b.WriteString(indent)
		at := utf8.RuneCountInString(indent)
		for i, word := range strings.Fields(line) {
			n := utf8.RuneCountInString(word)
			switch {
			case i == 0:
			case at+1+n > width:
				b.WriteString("\n" + rest)
				at = utf8.RuneCountInString(rest)
			default:
				b.WriteByte(' ')
				at++
			}
			b.WriteString(word)
			at += n
		}
		b.WriteByte('\n')
		indent = rest
	}
	return b.String()
}

// Adopt makes a command and those below it fail as this package says: their errors are printed by Print, those of flags and
// arguments have the exit code Usage. Flags that exclude or require each other are the business of RunE: cobra's own checks
// of them cannot be adopted.
func Adopt(cmd *cobra.Command) *cobra.Command {
	// Flags are described in lines that fit a terminal.
	cmd.SetUsageTemplate(strings.ReplaceAll(cmd.UsageTemplate(), ".FlagUsages |", ".FlagUsagesWrapped 80 |"))
	help := "'" + commandPath(cmd) + " --help' shows how it is called"
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return exit(cmd, &Error{Usage, err, "'" + commandPath(cmd) + " --help' lists the flags"})
	})
	if args := cmd.Args; args != nil {
		cmd.Args = func(cmd *cobra.Command, words []string) error {
			return exit(cmd, usage(args(cmd, words), help))
		}
	}
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error { return exit(cmd, run(cmd, args)) }
	}
	for _, c := range cmd.Commands() {
		Adopt(c)
	}
	return cmd
}

func usage(err error, next string) error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*Error](err); ok {
		return f
	}
	return &Error{Usage, err, next}
}

// commandPath returns the command as it is typed. Before Caddy has put the tree together it is not whole.
func commandPath(cmd *cobra.Command) string {
	path := cmd.CommandPath()
	if !strings.HasPrefix(path, "caddy ") {
		path = "caddy bedrock " + path
	}
	return path
}

// exit prints the error and returns one that ends Caddy with its exit code.
func exit(cmd *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	cmd.SilenceErrors, cmd.SilenceUsage = true, true // it is printed here
	Print(cmd.ErrOrStderr(), err)
	code := Failed
	if f, ok := errors.AsType[*Error](err); ok {
		code = f.Code
	}
	if code == Failed {
		return err // Caddy ends with 1
	}
	// Caddy's error that carries an exit code is not exported; this makes one, and logs nothing.
	return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return code, nil })(cmd, nil)
}
