package claude

import (
	"bytes"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// inputScan follows a tool's input through its fragments, to know when it is a whole JSON value.
type inputScan struct {
	depth   int
	begun   bool
	quoted  bool // within a string
	escaped bool // behind its backslash
}

// whole reports whether what has been scanned is a whole object or array.
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
