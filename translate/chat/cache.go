package chat

// Cache says whether a prompt cache breakpoint stands somewhere, and how long what is before it lives.
type Cache uint8

// The breakpoints. Claude and Bedrock have two lifetimes, and a default.
const (
	NoCache Cache = iota
	CacheDefault
	CacheFiveMinutes
	CacheOneHour
)

var cacheTTLs = [...]string{CacheDefault: "", CacheFiveMinutes: "5m", CacheOneHour: "1h"}

// CacheFor returns the breakpoint with a lifetime; that of the default, and false, for a lifetime that there is not.
func CacheFor(ttl string) (Cache, bool) {
	for c := CacheDefault; c <= CacheOneHour; c++ {
		if cacheTTLs[c] == ttl {
			return c, true
		}
	}
	return CacheDefault, false
}

// TTL is the lifetime in the providers' words: "5m" or "1h"; "" for the provider's default.
func (c Cache) TTL() string { return cacheTTLs[c] }
