package responses

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// EncodeResponse appends a response object. Neighbouring texts are one message of one part; every other block is an item of
// its own. What the forced output tool was given is the message, and any words around it are left out, for the client expects
// a value and nothing else.
func (Dialect) EncodeResponse(dst []byte, r *chat.Response, x *chat.Exchange) ([]byte, error) {
	k := keptOf(x)
	if k.compact {
		text := summaryOf(r.Content)
		if len(text) == 0 {
			return nil, noSummary()
		}
		s := stopStatus(r.Stop, x)
		s.tier, s.usage = r.ServiceTier, &r.Usage
		return replyTail(appendCompaction(replyHead(dst, x, &s), x, 0, text), k, &s), nil
	}
	e := outputEncoder{x: x, k: k}
	s := stopStatus(r.Stop, x)
	s.tier, s.usage = r.ServiceTier, &r.Usage
	e.status = itemStatus(s.status)
	e.blocks(r.Content)
	return replyTail(append(replyHead(dst, x, &s), e.output...), k, &s), nil
}

// itemStatus is how the last item of a reply stands: items do not fail, they are not whole.
func itemStatus(reply string) string {
	if reply == "failed" {
		return "incomplete"
	}
	return reply
}

// outputEncoder writes the output of a whole reply.
type outputEncoder struct {
	x      *chat.Exchange
	k      *kept
	status string
	output []byte
	count  int
}

// item begins an item and returns its index.
func (e *outputEncoder) item() int {
	if e.count > 0 {
		e.output = append(e.output, ',')
	}
	e.count++
	return e.count - 1
}

func (e *outputEncoder) blocks(blocks []chat.Block) {
	for i := range blocks {
		if b := &blocks[i]; b.Kind == chat.ToolUse && e.x.IsOutput(b.Tool.Name) {
			e.value(blocks, b.Tool.Input)
			return
		}
	}
	for i := 0; i < len(blocks); i++ {
		b := &blocks[i]
		switch b.Kind {
		case chat.Text, chat.Refusal:
			n := i
			for n < len(blocks) && (blocks[n].Kind == chat.Text || blocks[n].Kind == chat.Refusal) {
				n++
			}
			e.message(blocks[i:n], n == len(blocks))
			i = n - 1
		case chat.Thinking, chat.RedactedThinking:
			e.reasoning(b)
		case chat.ToolUse:
			e.call(b.Tool, i == len(blocks)-1)
		case chat.Opaque:
			n := i
			for n < len(blocks) && isServed(&blocks[n]) {
				n++
			}
			if n == i {
				e.x.Note("the reply holds a block that a Responses reply has no place for: " + b.Kind.String())
				continue
			}
			e.served(blocks[i:n], n == len(blocks))
			i = n - 1
		case chat.Image, chat.Document, chat.Audio, chat.Video, chat.ToolResult:
			e.x.Note("the reply holds a block that a Responses reply has no place for: " + b.Kind.String())
		}
	}
}

// value writes the reply of the forced output tool: the reasoning and the calls before it, and what it was given.
func (e *outputEncoder) value(blocks []chat.Block, input json.Value) {
	var ran []chat.Block
	for i := range blocks {
		switch b := &blocks[i]; {
		case b.Kind == chat.Thinking, b.Kind == chat.RedactedThinking:
			e.reasoning(b)
		case b.Kind == chat.ToolUse && !e.x.IsOutput(b.Tool.Name):
			e.call(b.Tool, false)
		case isServed(b):
			ran = append(ran, *b)
		}
	}
	if len(ran) > 0 {
		e.served(ran, false)
	}
	at := e.item()
	e.output = messageHead(e.output, e.x, at, e.statusOf(true))
	text := chat.AppendArguments(nil, input)
	e.output = appendTextPart(e.output, text[1:len(text)-1], nil, nil)
	e.output = append(e.output, ']', '}')
}

// statusOf is an item's status: the last of a reply that was cut off is incomplete, too.
func (e *outputEncoder) statusOf(last bool) string {
	if last {
		return e.status
	}
	return "completed"
}

func (e *outputEncoder) reasoning(b *chat.Block) {
	at := e.item()
	e.output = appendReasoning(e.output, e.x, e.k, at, &thought{b.Text, b.Signature(), b.Data()})
}

func (e *outputEncoder) call(t *chat.Tooling, last bool) {
	tool := e.k.tool(t.Name)
	at := e.item()
	input := []byte(t.Input)
	if input == nil {
		input = chat.NoInput
	}
	switch tool.kind {
	case chat.FunctionTool:
		text := chat.AppendArguments(nil, t.Input)
		input = text[1 : len(text)-1]
	case chat.CustomTool:
		input = freeText(t.Input)
	case chat.ApplyPatchTool, chat.ShellTool, chat.LocalShellTool, chat.ToolSearchTool:
	}
	status := e.statusOf(last)
	if tool.kind == chat.ApplyPatchTool {
		status = "completed" // it has no other
	}
	e.output = appendCall(e.output, e.x, &tool, at, t.ID, input, status)
}

// freeText returns the text that a tool of free text was given, without quotes. A model that did not keep to the form gave it
// all of its input.
func freeText(input json.Value) []byte {
	if v := json.Find(input, "input"); len(v) > 1 && v[0] == '"' {
		return v[1 : len(v)-1]
	}
	text := chat.AppendArguments(nil, input)
	return text[1 : len(text)-1]
}

// message writes neighbouring texts as one message; a refusal is a part of its own.
func (e *outputEncoder) message(blocks []chat.Block, last bool) {
	any := false
	for i := range blocks {
		any = any || !blocks[i].Text.Empty()
	}
	if !any {
		return
	}
	at := e.item()
	e.output = messageHead(e.output, e.x, at, e.statusOf(last))
	parts := 0
	for i := 0; i < len(blocks); parts++ {
		if parts > 0 {
			e.output = append(e.output, ',')
		}
		n := i
		for n < len(blocks) && blocks[n].Kind == blocks[i].Kind {
			n++
		}
		e.part(blocks[i:n])
		i = n
	}
	e.output = append(e.output, ']', '}')
}

// part writes texts of one kind as one part. Citations count characters in all of it.
func (e *outputEncoder) part(blocks []chat.Block) {
	var text []byte
	var list citations
	at := int64(0)
	for i := range blocks {
		b := &blocks[i]
		if len(b.Text) < 2 {
			continue
		}
		text = append(text, b.Text[1:len(b.Text)-1]...)
		if b.Kind == chat.Refusal {
			continue
		}
		from := at
		if at += rules.Characters(b.Text); b.Citations() == nil {
			continue
		}
		w := json.WalkAt(b.Citations(), 0)
		for ok := w.Array(); ok && w.Element(); {
			c := rules.OpenAICitation(w.Value(), e.x)
			list.add(&c, from, at)
		}
	}
	if blocks[0].Kind == chat.Refusal {
		e.output = appendRefusalPart(e.output, text)
	} else {
		e.output = appendTextPart(e.output, text, list.annotations, list.cited)
	}
}
