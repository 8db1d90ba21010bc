package claude

import (
	"slices"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// system writes the system text and the gateway's own instructions: as a string if it is one plain text.
func (e *encoder) system() {
	instruction := e.format.instruction
	var texts []*chat.Block
	for i := range e.r.System {
		if b := &e.r.System[i]; b.Kind == chat.Text && !b.Text.Blank() {
			texts = append(texts, b)
		}
	}
	switch {
	case len(texts) == 0 && instruction == "":
		return
	case len(texts) == 0:
		e.w.Key("system")
		e.w.Text(instruction)
		return
	case len(texts) == 1 && instruction == "" && texts[0].Cache == nil && texts[0].Citations == nil:
		e.w.Key("system")
		e.w.String(texts[0].Text)
		return
	}
	e.w.Key("system")
	e.w.BeginArray()
	for _, b := range texts {
		e.text(b)
	}
	if instruction != "" {
		e.text(&chat.Block{Text: json.Quote(instruction)})
	}
	e.w.EndArray()
}

// messages writes the turns: neighbours of one role become one, what is blank is left out.
func (e *encoder) messages() {
	e.w.Key("messages")
	e.w.BeginArray()
	msgs := e.r.Messages
	turns, role := 0, chat.User
	for i := 0; i < len(msgs); {
		if !e.visible(&msgs[i]) {
			i++
			continue
		}
		role = msgs[i].Role
		if turns == 0 && role == chat.Assistant {
			e.fail(chat.Invalid("messages", "the conversation begins with an assistant message; Claude needs a user message first"))
		}
		j := i + 1
		for j < len(msgs) && (msgs[j].Role == role || !e.visible(&msgs[j])) {
			j++
		}
		e.turn(msgs[i:j], role, j == len(msgs))
		turns++
		i = j
	}
	e.w.EndArray()
	switch {
	case turns == 0:
		e.fail(chat.Invalid("messages", "the conversation has no user message with content"))
	case role != chat.Assistant:
	case len(e.calls) > 0:
		e.unanswered()
	case e.f.NoPrefill && !e.paused():
		err := chat.Invalid("messages", "the conversation ends with an assistant message, and the model '%s' continues none; end with a user message", e.x.Model)
		err.Fallback = true
		e.fail(err)
	}
}

// paused tells whether the conversation ends with work of the model's own tools, which it goes on with: no prefill.
func (e *encoder) paused() bool {
	content := e.r.Messages[len(e.r.Messages)-1].Content
	return len(content) > 0 && content[len(content)-1].Kind == chat.Opaque
}

// turn writes one message made of the neighbours in msgs.
func (e *encoder) turn(msgs []chat.Message, role chat.Role, last bool) {
	e.w.BeginObject()
	e.w.Key("role")
	if role == chat.Assistant {
		e.w.Raw(`"assistant"`)
	} else {
		e.w.Raw(`"user"`)
	}
	e.w.Key("content")
	if b := plainText(msgs); b != nil && role == chat.User {
		e.unanswered()
		e.w.String(b.Text)
		e.w.EndObject()
		return
	}
	e.w.BeginArray()
	if role == chat.Assistant {
		e.assistant(msgs, last)
	} else {
		e.user(msgs)
	}
	e.w.EndArray()
	e.w.EndObject()
}

// plainText gives the only block of msgs if it is text with nothing to it: that can be written as a string.
func plainText(msgs []chat.Message) *chat.Block {
	if len(msgs) != 1 || len(msgs[0].Content) != 1 {
		return nil
	}
	b := &msgs[0].Content[0]
	if b.Kind != chat.Text || b.Cache != nil || b.Citations != nil {
		return nil
	}
	return b
}

// user writes the results of the calls in the turn before, then the rest: Claude refuses results behind text.
func (e *encoder) user(msgs []chat.Message) {
	for m := range msgs {
		for i := range msgs[m].Content {
			if b := &msgs[m].Content[i]; b.Kind == chat.ToolResult && e.answer(b.Tool.ID) {
				e.toolResult(b)
			}
		}
	}
	e.unanswered()
	for m := range msgs {
		for i := range msgs[m].Content {
			if b := &msgs[m].Content[i]; b.Kind != chat.ToolResult && e.visibleBlock(b) {
				e.block(b)
			}
		}
	}
}

// ranks are the places of an assistant's blocks: reasoning first, tool calls last.
const (
	rankThinking = iota
	rankText
	rankToolUse
)

func rank(b *chat.Block) int {
	switch b.Kind {
	case chat.Thinking, chat.RedactedThinking:
		return rankThinking
	case chat.ToolUse:
		return rankToolUse
	default:
		return rankText
	}
}

// assistant writes the blocks: in their order if they are Claude's own, for a turn that it interleaved with reasoning
// must come back as it was, else in the order that it takes.
func (e *encoder) assistant(msgs []chat.Message, last bool) {
	e.calls = e.calls[:0]
	if last {
		msgs = e.trimmed(msgs)
	}
	if e.r.Dialect == Name || !e.disordered(msgs) {
		for m := range msgs {
			for i := range msgs[m].Content {
				e.assistantBlock(&msgs[m].Content[i])
			}
		}
		return
	}
	for r := rankThinking; r <= rankToolUse; r++ {
		for m := range msgs {
			for i := range msgs[m].Content {
				if b := &msgs[m].Content[i]; rank(b) == r {
					e.assistantBlock(b)
				}
			}
		}
	}
}

// trimmed gives a prefill without the white space at its end, which Claude refuses.
func (e *encoder) trimmed(msgs []chat.Message) []chat.Message {
	for m := len(msgs) - 1; m >= 0; m-- {
		content := msgs[m].Content
		for i := len(content) - 1; i >= 0; i-- {
			if !e.visibleBlock(&content[i]) {
				continue
			}
			if content[i].Kind != chat.Text {
				return msgs
			}
			text := content[i].Text.Unquote()
			short := strings.TrimRight(text, " \t\r\n")
			if len(short) < len(text) {
				msgs, content = slices.Clone(msgs), slices.Clone(content)
				content[i].Text = json.Quote(short)
				msgs[m].Content = content
			}
			return msgs
		}
	}
	return msgs
}

func (e *encoder) assistantBlock(b *chat.Block) {
	if !e.visibleBlock(b) {
		return
	}
	if b.Kind == chat.ToolUse {
		for i := range e.calls {
			if e.calls[i].id == b.Tool.ID {
				return // Claude refuses equal ids
			}
		}
		e.calls = append(e.calls, call{id: b.Tool.ID})
	}
	e.block(b)
}

// disordered tells whether reasoning stands behind other content though none begins the turn, or anything behind a call.
func (e *encoder) disordered(msgs []chat.Message) bool {
	first, last := -1, rankThinking
	for m := range msgs {
		for i := range msgs[m].Content {
			b := &msgs[m].Content[i]
			if !e.visibleBlock(b) {
				continue
			}
			k := rank(b)
			if first < 0 {
				first = k
			}
			if last == rankToolUse && k != rankToolUse || k == rankThinking && first != rankThinking {
				return true
			}
			last = k
		}
	}
	return false
}

// answer marks the call with the given id as answered; false if this is not the first answer to it.
func (e *encoder) answer(id string) bool {
	for i := range e.calls {
		if c := &e.calls[i]; c.id == id {
			first := !c.answered
			c.answered = true
			return first
		}
	}
	e.fail(chat.Invalid("messages", "there is a tool result for the call '%s', but the assistant message before it has no such call", clip(id)))
	return false
}

// unanswered fails if a call of the last turn has no result.
func (e *encoder) unanswered() {
	for i := range e.calls {
		if !e.calls[i].answered {
			e.fail(chat.Invalid("messages", "the tool call '%s' has no result; a tool message for it must follow the assistant message", clip(e.calls[i].id)))
		}
	}
	e.calls = e.calls[:0]
}

func (e *encoder) visible(m *chat.Message) bool {
	for i := range m.Content {
		if e.visibleBlock(&m.Content[i]) {
			return true
		}
	}
	return false
}

// visibleBlock tells whether the block is written at all. Blank text is refused, and so is reasoning that Claude did not
// sign or the model does not know.
func (e *encoder) visibleBlock(b *chat.Block) bool {
	switch b.Kind {
	case chat.Text, chat.Refusal:
		return !b.Text.Blank()
	case chat.Thinking:
		return e.keepsThinking() && b.Signature != nil
	case chat.RedactedThinking:
		return e.keepsThinking()
	case chat.Opaque:
		return b.Dialect == Name
	case chat.Image, chat.Document, chat.Audio, chat.Video, chat.ToolUse, chat.ToolResult:
	}
	return true
}

func (e *encoder) keepsThinking() bool {
	return e.f.Thinking != model.ThinkingNone || e.f.Family == model.Unknown
}
