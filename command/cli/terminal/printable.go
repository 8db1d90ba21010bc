package terminal

import (
	"strings"
	"unicode"
)

// Printable returns a text without the characters that would command the terminal. What a model says, and what a server calls its
// models and files, is not the user's own.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
}
