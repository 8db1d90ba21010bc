package responses

import (
	"bytes"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// The tools that Bedrock runs for Nova are OpenAI's hosted tools to a client: each call is an item with its result in it. The
// model wants the very blocks back, and clients drop the members of such items that they do not know (Codex keeps no more
// than the action). So an envelope with the blocks, in a reasoning item, stands behind them.

// servedKind is how such a call is told.
type servedKind struct{ prefix, item, event string }

var (
	searchKind      = servedKind{"ws", "web_search_call", "response.web_search_call"}
	interpreterKind = servedKind{"ci", "code_interpreter_call", "response.code_interpreter_call"}
)

// servedCall is one such call.
type servedCall struct {
	*servedKind
	index       int // of its item
	id          json.Value
	use, result json.Value // the values of its toolUse and of its toolResult, nil while there is none
	done        bool       // its item is written
}

// servedRun is what of them stands next to each other in the model's turn.
type servedRun struct {
	blocks []json.Value // all of them, in order
	calls  []servedCall
}

func isServed(b *chat.Block) bool {
	if b.Kind != chat.Opaque || b.Dialect != chat.Converse {
		return false
	}
	member, _ := rules.ServerBlock(b.Raw())
	return member != ""
}

// add adds a block, and returns the call that it begins or ends; nil if that is none with an item of its own.
func (r *servedRun) add(raw json.Value) *servedCall {
	r.blocks = append(r.blocks, raw)
	member, v := rules.ServerBlock(raw)
	id := json.Find(v, "toolUseId")
	if member == "toolUse" {
		c := servedCall{id: id, use: v}
		switch string(json.Find(v, "name")) {
		case `"` + rules.Grounding + `"`:
			c.servedKind = &searchKind
		case `"` + rules.Interpreter + `"`:
			c.servedKind = &interpreterKind
		default:
			return nil
		}
		r.calls = append(r.calls, c)
		return &r.calls[len(r.calls)-1]
	}
	for i := range r.calls {
		if c := &r.calls[i]; c.result == nil && bytes.Equal(c.id, id) {
			c.result = v
			return c
		}
	}
	return nil
}

// appendEnvelopeItem appends the reasoning item that restores the blocks, whatever the client asked to include: without it the
// model would not know what it found.
func (r *servedRun) appendEnvelopeItem(dst []byte, x *chat.Exchange, index int) []byte {
	dst = itemHead(dst, "rs", "reasoning", x, index)
	dst = append(dst, `,"summary":[],"encrypted_content":`...)
	w := json.NewWriter(nil)
	w.Raw(`{"type":"` + servedEnvelope + `","blocks":[`)
	for _, b := range r.blocks {
		w.Value(b)
	}
	w.EndArray()
	w.EndObject()
	return append(appendEnvelope(dst, rules.ReplyMaker(x).String(), w.Bytes()), '}')
}

// status is that of the call's item; without is what it is without a result.
func (c *servedCall) status(without string) string {
	switch {
	case c.result == nil:
		return without
	case string(json.Find(c.result, "status")) == `"error"`:
		return "failed"
	}
	return "completed"
}

// appendItem appends the call's item.
func (c *servedCall) appendItem(dst []byte, x *chat.Exchange, status string) []byte {
	dst = itemHead(dst, c.prefix, c.item, x, c.index)
	dst = append(dst, `,"status":"`...)
	dst = append(dst, status...)
	begun := status == "in_progress"
	if c.servedKind == &searchKind {
		dst = append(dst, `","action":{"type":"search","query":`...)
		dst = appendStringOr(dst, json.Find(json.Find(c.use, "input"), "query"), `""`)
		return append(dst, '}', '}')
	}
	dst = append(dst, `","container_id":"","code":`...) // Nova's runs in no container that has a name
	if begun {
		return append(dst, `"","outputs":null}`...)
	}
	dst = c.appendCode(dst)
	dst = append(dst, `,"outputs":`...)
	if c.result == nil {
		return append(dst, `null}`...)
	}
	dst = append(dst, `[{"type":"logs","logs":"`...)
	dst = appendLogs(dst, json.Find(c.result, "content"))
	return append(dst, `"}]}`...)
}

// appendCode appends the code of a call of the interpreter as a string.
func (c *servedCall) appendCode(dst []byte) []byte {
	input := json.Find(c.use, "input")
	return appendStringOr(dst, json.Find(input, "snippet"), string(chat.AppendArguments(nil, input)))
}

func appendStringOr(dst []byte, v json.Value, other string) []byte {
	if len(v) > 1 && v[0] == '"' {
		return append(dst, v...)
	}
	return append(dst, other...)
}

// appendLogs appends, without quotes, what the code wrote: stdOut and stdErr as Nova's interpreter tells them, texts as they
// are, and any other JSON whole.
func appendLogs(dst []byte, content json.Value) []byte {
	from := len(dst)
	log := func(tok json.Value) {
		if len(tok) <= 2 || tok[0] != '"' {
			return
		}
		if len(dst) > from {
			dst = append(dst, `\n`...)
		}
		dst = append(dst, tok[1:len(tok)-1]...)
	}
	w := json.WalkAt(content, 0)
	for ok := len(content) > 0 && w.Array(); ok && w.Element(); {
		piece := w.Value()
		log(json.Find(piece, "text"))
		v := json.Find(piece, "json")
		if v == nil {
			continue
		}
		out, err := json.Find(v, "stdOut"), json.Find(v, "stdErr")
		if out == nil && err == nil {
			log(json.AppendQuoted(nil, string(json.AppendCompact(nil, v))))
			continue
		}
		log(out)
		log(err)
	}
	return dst
}

// served writes a run of such blocks.
func (e *outputEncoder) served(blocks []chat.Block, last bool) {
	var run servedRun
	for i := range blocks {
		run.add(blocks[i].Raw())
	}
	for i := range run.calls {
		c := &run.calls[i]
		c.index = e.item()
		e.output = c.appendItem(e.output, e.x, c.status(e.statusOf(last)))
	}
	at := e.item()
	e.output = run.appendEnvelopeItem(e.output, e.x, at)
}

// servedBlock appends what such a block of a stream, which comes whole, is worth.
func (e *streamEncoder) servedBlock(dst []byte, raw json.Value) []byte {
	if member, _ := rules.ServerBlock(raw); member == "" {
		e.x.Note("the reply holds a block that a Responses stream has no place for: " + chat.Opaque.String())
		return dst
	}
	if len(e.run.blocks) == 0 {
		dst = e.closeItems(e.closeMessage(dst, "completed"), false)
	}
	switch c := e.run.add(bytes.Clone(raw)); {
	case c == nil:
	case c.result == nil:
		dst = e.beginServed(dst, c)
	default:
		dst = e.endServed(dst, c, c.status(""))
	}
	return dst
}

func (e *streamEncoder) beginServed(dst []byte, c *servedCall) []byte {
	c.index = e.count
	e.count++
	dst = at(e.event(dst, "response.output_item.added"), c.index)
	dst = append(dst, `,"item":`...)
	dst = end(c.appendItem(dst, e.x, "in_progress"))
	dst = end(e.of(e.event(dst, c.event+".in_progress"), c.prefix, c.index))
	if c.servedKind == &searchKind {
		return end(e.of(e.event(dst, c.event+".searching"), c.prefix, c.index))
	}
	for _, part := range [...]struct{ event, member string }{{"_code.delta", `,"delta":`}, {"_code.done", `,"code":`}} {
		dst = e.of(e.event(dst, c.event+part.event), c.prefix, c.index)
		dst = end(c.appendCode(append(dst, part.member...)))
	}
	return end(e.of(e.event(dst, c.event+".interpreting"), c.prefix, c.index))
}

func (e *streamEncoder) endServed(dst []byte, c *servedCall, status string) []byte {
	c.done = true
	if status == "completed" {
		dst = end(e.of(e.event(dst, c.event+".completed"), c.prefix, c.index))
	}
	dst = at(e.event(dst, "response.output_item.done"), c.index)
	dst = append(dst, `,"item":`...)
	from := len(dst)
	return e.finished(c.appendItem(dst, e.x, status), c.index, from)
}

// closeServed appends the end of such a run, and the envelope with its blocks.
func (e *streamEncoder) closeServed(dst []byte, status string) []byte {
	if len(e.run.blocks) == 0 {
		return dst
	}
	for i := range e.run.calls {
		if c := &e.run.calls[i]; !c.done {
			dst = e.endServed(dst, c, c.status(status))
		}
	}
	index := e.count
	e.count++
	dst = at(e.event(dst, "response.output_item.added"), index)
	dst = append(dst, `,"item":`...)
	dst = itemHead(dst, "rs", "reasoning", e.x, index)
	dst = end(append(dst, `,"summary":[]}`...))
	dst = at(e.event(dst, "response.output_item.done"), index)
	dst = append(dst, `,"item":`...)
	from := len(dst)
	dst = e.finished(e.run.appendEnvelopeItem(dst, e.x, index), index, from)
	e.run = servedRun{}
	return dst
}
