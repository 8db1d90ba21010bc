package claude

import (
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// write writes an event of a block.
func (e *streamEncoder) write(dst []byte, ev *chat.Event) []byte {
	switch ev.Kind {
	case chat.EventBlockStart:
		return e.blockStart(dst, ev)
	case chat.EventBlockDelta:
		return e.delta(dst, ev)
	case chat.EventSignature:
		dst = e.enter(dst, chat.Thinking, ev.Index)
		if len(ev.Text) > 2 {
			e.cur.signature = append(e.cur.signature, ev.Text[1:len(ev.Text)-1]...)
		}
	case chat.EventCitation:
		citation := rules.ClaudeCitation(ev.Raw)
		if citation == nil {
			e.x.Note("a citation that the client's dialect has no word for was left out")
			return dst
		}
		dst = e.enter(dst, chat.Text, ev.Index)
		dst = e.event(dst, "content_block_delta")
		dst = append(dst, `,"delta":{"type":"citations_delta","citation":`...)
		dst = json.AppendCompact(dst, citation)
		return append(dst, deltaEnd...)
	default:
		if e.cur.open && e.cur.source == ev.Index {
			return e.close(dst)
		}
	}
	return dst
}

func (e *streamEncoder) blockStart(dst []byte, ev *chat.Event) []byte {
	switch ev.Block {
	case chat.ToolUse:
		if e.x.IsOutput(ev.Name) {
			e.output, e.answer, e.held = true, ev.Index, nil
			return dst
		}
		e.calls = true
		dst = e.open(dst, chat.ToolUse, ev.Index)
		dst = append(dst, `{"type":"tool_use","id":`...)
		dst = json.AppendQuoted(dst, ev.ID)
		dst = append(dst, `,"name":`...)
		dst = json.AppendQuoted(dst, ev.Name)
		return append(dst, ",\"input\":{}}}\n\n"...)
	case chat.RedactedThinking:
		dst = e.open(dst, chat.RedactedThinking, ev.Index)
		dst = append(dst, `{"type":"redacted_thinking","data":`...)
		dst = append(dst, rules.Seal(ev.Text, e.x)...)
		return e.close(append(dst, deltaEnd...))
	case chat.Opaque:
		raw := ev.Raw
		if nova := rules.ClaudeServerBlock(raw); nova != nil {
			return e.serverBlock(dst, nova, ev.Index)
		}
		if json.Find(raw, "type") == nil {
			return dst
		}
		dst = e.open(dst, chat.Opaque, ev.Index)
		dst = json.AppendCompact(dst, raw)
		return append(dst, "}\n\n"...)
	case chat.Text, chat.Thinking, chat.Refusal: // begin with their first delta
	case chat.Image, chat.Document, chat.Audio, chat.Video, chat.ToolResult:
		e.x.Note("the reply holds a block that a Claude stream has no place for: " + ev.Block.String())
	}
	return dst
}

// serverBlock writes a block of a tool that Bedrock ran, which came whole. The input of a call is a delta of its own, where
// clients look for it.
func (e *streamEncoder) serverBlock(dst []byte, raw json.Value, index int) []byte {
	dst = e.open(dst, chat.Opaque, index)
	input := json.Find(raw, "input")
	if input == nil {
		dst = json.AppendCompact(dst, raw)
		return e.close(append(dst, "}\n\n"...))
	}
	w := json.NewWriter(nil)
	w.BeginObject()
	at := json.WalkAt(raw, 0)
	for ok := at.Object(); ok && at.Member(); {
		key, v := string(json.AppendEscaped(nil, string(at.Key()))), at.Value()
		w.Key(key)
		if key == "input" {
			w.Raw("{}")
		} else {
			w.Value(v)
		}
	}
	w.EndObject()
	dst = append(append(dst, w.Bytes()...), "}\n\n"...)
	dst = append(dst, e.cur.head...)
	dst = json.AppendQuoted(dst, string(json.AppendCompact(nil, input)))
	return e.close(append(dst, deltaEnd...))
}

// enter sees to it that the open block is one of text or of thinking from the given source.
func (e *streamEncoder) enter(dst []byte, kind chat.BlockKind, source int) []byte {
	if c := &e.cur; c.open && c.kind == kind && c.source == source {
		return dst
	}
	dst = e.open(dst, kind, source)
	if kind == chat.Thinking {
		return append(dst, "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n"...)
	}
	return append(dst, "{\"type\":\"text\",\"text\":\"\"}}\n\n"...)
}

// open ends the open block and begins the next, up to its content_block's value.
func (e *streamEncoder) open(dst []byte, kind chat.BlockKind, source int) []byte {
	dst = e.close(dst)
	c := &e.cur
	*c = block{open: true, source: source, kind: kind, head: c.head[:0], signature: c.signature[:0]}
	c.head = append(e.event(c.head, "content_block_delta"), deltaOf(kind)...)
	dst = e.event(dst, "content_block_start")
	return append(dst, `,"content_block":`...)
}

// deltaOf returns the beginning of a delta's value, up to its text.
func deltaOf(kind chat.BlockKind) string {
	switch kind {
	case chat.Thinking:
		return `,"delta":{"type":"thinking_delta","thinking":`
	case chat.ToolUse, chat.Opaque:
		return `,"delta":{"type":"input_json_delta","partial_json":`
	default:
		return `,"delta":{"type":"text_delta","text":`
	}
}

// event appends an event's beginning: its type, and the index of the open block, which is the next.
func (e *streamEncoder) event(dst []byte, name string) []byte {
	dst = append(dst, "event: "...)
	dst = append(dst, name...)
	dst = append(dst, "\ndata: {\"type\":\""...)
	dst = append(dst, name...)
	dst = append(dst, `","index":`...)
	return strconv.AppendInt(dst, int64(e.next), 10)
}

// close ends the open block, if one is. A call without arguments gets the empty object that clients parse.
func (e *streamEncoder) close(dst []byte) []byte {
	c := &e.cur
	if !c.open {
		return dst
	}
	c.open = false
	switch {
	case c.kind == chat.ToolUse && !c.filled:
		dst = append(dst, c.head...)
		dst = append(dst, `"{}"`...)
		dst = append(dst, deltaEnd...)
	case len(c.signature) > 0:
		dst = e.event(dst, "content_block_delta")
		dst = append(dst, `,"delta":{"type":"signature_delta","signature":"`...)
		dst = append(dst, rules.SealPrefix(e.x)...)
		dst = append(dst, c.signature...)
		dst = append(dst, '"')
		dst = append(dst, deltaEnd...)
	}
	dst = e.event(dst, "content_block_stop")
	e.next++
	return append(dst, "}\n\n"...)
}

func (e *streamEncoder) delta(dst []byte, ev *chat.Event) []byte {
	kind := ev.Block
	switch kind {
	case chat.Text, chat.Refusal:
		kind = chat.Text
		if e.x.OutputTool != "" {
			e.hold(ev.Text)
			return dst
		}
	case chat.ToolUse:
		if e.output && e.answer == ev.Index {
			kind = chat.Text
			e.answered = e.answered || !ev.Text.Empty()
		}
	case chat.Thinking, chat.Opaque:
	case chat.Image, chat.Document, chat.Audio, chat.Video, chat.ToolResult, chat.RedactedThinking:
		return dst
	}
	if ev.Text.Empty() {
		return dst
	}
	c := &e.cur
	if kind == chat.Text || kind == chat.Thinking {
		dst = e.enter(dst, kind, ev.Index)
	} else if !c.open || c.source != ev.Index {
		return dst // behind the end of its call
	}
	c.filled = true
	if kind == chat.ToolUse || kind == chat.Opaque {
		c.input.scan(ev.Text)
	}
	dst = append(dst, c.head...)
	dst = append(dst, ev.Text...)
	return append(dst, deltaEnd...)
}

// hold keeps text back: words before the call of the output tool would spoil the value that the client expects.
func (e *streamEncoder) hold(text chat.String) {
	if !e.output && len(text) > 2 && e.size+len(text) < maxHeld {
		e.held = append(e.held, text[1:len(text)-1]...)
		e.size += len(text)
	}
}
