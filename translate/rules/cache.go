package rules

import "github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"

// MaxBreakpoints is how many cache breakpoints Claude and Bedrock take in one request:
// https://platform.claude.com/docs/en/build-with-claude/prompt-caching and
// https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html.
const MaxBreakpoints = 4

// Breakpoints decide which of a request's cache breakpoints are written. They are met in the order of the prompt (tools,
// system, messages); of too many the first are left out, since a longer prefix saves more. The zero value takes none.
type Breakpoints struct {
	Taken bool // the model has prompt caching
	Hour  bool // it may last an hour
	skip  int  // still to be left out
}

// Expect says how many breakpoints there will be. It is called once, before the first of them.
func (p *Breakpoints) Expect(n int, x *chat.Exchange) {
	if p.skip = n - MaxBreakpoints; p.skip > 0 {
		x.Note("more than four cache breakpoints: the first were left out")
	}
}

// Next reports whether the breakpoint c (chat.NoCache for none) is written, and with which ttl; "" for the provider's default.
func (p *Breakpoints) Next(c chat.Cache, x *chat.Exchange) (write bool, ttl string, err error) {
	switch {
	case c == chat.NoCache:
		return false, "", nil
	case !p.Taken:
		return false, "", x.Drop("cache_control")
	case p.skip > 0:
		p.skip--
		return false, "", nil
	case p.Hour:
		ttl = c.TTL()
	case c == chat.CacheOneHour:
		x.Omit("cache_control.ttl")
	}
	return true, ttl, nil
}
