package terminal

import "testing"

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain\n\ttext, größer 日本 👩‍👩‍👧": "plain\n\ttext, größer 日本 👩‍👩‍👧",
		"\x1b]0;title\a\x1b[2Jclear":     "]0;title[2Jclear",
		"\u009b31mred, by one character": "31mred, by one character",
		"over\rwritten\b\x7f":            "overwritten",
		"reads \u202ebackwards\u2069":    "reads backwards",
		"cut \xe2\x82":                   "cut �",
	} {
		if got := Printable(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
