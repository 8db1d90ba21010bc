package responses

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// servedEnvelope is the type of what is in an envelope with blocks of tools that Bedrock ran.
const servedEnvelope = "bedrock_blocks"

// servedIn returns the blocks in such an envelope; nil if it is none, or if it holds what no such tool left: it must be no way
// around the pairs of calls and results.
func servedIn(content json.Value) (blocks []chat.Block) {
	if string(json.Find(content, "type")) != `"`+servedEnvelope+`"` {
		return nil
	}
	list := json.Find(content, "blocks")
	w := json.WalkAt(list, 0)
	for ok := len(list) > 0 && w.Array(); ok && w.Element(); {
		raw := rules.PlainServerBlock(w.Value())
		if raw == nil {
			return nil
		}
		blocks = append(blocks, chat.Block{Kind: chat.Opaque, Own: chat.Own(raw), Dialect: chat.Converse})
	}
	return blocks
}

// servedItem reports whether items of a type may be calls of such tools.
func servedItem(kind string) bool {
	return kind == searchKind.item || kind == interpreterKind.item
}

// shown keeps the item of a hosted tool's call until it is known whether the blocks that it was made of follow in an envelope.
func (d *requestDecoder) shown(it *inputItem) { d.waiting = append(d.waiting, *it) }

// settle is called before the item next is placed, nil for the end, and places the calls that wait for an envelope which is
// not there.
func (d *requestDecoder) settle(next *inputItem) {
	if len(d.waiting) == 0 || next != nil && servedItem(next.kind) {
		return
	}
	restored := false
	if next != nil && next.kind == "reasoning" {
		_, content, ours := openEnvelope(next.encrypted)
		restored = ours && servedIn(content) != nil
	}
	for i := range d.waiting {
		if !restored {
			d.foreign(&d.waiting[i])
		}
	}
	d.waiting = d.waiting[:0]
}

// servedElsewhere reports whether the item of a hosted tool's call that the walker stands before is one that the gateway made
// of another model's blocks: their envelope stands behind it.
func (s *splicer) servedElsewhere() bool {
	w := s.w
	w.Skip()
	for w.Element() {
		it := look(w)
		if servedItem(it.kind) {
			w.Skip()
			continue
		}
		_, content, ours := openEnvelope(it.encrypted)
		return it.kind == "reasoning" && ours && servedIn(content) != nil
	}
	return false
}
