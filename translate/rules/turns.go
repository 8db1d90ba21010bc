package rules

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

// View is what a target is shown of a conversation. What is not visible is not written: blank text is refused, and so is
// reasoning that the model does not know.
type View struct {
	Dialect  chat.Dialect // whose own blocks (chat.Opaque) the target understands
	Thinking bool         // the model takes its reasoning back
	Unsigned bool         // also reasoning that nobody signed
	Family   model.Family // whose reasoning the model can read
	Served   bool         // Bedrock runs tools for the model: it takes back what they left in its turns
}

// KeepsThinking reports whether the model takes its reasoning back. One that has none, or cannot be asked for it, refuses
// the blocks.
func KeepsThinking(f *model.Facts) bool {
	return f.Thinking != model.ThinkingNone || f.Family == model.Unknown
}

// Block reports whether the target is shown the block at all.
func (v View) Block(b *chat.Block) bool {
	switch b.Kind {
	case chat.Text, chat.Refusal:
		return !b.Text.Blank()
	case chat.Thinking:
		if b.Own == nil {
			return v.Thinking && v.Unsigned && !b.Text.Blank()
		}
		return v.Thinking && b.Maker.ReadableBy(v.Family)
	case chat.RedactedThinking:
		return v.Thinking && b.Maker.ReadableBy(v.Family)
	case chat.Opaque:
		return b.Dialect == v.Dialect && (v.Served || b.Dialect != chat.Converse || !ofServer(b.Raw()))
	case chat.Image, chat.Document, chat.Audio, chat.Video, chat.ToolUse, chat.ToolResult:
	}
	return true
}

func (v View) message(m *chat.Message) bool {
	for i := range m.Content {
		if v.Block(&m.Content[i]) {
			return true
		}
	}
	return false
}

// Turn finds the next turn at or behind from: neighbours of one role, and what among them is not visible. start is
// len(msgs) if there is none.
func (v View) Turn(msgs []chat.Message, from int) (start, end int) {
	for start = from; start < len(msgs) && !v.message(&msgs[start]); start++ {
	}
	for end = start; end < len(msgs) && (msgs[end].Role == msgs[start].Role || !v.message(&msgs[end])); end++ {
	}
	return start, end
}

// rank is the place of an assistant's block: reasoning first, tool calls last.
type rank uint8

const (
	rankThinking rank = iota
	rankText
	rankToolUse
)

func rankOf(b *chat.Block) rank {
	switch b.Kind {
	case chat.Thinking, chat.RedactedThinking:
		return rankThinking
	case chat.ToolUse:
		return rankToolUse
	default:
		return rankText
	}
}

// Assistant calls write with the visible blocks of an assistant's turn: in their order if it is a possible one, for a
// turn that Claude interleaved with reasoning must come back as it was, or the signatures do not match; else reasoning
// first and tool calls last. asItStands keeps the order whatever it is.
func (v View) Assistant(turn []chat.Message, asItStands bool, write func(*chat.Block)) {
	first, last := rankThinking, rankToolUse
	if asItStands || v.ordered(turn) {
		v.each(turn, first, last, write)
		return
	}
	for r := first; r <= last; r++ {
		v.each(turn, r, r, write)
	}
}

func (v View) each(turn []chat.Message, from, to rank, write func(*chat.Block)) {
	for m := range turn {
		for i := range turn[m].Content {
			b := &turn[m].Content[i]
			if r := rankOf(b); r >= from && r <= to && v.Block(b) {
				write(b)
			}
		}
	}
}

// ordered reports whether nothing stands behind a call, and reasoning behind other content only if it also begins the turn.
func (v View) ordered(turn []chat.Message) bool {
	begun, first, last := false, rankThinking, rankThinking
	for m := range turn {
		for i := range turn[m].Content {
			b := &turn[m].Content[i]
			if !v.Block(b) {
				continue
			}
			r := rankOf(b)
			if !begun {
				begun, first = true, r
			}
			if last == rankToolUse && r != rankToolUse || r == rankThinking && first != rankThinking {
				return false
			}
			last = r
		}
	}
	return true
}

// ContinuesWithoutThinking reports whether the last assistant's turn calls tools but holds no reasoning, as it does when an
// OpenAI client sends it back or another model made it.
func (v View) ContinuesWithoutThinking(msgs []chat.Message) bool {
	calls, inTurn := false, false
	for m := len(msgs) - 1; m >= 0; m-- {
		msg := &msgs[m]
		if !v.message(msg) {
			continue
		}
		if msg.Role == chat.User {
			if inTurn {
				break
			}
			continue
		}
		inTurn = true
		for i := range msg.Content {
			b := &msg.Content[i]
			if rankOf(b) == rankThinking && v.Block(b) {
				return false
			}
			calls = calls || b.Kind == chat.ToolUse
		}
	}
	return calls
}

// BeginsWrong returns the error for a conversation that begins with the assistant; who is the provider that refuses it.
func BeginsWrong(who string) error {
	return chat.Invalid("messages", "the conversation begins with an assistant message; %s needs a user message first", who)
}

// SaysNothing is the error for a conversation without a visible message.
func SaysNothing() error {
	return chat.Invalid("messages", "the conversation has no user message with content")
}

// EndsWrong is the error for a conversation that ends with the assistant, where the model continues none.
func EndsWrong(x *chat.Exchange) error {
	return elsewhere("messages", "the conversation ends with an assistant message, and the model '%s' continues none; end with a user message", x.Model)
}

// Answer marks the call with the given id as answered; first is false for an answer after the first. An answer to a call
// that nobody made is an error.
func Answer(calls chat.Calls, id string) (first bool, err error) {
	first, known := calls.Answer(id)
	if !known {
		return false, chat.Invalid("messages", "there is a tool result for the call '%s', but the assistant message before it has no such call", chat.Clip(id))
	}
	return first, nil
}

// Unanswered is an error if a call has no result.
func Unanswered(calls chat.Calls) error {
	if c := calls.Unanswered(); c != nil {
		return chat.Invalid("messages", "the tool call '%s' has no result; a tool message for it must follow the assistant message", chat.Clip(c.ID))
	}
	return nil
}

// Unspoken lists what of the history the model does not get. Reasoning comes back from clients that were never asked for
// it, so that no policy refuses it.
func (v View) Unspoken(msgs []chat.Message, x *chat.Exchange) error {
	for m := range msgs {
		for i := range msgs[m].Content {
			b := &msgs[m].Content[i]
			if v.Block(b) {
				continue
			}
			switch b.Kind {
			case chat.Thinking, chat.RedactedThinking:
				x.Omit("thinking_blocks")
			case chat.Opaque:
				if b.Dialect == chat.Converse && ofServer(b.Raw()) {
					x.Omit("bedrock_blocks")
					continue
				}
				if err := x.Drop("messages.content"); err != nil {
					return err
				}
			case chat.Text, chat.Refusal, chat.Image, chat.Document, chat.Audio, chat.Video, chat.ToolUse, chat.ToolResult:
			}
		}
	}
	return nil
}
