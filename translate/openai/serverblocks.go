package openai

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// bedrockBlocks is a member of ours on the assistant's message: what the tools that Bedrock runs itself left in the model's turn,
// in Converse's form. They are no calls that the client could answer; sent back, the model finds them where they were. In
// deltas each comes whole, with an index by which clients' accumulators join them. start_index says how much of the text stands
// before it.
const bedrockBlocks = "bedrock_blocks"

func isServerBlock(b *chat.Block) bool {
	if b.Kind != chat.Opaque || b.Dialect != chat.Converse {
		return false
	}
	member, _ := rules.ServerBlock(b.Raw())
	return member != ""
}

// appendServerBlocks appends the member, if there is anything to tell.
func appendServerBlocks(dst []byte, blocks []chat.Block, output bool) []byte {
	n, at, from := int64(0), int64(0), 0
	for i := range blocks {
		b := &blocks[i]
		if !isServerBlock(b) {
			continue
		}
		if n == 0 {
			dst = append(dst, `,"`+bedrockBlocks+`":[`...)
		} else {
			dst = append(dst, ',')
		}
		for ; from < i; from++ { // counted for those blocks alone
			if t := &blocks[from]; t.Kind == chat.Text && !output {
				at += rules.Characters(t.Text)
			}
		}
		dst = rules.IndexedServerBlock(dst, b.Raw(), n, at)
		n++
	}
	if n > 0 {
		dst = append(dst, ']')
	}
	return dst
}

// serverBlock appends a chunk with such a block.
func (e *encoder) serverBlock(dst []byte, raw json.Value) []byte {
	if member, _ := rules.ServerBlock(raw); member == "" {
		e.x.Note("the reply holds a block that an OpenAI stream has no place for: " + chat.Opaque.String())
		return dst
	}
	dst = append(dst, e.head...)
	dst = append(dst, `{"`+bedrockBlocks+`":[`...)
	dst = rules.IndexedServerBlock(dst, raw, int64(e.servers), e.written)
	e.servers++
	return e.close(dst, `]}`)
}

// placedBlock is a block that stands behind at characters of the message's text.
type placedBlock struct {
	block chat.Block
	at    int64
}

// serverBlocks reads the member of a message that is sent back.
func (d *decoder) serverBlocks() {
	r := &d.R
	r.Array()
	for i := 0; r.Element(); i++ {
		d.Item(1, i)
		v := r.ObjectValue()
		raw := rules.PlainServerBlock(v)
		if raw == nil {
			d.Fail("invalid value: expected a toolUse of the type server_tool_use, or a toolResult, as a reply had it")
			return
		}
		at, _ := json.ParseInt(json.Find(v, rules.ServerBlockStart))
		d.servers = append(d.servers, placedBlock{chat.Block{Kind: chat.Opaque, Own: chat.Own(raw), Dialect: chat.Converse}, at})
	}
}

// interleaved appends the message's texts with those blocks where they stood for the model. What says no place, as blocks of
// other gateways' histories do, stands before the text.
func (d *decoder) interleaved(turn, texts []chat.Block) []chat.Block {
	next, pos := 0, int64(0)
	for i := range texts {
		b := texts[i]
		for ; next < len(d.servers); next++ {
			s := &d.servers[next]
			if s.at > pos {
				head, tail, cut := rules.CutText(b.Text, s.at-pos)
				if !cut {
					break
				}
				turn = append(turn, chat.Block{Kind: b.Kind, Text: head})
				b.Text, pos = tail, s.at
			}
			turn = append(turn, s.block)
		}
		turn = append(turn, b)
		if next < len(d.servers) {
			pos += rules.Characters(b.Text)
		}
	}
	for ; next < len(d.servers); next++ {
		turn = append(turn, d.servers[next].block)
	}
	return turn
}
