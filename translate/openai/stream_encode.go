package openai

import (
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// maxHeld bounds, in bytes, the words before the forced output tool that are kept back. A reply of more words is one that
// does not call it.
const maxHeld = 1 << 20

// encoder writes one reply as chat.completion.chunk events. All that chunks have in common is written once.
type encoder struct {
	x      *chat.Exchange
	sealed int // index of the block whose signature has begun, plus one; 0 for none

	head string // from "data: " to the delta's value
	mid  string // from behind a delta to the value of its finish_reason
	tail string // from behind that to the blank line

	// The commonest chunk, ready but for the text: head and mid and tail with {"content": around it.
	textHead, textTail string

	begun    bool
	finished bool
	tools    []streamedTool
	servers  int    // blocks of tools that the provider ran, so far
	thoughts int    // thinking blocks so far
	thinking int    // index of the content block of the last one
	output   int    // index of the content block of the forced output tool; -1 if it was not called
	filled   bool   // it was given some input
	held     []byte // text kept back until it is known whether the output tool is called, without quotes
	usage    chat.Usage

	written   int64         // characters of text so far
	text      int           // index of the content block of the last of them; -1 before the first
	textFrom  int64         // where that block begins
	citations []rules.Cited // of that block, told at its end
	cited     int           // those of no page so far
}

// streamedTool is a tool call that was announced to the client.
type streamedTool struct {
	block          int // index of its content block
	filled, closed bool
}

// NewStreamEncoder returns an encoder for one reply.
//
// A stream is a chunk with the role, the deltas, a chunk with the finish_reason, a chunk with the usage if the client
// asked for it, and [DONE], which comes at EventEnd and never otherwise. Fragments of tool arguments go out as they come.
// thinking_blocks carry an index, by which clients' accumulators join the deltas of one block.
func (Dialect) NewStreamEncoder(x *chat.Exchange) chat.StreamEncoder {
	b := make([]byte, 0, 256)
	b = append(b, `data: {"id":"chatcmpl-`...)
	b = json.AppendEscaped(b, x.ID)
	b = append(b, `","object":"chat.completion.chunk","created":`...)
	b = strconv.AppendInt(b, x.Created, 10)
	b = append(b, `,"model":`...)
	b = json.AppendQuoted(b, x.Model)
	b = append(b, `,"choices":[{"index":0,"delta":`...)
	e := &encoder{x: x, head: string(b), mid: `,"logprobs":null,"finish_reason":`, tail: "}]}\n\n", output: -1, thinking: -1, text: -1}
	if x.IncludeUsage {
		e.tail = "}],\"usage\":null}\n\n"
	}
	e.textHead = e.head + `{"content":`
	e.textTail = "}" + e.mid + "null" + e.tail
	return e
}

// ContentType is that of server-sent events.
func (e *encoder) ContentType() string { return "text/event-stream; charset=utf-8" }

// KeepAlive appends a comment, which clients of server-sent events skip.
func (e *encoder) KeepAlive(dst []byte) []byte { return append(dst, ": ping\n\n"...) }

// Error appends the error as an event without a finish_reason or [DONE] after it.
func (e *encoder) Error(dst []byte, err *chat.Error) []byte {
	dst = append(dst, "data: "...)
	if err.Dialect == Name && json.Valid(err.Body) == nil {
		dst = json.AppendCompact(dst, err.Body)
	} else {
		dst = rules.AppendOpenAIError(dst, err)
	}
	return append(dst, '\n', '\n')
}

// Encode appends the chunks that an event is worth.
func (e *encoder) Encode(dst []byte, ev *chat.Event) []byte {
	if !e.begun && ev.Kind <= chat.EventStop {
		dst = e.begin(dst)
	}
	switch ev.Kind {
	case chat.EventBlockDelta:
		return e.delta(dst, ev)
	case chat.EventStart:
		if ev.Usage.Known {
			e.usage = ev.Usage
		}
	case chat.EventBlockStart:
		return e.blockStart(dst, ev)
	case chat.EventSignature:
		text := ev.Text
		if e.sealed != ev.Index+1 { // its first piece
			e.sealed, text = ev.Index+1, rules.Seal(text, e.x)
		}
		dst = e.thought(dst, ev.Index, `,"signature":`)
		dst = appendString(dst, text)
		return e.close(dst, `}]}`)
	case chat.EventBlockStop:
		if e.text == ev.Index {
			return e.annotate(dst)
		}
		for i := range e.tools {
			if t := &e.tools[i]; t.block == ev.Index {
				return e.closeTool(dst, i)
			}
		}
	case chat.EventStop:
		return e.stop(dst, ev)
	case chat.EventUsage:
		if ev.Usage.Known {
			e.usage = ev.Usage
		}
	case chat.EventPing:
		return e.KeepAlive(dst)
	case chat.EventEnd:
		return e.end(dst)
	case chat.EventCitation:
		e.cite(ev)
	}
	return dst
}

// begin appends the chunk with the role.
func (e *encoder) begin(dst []byte) []byte {
	e.begun = true
	return e.chunk(dst, `{"role":"assistant","content":"","refusal":null}`)
}

// chunk appends a chunk with a constant delta.
func (e *encoder) chunk(dst []byte, delta string) []byte {
	dst = append(dst, e.head...)
	return e.close(dst, delta)
}

// close appends the rest of a chunk: of its delta, and what follows it.
func (e *encoder) close(dst []byte, delta string) []byte {
	dst = append(dst, delta...)
	dst = append(dst, e.mid...)
	dst = append(dst, "null"...)
	return append(dst, e.tail...)
}

func (e *encoder) delta(dst []byte, ev *chat.Event) []byte {
	switch ev.Block {
	case chat.Text:
		if e.x.OutputTool != "" {
			return e.hold(dst, ev.Text)
		}
		if e.text != ev.Index {
			dst = e.annotate(dst)
			e.text, e.textFrom = ev.Index, e.written
		}
		e.written += rules.Characters(ev.Text)
		return e.content(dst, ev.Text)
	case chat.ToolUse:
		return e.arguments(dst, ev)
	case chat.Thinking:
		if ev.Text.Empty() {
			return dst
		}
		dst = append(dst, e.head...)
		dst = append(dst, `{"reasoning_content":`...)
		dst = append(dst, ev.Text...)
		dst = append(dst, `,"thinking_blocks":[{"index":`...)
		dst = strconv.AppendInt(dst, int64(e.thoughtIndex(ev.Index)), 10)
		dst = append(dst, `,"type":"thinking","thinking":`...)
		dst = append(dst, ev.Text...)
		return e.close(dst, `}]}`)
	case chat.Refusal:
		dst = append(dst, e.head...)
		dst = append(dst, `{"refusal":`...)
		dst = appendString(dst, ev.Text)
		return e.close(dst, `}`)
	case chat.Image, chat.Document, chat.Audio, chat.Video, chat.ToolResult, chat.RedactedThinking, chat.Opaque:
		e.x.Note("the reply holds a block that an OpenAI stream has no place for: " + ev.Block.String())
	}
	return dst
}

// content appends a piece of text; an empty one says nothing.
func (e *encoder) content(dst []byte, text json.String) []byte {
	if text.Empty() {
		return dst
	}
	dst = append(dst, e.textHead...)
	dst = append(dst, text...)
	return append(dst, e.textTail...)
}

// hold keeps text back: words before or after the call of the output tool would spoil the value that the client expects.
func (e *encoder) hold(dst []byte, text json.String) []byte {
	if e.output >= 0 || text.Empty() {
		return dst
	}
	e.held = append(e.held, text[1:len(text)-1]...)
	if len(e.held) > maxHeld {
		return e.release(dst)
	}
	return dst
}

// release lets go of the text that was kept back.
func (e *encoder) release(dst []byte) []byte {
	if len(e.held) == 0 {
		return dst
	}
	dst = append(dst, e.textHead...)
	dst = append(dst, '"')
	dst = append(dst, e.held...)
	e.held = nil
	dst = append(dst, '"')
	return append(dst, e.textTail...)
}

func (e *encoder) blockStart(dst []byte, ev *chat.Event) []byte {
	switch ev.Block {
	case chat.ToolUse:
		if e.x.IsOutput(ev.Name) {
			e.output, e.held = ev.Index, nil
			return dst
		}
		e.tools = append(e.tools, streamedTool{block: ev.Index})
		if e.x.FunctionCalls {
			if len(e.tools) > 1 {
				e.x.Note("more than one call for a client that knows a single function_call; the first was told")
				return dst
			}
			dst = append(dst, e.head...)
			dst = append(dst, `{"function_call":{"name":`...)
			dst = json.AppendQuoted(dst, ev.Name)
			return e.close(dst, `,"arguments":""}}`)
		}
		dst = append(dst, e.head...)
		dst = append(dst, `{"tool_calls":[{"index":`...)
		dst = strconv.AppendInt(dst, int64(len(e.tools)-1), 10)
		dst = append(dst, `,"id":`...)
		dst = json.AppendQuoted(dst, ev.ID)
		dst = append(dst, `,"type":"function","function":{"name":`...)
		dst = json.AppendQuoted(dst, ev.Name)
		return e.close(dst, `,"arguments":""}}]}`)
	case chat.RedactedThinking:
		e.thoughts++
		dst = append(dst, e.head...)
		dst = append(dst, `{"thinking_blocks":[{"index":`...)
		dst = strconv.AppendInt(dst, int64(e.thoughts-1), 10)
		dst = append(dst, `,"type":"redacted_thinking","data":`...)
		dst = appendString(dst, rules.Seal(ev.Text, e.x))
		return e.close(dst, `}]}`)
	case chat.Thinking:
		e.thoughtIndex(ev.Index)
	case chat.Opaque:
		return e.serverBlock(dst, ev.Raw)
	case chat.Text, chat.Refusal, chat.Image, chat.Document, chat.Audio, chat.Video, chat.ToolResult:
	}
	return dst
}

// thoughtIndex is the index in thinking_blocks of the content block at index, a new one when the block is new.
func (e *encoder) thoughtIndex(index int) int {
	if e.thinking != index {
		e.thinking = index
		e.thoughts++
	}
	return e.thoughts - 1
}

// thought appends a chunk's beginning up to another member of a thinking block.
func (e *encoder) thought(dst []byte, index int, member string) []byte {
	n := e.thoughtIndex(index)
	dst = append(dst, e.head...)
	dst = append(dst, `{"thinking_blocks":[{"index":`...)
	dst = strconv.AppendInt(dst, int64(n), 10)
	dst = append(dst, `,"type":"thinking"`...)
	return append(dst, member...)
}

// arguments appends a fragment of a tool's input, as it came.
func (e *encoder) arguments(dst []byte, ev *chat.Event) []byte {
	if ev.Text.Empty() {
		return dst
	}
	if e.output >= 0 && e.output == ev.Index {
		e.filled = true
		return e.content(dst, ev.Text)
	}
	for i := len(e.tools) - 1; i >= 0; i-- {
		if e.tools[i].block == ev.Index {
			e.tools[i].filled = true
			return e.fragment(dst, i, ev.Text)
		}
	}
	return dst
}

func (e *encoder) fragment(dst []byte, tool int, text json.String) []byte {
	if e.x.FunctionCalls {
		if tool > 0 {
			return dst
		}
		dst = append(dst, e.head...)
		dst = append(dst, `{"function_call":{"arguments":`...)
		dst = append(dst, text...)
		return e.close(dst, `}}`)
	}
	dst = append(dst, e.head...)
	dst = append(dst, `{"tool_calls":[{"index":`...)
	dst = strconv.AppendInt(dst, int64(tool), 10)
	dst = append(dst, `,"function":{"arguments":`...)
	dst = append(dst, text...)
	return e.close(dst, `}}]}`)
}

var noArguments = json.String(`"{}"`)

// closeTool gives a call without arguments the empty object that clients parse.
func (e *encoder) closeTool(dst []byte, i int) []byte {
	t := &e.tools[i]
	if t.closed {
		return dst
	}
	t.closed = true
	if t.filled {
		return dst
	}
	return e.fragment(dst, i, noArguments)
}

// stop appends what was kept back and the chunk with the reason why the reply ended.
func (e *encoder) stop(dst []byte, ev *chat.Event) []byte {
	if e.finished {
		return dst
	}
	e.finished = true
	dst = e.annotate(e.release(dst))
	for i := range e.tools {
		dst = e.closeTool(dst, i)
	}
	if e.output >= 0 && !e.filled {
		dst = e.content(dst, noArguments)
	}
	dst = append(dst, e.head...)
	dst = append(dst, `{}`...)
	dst = append(dst, e.mid...)
	dst = append(dst, '"')
	dst = append(dst, finishReason(ev.Stop, len(e.tools) > 0, e.output >= 0, e.x)...)
	dst = append(dst, '"')
	dst = append(dst, e.tail[:len(e.tail)-len("}\n\n")]...)
	return append(appendBedrock(dst, ev.Raw, ev.Fields, e.x), "}\n\n"...)
}

// end appends the usage, if it is wanted and known, and the terminal event.
func (e *encoder) end(dst []byte) []byte {
	if e.x.IncludeUsage && e.usage.Known {
		dst = append(dst, e.head[:len(e.head)-len(`{"index":0,"delta":`)]...)
		dst = append(dst, `],"usage":`...)
		dst = appendUsage(dst, &e.usage)
		dst = append(dst, "}\n\n"...)
	}
	return e.Close(dst)
}

// Close appends the terminal event.
func (e *encoder) Close(dst []byte) []byte { return append(dst, "data: [DONE]\n\n"...) }
