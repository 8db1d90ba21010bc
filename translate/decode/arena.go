package decode

import (
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// many is how long a list is that is rare. Up to there growth by doubling is cheaper than to count.
const many = 64

// Long reports whether list is a long one without room for one more: it is time for Grow.
func Long[T any](list []T) bool { return len(list) == cap(list) && len(list) >= many }

// Grow returns list with room for the elements that are left in the body. That is counted, once, since growth by steps
// would hold the old list beside the new one, and a last step that is far too large.
func Grow[T any](list []T, left int) []T {
	n := len(list)
	grown := make([]T, n, max(n+left, n+n/4)) // by a quarter at least: lists within lists share one
	copy(grown, list)
	return grown
}

// Arena is memory for the content of messages: most are of one block, and share an array. Not safe for concurrent use.
type Arena struct{ blocks []chat.Block }

// NewArena returns memory for n messages of one block each, which grows as needed.
func NewArena(n int) Arena { return Arena{blocks: make([]chat.Block, 0, n)} }

// One returns a list of a single block.
func (a *Arena) One(b chat.Block) []chat.Block {
	if len(a.blocks) == cap(a.blocks) {
		a.blocks = make([]chat.Block, 0, 9)
	}
	a.blocks = append(a.blocks, b)
	n := len(a.blocks)
	return a.blocks[n-1 : n : n]
}

// Keep takes the blocks behind the first from out of scratch and returns a copy, since the caller will overwrite them; nil
// for none. A long list is not copied: the caller gets a new scratch.
func (a *Arena) Keep(scratch *[]chat.Block, from int) []chat.Block {
	blocks := (*scratch)[from:]
	*scratch = (*scratch)[:from]
	switch n := len(blocks); {
	case n == 0:
		return nil
	case n == 1:
		return a.One(blocks[0])
	case from == 0 && n >= many && n >= cap(blocks)/2:
		*scratch = nil
		return blocks
	}
	return slices.Clone(blocks)
}
