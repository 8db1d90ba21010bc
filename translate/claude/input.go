package claude

import (
	"bytes"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// inputScan follows a tool's input through its fragments to tell when it is a whole JSON value.
type inputScan struct {
	depth   int
	begun   bool
	quoted  bool // within a string
	escaped bool // behind its backslash
}

// whole tells whether what has been scanned is a whole object or array.
func (s *inputScan) whole() bool { return s.begun && s.depth == 0 }

// scan takes the next fragment: a string whose meaning is a piece of JSON.
func (s *inputScan) scan(fragment chat.String) {
	if len(fragment) < 2 {
		return
	}
	b := fragment[1 : len(fragment)-1]
	if bytes.Contains(b, []byte(`\u`)) {
		b = json.AppendUnquoted(nil, fragment)
		for _, c := range b {
			s.next(c)
		}
		return
	}
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c == '\\' {
			// What is escaped once more is a quote, a backslash or white space.
			i++
			if c = b[i]; c != '"' && c != '\\' {
				c = ' '
			}
		}
		s.next(c)
	}
}

func (s *inputScan) next(c byte) {
	switch {
	case s.escaped:
		s.escaped = false
	case s.quoted:
		s.quoted = c != '"'
		s.escaped = c == '\\'
	case c == '"':
		s.quoted = true
	case c == '{' || c == '[':
		s.begun = true
		s.depth++
	case c == '}' || c == ']':
		s.depth--
	}
}

// isCitation tells whether a citation is one of Claude's own form, which all have a type such as char_location.
func isCitation(v chat.Value) bool { return bytes.HasSuffix(member(v, "type"), []byte(`_location"`)) }

// AppendEvent appends the data of one event as a server-sent event with its name, which is the type that stands in the
// data: what InvokeModel's chunks hold, unchanged but for white space between tokens. What is no JSON object is left out,
// since it might break the stream's lines.
func AppendEvent(dst, data []byte) []byte {
	r := json.NewReader(data)
	name := []byte("message")
	r.Object()
	for r.Member() {
		if string(r.Key()) != "type" {
			r.Skip()
		} else if tok := str(r); len(tok) > 2 && legalName(string(tok[1:len(tok)-1])) {
			name = tok[1 : len(tok)-1]
		}
	}
	if r.End() != nil {
		return dst
	}
	dst = append(dst, "event: "...)
	dst = append(dst, name...)
	dst = append(dst, "\ndata: "...)
	dst = json.AppendCompact(dst, data)
	return append(dst, '\n', '\n')
}
