package config

import (
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// covers reports whether every id that the pattern p matches is matched by wide, too.
func covers(wide, p string) bool {
	// A character that no pattern has can only be taken by a star of wide, which then takes any other run in its place.
	return upstream.NewPattern(wide).Match(strings.ReplaceAll(p, "*", "\x00"))
}

// meet reports whether there is an id that both patterns match.
func meet(a, b string) bool {
	// can[j] is whether what was read of a can meet the first j characters of b.
	can := make([]bool, len(b)+1)
	can[0] = true
	for j := 0; j < len(b) && b[j] == '*'; j++ {
		can[j+1] = true
	}
	for i := range len(a) {
		next := make([]bool, len(b)+1)
		next[0] = can[0] && a[i] == '*'
		for j := range len(b) {
			switch {
			case a[i] == '*':
				next[j+1] = can[j+1] || next[j] || can[j]
			case b[j] == '*':
				next[j+1] = next[j] || can[j+1] || can[j]
			default:
				next[j+1] = can[j] && a[i] == b[j]
			}
		}
		can = next
	}
	return can[len(b)]
}
