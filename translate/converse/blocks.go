package converse

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

func (e *encoder) text(tok chat.String) {
	e.w.Raw(`{"text":`)
	e.w.String(tok)
	e.w.EndObject()
}

// textBlock writes text, as guardContent where the client marked it so. A guardrail looks at nothing else then, so that such
// a mark would weaken one that the configuration demands.
func (e *encoder) textBlock(b *chat.Block) {
	switch {
	case !b.Guarded:
	case e.x.Guardrail != nil && !e.x.GuardrailOverride:
		e.x.Omit("guarded_text")
	default:
		e.w.Raw(`{"guardContent":{"text":`)
		e.text(b.Text)
		e.w.EndObject()
		e.w.EndObject()
		return
	}
	e.text(b.Text)
}

func (e *encoder) plainText(text string) {
	e.w.Raw(`{"text":`)
	e.w.Text(text)
	e.w.EndObject()
}

// block writes a visible block, and the cache point behind it.
func (e *encoder) block(b *chat.Block) {
	switch b.Kind {
	case chat.Text, chat.Refusal:
		e.textBlock(b)
	case chat.Image, chat.Document, chat.Audio, chat.Video:
		e.media(b.Kind, b.Media)
	case chat.ToolUse:
		e.toolUse(b.Tool)
	case chat.Thinking:
		reasoning(&e.w, b.Text, b.Signature())
	case chat.RedactedThinking:
		e.w.Raw(`{"reasoningContent":{"redactedContent":`)
		e.w.String(b.Data())
		e.w.EndObject()
		e.w.EndObject()
	case chat.Opaque:
		e.w.Value(b.Raw())
	case chat.ToolResult: // written before the others: see user
	}
	e.cachePoint(b.Cache)
}

func (e *encoder) toolUse(t *chat.Tooling) {
	e.w.Raw(`{"toolUse":{"toolUseId":`)
	e.w.Text(e.names.ID(t.ID))
	e.w.Key("name")
	e.w.Text(e.names.Tool(t.Name))
	e.w.Key("input")
	if len(t.Input) == 0 {
		e.w.Raw("{}")
	} else {
		e.w.Value(t.Input)
	}
	e.w.EndObject()
	e.w.EndObject()
}

// toolResult writes a result and the cache point behind it, which may stand on its content: Converse has none in there.
func (e *encoder) toolResult(b *chat.Block) {
	t := b.Tool
	e.w.Raw(`{"toolResult":{"toolUseId":`)
	e.w.Text(e.names.ID(t.ID))
	e.w.Key("content")
	e.w.BeginArray()
	for i := range t.Content {
		c := &t.Content[i]
		switch c.Kind {
		case chat.Text, chat.Refusal:
			if !c.Text.Blank() {
				e.text(c.Text)
			}
		case chat.Image, chat.Document, chat.Video:
			e.media(c.Kind, c.Media)
		case chat.Opaque:
			if c.Dialect == chat.Converse {
				e.w.Value(c.Raw())
				continue
			}
			e.drop("messages.content")
		case chat.Audio, chat.ToolUse, chat.ToolResult, chat.Thinking, chat.RedactedThinking:
			e.fail(chat.Invalid("messages", "the result of the tool call '%s' holds a block of kind %s; Bedrock takes text, images, documents and videos there", chat.Clip(t.ID), c.Kind))
		}
	}
	e.w.EndArray()
	if t.IsError && e.takesStatus() {
		e.w.Key("status")
		e.w.Raw(`"error"`)
	}
	e.w.EndObject()
	e.w.EndObject()
	e.cachePoint(resultCache(b))
}

// takesStatus reports whether the model takes toolResult.status: "only supported by Amazon Nova and Anthropic Claude".
func (e *encoder) takesStatus() bool {
	switch e.f.Family {
	case model.Claude, model.Nova, model.Nova2, model.Unknown:
		return true
	default:
		return false
	}
}

// resultCache returns the cache point of a tool result: its own, or the last of its content's.
func resultCache(b *chat.Block) chat.Cache {
	if b.Cache != chat.NoCache {
		return b.Cache
	}
	var last chat.Cache
	for i := range b.Tool.Content {
		if c := b.Tool.Content[i].Cache; c != chat.NoCache {
			last = c
		}
	}
	return last
}

// planPoints says whether the model takes cache points and counts those to come.
func (e *encoder) planPoints() {
	e.points.Taken, e.points.Hour = e.f.CachePoints, e.f.CacheTTL
	if !e.f.CachePoints {
		return
	}
	n := 0
	count := func(c chat.Cache) {
		if c != chat.NoCache {
			n++
		}
	}
	for i := range e.r.Tools {
		if t := &e.r.Tools[i]; !e.f.NoToolCache && e.sends(t) {
			count(t.Cache)
		}
	}
	for i := range e.r.System {
		if b := &e.r.System[i]; b.Kind == chat.Text && !b.Text.Blank() && !e.f.NoSystem {
			count(b.Cache)
		}
	}
	for m := range e.r.Messages {
		content := e.r.Messages[m].Content
		for i := range content {
			switch b := &content[i]; {
			case b.Kind == chat.ToolResult:
				count(resultCache(b))
			case e.view.Block(b):
				count(b.Cache)
			}
		}
	}
	e.points.Expect(n, e.x)
}

// cachePoint writes the cache point c behind what was written last.
func (e *encoder) cachePoint(c chat.Cache) {
	write, ttl, err := e.points.Next(c, e.x)
	e.fail(err)
	if !write {
		return
	}
	e.w.Raw(`{"cachePoint":{"type":"default"`)
	if ttl != "" {
		e.w.Key("ttl")
		e.w.Text(ttl)
	}
	e.w.EndObject()
	e.w.EndObject()
}

// quote is a String of text that the gateway made.
func quote(text string) chat.String { return json.Quote(text) }
