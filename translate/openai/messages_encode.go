package openai

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

func (e *requestEncoder) messages() {
	w, r := &e.w, e.r
	w.Key("messages")
	w.BeginArray()
	if len(r.System) > 0 {
		e.open("system", "")
		e.content(r.System)
		w.EndObject()
	}
	for i := 0; i < len(r.Messages); {
		if r.Messages[i].Role == chat.Assistant {
			e.assistant(&r.Messages[i])
			i++
			continue
		}
		// Nothing may stand between calls and their results, whatever the turns they came in.
		from := i
		for ; i < len(r.Messages) && r.Messages[i].Role != chat.Assistant; i++ {
			e.results(&r.Messages[i])
		}
		for j := from; j < i; j++ {
			e.user(&r.Messages[j])
		}
	}
	w.EndArray()
	if len(r.Messages) == 0 && len(r.System) == 0 {
		e.fail("messages", "the request has no message that says anything")
	}
}

// open begins a message.
func (e *requestEncoder) open(role, name string) {
	e.w.BeginObject()
	e.w.Key("role")
	e.w.Text(role)
	if name != "" {
		e.w.Key("name")
		e.w.Text(name)
	}
}

// content writes blocks that are one text as a string, others as parts.
func (e *requestEncoder) content(blocks []chat.Block) {
	w := &e.w
	w.Key("content")
	if len(blocks) == 1 && blocks[0].Kind == chat.Text {
		w.String(blocks[0].Text)
		return
	}
	w.BeginArray()
	e.parts(blocks)
	w.EndArray()
}

// results writes a user turn's tool results, each a message of its own, directly behind the calls as OpenAI wants them.
// Only text can stand there; the rest goes to the user's own words.
func (e *requestEncoder) results(m *chat.Message) {
	for i := range m.Content {
		b := &m.Content[i]
		if b.Kind != chat.ToolResult {
			continue
		}
		e.open("tool", "")
		e.w.Key("tool_call_id")
		e.w.Text(e.toolID(b.Tool.ID))
		e.scratch = e.scratch[:0]
		for j := range b.Tool.Content {
			switch c := b.Tool.Content[j]; c.Kind {
			case chat.Text:
				e.scratch = append(e.scratch, c)
			case chat.Opaque:
				// A value that is no text (Converse's json): its JSON says the same.
				e.scratch = append(e.scratch, textBlock(json.AppendCompact(nil, c.Raw())))
			case chat.Image, chat.Document, chat.Audio, chat.Video, chat.ToolUse, chat.ToolResult, chat.Thinking, chat.RedactedThinking, chat.Refusal:
			}
		}
		if b.Tool.IsError {
			// There is no other word for a failed call.
			e.scratch = append([]chat.Block{textBlock("Error:")}, e.scratch...)
		}
		if len(e.scratch) == 0 {
			e.scratch = append(e.scratch, chat.Block{Text: emptyText})
		}
		e.content(e.scratch)
		e.w.EndObject()
	}
}

func textBlock[T ~string | ~[]byte](text T) chat.Block {
	return chat.Block{Kind: chat.Text, Text: json.AppendQuoted(nil, text)}
}

// user writes what of a user's turn is no tool result.
func (e *requestEncoder) user(m *chat.Message) {
	e.scratch = e.scratch[:0]
	for i := range m.Content {
		switch b := &m.Content[i]; b.Kind {
		case chat.Text, chat.Image, chat.Document, chat.Audio, chat.Refusal:
			e.scratch = append(e.scratch, *b)
		case chat.ToolResult:
			for j := range b.Tool.Content {
				if c := &b.Tool.Content[j]; c.Media != nil {
					e.scratch = append(e.scratch, textBlock("Part of the result of the tool call "+e.toolID(b.Tool.ID)+":"), *c)
				}
			}
		case chat.Opaque:
			if b.Dialect == chat.OpenAI {
				e.scratch = append(e.scratch, *b)
			} else {
				e.drop("messages.content." + opaqueType(b.Raw()))
			}
		case chat.Video:
			e.fail("messages", "the model '%s' takes no video", e.x.Model)
		case chat.Thinking, chat.RedactedThinking, chat.ToolUse:
		}
	}
	if len(e.scratch) == 0 {
		return
	}
	role := "user"
	if m.Operator {
		role = "system"
	}
	e.open(role, m.Name)
	e.content(e.scratch)
	e.w.EndObject()
}

// opaqueType names a block that only its own dialect understands: its type member or, as Converse has it, its only one.
func opaqueType(v json.Value) string {
	w := json.WalkAt(v, 0)
	w.Object()
	name := ""
	for w.Member() {
		if string(w.Key()) == "type" && w.Kind() == json.Text {
			return w.String().Unquote()
		}
		if name == "" {
			name = string(w.Key())
		}
		w.Skip()
	}
	return name
}

// assistant writes a model's turn. OpenAI does not take reasoning back.
func (e *requestEncoder) assistant(m *chat.Message) {
	w := &e.w
	texts, refusals, calls := 0, 0, 0
	for i := range m.Content {
		switch b := &m.Content[i]; b.Kind {
		case chat.Text:
			texts++
		case chat.Refusal:
			refusals++
		case chat.ToolUse:
			calls++
		case chat.Thinking, chat.RedactedThinking:
			e.drop("thinking")
		case chat.Opaque:
			e.drop("messages.content." + opaqueType(b.Raw()))
		case chat.Image, chat.Document, chat.Audio, chat.Video, chat.ToolResult:
			e.drop("messages.content." + b.Kind.String())
		}
	}
	if texts+refusals+calls == 0 {
		return
	}
	e.open("assistant", m.Name)
	w.Key("content")
	w.Raw(string(appendTexts(nil, m.Content, chat.Text, texts)))
	if refusals > 0 {
		w.Key("refusal")
		w.Raw(string(appendTexts(nil, m.Content, chat.Refusal, refusals)))
	}
	if calls > 0 {
		w.Key("tool_calls")
		w.BeginArray()
		for i := range m.Content {
			if b := &m.Content[i]; b.Kind == chat.ToolUse {
				e.call(b.Tool)
			}
		}
		w.EndArray()
	}
	w.EndObject()
}

func (e *requestEncoder) call(t *chat.Tooling) {
	w := &e.w
	w.BeginObject()
	w.Key("id")
	w.Text(e.toolID(t.ID))
	w.Key("type")
	w.Raw(`"function"`)
	w.Key("function")
	w.BeginObject()
	w.Key("name")
	w.Text(e.toolName(t.Name))
	w.Key("arguments")
	w.String(chat.AppendArguments(nil, t.Input))
	w.EndObject()
	w.EndObject()
}

// parts writes the elements of a content list.
func (e *requestEncoder) parts(blocks []chat.Block) {
	w := &e.w
	for i := range blocks {
		switch b := &blocks[i]; b.Kind {
		case chat.Text, chat.Refusal: // a refusal is the assistant's word; from another it is text
			e.text(b.Text)
		case chat.Image:
			e.image(b.Media)
		case chat.Document:
			e.document(b.Media)
		case chat.Audio:
			e.audio(b.Media)
		case chat.Opaque:
			w.Value(b.Raw())
		case chat.Video, chat.ToolUse, chat.ToolResult, chat.Thinking, chat.RedactedThinking:
		}
	}
}

func (e *requestEncoder) text(text json.String) {
	w := &e.w
	w.BeginObject()
	w.Key("type")
	w.Raw(`"text"`)
	w.Key("text")
	w.String(text)
	w.EndObject()
}
