package bedrock

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxPiece is the longest token, in characters.
const maxPiece = 12

// pieces splits text into its tokens: a token is a word with the space before it, or a part of twelve characters of a
// longer one. The tokens put together are the text.
func pieces(text string) []string {
	var out []string
	start, runes, word := 0, 0, false
	for i, r := range text {
		space := unicode.IsSpace(r)
		if runes > 0 && (space && word || runes >= maxPiece) {
			out = append(out, text[start:i])
			start, runes, word = i, 0, false
		}
		word = word || !space
		runes++
	}
	if start < len(text) {
		out = append(out, text[start:])
	}
	return out
}

// tokens counts the tokens of text.
func tokens(text string) int { return len(pieces(text)) }

// blobTokens counts the tokens of an image or document: one per 64 bytes, and ten.
func blobTokens(size int) int { return size/64 + 10 }

// prefix accumulates a prompt in the order tools, system, messages, and knows the cache points in it.
type prefix struct {
	sum    hash.Hash
	tokens int
	marks  []mark
}

type mark struct {
	key    [sha256.Size]byte
	tokens int
	ttl    string
}

func newPrefix(model string) *prefix {
	p := &prefix{sum: sha256.New()}
	p.sum.Write([]byte(model))
	return p
}

// add counts one part of the prompt; kind keeps equal texts in different places apart.
func (p *prefix) add(kind, content string, tokens int) {
	_, _ = fmt.Fprintf(p.sum, "\x00%s\x00%d\x00%s", kind, len(content), content)
	p.tokens += tokens
}

func (p *prefix) text(kind, content string) { p.add(kind, content, tokens(content)) }

// mark sets a cache point after what was added so far.
func (p *prefix) mark(ttl string) {
	if ttl == "" {
		ttl = "5m"
	}
	m := mark{tokens: p.tokens, ttl: ttl}
	p.sum.Sum(m.key[:0])
	p.marks = append(p.marks, m)
}

// maxCached bounds the prefixes a server remembers; beyond it the cache starts afresh.
const maxCached = 10_000

// promptCache remembers the prefixes that ended in a cache point until their time is up. The zero value is ready; it is
// safe for concurrent use.
type promptCache struct {
	mu    sync.Mutex
	until map[[sha256.Size]byte]time.Time
}

// use looks p's cache points up, remembers them, and returns how p's tokens divide: read up to the last known cache
// point, written up to the last one, plain input after it. There is no least size as the real cache has.
func (c *promptCache) use(p *prefix, now time.Time) usage {
	u := usage{input: p.tokens}
	if len(p.marks) == 0 {
		return u
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.until == nil || len(c.until) > maxCached {
		c.until = map[[sha256.Size]byte]time.Time{}
	}
	known := 0
	for i, m := range p.marks {
		if now.Before(c.until[m.key]) {
			known, u.read = i+1, m.tokens
		}
	}
	at := u.read
	for i, m := range p.marks {
		if i >= known && m.tokens > at {
			u.written = append(u.written, cacheWrite{m.ttl, m.tokens - at})
			u.write += m.tokens - at
			at = m.tokens
		}
		life := 5 * time.Minute
		if m.ttl == "1h" {
			life = time.Hour
		}
		c.until[m.key] = now.Add(life)
	}
	u.input = p.tokens - u.read - u.write
	return u
}

// cut returns the first n tokens of text, and whether that left something out.
func cut(text string, n int) (string, bool) {
	size := 0
	for i, p := range pieces(text) {
		if i == n {
			return text[:size], true
		}
		size += len(p)
	}
	return text, false
}

// short is text of at most n characters.
func short(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n])
}
