package config

import (
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

func TestCovers(t *testing.T) {
	for _, tc := range []struct {
		wide, p string
		want    bool
	}{
		{"claude-*", "claude-sonnet-*", true},
		{"claude-*", "claude-*", true},
		{"*", "*a*", true},
		{"a*c", "abc", true},
		{"a*b*", "a*b", true},
		{"claude-sonnet-*", "claude-*", false},
		{"a*b", "a*b*", false},
		{"gpt-4o", "gpt-*", false},
		{"gpt-*", "gpt", false},
	} {
		if got := covers(tc.wide, tc.p); got != tc.want {
			t.Errorf("%s covers %s: %v", tc.wide, tc.p, got)
		}
	}
}

func TestMeet(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{"gpt-*", "gpt-4o", true},
		{"*", "x", true},
		{"*", "*", true},
		{"", "*", true},
		{"a*", "*b", true},
		{"*-mini", "gpt-*", true},
		{"a*c", "ab*", true},
		{"gpt-*", "claude-*", false},
		{"a*b", "a*c", false},
		{"x", "y", false},
		{"", "a*", false},
	} {
		if got := meet(tc.a, tc.b); got != tc.want {
			t.Errorf("%s and %s: %v", tc.a, tc.b, got)
		}
		if got := meet(tc.b, tc.a); got != tc.want {
			t.Errorf("%s and %s: %v", tc.b, tc.a, got)
		}
	}
}

// An id that both match is proof that they meet; one that p alone matches, that it is not covered.
func FuzzPatterns(f *testing.F) {
	f.Add("a*b", "*b", "ab")
	f.Add("claude-*", "*", "claude-x")
	f.Fuzz(func(t *testing.T, a, b, id string) {
		if len(a)+len(b)+len(id) > 200 || strings.Contains(a+b, "\x00") {
			return
		}
		inA, inB := upstream.NewPattern(a).Match(id), upstream.NewPattern(b).Match(id)
		if inA && inB && !meet(a, b) {
			t.Errorf("%q and %q both match %q, and are said not to meet", a, b, id)
		}
		if inB && !inA && covers(a, b) {
			t.Errorf("%q matches %q and %q does not, and is said to cover it", b, id, a)
		}
		if covers(a, b) && !meet(a, b) {
			t.Errorf("%q covers %q, and does not meet it", a, b)
		}
	})
}
