package upstream

import "strings"

// Pattern matches model ids: "*" stands for any run of characters, everything else for itself.
type Pattern struct {
	parts []string // what stands between the stars
	text  string
}

// NewPattern returns a Pattern of its text.
func NewPattern(text string) Pattern { return Pattern{parts: strings.Split(text, "*"), text: text} }

// String returns the pattern's text.
func (p Pattern) String() string { return p.text }

// Literal reports whether the pattern matches one id only.
func (p Pattern) Literal() bool { return len(p.parts) == 1 }

// Match reports whether the whole id matches.
func (p Pattern) Match(id string) bool {
	last := len(p.parts) - 1
	if last < 0 {
		return false
	}
	if last == 0 {
		return id == p.parts[0]
	}
	id, ok := strings.CutPrefix(id, p.parts[0])
	if !ok {
		return false
	}
	for _, part := range p.parts[1:last] {
		_, rest, found := strings.Cut(id, part)
		if !found {
			return false
		}
		id = rest
	}
	return strings.HasSuffix(id, p.parts[last])
}
