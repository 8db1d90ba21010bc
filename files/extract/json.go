package extract

import (
	"bytes"
	"encoding/json"
	"strings"
)

const (
	// readAhead is how much more than the text wanted is read of formats that may shrink: indented JSON and XML.
	readAhead = 4
	// maxIndent is the depth from which nested values stay on one line: indentation grows with the square of the depth.
	maxIndent = 32
	// inlineWidth is how long an array of plain values may be to stay on one line.
	inlineWidth = 80
)

// structuredJSON lays JSON out in lines, two spaces a level, its strings and numbers untouched. What is no JSON after
// all (comments, several values, a cut file) is shown as it is.
func structuredJSON(in *input, out *output) error {
	b, more, err := in.prefix(out.limit * readAhead)
	if err != nil {
		return err
	}
	out.truncated = more
	if err := in.budget.Step(len(b)); err != nil {
		return err
	}
	if !more && !json.Valid(b) {
		_, err = out.Write(b)
		return err
	}
	l := jsonLayout{src: b, out: out}
	for l.err == nil && l.pos < len(b) {
		from := l.pos
		l.token()
		if err := in.budget.Step(2*(l.pos-from) + 4); err != nil {
			return err
		}
	}
	return l.err
}

// jsonLayout writes valid JSON, or the beginning of such, token by token.
type jsonLayout struct {
	src   []byte
	pos   int
	depth int
	out   *output
	err   error
}

func (l *jsonLayout) write(s string) {
	if l.err == nil {
		_, l.err = l.out.WriteString(s)
	}
}

func (l *jsonLayout) newline() {
	if l.depth < maxIndent {
		l.write("\n" + strings.Repeat("  ", l.depth))
	}
}

func (l *jsonLayout) token() {
	switch c := l.src[l.pos]; c {
	case ' ', '\t', '\n', '\r':
		for l.pos++; l.pos < len(l.src) && isSpaceJSON(l.src[l.pos]); l.pos++ {
		}
	case '{', '[':
		if s, n := l.inline(); n > 0 {
			l.write(s)
			l.pos += n
			return
		}
		l.pos++
		l.depth++
		l.write(string(c))
		l.newline()
	case '}', ']':
		l.pos++
		l.depth = max(0, l.depth-1) // a cut file need not be valid
		l.newline()
		l.write(string(c))
	case ',':
		l.pos++
		l.write(",")
		l.newline()
	case ':':
		l.pos++
		l.write(": ")
	default:
		n := scalarLen(l.src[l.pos:])
		l.write(string(l.src[l.pos : l.pos+n]))
		l.pos += n
	}
}

func isSpaceJSON(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// inline is an empty object, an empty array or a short array of plain values on one line, and how many bytes of the
// source it is; 0 if the value at hand is none of these.
func (l *jsonLayout) inline() (string, int) {
	var b strings.Builder
	open := l.src[l.pos]
	b.WriteByte(open)
	for i := l.pos + 1; i < len(l.src) && b.Len() <= inlineWidth; {
		switch c := l.src[i]; c {
		case ' ', '\t', '\n', '\r':
			i++
		case '{', '[', ':':
			return "", 0
		case '}', ']':
			b.WriteByte(c)
			return b.String(), i + 1 - l.pos
		case ',':
			b.WriteString(", ")
			i++
		default:
			if open == '{' {
				return "", 0
			}
			n := scalarLen(l.src[i:])
			if n > inlineWidth {
				return "", 0
			}
			b.Write(l.src[i : i+n])
			i += n
		}
	}
	return "", 0
}

// scalarLen is how long the string, number or word at the start of b is.
func scalarLen(b []byte) int {
	if b[0] != '"' {
		if n := bytes.IndexAny(b, " \t\r\n,:]}[{\""); n > 0 {
			return n
		}
		return len(b)
	}
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}
