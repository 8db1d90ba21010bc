package bedrock

import (
	"bytes"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// healer returns one reply of Bedrock's copy of the API the form that OpenAI's own replies have. The copy numbers tool calls
// from call_0 in every reply, so that ids repeat over the turns of a conversation and agents pair results wrongly; here
// each gets an id of its own. gpt-oss writes its reasoning into the text, in tags; here it becomes reasoning_content, as
// other servers have it. All else stays, to the byte. Not safe for concurrent use.
type healer struct {
	// id is part of this reply's tool ids, so that they differ from other replies': at most 32 letters and digits.
	id string
	// reasoning: the text may begin with <reasoning>.
	reasoning bool

	choices []tagged
	edits   []json.Edit
	buf     []byte
}

// tagged is how far a choice's text has been read.
type tagged struct {
	state tagState
	held  string // what may be a part of a tag
}

type tagState uint8

const (
	tagExpected tagState = iota // nothing but a part of the opening tag has come
	tagOpen                     // within the tags
	tagDone                     // behind them, or there are none
)

const (
	openTag  = "<reasoning>"
	closeTag = "</reasoning>"
)

// maxChoices bounds the choices whose tags are followed; the API's own bound of n.
const maxChoices = 128

// reply heals a whole reply. What it returns is valid until the next call; it is body itself where nothing is to be done.
func (h *healer) reply(body []byte) []byte {
	return h.heal(body, "message")
}

// chunk heals the data of one event of a stream, as reply does.
func (h *healer) chunk(data []byte) []byte {
	return h.heal(data, "delta")
}

func (h *healer) heal(data []byte, member string) []byte {
	if !h.reasoning && !bytes.Contains(data, []byte(`"call_`)) || json.Valid(data) != nil {
		return data // what cannot be read, and [DONE], is for the reader of the reply
	}
	h.edits = h.edits[:0]
	w := json.WalkAt(data, 0)
	if !w.Object() {
		return data
	}
	for w.Member() {
		if string(w.Key()) != "choices" || !w.Array() {
			w.Skip()
			continue
		}
		for w.Element() {
			h.choice(&w, data, member)
		}
	}
	if len(h.edits) == 0 {
		return data
	}
	json.SortEdits(h.edits)
	h.buf = json.AppendEdited(h.buf[:0], data, h.edits)
	return h.buf
}

// choice heals the choice that w stands before and goes behind it.
func (h *healer) choice(w *json.Walker, data []byte, member string) {
	if w.Kind() != json.Object {
		w.Skip()
		return
	}
	index, finished := 0, member == "message"
	ahead := *w
	ahead.Object()
	for ahead.Member() {
		switch string(ahead.Key()) {
		case "index":
			start := ahead.Skip()
			index = small(data[start:ahead.Offset()])
		case "finish_reason":
			finished = finished || ahead.Kind() == json.Text
			ahead.Skip()
		default:
			ahead.Skip()
		}
	}
	m := json.EditObject(w, &h.edits)
	for m.Next() {
		if string(m.Key()) == member && w.Kind() == json.Object {
			h.said(w, index, finished)
		} else {
			w.Skip()
		}
	}
}

// small reads a short number; -1 for anything else.
func small(b []byte) int {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' || n > maxChoices {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// said heals a message or a delta.
func (h *healer) said(w *json.Walker, index int, finished bool) {
	var reasoning, text string
	spoke := false
	m := json.EditObject(w, &h.edits)
	for m.Next() {
		switch key := string(m.Key()); {
		case key == "tool_calls":
			h.calls(w)
		case key == "content" && h.reasoning && w.Kind() == json.Text:
			spoke = true
			ahead := *w
			said := ahead.String().Unquote()
			if reasoning, text = h.split(index, said, finished); text == said {
				w.Skip()
			} else {
				m.Set(json.Quote(text))
			}
		default:
			w.Skip()
		}
	}
	if !spoke && finished && h.reasoning {
		// What was held back turned out to be no tag.
		if reasoning, text = h.split(index, "", true); text != "" {
			m.Add("content", json.Quote(text))
		}
	}
	if reasoning != "" {
		m.Add("reasoning_content", json.Quote(reasoning))
	}
}

// calls returns the calls of a list ids of their own.
func (h *healer) calls(w *json.Walker) {
	if !w.Array() {
		w.Skip()
		return
	}
	for w.Element() {
		if w.Kind() != json.Object {
			w.Skip()
			continue
		}
		m := json.EditObject(w, &h.edits)
		for m.Next() {
			ahead := *w
			if n, ok := strings.CutPrefix(ahead.String().Unquote(), "call_"); ok && string(m.Key()) == "id" && n != "" && small([]byte(n)) >= 0 {
				m.Set(json.Quote("call_" + h.id + "_" + n))
			} else {
				w.Skip()
			}
		}
	}
}

// split adds a piece of a choice's text, the last one if finished, and returns what of it is reasoning and what is not.
// What may be a part of a tag is held back until more comes.
func (h *healer) split(index int, piece string, finished bool) (reasoning, text string) {
	if index < 0 || index >= maxChoices {
		return "", piece
	}
	for len(h.choices) <= index {
		h.choices = append(h.choices, tagged{})
	}
	c := &h.choices[index]
	piece, c.held = c.held+piece, ""
	if c.state == tagExpected {
		rest, opened := strings.CutPrefix(piece, openTag)
		switch {
		case opened:
			c.state, piece = tagOpen, rest
		case strings.HasPrefix(openTag, piece) && !finished:
			c.held = piece
			return "", ""
		default:
			c.state = tagDone
		}
	}
	if c.state == tagOpen {
		before, after, closed := strings.Cut(piece, closeTag)
		switch {
		case closed:
			c.state = tagDone
			return before, after
		case finished:
			return piece, ""
		}
		n := partOf(piece, closeTag)
		c.held = piece[len(piece)-n:]
		return piece[:len(piece)-n], ""
	}
	return "", piece
}

// partOf returns the length of the longest end of s that tag begins with.
func partOf(s, tag string) int {
	for n := min(len(s), len(tag)-1); n > 0; n-- {
		if strings.HasSuffix(s, tag[:n]) {
			return n
		}
	}
	return 0
}
