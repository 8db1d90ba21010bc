package converse

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
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
			e.textBlock(b)
			e.cachePoint(b.Cache)
		case b.Kind == chat.Opaque && b.Dialect == chat.Converse:
			begin()
			e.w.Value(b.Raw())
		}
	}
	if e.format.Instruction != "" {
		begin()
		e.plainText(e.format.Instruction)
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
	for from, to := e.view.Turn(msgs, 0); from < to; from, to = e.view.Turn(msgs, to) {
		role = msgs[from].Role
		if turns == 0 && role == chat.Assistant {
			e.fail(rules.BeginsWrong("Bedrock"))
		}
		e.turn(msgs[from:to], role, turns == 0)
		turns++
	}
	e.w.EndArray()
	switch {
	case turns == 0:
		e.fail(rules.SaysNothing())
	case role != chat.Assistant:
	case len(e.calls) > 0:
		e.unanswered()
	case e.f.NoPrefill:
		e.fail(rules.EndsWrong(e.x))
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
			if b.Kind == chat.ToolResult || !e.view.Block(b) {
				continue
			}
			if b.Kind == chat.ToolUse {
				e.fail(chat.Invalid("messages", "the tool call '%s' stands in a user message; only an assistant message calls tools", chat.Clip(b.Tool.ID)))
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
	if e.format.Instruction != "" {
		e.plainText(e.format.Instruction)
		written = true
	}
	return written
}

// assistant writes the blocks.
func (e *encoder) assistant(msgs []chat.Message) {
	e.calls = e.calls[:0]
	e.view.Assistant(msgs, false, e.assistantBlock)
}

func (e *encoder) assistantBlock(b *chat.Block) {
	switch b.Kind {
	case chat.ToolResult:
		e.fail(chat.Invalid("messages", "the result of the tool call '%s' stands in an assistant message; it belongs to the user's", chat.Clip(b.Tool.ID)))
		return
	case chat.ToolUse:
		if !e.calls.Add(b.Tool.ID, b.Tool.Name) {
			return
		}
	default:
	}
	e.block(b)
}

// answer marks the call with the given id as answered; false if this is not the first answer to it.
func (e *encoder) answer(id string) bool {
	first, err := rules.Answer(e.calls, id)
	e.fail(err)
	return first
}

// unanswered fails if a call of the last turn has no result.
func (e *encoder) unanswered() {
	e.fail(rules.Unanswered(e.calls))
	e.calls = e.calls[:0]
}
