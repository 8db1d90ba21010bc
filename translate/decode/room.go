package decode

import (
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// Room is memory for the content of messages: most are of one block, and share an array. Not safe for concurrent use.
type Room struct{ blocks []chat.Block }

// NewRoom makes room for n messages of one block, more as they come.
func NewRoom(n int) Room { return Room{blocks: make([]chat.Block, 0, n)} }

// One makes a list of a single block.
func (r *Room) One(b chat.Block) []chat.Block {
	if len(r.blocks) == cap(r.blocks) {
		r.blocks = make([]chat.Block, 0, 16)
	}
	r.blocks = append(r.blocks, b)
	n := len(r.blocks)
	return r.blocks[n-1 : n : n]
}

// Keep copies blocks that the caller will overwrite; nil for none.
func (r *Room) Keep(blocks []chat.Block) []chat.Block {
	switch len(blocks) {
	case 0:
		return nil
	case 1:
		return r.One(blocks[0])
	}
	return slices.Clone(blocks)
}
