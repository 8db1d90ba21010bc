package openai

import (
	"slices"
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// citedTexts are the citations of a message: those of pages, which are OpenAI's annotations, and the others. Each is over the
// characters of the text that it was given for.
type citedTexts struct {
	annotations, others []byte // the elements
	count               int    // of the others so far, in all chunks
}

// add adds a citation that was given for the characters from from to before end.
func (l *citedTexts) add(c *rules.Cited, from, end int64) {
	if c.URL != nil {
		if len(l.annotations) > 0 {
			l.annotations = append(l.annotations, ',')
		}
		l.annotations = appendAnnotation(l.annotations, from, end, c.URL, c.Title)
		return
	}
	if len(l.others) > 0 {
		l.others = append(l.others, ',')
	}
	inner := append([]byte(`,"index":`), strconv.Itoa(l.count)...) // by which clients' accumulators join deltas
	if l.count++; c.File != "" {
		inner = append(c.AppendFile(append(inner, `,"file_citation":{`...), end), '}')
	}
	l.others = c.AppendCited(l.others, from, end, string(inner))
}

// appendMembers appends the members of a message or a delta, each after a comma.
func (l *citedTexts) appendMembers(dst []byte) []byte {
	if len(l.annotations) > 0 {
		dst = append(dst, `,"annotations":[`...)
		dst = append(append(dst, l.annotations...), ']')
	}
	if len(l.others) > 0 {
		dst = append(dst, `,"`+rules.CitedMember+`":[`...)
		dst = append(append(dst, l.others...), ']')
	}
	return dst
}

// appendAnnotations appends the citations of the blocks' texts.
func appendAnnotations(dst []byte, blocks []chat.Block, output bool, x *chat.Exchange) []byte {
	at := int64(0)
	var list citedTexts
	for i := range blocks {
		b := &blocks[i]
		if b.Kind != chat.Text || !cites(blocks[i:]) {
			continue
		}
		from := at
		at += rules.Characters(b.Text)
		if b.Citations() == nil || output {
			continue
		}
		w := json.WalkAt(b.Citations(), 0)
		for ok := w.Array(); ok && w.Element(); {
			c := rules.OpenAICitation(w.Value(), x)
			list.add(&c, from, at)
		}
	}
	return list.appendMembers(dst)
}

// appendAnnotation appends a page that the characters from from to before end cite.
func appendAnnotation(dst []byte, from, end int64, url, title json.Value) []byte {
	dst = append(dst, `{"type":"url_citation","url_citation":{"start_index":`...)
	dst = strconv.AppendInt(dst, from, 10)
	dst = append(dst, `,"end_index":`...)
	dst = strconv.AppendInt(dst, end, 10)
	dst = append(dst, `,"title":`...)
	dst = append(dst, title...)
	dst = append(dst, `,"url":`...)
	dst = append(dst, url...)
	return append(dst, '}', '}')
}

// cites reports whether any of the blocks has citations.
func cites(blocks []chat.Block) bool {
	return slices.ContainsFunc(blocks, func(b chat.Block) bool { return b.Citations() != nil })
}

// cite keeps a citation until its block ends: only then it is known which characters it was given for.
func (e *encoder) cite(ev *chat.Event) {
	if e.x.OutputTool == "" {
		e.citations = append(e.citations, rules.OpenAICitation(ev.Raw, e.x))
	}
}

// annotate appends a chunk with the citations of the block that ended.
func (e *encoder) annotate(dst []byte) []byte {
	if len(e.citations) == 0 {
		return dst
	}
	list := citedTexts{count: e.cited}
	for i := range e.citations {
		list.add(&e.citations[i], e.textFrom, e.written)
	}
	e.citations, e.cited = e.citations[:0], list.count
	members := list.appendMembers(nil)
	dst = append(append(dst, e.head...), '{')
	dst = append(dst, members[1:]...)
	return e.close(dst, `}`)
}
