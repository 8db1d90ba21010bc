package decode

import (
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// Arena is memory for the content of messages: most are of one block, and share an array. Not safe for concurrent use.
type Arena struct{ blocks []chat.Block }

// NewArena returns memory for n messages of one block each, which grows as needed.
func NewArena(n int) Arena { return Arena{blocks: make([]chat.Block, 0, n)} }

// One returns a list of a single block.
func (a *Arena) One(b chat.Block) []chat.Block {
	if len(a.blocks) == cap(a.blocks) {
		a.blocks = make([]chat.Block, 0, 16)
	}
	a.blocks = append(a.blocks, b)
	n := len(a.blocks)
	return a.blocks[n-1 : n : n]
}

// Keep returns a copy of blocks that the caller will overwrite; nil for none.
func (a *Arena) Keep(blocks []chat.Block) []chat.Block {
	switch len(blocks) {
	case 0:
		return nil
	case 1:
		return a.One(blocks[0])
	}
	return slices.Clone(blocks)
}
