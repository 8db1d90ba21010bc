package converse

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

// system writes the system text and the gateway's own instructions. A model that takes none gets them at the head of
// the first user turn.
func (e *encoder) system() {
	if e.f.NoSystem {
		return
	}
	open := false
	begin := func() {
		if !open {
			e.w.Key("system")
			e.w.BeginArray()
			open = true
		}
	}
	for i := range e.r.System {
		b := &e.r.System[i]
		switch {
		case b.Kind == chat.Text && !b.Text.Blank():
			begin()
			e.text(b.Text)
			e.cachePoint(b.Cache)
		case b.Kind == chat.Opaque && b.Dialect == Name:
			begin()
			e.w.Value(b.Raw)
		}
	}
	if e.format.instruction != "" {
		begin()
		e.plainText(e.format.instruction)
	}
	if open {
		e.w.EndArray()
	}
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
			e.fail(chat.Invalid("messages", "the conversation begins with an assistant message; Bedrock needs a user message first"))
		}
		j := i + 1
		for j < len(msgs) && (msgs[j].Role == role || !e.visible(&msgs[j])) {
			j++
		}
		e.turn(msgs[i:j], role, turns == 0)
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
	case e.f.NoPrefill:
		err := chat.Invalid("messages", "the conversation ends with an assistant message, and the model '%s' continues none; end with a user message", e.x.Model)
		err.Fallback = true
		e.fail(err)
	}
}

// turn writes one message made of the neighbours in msgs.
func (e *encoder) turn(msgs []chat.Message, role chat.Role, first bool) {
	e.w.BeginObject()
	e.w.Key("role")
	if role == chat.Assistant {
		e.w.Raw(`"assistant"`)
	} else {
		e.w.Raw(`"user"`)
	}
	e.w.Key("content")
	e.w.BeginArray()
	if role == chat.Assistant {
		e.assistant(msgs)
	} else {
		e.user(msgs, first)
	}
	e.w.EndArray()
	e.w.EndObject()
}

// user writes the results of the calls in the turn before, then the rest: Claude refuses results behind text.
func (e *encoder) user(msgs []chat.Message, first bool) {
	documents, texts := false, false
	for m := range msgs {
		for i := range msgs[m].Content {
			if b := &msgs[m].Content[i]; b.Kind == chat.ToolResult && e.answer(b.Tool.ID) {
				e.toolResult(b)
			}
		}
	}
	e.unanswered()
	if first && e.f.NoSystem {
		texts = e.systemAsText()
	}
	for m := range msgs {
		for i := range msgs[m].Content {
			b := &msgs[m].Content[i]
			if b.Kind == chat.ToolResult || !e.visibleBlock(b) {
				continue
			}
			if b.Kind == chat.ToolUse {
				e.fail(chat.Invalid("messages", "the tool call '%s' stands in a user message; only an assistant message calls tools", clip(b.Tool.ID)))
			}
			documents = documents || b.Kind == chat.Document && !e.f.NoDocuments
			texts = texts || b.Kind == chat.Text || b.Kind == chat.Refusal
			e.block(b)
		}
	}
	if documents && !texts {
		e.plainText("See the attached document.") // Converse refuses a document without text beside it
	}
}

func (e *encoder) systemAsText() (written bool) {
	for i := range e.r.System {
		if b := &e.r.System[i]; b.Kind == chat.Text && !b.Text.Blank() {
			e.text(b.Text)
			written = true
		}
	}
	if e.format.instruction != "" {
		e.plainText(e.format.instruction)
		written = true
	}
	return written
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

// assistant writes the blocks, in their order if it is a possible one: a turn that Claude interleaved with reasoning
// must come back as it was, or the signatures do not match.
func (e *encoder) assistant(msgs []chat.Message) {
	e.calls = e.calls[:0]
	if !e.disordered(msgs) {
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

func (e *encoder) assistantBlock(b *chat.Block) {
	if !e.visibleBlock(b) {
		return
	}
	switch b.Kind {
	case chat.ToolResult:
		e.fail(chat.Invalid("messages", "the result of the tool call '%s' stands in an assistant message; it belongs to the user's", clip(b.Tool.ID)))
		return
	case chat.ToolUse:
		for i := range e.calls {
			if e.calls[i].id == b.Tool.ID {
				return // Converse refuses equal ids in one turn
			}
		}
		e.calls = append(e.calls, call{id: b.Tool.ID})
	default:
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

// call is a tool call of the assistant's last turn.
type call struct {
	id       string
	answered bool
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

// visibleBlock tells whether the block is written at all. Blank text is refused by Bedrock.
func (e *encoder) visibleBlock(b *chat.Block) bool {
	switch b.Kind {
	case chat.Text, chat.Refusal:
		return !b.Text.Blank()
	case chat.Thinking:
		return e.keepsThinking() && (b.Signature != nil || e.f.Family != model.Claude && !b.Text.Blank())
	case chat.RedactedThinking:
		return e.keepsThinking()
	case chat.Opaque:
		return b.Dialect == Name
	case chat.Image, chat.Document, chat.Audio, chat.Video, chat.ToolUse, chat.ToolResult:
	}
	return true
}

// keepsThinking tells whether the model takes its reasoning back. One that has none, or cannot be asked for it, refuses
// the blocks.
func (e *encoder) keepsThinking() bool {
	return e.f.Thinking != model.ThinkingNone || e.f.Family == model.Unknown
}
