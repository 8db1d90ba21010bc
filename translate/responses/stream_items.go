package responses

import (
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// openItem is reasoning, or a call, that is open.
type openItem struct {
	block     int // index of its content block
	index     int // of the item; -1 while it is not announced
	kind      chat.BlockKind
	text      []byte // reasoning's text, or the text of a call's input, without quotes
	signature []byte
	data      json.String
	shown     bool // the reasoning's text was begun
	tool      clientTool
	id        string
	free      freeTextReader // of a call of a tool of free text
	ended     bool           // the call's block has ended
}

func appendIndex(dst []byte, key string, n int) []byte {
	dst = append(dst, ',', '"')
	dst = append(dst, key...)
	dst = append(dst, '"', ':')
	return strconv.AppendInt(dst, int64(n), 10)
}

// find returns the open item of a content block; nil if there is none.
func (e *streamEncoder) find(block int) *openItem {
	for i := len(e.items) - 1; i >= 0; i-- {
		if e.items[i].block == block {
			return &e.items[i]
		}
	}
	return nil
}

// open begins an item behind what stands before it.
func (e *streamEncoder) open(dst []byte, ev *chat.Event) ([]byte, *openItem) {
	dst = e.closeServed(e.closeItems(e.closeMessage(dst, "completed"), false), "completed")
	e.items = append(e.items, openItem{block: ev.Index, index: -1, kind: ev.Block})
	return dst, &e.items[len(e.items)-1]
}

// announce gives the item its place.
func (e *streamEncoder) announce(dst []byte, it *openItem) []byte {
	it.index = e.count
	e.count++
	dst = at(e.event(dst, "response.output_item.added"), it.index)
	return append(dst, `,"item":`...)
}

func (e *streamEncoder) blockStart(dst []byte, ev *chat.Event) []byte {
	var it *openItem
	switch ev.Block {
	case chat.ToolUse:
		if e.x.IsOutput(ev.Name) {
			e.value, e.held = ev.Index, nil
			return dst
		}
		dst, it = e.open(dst, ev)
		it.tool, it.id = e.k.tool(ev.Name), ev.ID
		switch it.tool.kind {
		case chat.FunctionTool, chat.CustomTool:
			dst = e.announce(dst, it)
			return end(appendCall(dst, e.x, &it.tool, it.index, it.id, nil, "in_progress"))
		case chat.ApplyPatchTool, chat.ShellTool, chat.LocalShellTool, chat.ToolSearchTool:
			// Their items hold the input as JSON: they are announced when it is whole.
		}
	case chat.Thinking, chat.RedactedThinking:
		dst, it = e.open(dst, ev)
		dst = e.announce(dst, it)
		dst = itemHead(dst, "rs", "reasoning", e.x, it.index)
		dst = end(append(dst, `,"summary":[]}`...))
		if ev.Block == chat.RedactedThinking {
			it.data = append(json.String(nil), ev.Text...)
		}
	case chat.Opaque:
		return e.servedBlock(dst, ev.Raw)
	case chat.Image, chat.Document, chat.Audio, chat.Video, chat.ToolResult:
		e.x.Note("the reply holds a block that a Responses stream has no place for: " + ev.Block.String())
	case chat.Text, chat.Refusal:
	}
	return dst
}

func (e *streamEncoder) delta(dst []byte, ev *chat.Event) []byte {
	switch ev.Block {
	case chat.Text:
		if e.x.OutputTool != "" {
			return e.hold(dst, ev.Text)
		}
		return e.text(dst, ev.Text, ev.Index, false)
	case chat.Refusal:
		return e.text(dst, ev.Text, ev.Index, true)
	case chat.ToolUse:
		return e.input(dst, ev)
	case chat.Thinking:
		it := e.find(ev.Index)
		if it == nil || it.kind != chat.Thinking || ev.Text.Empty() {
			return dst
		}
		if it.text = appendInner(it.text, ev.Text); !e.k.summary {
			return dst
		}
		return e.think(dst, it, ev.Text)
	case chat.Image, chat.Document, chat.Audio, chat.Video, chat.ToolResult, chat.RedactedThinking, chat.Opaque:
	}
	return dst
}

// input appends a piece of a call's input.
func (e *streamEncoder) input(dst []byte, ev *chat.Event) []byte {
	if ev.Text.Empty() {
		return dst
	}
	if e.value >= 0 && e.value == ev.Index {
		return e.text(dst, ev.Text, -3, false)
	}
	it := e.find(ev.Index)
	if it == nil || it.kind != chat.ToolUse {
		return dst
	}
	it.text = appendInner(it.text, ev.Text)
	piece := ev.Text
	switch it.tool.kind {
	case chat.FunctionTool:
		dst = e.of(e.event(dst, "response.function_call_arguments.delta"), "fc", it.index)
	case chat.CustomTool:
		if piece = it.free.read(ev.Text); piece.Empty() {
			return dst
		}
		dst = e.of(e.event(dst, "response.custom_tool_call_input.delta"), "ctc", it.index)
	case chat.ApplyPatchTool, chat.ShellTool, chat.LocalShellTool, chat.ToolSearchTool:
		return dst
	}
	e.markDelta(piece)
	dst = append(dst, `,"delta":`...)
	return end(append(dst, piece...))
}

// think appends a piece of reasoning that is shown.
func (e *streamEncoder) think(dst []byte, it *openItem, tok json.String) []byte {
	if !it.shown {
		it.shown = true
		dst = e.of(e.event(dst, "response.reasoning_summary_part.added"), "rs", it.index)
		dst = end(append(dst, `,"summary_index":0,"part":{"type":"summary_text","text":""}`...))
	}
	dst = e.of(e.event(dst, "response.reasoning_summary_text.delta"), "rs", it.index)
	e.markDelta(tok)
	dst = append(dst, `,"summary_index":0,"delta":`...)
	return end(append(dst, tok...))
}

func (e *streamEncoder) blockStop(dst []byte, ev *chat.Event) []byte {
	if e.message.block == ev.Index {
		return e.annotate(dst)
	}
	it := e.find(ev.Index)
	if it == nil {
		return dst
	}
	it.ended = true
	if it.kind != chat.ToolUse {
		return e.closeItems(dst, false)
	}
	return dst // whether it was cut off shows with the next event
}

// closeItems appends the ends of the items whose blocks have ended, or of all; the last of a reply that was cut off is
// incomplete, too.
func (e *streamEncoder) closeItems(dst []byte, all bool) []byte {
	n := 0
	for i := range e.items {
		it := &e.items[i]
		if !all && !it.ended {
			if n != i {
				e.items[n] = *it
			}
			n++
			continue
		}
		status := "completed"
		if all && i == len(e.items)-1 {
			status = e.lastStatus()
		}
		dst = e.closeItem(dst, it, status)
	}
	clear(e.items[n:])
	e.items = e.items[:n]
	return dst
}

// closeAll appends the ends of all that is open.
func (e *streamEncoder) closeAll(dst []byte) []byte {
	dst = e.closeServed(e.release(dst), e.lastStatus())
	if e.value >= 0 && !e.message.open {
		dst = e.text(dst, chat.String(`"{}"`), -3, false) // the output tool was called without input
	}
	e.value = -1
	dst = e.closeMessage(dst, e.lastStatus())
	return e.closeItems(dst, true)
}

// lastStatus is the status of the item that was the reply's last.
func (e *streamEncoder) lastStatus() string {
	if !e.stopped {
		return "completed"
	}
	switch e.stop {
	case chat.StopLength, chat.StopContextFull, chat.StopFiltered:
		return "incomplete"
	default:
		return "completed"
	}
}

func (e *streamEncoder) closeItem(dst []byte, it *openItem, status string) []byte {
	if it.kind == chat.ToolUse {
		return e.closeCall(dst, it, status)
	}
	t := thought{data: it.data}
	if it.kind == chat.Thinking {
		t.text = quoted(it.text)
		if it.signature != nil {
			t.signature = quoted(it.signature)
		}
	}
	if it.shown {
		dst = e.of(e.event(dst, "response.reasoning_summary_text.done"), "rs", it.index)
		dst = append(dst, `,"summary_index":0,"text":`...)
		dst = end(append(dst, t.text...))
		dst = e.of(e.event(dst, "response.reasoning_summary_part.done"), "rs", it.index)
		dst = append(dst, `,"summary_index":0,"part":{"type":"summary_text","text":`...)
		dst = end(append(append(dst, t.text...), '}'))
	}
	dst = at(e.event(dst, "response.output_item.done"), it.index)
	dst = append(dst, `,"item":`...)
	from := len(dst)
	dst = appendReasoning(dst, e.x, e.k, it.index, &t)
	return e.finished(dst, it.index, from)
}

// quoted is the string with the given text between its quotes.
func quoted(inner []byte) json.String {
	out := make(json.String, 0, len(inner)+2)
	return append(append(append(out, '"'), inner...), '"')
}

func (e *streamEncoder) closeCall(dst []byte, it *openItem, status string) []byte {
	input := it.text
	switch it.tool.kind {
	case chat.FunctionTool:
		if len(input) == 0 {
			input = []byte("{}") // what clients parse of a call without arguments
			dst = e.of(e.event(dst, "response.function_call_arguments.delta"), "fc", it.index)
			e.remark(markDelta + 2)
			dst = end(append(dst, `,"delta":"{}"`...))
		}
		dst = e.of(e.event(dst, "response.function_call_arguments.done"), "fc", it.index)
		dst = append(dst, `,"name":`...)
		dst = json.AppendQuoted(dst, it.tool.own)
		dst = append(dst, `,"arguments":"`...)
		dst = end(append(append(dst, input...), '"'))
	case chat.CustomTool:
		var rest []byte
		if input, rest = it.free.rest(it.text); len(rest) > 0 {
			dst = e.of(e.event(dst, "response.custom_tool_call_input.delta"), "ctc", it.index)
			e.remark(markDelta + uint64(len(rest)))
			dst = append(dst, `,"delta":"`...)
			dst = end(append(append(dst, rest...), '"'))
		}
		dst = e.of(e.event(dst, "response.custom_tool_call_input.done"), "ctc", it.index)
		dst = append(dst, `,"input":"`...)
		dst = end(append(append(dst, input...), '"'))
	case chat.ApplyPatchTool, chat.ShellTool, chat.LocalShellTool, chat.ToolSearchTool:
		return e.wholeCall(dst, it, status)
	}
	dst = at(e.event(dst, "response.output_item.done"), it.index)
	dst = append(dst, `,"item":`...)
	from := len(dst)
	dst = appendCall(dst, e.x, &it.tool, it.index, it.id, input, status)
	return e.finished(dst, it.index, from)
}

// wholeCall announces and ends a call whose item holds its input as JSON. An input that was cut off is none: the call is
// then one that nobody can run, and is left out.
func (e *streamEncoder) wholeCall(dst []byte, it *openItem, status string) []byte {
	input := json.AppendUnquoted(nil, quoted(it.text))
	if len(input) == 0 {
		input = []byte("{}")
	}
	if json.Valid(input) != nil || input[0] != '{' {
		e.x.Note("a call of the tool " + it.tool.own + " was left out: its input is no JSON object")
		return dst
	}
	begun := "in_progress"
	if it.tool.kind == chat.ApplyPatchTool {
		status = "completed" // it has no other end
	}
	dst = e.announce(dst, it)
	dst = end(appendCall(dst, e.x, &it.tool, it.index, it.id, input, begun))
	dst = at(e.event(dst, "response.output_item.done"), it.index)
	dst = append(dst, `,"item":`...)
	from := len(dst)
	dst = appendCall(dst, e.x, &it.tool, it.index, it.id, input, status)
	return e.finished(dst, it.index, from)
}
