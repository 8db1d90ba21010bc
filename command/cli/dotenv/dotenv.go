// Package dotenv reads and edits .env files, in the syntax of python-dotenv, which the seed's users have theirs in: quotes,
// "export", comments behind a blank, ${NAME} for other variables. Source: src/dotenv/parser.py and variables.py of
// https://github.com/theskumar/python-dotenv 1.1. What that skips with a warning is an error here.
package dotenv

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
)

// maxSize bounds an .env file, in bytes.
const maxSize = 1 << 20

// File is a parsed .env file. Its zero value is an empty one.
type File struct {
	raw      string
	bindings []binding
}

// binding is an assignment, or a name without one.
type binding struct {
	name       string
	value      string // as it stands there, unquoted, variables not replaced
	has        bool   // it has an equals sign
	start, end int    // of the value in the file, quotes included; without an equals sign both are the name's end
}

// Read reads the file at path.
func Read(path string) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxSize {
		return nil, fmt.Errorf("%s: larger than %d bytes", path, maxSize)
	}
	raw, err := os.ReadFile(path) //nolint:gosec // the user names it
	if err != nil {
		return nil, err
	}
	f, err := Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// ReadIfThere is Read, but a file that is not there is empty.
func ReadIfThere(path string) (*File, error) {
	f, err := Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return new(File), nil
	}
	return f, err
}

var (
	// nameForm is the form of a variable that shells and systemd take too.
	nameForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	// export may stand before a name.
	export = regexp.MustCompile(`^export[ \t]+`)
	// comment ends an unquoted value.
	comment = regexp.MustCompile(`(^|\s)\s*#.*$`)
	// reference is another variable, with what stands in for it.
	reference = regexp.MustCompile(`\$\{([^}:]*)(?::-([^}]*))?\}`)
)

// Parse parses an .env file. Its errors name the line, never its content.
func Parse(raw []byte) (*File, error) {
	f := &File{raw: string(raw)}
	s := f.raw
	at := len(s) - len(strings.TrimPrefix(s, "\ufeff")) // as Windows editors begin a file
	for {
		at += len(s[at:]) - len(strings.TrimLeft(s[at:], " \t\r\n\v\f"))
		if at == len(s) {
			return f, nil
		}
		fail := func(why string) (*File, error) {
			return nil, fmt.Errorf("line %d: %s", 1+strings.Count(s[:at], "\n"), why)
		}
		line := at + lineEnd(s[at:])
		if s[at] == '#' {
			at = line
			continue
		}
		name := at + len(export.FindString(s[at:line]))
		nameEnd := name + strings.IndexFunc(s[name:line]+"=", func(r rune) bool { return r == '=' || r == ' ' || r == '\t' || r == '#' })
		b := binding{name: s[name:nameEnd], start: nameEnd, end: nameEnd}
		if !nameForm.MatchString(b.name) {
			return fail("it does not begin with the name of a variable: NAME=value is expected")
		}
		rest := nameEnd + blanks(s[nameEnd:line])
		if rest < line && s[rest] == '=' {
			b.has = true
			b.start = rest + 1 + blanks(s[rest+1:line])
			var ok bool
			if b.value, b.end, ok = value(s, b.start, line); !ok {
				return fail("a quote is opened, and not closed")
			}
			line = b.end + lineEnd(s[b.end:])
			rest = b.end
		}
		if tail := strings.TrimLeft(s[rest:line], " \t"); tail != "" && tail[0] != '#' {
			return fail("something stands behind the value: put the whole value in quotes")
		}
		f.bindings = append(f.bindings, b)
		at = line
	}
}

// lineEnd returns the length of the line that text begins with.
func lineEnd(text string) int {
	if i := strings.IndexAny(text, "\r\n"); i >= 0 {
		return i
	}
	return len(text)
}

func blanks(text string) int { return len(text) - len(strings.TrimLeft(text, " \t")) }

// value reads the value at start, in a line that ends at line. A quoted one may go on over several.
func value(s string, start, line int) (text string, end int, ok bool) {
	if start == line || s[start] != '\'' && s[start] != '"' {
		text = s[start:line]
		// A comment needs a blank before it; the one behind the equals sign counts.
		if at := comment.FindStringIndex(text); at != nil && (at[0] > 0 || start > 0 && s[start-1] != '=') {
			text = text[:at[0]]
		}
		text = strings.TrimRight(text, " \t")
		return text, start + len(text), true
	}
	quote := s[start]
	var b strings.Builder
	for i := start + 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == quote:
			return b.String(), i + 1, true
		case c == '\\' && i+1 < len(s):
			if r, escaped := unescape(quote, s[i+1]); escaped {
				b.WriteByte(r)
				i++
				continue
			}
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, false
}

// unescape returns what stands for a backslash and c within quotes.
func unescape(quote, c byte) (byte, bool) {
	if c == '\\' || c == '\'' {
		return c, true
	}
	if quote == '\'' {
		return 0, false
	}
	const names, codes = `"abfnrtv`, "\"\a\b\f\n\r\t\v"
	if i := strings.IndexByte(names, c); i >= 0 {
		return codes[i], true
	}
	return 0, false
}

// Names returns the variables that the file sets, in its order, each once.
func (f *File) Names() []string {
	var names []string
	seen := map[string]bool{}
	for _, b := range f.bindings {
		if b.has && !seen[b.name] {
			seen[b.name] = true
			names = append(names, b.name)
		}
	}
	return names
}

// Values returns the variables with their values. ${NAME} stands for the value of the environment, else of a line further up,
// else for what follows ":-", else for nothing.
func (f *File) Values(environ func(string) (string, bool)) (map[string]string, error) {
	values := make(map[string]string, len(f.bindings))
	for _, b := range f.bindings {
		if !b.has {
			continue
		}
		values[b.name] = reference.ReplaceAllStringFunc(b.value, func(ref string) string {
			m := reference.FindStringSubmatch(ref)
			if v, ok := environ(m[1]); ok {
				return v
			}
			if v, ok := values[m[1]]; ok {
				return v
			}
			return m[2]
		})
		// Each line can double the one before.
		if len(values[b.name]) > maxSize {
			return nil, fmt.Errorf("%s becomes longer than %d bytes by the variables in it", b.name, maxSize)
		}
	}
	return values, nil
}

// Set returns the file with a variable set: where it stands already, with the value of its last line replaced, else with a
// line more. All else stays as it is.
func (f *File) Set(name, value string) ([]byte, error) {
	if !nameForm.MatchString(name) {
		return nil, fmt.Errorf("%q is no name of a variable: letters, digits and underscores, as in AWS_REGION", name)
	}
	quoted, err := quote(value)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for _, b := range slices.Backward(f.bindings) {
		if b.name != name {
			continue
		}
		if !b.has {
			quoted = "=" + quoted
		}
		if strings.HasPrefix(f.raw[b.end:], "#") {
			quoted += " " // NAME= # comment
		}
		return []byte(f.raw[:b.start] + quoted + f.raw[b.end:]), nil
	}
	newline := "\n"
	if strings.Contains(f.raw, "\r\n") {
		newline = "\r\n"
	}
	text := []byte(f.raw)
	if len(text) > 0 && !bytes.HasSuffix(text, []byte("\n")) {
		text = append(text, newline...)
	}
	return append(text, name+"="+quoted+newline...), nil
}

// plain are values that need no quotes, for any program that reads .env files.
var plain = regexp.MustCompile(`^[A-Za-z0-9_./:@%+,=~^*?-]*$`)

// quote returns a value as it is written into a file.
func quote(value string) (string, error) {
	for _, r := range value {
		if r < ' ' || r == 0x7f {
			return "", errors.New("the value has a line break or another control character")
		}
	}
	switch {
	case strings.Contains(value, "${"):
		return "", errors.New("the value has a ${, which would stand for another variable")
	case plain.MatchString(value):
		return value, nil
	}
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'", nil
}
