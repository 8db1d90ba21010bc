package responses

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// maxHeld bounds, in bytes, the words before the forced output tool that are kept back. A reply of more words is one that
// does not call it.
const maxHeld = 1 << 20

// streamMessage is the message that is open. Neighbouring texts are one part of it.
type streamMessage struct {
	open    bool
	index   int
	part    int  // index of the part that is open
	refusal bool // of which kind it is
	text    []byte
	parts   []byte // the parts that are done

	block       int   // index of the content block that the last text was of; -1 before the first
	from, chars int64 // where in the part's characters that block begins, and how many there are
	citations   []rules.Cited
	told        citations // those of the blocks of the part that ended
	annotated   int
}

// usualText is the room for the text of a reply, in bytes, before it grows.
const usualText = 1 << 10

// text appends a piece of text; an empty one says nothing.
func (e *streamEncoder) text(dst []byte, tok json.String, block int, refusal bool) []byte {
	if tok.Empty() {
		return dst
	}
	m := &e.message
	if m.open && m.refusal != refusal {
		dst = e.closePart(dst)
		if len(m.parts) > 0 {
			m.parts = append(m.parts, ',')
		}
		m.parts = e.appendPart(m.parts)
		m.part++
		dst = e.openPart(dst, refusal)
	}
	if !m.open {
		dst = e.closeServed(e.closeItems(dst, false), "completed")
		m.open, m.index, m.part, m.parts = true, e.count, 0, m.parts[:0]
		e.count++
		dst = at(e.event(dst, "response.output_item.added"), m.index)
		dst = append(dst, `,"item":`...)
		dst = messageHead(dst, e.x, m.index, "in_progress")
		dst = end(append(dst, ']', '}'))
		dst = e.openPart(dst, refusal)
	}
	if m.block != block {
		dst = e.annotate(dst)
		m.block, m.from = block, m.chars
	}
	m.chars += rules.Characters(tok)
	m.text = appendInner(m.text, tok)
	name := "response.output_text.delta"
	if refusal {
		name = "response.refusal.delta"
	}
	dst = e.part(e.event(dst, name))
	e.markDelta(tok)
	dst = append(dst, `,"delta":`...)
	dst = append(dst, tok...)
	if !refusal {
		dst = append(dst, `,"logprobs":[]`...)
	}
	return end(dst)
}

// part appends which part an event is about.
func (e *streamEncoder) part(dst []byte) []byte {
	dst = e.of(dst, "msg", e.message.index)
	if e.message.part == 0 {
		return append(dst, `,"content_index":0`...)
	}
	return appendIndex(dst, "content_index", e.message.part)
}

func (e *streamEncoder) openPart(dst []byte, refusal bool) []byte {
	m := &e.message
	if m.text == nil {
		m.text = make([]byte, 0, usualText)
	}
	m.refusal, m.text, m.told, m.annotated, m.chars, m.block = refusal, m.text[:0], citations{}, 0, 0, -1
	dst = e.part(e.event(dst, "response.content_part.added"))
	dst = append(dst, `,"part":`...)
	return end(e.appendPart(dst))
}

func (e *streamEncoder) appendPart(dst []byte) []byte {
	if m := &e.message; m.refusal {
		return appendRefusalPart(dst, m.text)
	}
	return appendTextPart(dst, e.message.text, e.message.told.annotations, e.message.told.cited)
}

// closePart appends the end of the part that is open.
func (e *streamEncoder) closePart(dst []byte) []byte {
	m := &e.message
	dst = e.annotate(dst)
	if m.refusal {
		dst = e.part(e.event(dst, "response.refusal.done"))
		dst = append(dst, `,"refusal":"`...)
		dst = end(append(append(dst, m.text...), '"'))
	} else {
		dst = e.part(e.event(dst, "response.output_text.done"))
		dst = append(dst, `,"text":"`...)
		dst = append(dst, m.text...)
		dst = end(append(dst, `","logprobs":[]`...))
	}
	dst = e.part(e.event(dst, "response.content_part.done"))
	dst = append(dst, `,"part":`...)
	return end(e.appendPart(dst))
}

// closeMessage appends the end of the message, if one is open.
func (e *streamEncoder) closeMessage(dst []byte, status string) []byte {
	m := &e.message
	if !m.open {
		return dst
	}
	dst = e.closePart(dst)
	m.open = false
	dst = at(e.event(dst, "response.output_item.done"), m.index)
	dst = append(dst, `,"item":`...)
	from := len(dst)
	dst = messageHead(dst, e.x, m.index, status)
	if len(m.parts) > 0 {
		dst = append(append(dst, m.parts...), ',')
	}
	dst = append(e.appendPart(dst), ']', '}')
	return e.finished(dst, m.index, from)
}

// cite keeps a citation until its block ends: only then it is known which characters it was given for.
func (e *streamEncoder) cite(ev *chat.Event) {
	if e.x.OutputTool == "" {
		e.message.citations = append(e.message.citations, rules.OpenAICitation(ev.Raw, e.x))
	}
}

// annotate appends the citations of the block that ended.
func (e *streamEncoder) annotate(dst []byte) []byte {
	m := &e.message
	if len(m.citations) == 0 || !m.open {
		return dst
	}
	for i := range m.citations {
		annotation := m.told.add(&m.citations[i], m.from, m.chars)
		if annotation == nil {
			continue
		}
		dst = e.part(e.event(dst, "response.output_text.annotation.added"))
		dst = appendIndex(dst, "annotation_index", m.annotated)
		dst = append(dst, `,"annotation":`...)
		m.annotated++
		dst = end(append(dst, annotation...))
	}
	m.citations = m.citations[:0]
	return dst
}

// hold keeps text back: words before or after the call of the output tool would spoil the value that the client expects.
func (e *streamEncoder) hold(dst []byte, tok json.String) []byte {
	if e.value >= 0 || tok.Empty() {
		return dst
	}
	e.held = appendInner(e.held, tok)
	if len(e.held) > maxHeld {
		return e.release(dst)
	}
	return dst
}

// release lets go of the text that was kept back.
func (e *streamEncoder) release(dst []byte) []byte {
	if len(e.held) == 0 {
		return dst
	}
	tok := append(append(json.String{'"'}, e.held...), '"')
	e.held = nil
	return e.text(dst, tok, -2, false)
}
