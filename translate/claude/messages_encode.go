package claude

import (
	"slices"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// system writes the system text and the gateway's own instructions: as a string if it is one plain text.
func (e *encoder) system() {
	instruction := e.format.Instruction
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
	case len(texts) == 1 && instruction == "" && texts[0].Cache == chat.NoCache && texts[0].Citations() == nil:
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
	for from, to := e.view.Turn(msgs, 0); from < to; from, to = e.view.Turn(msgs, to) {
		role = msgs[from].Role
		if turns == 0 && role == chat.Assistant {
			e.fail(rules.BeginsWrong("Claude"))
		}
		e.turn(msgs[from:to], role, to == len(msgs))
		turns++
	}
	e.w.EndArray()
	switch {
	case turns == 0:
		e.fail(rules.SaysNothing())
	case role != chat.Assistant:
	case len(e.calls) > 0:
		e.unanswered()
	case e.f.NoPrefill && !e.paused():
		e.fail(rules.EndsWrong(e.x))
	}
}

// paused reports whether the conversation ends with work of the model's own tools, which it goes on with: no prefill.
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

// plainText returns the only block of msgs if it is text with nothing to it: that can be written as a string.
func plainText(msgs []chat.Message) *chat.Block {
	if len(msgs) != 1 || len(msgs[0].Content) != 1 {
		return nil
	}
	b := &msgs[0].Content[0]
	if b.Kind != chat.Text || b.Cache != chat.NoCache || b.Own != nil {
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
			if b := &msgs[m].Content[i]; b.Kind != chat.ToolResult && e.view.Block(b) {
				e.block(b)
			}
		}
	}
}

// assistant writes the blocks, in their order if they are Claude's own.
func (e *encoder) assistant(msgs []chat.Message, last bool) {
	e.calls = e.calls[:0]
	if last {
		msgs = e.trimmed(msgs)
	}
	e.view.Assistant(msgs, e.r.Dialect == Name, e.assistantBlock)
}

// trimmed returns a prefill without the white space at its end, which Claude refuses.
func (e *encoder) trimmed(msgs []chat.Message) []chat.Message {
	for m := len(msgs) - 1; m >= 0; m-- {
		content := msgs[m].Content
		for i := len(content) - 1; i >= 0; i-- {
			if !e.view.Block(&content[i]) {
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
	if b.Kind == chat.ToolUse && !e.calls.Add(b.Tool.ID, b.Tool.Name) {
		return
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
