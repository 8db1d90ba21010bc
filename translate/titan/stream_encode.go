package titan

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// maxHeld bounds the words before the forced output tool that are kept back; what is more is let go.
const maxHeld = 1 << 20

// NewStreamEncoder returns an encoder for one reply: server-sent events whose data are Titan's chunks. The first tells the
// tokens of the input if they are known by then, the last, at EventEnd, the completionReason and the counts.
func (Dialect) NewStreamEncoder(x *chat.Exchange) chat.StreamEncoder {
	return &streamEncoder{x: x, answer: -1}
}

type streamEncoder struct {
	x        *chat.Exchange
	told     bool // the tokens of the input
	over     bool
	output   bool // the forced output tool was called
	answered bool // and was given something
	answer   int  // index of its block
	held     []byte
	stop     chat.StopReason
	usage    chat.Usage
}

// ContentType is that of server-sent events.
func (e *streamEncoder) ContentType() string { return "text/event-stream; charset=utf-8" }

// KeepAlive appends a comment, which clients of server-sent events skip.
func (e *streamEncoder) KeepAlive(dst []byte) []byte { return append(dst, ": ping\n\n"...) }

// Error appends an error event in Bedrock's shape; no completionReason comes after it.
func (e *streamEncoder) Error(dst []byte, err *chat.Error) []byte {
	e.over = true
	dst = append(dst, "event: error\ndata: "...)
	if err.Dialect == Name && json.Valid(err.Body) == nil {
		dst = json.AppendCompact(dst, err.Body)
	} else {
		dst = Dialect{}.EncodeError(dst, &chat.Error{Message: err.Message}, "")
	}
	return append(dst, '\n', '\n')
}

// A chunk that is not the last is textHead, the text and textTail.
const (
	firstHead = `data: {"index":0,"inputTextTokenCount":`
	firstText = `,"totalOutputTextTokenCount":null,"outputText":`
	textHead  = firstHead + `null` + firstText
	textTail  = ",\"completionReason\":null}\n\n"
)

// Encode appends the chunks that an event is worth.
func (e *streamEncoder) Encode(dst []byte, ev *chat.Event) []byte {
	if e.over {
		return dst
	}
	switch ev.Kind {
	case chat.EventBlockDelta:
		return e.delta(dst, ev)
	case chat.EventStart, chat.EventUsage:
		if ev.Usage.Known {
			e.usage = ev.Usage
		}
	case chat.EventBlockStart:
		if ev.Block == chat.ToolUse {
			if e.x.IsOutput(ev.Name) {
				e.output, e.answer, e.held = true, ev.Index, nil
			} else {
				e.x.Note("the reply holds a tool call, which has no words in Titan's form")
			}
		}
	case chat.EventStop:
		e.stop = ev.Stop
	case chat.EventPing:
		return e.KeepAlive(dst)
	case chat.EventEnd:
		return e.end(dst)
	case chat.EventSignature, chat.EventCitation, chat.EventBlockStop:
	}
	return dst
}

func (e *streamEncoder) delta(dst []byte, ev *chat.Event) []byte {
	if ev.Text.Empty() {
		return dst
	}
	switch ev.Block {
	case chat.Text, chat.Refusal:
		if e.x.OutputTool != "" {
			// Words before the call of the output tool would spoil the value that the client expects.
			if !e.output && len(e.held)+len(ev.Text) < maxHeld {
				e.held = append(e.held, ev.Text[1:len(ev.Text)-1]...)
			}
			return dst
		}
	case chat.ToolUse:
		if !e.output || e.answer != ev.Index {
			return dst
		}
		e.answered = true
	default: // reasoning has no place
		return dst
	}
	return e.text(dst, ev.Text)
}

func (e *streamEncoder) text(dst []byte, text chat.String) []byte {
	if e.told || !e.usage.Known {
		dst = append(dst, textHead...)
	} else {
		e.told = true
		dst = append(dst, firstHead...)
		dst = appendCount(dst, true, e.usage.Prompt())
		dst = append(dst, firstText...)
	}
	dst = append(dst, text...)
	return append(dst, textTail...)
}

// end appends what was kept back and the last chunk.
func (e *streamEncoder) end(dst []byte) []byte {
	e.over = true
	dst = append(dst, firstHead...)
	dst = appendCount(dst, e.usage.Known, e.usage.Prompt())
	dst = append(dst, `,"totalOutputTextTokenCount":`...)
	dst = appendCount(dst, e.usage.Known, e.usage.Output)
	dst = append(dst, `,"outputText":"`...)
	dst = append(dst, e.held...)
	if e.output && !e.answered {
		dst = append(dst, '{', '}')
	}
	dst = append(dst, `","completionReason":"`...)
	dst = append(dst, reasonName(e.stop)...)
	return append(dst, "\"}\n\n"...)
}
