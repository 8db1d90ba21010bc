package claude

import (
	"slices"
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/decode"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// messages reads the conversation.
func (d *decoder) messages() {
	r := &d.r
	r.Array()
	d.req.Messages = make([]chat.Message, 0, 8)
	d.arena = decode.NewArena(8)
	i := 0
	for ; r.Element(); i++ {
		d.item(0, i)
		if decode.Long(d.req.Messages) {
			d.req.Messages = decode.Grow(d.req.Messages, r.Left())
		}
		d.message(i)
	}
	if i == 0 {
		d.failAt(1, "", "at least one message is required")
	}
	d.unanswered()
}

// message reads one message. The role decides what its content may be, so it is looked for ahead.
func (d *decoder) message(index int) {
	r := &d.r
	role := string(d.peek("role"))
	p := inUser
	switch role {
	case "user":
	case "assistant":
		p = inAssistant
		d.unanswered()
		d.asked = index
	case "system":
		p = inSystem
	}
	said := false
	var blocks []chat.Block
	r.Object()
	for r.Member() {
		d.at(1)
		switch string(r.Key()) {
		case "role":
			r.Text()
		case "content":
			said = true
			blocks = d.content(1, p)
		default:
			d.omit("messages.")
		}
	}
	switch {
	case r.Err() != nil:
		return
	case role == "":
		d.missing(1, "role")
	case role != "user" && role != "assistant" && role != "system":
		d.failAt(1, "role", "Input should be 'user', 'assistant' or 'system'")
	case !said:
		d.missing(1, "content")
	case p == inSystem && len(d.req.Messages) == 0:
		d.system = append(d.system, blocks...)
		return
	case p == inUser && len(d.calls) > 0 && len(blocks) > 0 && !d.answers(blocks):
		d.unanswered()
	}
	if len(blocks) == 0 {
		return
	}
	m := chat.Message{Role: chat.User, Operator: p == inSystem, Content: blocks}
	if p == inAssistant {
		m.Role = chat.Assistant
	}
	d.req.Messages = append(d.req.Messages, m)
}

// answers reports whether a user message holds a result, or all calls have theirs.
func (d *decoder) answers(blocks []chat.Block) bool {
	return slices.ContainsFunc(blocks, func(b chat.Block) bool { return b.Kind == chat.ToolResult }) ||
		d.calls.Unanswered() == nil
}

// unanswered checks that every call of the last assistant turn has its result.
func (d *decoder) unanswered() {
	if c := d.calls.Unanswered(); c != nil && d.r.Err() == nil {
		path := "messages." + strconv.Itoa(d.asked)
		d.r.Fail(chat.Invalid(path, "%s: `tool_use` ids were found without `tool_result` blocks after them: %s. Each `tool_use` block must have a `tool_result` block in the next message.", path, chat.Clip(c.ID)))
	}
	d.calls = d.calls[:0]
}

// peek returns a string member of the object that the reader stands before, which is read once more afterwards: what is
// wrong with it is found then. Members that decide about others mostly come first, so little is read twice.
func (d *decoder) peek(key string) []byte {
	ahead := d.r
	ahead.Object()
	for ahead.Member() {
		if string(ahead.Key()) == key {
			return ahead.MaybeString().Bytes()
		}
		ahead.Skip()
	}
	return nil
}

// place is where content stands: it decides which blocks it may hold.
type place uint8

const (
	inSystem place = 1 << iota
	inUser
	inAssistant
	inResult   // of a tool
	inDocument // given as blocks, and in a search result
)

// blockPlaces say where each kind of block may stand. Others may stand wherever the model itself or its
// tools leave them.
var blockPlaces = [...]struct {
	name string
	in   place
}{
	{"text", inSystem | inUser | inAssistant | inResult | inDocument},
	{"image", inUser | inResult | inDocument},
	{"document", inUser | inResult},
	{"search_result", inUser | inResult},
	{"tool_result", inUser},
	{"tool_use", inAssistant},
	{"thinking", inAssistant},
	{"redacted_thinking", inAssistant},
}

// content reads a string, or a list of blocks; level is where it stands in the path.
func (d *decoder) content(level int, p place) []chat.Block {
	r := &d.r
	if r.Kind() == json.Text {
		if tok := r.String(); !tok.Blank() {
			return d.arena.One(chat.Block{Kind: chat.Text, Text: tok})
		}
		return nil
	}
	from := len(d.scratch)
	r.Array()
	for i := 0; r.Element(); i++ {
		d.item(level, i)
		if decode.Long(d.scratch) {
			d.scratch = decode.Grow(d.scratch, r.Left())
		}
		if b, ok := d.block(level+1, p); ok && r.Err() == nil {
			d.scratch = append(d.scratch, b)
		}
	}
	return d.arena.Keep(&d.scratch, from)
}

// block reads one block, whose members stand at level of the path; false for one that says nothing.
func (d *decoder) block(level int, p place) (b chat.Block, ok bool) {
	r := &d.r
	if r.Kind() != json.Object {
		r.Object() // for its error
		return b, false
	}
	kind, known := "", false
	tag := d.peek("type")
	for i := range blockPlaces {
		if blockPlaces[i].name == string(tag) {
			kind, known = blockPlaces[i].name, true
			if blockPlaces[i].in&p == 0 {
				d.failAt(level, "", "`%s` blocks cannot stand here", kind)
				return b, false
			}
		}
	}
	switch {
	case len(tag) == 0:
		// Not a string, or not there: unless the block itself is broken.
		if r.Skip(); r.Err() == nil {
			d.missing(level, "type")
		}
		return b, false
	case !known && p&(inSystem|inDocument) != 0:
		d.failAt(level, "type", "Input tag '%s' does not match any of the expected tags", chat.Clip(string(tag)))
		return b, false
	case !known:
		raw := r.Value()
		if nova := rules.ConverseServerBlock(raw); nova != nil {
			return chat.Block{Kind: chat.Opaque, Own: chat.Own(nova), Dialect: chat.Converse}, true
		}
		return chat.Block{Kind: chat.Opaque, Own: chat.Own(raw), Dialect: chat.Claude}, true
	}
	switch kind {
	case "text":
		b = d.textBlock(level)
		return b, !b.Text.Blank()
	case "image", "document":
		b = d.mediaBlock(level, kind)
	case "search_result":
		b = d.searchResult(level)
	case "tool_use":
		b, ok = d.toolUse(level)
		return b, ok
	case "tool_result":
		b, ok = d.toolResult(level)
		return b, ok
	default:
		b = d.thinkingBlock(level, kind)
	}
	return b, true
}

// textBlock reads {text, citations, cache_control}.
func (d *decoder) textBlock(level int) (b chat.Block) {
	r := &d.r
	r.Object()
	for r.Member() {
		d.at(level)
		switch string(r.Key()) {
		case "text":
			b.Text = r.String()
		case "citations":
			if !r.Null() {
				b.Own, b.Dialect = chat.Own(d.array()), chat.Claude
			}
		case "cache_control":
			b.Cache = d.cache(level + 1)
		case "type":
			r.Skip()
		default:
			d.omit("messages.content.")
		}
	}
	if b.Text == nil {
		d.missing(level, "text")
	}
	return b
}

// array reads a value that must be an array; an empty one is as good as absent.
func (d *decoder) array() chat.Value {
	v := d.r.ArrayValue()
	if w := json.WalkAt(v, 0); !w.Array() || !w.Element() {
		return nil
	}
	return v
}

// cache reads {type, ttl}; null is none.
func (d *decoder) cache(level int) chat.Cache {
	r := &d.r
	if r.Null() {
		return chat.NoCache
	}
	c := chat.CacheDefault
	r.Object()
	for r.Member() {
		d.at(level)
		switch string(r.Key()) {
		case "ttl":
			var known bool
			if c, known = chat.CacheFor(r.Text()); !known || c == chat.CacheDefault {
				d.fail("Input should be '5m' or '1h'")
			}
		case "type":
			r.Skip()
		default:
			d.omit("cache_control.")
		}
	}
	return c
}

// mark puts the breakpoint of the body's own cache_control behind the last block, where Anthropic puts it.
func (d *decoder) mark() {
	if d.auto == chat.NoCache || len(d.req.Messages) == 0 {
		return
	}
	content := d.req.Messages[len(d.req.Messages)-1].Content
	switch b := &content[len(content)-1]; b.Kind {
	case chat.Thinking, chat.RedactedThinking, chat.Opaque: // nothing can stand on these
	default:
		if b.Cache == chat.NoCache {
			b.Cache = d.auto
		}
	}
}
