package tracing

import (
	"bytes"
	"encoding/json"

	"go.opentelemetry.io/otel/attribute"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// message is one of a conversation, by the conventions' schemas gen-ai-input-messages.json and gen-ai-output-messages.json.
type message struct {
	Role         string `json:"role"`
	Parts        []part `json:"parts"`
	FinishReason string `json:"finish_reason,omitempty"`
}

// part is one of a message. Which members it has depends on its type.
type part struct {
	Type      string          `json:"type"`
	Content   json.RawMessage `json:"content,omitempty"`
	ID        string          `json:"id,omitempty"`
	Name      string          `json:"name,omitempty"`
	Arguments json.RawMessage `json:"arguments,omitempty"`
	Response  any             `json:"response,omitempty"`
	Modality  string          `json:"modality,omitempty"`
	MIMEType  string          `json:"mime_type,omitempty"`
	URI       string          `json:"uri,omitempty"`
	FileID    string          `json:"file_id,omitempty"`
}

// Asked adds what the client said to the span of the call. clean takes out what is to be redacted, and bounds the rest.
func (c *Call) Asked(r *chat.Request, clean func([]byte) []byte) {
	if len(r.System) > 0 {
		c.say(keyInstructions, partsOf(r.System), clean)
	}
	messages := make([]message, len(r.Messages))
	for i := range r.Messages {
		m := &r.Messages[i]
		messages[i] = message{Role: m.Role.String(), Parts: partsOf(m.Content)}
		if len(m.Content) > 0 && m.Content[0].Kind == chat.ToolResult {
			messages[i].Role = "tool"
		}
	}
	c.say(keyPrompt, messages, clean)
}

// Answered adds the reply.
func (c *Call) Answered(blocks []chat.Block, stop string, clean func([]byte) []byte) {
	c.say(keyReply, []message{{Role: "assistant", Parts: partsOf(blocks), FinishReason: stop}}, clean)
}

func (c *Call) say(key attribute.Key, what any, clean func([]byte) []byte) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false) // what is to be redacted is looked for in this text
	if err := enc.Encode(what); err == nil {
		c.span.SetAttributes(key.String(string(clean(bytes.TrimSuffix(text.Bytes(), []byte("\n"))))))
	}
}

// partsOf returns the parts of a message. The bytes of images and documents are left out.
func partsOf(blocks []chat.Block) []part {
	parts := make([]part, 0, len(blocks))
	for i := range blocks {
		b := &blocks[i]
		switch b.Kind {
		case chat.Text, chat.Refusal:
			parts = append(parts, part{Type: "text", Content: json.RawMessage(b.Text)})
		case chat.Thinking:
			parts = append(parts, part{Type: "reasoning", Content: json.RawMessage(b.Text)})
		case chat.ToolUse:
			parts = append(parts, part{Type: "tool_call", ID: b.Tool.ID, Name: b.Tool.Name, Arguments: json.RawMessage(b.Tool.Input)})
		case chat.ToolResult:
			parts = append(parts, part{Type: "tool_call_response", ID: b.Tool.ID, Response: partsOf(b.Tool.Content)})
		case chat.Image, chat.Document, chat.Audio, chat.Video:
			parts = append(parts, mediaPart(b))
		case chat.RedactedThinking, chat.Opaque:
			parts = append(parts, part{Type: b.Kind.String()})
		}
	}
	return parts
}

func mediaPart(b *chat.Block) part {
	p := part{Modality: b.Kind.String(), MIMEType: b.Media.Type}
	switch m := b.Media; {
	case m.URL != "":
		p.Type, p.URI = "uri", m.URL
	case m.S3 != "":
		p.Type, p.URI = "uri", m.S3
	case m.FileID != "":
		p.Type, p.FileID = "file", m.FileID
	case len(m.Text) > 0:
		p.Type, p.Content = "text", json.RawMessage(m.Text)
	default:
		p.Type, p.Content = "blob", json.RawMessage(`""`)
	}
	return p
}
