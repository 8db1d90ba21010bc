package openai

import (
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/decode"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// message is what one element of messages says, before it is interpreted by its role.
type message struct {
	index     int
	role      []byte
	name      string
	callID    string
	text      json.String // content, if it is a string
	list      bool        // content is a list, read into decoder.scratch
	refusal   json.String
	reasoning json.String
	cache     chat.Cache
}

// messages reads the conversation.
func (d *decoder) messages() {
	r := &d.R
	r.Array()
	d.req.Messages = make([]chat.Message, 0, 8)
	d.arena = decode.NewArena(8)
	i := 0
	for ; r.Element(); i++ {
		d.Item(0, i)
		if decode.Long(d.req.Messages) {
			d.req.Messages = decode.Grow(d.req.Messages, r.Left())
		}
		m := message{index: i}
		d.message(&m)
		if r.Err() != nil {
			return
		}
		d.place(&m)
	}
	if i == 0 {
		d.Fail("invalid 'messages': empty array; expected at least one message")
	}
	d.answered()
}

// message reads one message.
func (d *decoder) message(m *message) {
	r := &d.R
	d.scratch, d.thoughts, d.servers, d.uses = d.scratch[:0], d.thoughts[:0], d.servers[:0], d.uses[:0]
	r.Object()
	for r.Member() {
		d.At(1)
		if r.Null() {
			continue
		}
		switch string(r.Key()) {
		case "role":
			m.role = r.String().Bytes()
		case "content":
			if r.Kind() == json.Text {
				m.text = r.String()
				continue
			}
			m.list = true
			d.parts()
		case "name":
			m.name = r.Text()
		case "tool_call_id":
			m.callID = r.Text()
		case "tool_calls":
			d.toolCalls()
		case "function_call":
			d.functionCall(m.index)
		case "refusal":
			m.refusal = r.String()
		case "reasoning_content", "reasoning":
			if r.Kind() == json.Text {
				m.reasoning = r.String()
			} else {
				r.Skip()
			}
		case "thinking_blocks":
			d.thinkingBlocks()
		case bedrockBlocks:
			d.serverBlocks()
		case "cache_control", "prompt_cache_breakpoint":
			m.cache = d.cache(2)
		case "audio":
			// A reply spoken before, by an id that only its maker knows.
			r.Skip()
			if err := d.x.Drop("messages.audio"); err != nil {
				r.Fail(err)
			}
		default:
			r.Skip()
		}
	}
}

// place interprets the message by its role.
func (d *decoder) place(m *message) {
	switch string(m.role) {
	case "tool", "function", "system", "developer":
	case "user", "assistant":
		d.answered()
		d.results = false
	case "":
		d.Missing(1, "role")
	default:
		d.FailAt(1, "role", "invalid value: '%s'; supported values are: system, developer, user, assistant, tool and function", m.role)
	}
	if d.R.Err() != nil {
		return
	}
	switch string(m.role) {
	case "system", "developer":
		d.system(m)
	case "user":
		if m.text == nil && !m.list {
			d.Missing(1, "content")
			return
		}
		d.add(chat.Message{Role: chat.User, Name: m.name, Content: d.content(m)})
	case "assistant":
		d.assistant(m)
	case "tool":
		d.toolResult(m)
	case "function":
		d.functionResult(m)
	}
}

// content is the message's own blocks, its cache breakpoint behind the last.
func (d *decoder) content(m *message) []chat.Block {
	var blocks []chat.Block
	switch {
	case m.list:
		blocks = d.arena.Keep(&d.scratch, 0)
	case !m.text.Blank():
		blocks = d.arena.One(chat.Block{Kind: chat.Text, Text: m.text})
	}
	if m.cache != chat.NoCache && len(blocks) > 0 {
		blocks[len(blocks)-1].Cache = m.cache
	}
	return blocks
}

// add appends a message unless it is empty.
func (d *decoder) add(m chat.Message) {
	if len(m.Content) > 0 {
		d.req.Messages = append(d.req.Messages, m)
	}
}

// system adds to the system text, or, behind the first turn, a message of the operator's.
func (d *decoder) system(m *message) {
	if m.text == nil && !m.list {
		d.Missing(1, "content")
		return
	}
	blocks := d.content(m)
	for i := range blocks {
		if blocks[i].Kind != chat.Text {
			d.FailAt(1, "content", "invalid content: %s messages hold text only", m.role)
			return
		}
	}
	if m.name != "" {
		d.x.Omit("messages.name") // system text has no speaker in any other form
	}
	if len(d.req.Messages) == 0 {
		d.req.System = append(d.req.System, blocks...)
		return
	}
	d.add(chat.Message{Role: chat.User, Operator: true, Content: blocks})
}

// assistant orders a turn as every provider wants it back: reasoning, then text, then tool calls.
func (d *decoder) assistant(m *message) {
	turn := d.thoughts
	if len(turn) == 0 && !m.reasoning.Blank() {
		turn = append(turn, chat.Block{Kind: chat.Thinking, Text: m.reasoning})
	}
	if m.list {
		for i := range d.scratch {
			if k := d.scratch[i].Kind; k != chat.Text && k != chat.Refusal {
				d.FailAt(1, "content", "invalid content: assistant messages hold text and refusal parts only")
				return
			}
		}
		switch {
		case len(d.servers) > 0:
			turn = d.interleaved(turn, d.scratch)
		case len(turn) == 0:
			turn, d.scratch = d.scratch, turn
		default:
			turn = append(turn, d.scratch...)
		}
	} else {
		var text []chat.Block
		if !m.text.Blank() {
			text = append(d.scratch, chat.Block{Kind: chat.Text, Text: m.text})
			d.scratch = text
		}
		turn = d.interleaved(turn, text)
	}
	if !m.refusal.Blank() {
		turn = append(turn, chat.Block{Kind: chat.Refusal, Text: m.refusal})
	}
	d.open, d.asked = d.open[:0], m.index
	for i := range d.uses {
		if t := d.uses[i].Tool; d.open.Add(t.ID, t.Name) {
			turn = append(turn, d.uses[i])
		}
	}
	if m.cache != chat.NoCache && len(turn) > 0 {
		turn[len(turn)-1].Cache = m.cache
	}
	d.add(chat.Message{Role: chat.Assistant, Name: m.name, Content: d.arena.Keep(&turn, 0)})
	d.thoughts = turn
}

func (d *decoder) toolResult(m *message) {
	if m.callID == "" {
		d.Missing(1, "tool_call_id")
		return
	}
	first, known := d.open.Answer(m.callID)
	if first {
		d.result(m, m.callID)
	}
	if known {
		return
	}
	d.FailAt(1, "tool_call_id", "the tool result with the id '%s' answers no call of the assistant's turn before it: messages with role 'tool' must follow a message with 'tool_calls' that has this id", m.callID)
}

// functionResult is the deprecated form of a tool result: it names its function, and there was one call at most.
func (d *decoder) functionResult(m *message) {
	if m.name == "" {
		d.Missing(1, "name")
		return
	}
	for i := range d.open {
		if c := &d.open[i]; c.Name == m.name && !c.Answered {
			c.Answered = true
			d.result(m, c.ID)
			return
		}
	}
	d.FailAt(1, "name", "the result of the function '%s' answers no call of the assistant's turn before it", m.name)
}

// result adds a tool result to the user turn that holds those of the same assistant turn.
func (d *decoder) result(m *message, id string) {
	b := chat.Block{Kind: chat.ToolResult, Tool: &chat.Tooling{ID: id}, Cache: m.cache}
	m.cache = chat.NoCache
	b.Tool.Content = d.content(m)
	for i := range b.Tool.Content {
		if k := b.Tool.Content[i].Kind; k != chat.Text && k != chat.Image && k != chat.Document {
			d.FailAt(1, "content", "invalid content: tool messages hold text, image_url and file parts only")
			return
		}
	}
	if d.results {
		last := len(d.req.Messages) - 1
		for d.req.Messages[last].Operator { // it came between the results
			last--
		}
		d.req.Messages[last].Content = append(d.req.Messages[last].Content, b)
		return
	}
	d.results = true
	d.req.Messages = append(d.req.Messages, chat.Message{Role: chat.User, Content: d.arena.One(b)})
}

// answered checks that every tool call of the last assistant turn has its result.
func (d *decoder) answered() {
	if c := d.open.Unanswered(); c != nil && d.R.Err() == nil {
		d.R.Fail(chat.Invalid("messages["+strconv.Itoa(d.asked)+"].tool_calls",
			"the tool call with the id '%s' has no result: a message with 'tool_calls' must be followed by a message with role 'tool' for each 'tool_call_id'", c.ID))
	}
	d.open = d.open[:0]
}
