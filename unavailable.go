package bedrockgateway

import "fmt"

// unavailable are the words that parse but do nothing yet. A configuration that
// relies on one is refused, rather than run without what it asks for.
var unavailable = []struct {
	word string
	used func(*Gateway) bool
}{
	{"limit", func(g *Gateway) bool { return len(g.Limits) > 0 }},
	{"limits_store", func(g *Gateway) bool { return g.LimitsStore != nil }},
	{"price", func(g *Gateway) bool { return len(g.Prices) > 0 }},
	{"log_content", func(g *Gateway) bool { return g.LogContent }},
}

// checkAvailable returns an error if g asks for what this version does not do.
func (g *Gateway) checkAvailable() error {
	for _, u := range unavailable {
		if u.used(g) {
			return fmt.Errorf("%s is not available in this version", u.word)
		}
	}
	return nil
}
