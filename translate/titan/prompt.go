package titan

import (
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// The words that begin turns in a prompt of a conversation, which ends where the model is to speak:
//
//	System text
//
//	User: a question
//
//	Bot: an answer
//
//	User: the next question
//
//	Bot:
//
// AWS shows one line break between turns, its console two. There is no way to quote these words within a turn.
const (
	userWord = "User:"
	botWord  = "Bot:"
	gap      = "\n\n"
)

// turn is one turn's text in a prompt.
type turn struct {
	role       chat.Role
	start, end int // of the text, without the white space around it
}

// turns splits a prompt. It returns nil if the prompt is no conversation: one begins with User: or text before it, and
// ends with Bot: or the beginning of its answer. system is the text before the first turn.
func turns(prompt string) (system string, list []turn) {
	brk := "\n"
	if last := strings.LastIndex(prompt, "\n"+botWord); last > 0 && prompt[last-1] == '\n' {
		brk = gap // then single line breaks stand within turns
	}
	first := len(prompt)
	for at := 0; at < len(prompt); {
		role, n := word(prompt[at:])
		if n > 0 && (at == 0 || strings.HasSuffix(prompt[:at], brk)) {
			if len(list) == 0 {
				first = at
			} else {
				list[len(list)-1].end = at
			}
			list = append(list, turn{role: role, start: at + n, end: len(prompt)})
			at += n
		}
		next := strings.IndexByte(prompt[at:], '\n')
		if next < 0 {
			break
		}
		at += next + 1
	}
	if len(list) < 2 || list[0].role != chat.User || list[len(list)-1].role != chat.Assistant {
		return "", nil
	}
	for i := range list {
		t := &list[i]
		text := prompt[t.start:t.end]
		t.start += len(text) - len(strings.TrimLeft(text, " \t\r\n"))
		t.end = max(t.start, t.end-(len(text)-len(strings.TrimRight(text, " \t\r\n"))))
	}
	return strings.TrimSpace(prompt[:first]), list
}

// word reports which turn begins with s, and the length of the word.
func word(s string) (chat.Role, int) {
	switch {
	case strings.HasPrefix(s, userWord):
		return chat.User, len(userWord)
	case strings.HasPrefix(s, botWord):
		return chat.Assistant, len(botWord)
	}
	return chat.User, 0
}

// readPrompt returns the messages of a prompt: its turns, or all of it as one user message.
func readPrompt(tok chat.String, r *chat.Request) {
	prompt := tok.Unquote()
	system, list := turns(prompt)
	if list == nil {
		if !tok.Blank() {
			r.Messages = []chat.Message{{Role: chat.User, Content: []chat.Block{{Kind: chat.Text, Text: tok}}}}
		}
		return
	}
	if system != "" {
		r.System = []chat.Block{{Kind: chat.Text, Text: json.Quote(system)}}
	}
	r.Messages = make([]chat.Message, 0, len(list))
	for _, t := range list {
		if text := json.Quote(prompt[t.start:t.end]); !text.Blank() {
			r.Messages = append(r.Messages, chat.Message{Role: t.role, Content: []chat.Block{{Kind: chat.Text, Text: text}}})
		}
	}
}

// writePrompt returns a prompt of a conversation. instruction stands behind the system text.
func writePrompt(r *chat.Request, instruction string, x *chat.Exchange) (string, error) {
	var b strings.Builder
	add := func(s string) {
		if b.Len() > 0 {
			b.WriteString(gap)
		}
		b.WriteString(s)
	}
	for i := range r.System {
		if s := &r.System[i]; s.Kind == chat.Text && !s.Text.Blank() {
			add(s.Text.Unquote())
		}
	}
	if instruction != "" {
		add(instruction)
	}
	asked := false
	role := chat.Assistant
	for i := range r.Messages {
		m := &r.Messages[i]
		text, err := words(m, x)
		if err != nil {
			return "", err
		}
		if text == "" {
			continue
		}
		switch {
		case asked && role == m.Role:
			b.WriteByte('\n') // neighbours of one role are one turn
			b.WriteString(text)
		case m.Role == chat.User:
			asked = true
			add(userWord + " " + text)
		case !asked:
			return "", rules.BeginsWrong("Titan")
		default:
			add(botWord + " " + text)
		}
		role = m.Role
	}
	switch {
	case !asked:
		return "", rules.SaysNothing()
	case role == chat.User:
		add(botWord)
	case x.Facts.NoPrefill:
		return "", rules.EndsWrong(x)
	}
	return b.String(), nil
}

// words returns what a message says; Titan knows text only. Reasoning of earlier turns says nothing to it.
func words(m *chat.Message, x *chat.Exchange) (string, error) {
	text := ""
	for i := range m.Content {
		b := &m.Content[i]
		switch b.Kind {
		case chat.Text, chat.Refusal:
			if b.Text.Blank() {
				continue
			}
			if text != "" {
				text += "\n"
			}
			text += strings.Trim(b.Text.Unquote(), " \t\r\n")
			if b.Guarded {
				x.Omit("guarded_text")
			}
			if b.Cache != chat.NoCache {
				if err := x.Drop("cache_control"); err != nil {
					return "", err
				}
			}
		case chat.Thinking, chat.RedactedThinking:
		case chat.Image, chat.Document, chat.Audio, chat.Video, chat.ToolUse, chat.ToolResult, chat.Opaque:
			err := chat.Invalid("messages", "the model '%s' takes text only, and the conversation holds content of kind %s", x.Model, b.Kind)
			err.Fallback = true
			return "", err
		}
	}
	return text, nil
}
