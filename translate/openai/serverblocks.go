package openai

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// bedrockBlocks is a member of ours on the assistant's message: what the tools that Bedrock runs itself left in the model's turn,
// in Converse's form. They are no calls that the client could answer; sent back, the model finds them where they were. In
// deltas each comes whole, with an index by which clients' accumulators join them.
const bedrockBlocks = "bedrock_blocks"

func isServerBlock(b *chat.Block) bool {
	if b.Kind != chat.Opaque || b.Dialect != chat.Converse {
		return false
	}
	member, _ := rules.ServerBlock(b.Raw())
	return member != ""
}

// appendServerBlocks appends the member, if there is anything to tell.
func appendServerBlocks(dst []byte, blocks []chat.Block) []byte {
	n := int64(0)
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
		dst = rules.IndexedServerBlock(dst, b.Raw(), n)
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
	dst = rules.IndexedServerBlock(dst, raw, int64(e.servers))
	e.servers++
	return e.close(dst, `]}`)
}

// serverBlocks reads the member of a message that is sent back. They stand before the turn's text, as they did for the model.
func (d *decoder) serverBlocks() {
	r := &d.R
	r.Array()
	for i := 0; r.Element(); i++ {
		d.Item(1, i)
		raw := rules.PlainServerBlock(r.ObjectValue())
		if raw == nil {
			d.Fail("invalid value: expected a toolUse of the type server_tool_use, or a toolResult, as a reply had it")
			return
		}
		d.servers = append(d.servers, chat.Block{Kind: chat.Opaque, Own: chat.Own(raw), Dialect: chat.Converse})
	}
}
