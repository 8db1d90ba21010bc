package rules

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// CachePlaces are where a body could have cache breakpoints, and how long the prompt is up to each. A dialect finds them in a
// body that is ready to be sent; what is done with them is the same for all.
type CachePlaces struct {
	Tools, System CachePlace
	Turns         []CachePlace // the user's, in order
	Marked        bool         // the client has marks of its own
}

// CachePlace is a part of the prompt with the last place in it that takes a breakpoint.
type CachePlace struct {
	Size int         // in bytes, up to the part's end
	At   int         // up to the place
	Mark []json.Edit // that put a breakpoint there; none if there is no such place
}

// bytesPerToken is a low estimate of tokens: a mark too few costs less than one that is ignored, for there are four.
const bytesPerToken = 4

// MediaSize is how much a picture or a document counts as, in bytes: its base64 says nothing of its tokens.
const MediaSize = 1000 * bytesPerToken

// MarkedTurns is how many of the last turns of the user's are marked: what ends the one before the last was written to the cache
// by the call before, and is found there.
const MarkedTurns = 2

// AutoCache returns the edits that mark tools, system and the last turns of a prompt, for a model that has prompt caching by
// breakpoints, where the prompt is as long as the model's cache needs. Beside a client's own marks there are none.
func (p *CachePlaces) AutoCache(x *chat.Exchange) (edits []json.Edit) {
	f := &x.Facts
	if p.Marked {
		return nil
	}
	least := f.CacheLeast * bytesPerToken
	if p.Tools.At >= least && !f.NoToolCache {
		edits = append(edits, p.Tools.Mark...)
	}
	before := p.Tools.Size + p.System.Size
	if p.Tools.Size+p.System.At >= least {
		edits = append(edits, p.System.Mark...)
	}
	for _, turn := range p.Turns[max(len(p.Turns)-MarkedTurns, 0):] {
		if before+turn.At >= least {
			edits = append(edits, turn.Mark...)
		}
	}
	json.SortEdits(edits)
	return edits
}

// WantsAutoCache reports whether the gateway is to mark what the model may cache.
func WantsAutoCache(x *chat.Exchange) bool { return x.AutoCache && x.Facts.CachePoints }
