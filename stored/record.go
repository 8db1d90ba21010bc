package stored

import (
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// Record is a response with the whole conversation that led to it, so that one read is enough to go on with it.
type Record struct {
	ID        string // resp_ and 32 hex digits
	Owner     string
	Model     string // as the client asked for it
	CreatedAt time.Time
	// Before are the items of the conversation before this turn, and Input those of the turn: JSON arrays of items that all
	// have an id. Instructions and settings are no part of it: a next turn says its own.
	Before, Input json.Value
	// Response is the final object, as the client got it.
	Response json.Value
	// Marks are those of the stream in which the response was sent; nil if it was not streamed.
	Marks []byte
}

// Output returns the items of the reply, a JSON array, as a next turn needs them.
func (r *Record) Output() json.Value {
	if v := json.Find(r.Response, "output"); len(v) > 0 && v[0] == '[' {
		return v
	}
	return empty
}

var empty = json.Value("[]")

// AppendItems appends the conversation with the reply at its end: items with commas between them, without brackets. A reply
// that is a compaction stands for all that came before it, as at OpenAI.
func (r *Record) AppendItems(dst []byte) []byte {
	from := len(dst)
	if compacted := fromCompaction(r.Output()); compacted != nil {
		return append(dst, compacted...)
	}
	for _, list := range [...]json.Value{r.Before, r.Input, r.Output()} {
		inner := within(list)
		if len(inner) == 0 {
			continue
		}
		if len(dst) > from {
			dst = append(dst, ',')
		}
		dst = append(dst, inner...)
	}
	return dst
}

// Item returns the item of this turn, or of its reply, that has the id; nil if there is none.
func (r *Record) Item(id string) json.Value {
	for _, list := range [...]json.Value{r.Output(), r.Input} {
		w := json.WalkAt(list, 0)
		for ok := len(list) > 0 && w.Array(); ok && w.Element(); {
			item := w.Value()
			if v := json.Find(item, "id"); len(v) > 1 && v[0] == '"' && json.String(v).Unquote() == id {
				return item
			}
		}
	}
	return nil
}

// fromCompaction returns the items of a list from its last compaction on, without brackets; nil if it has none.
// Source: https://developers.openai.com/api/docs/guides/compaction
func fromCompaction(list json.Value) []byte {
	from, to := -1, 0
	w := json.WalkAt(list, 0)
	for ok := len(list) > 0 && w.Array(); ok && w.Element(); {
		ahead := w
		start := w.Skip()
		if to = w.Offset(); string(json.Find(ahead.Value(), "type")) == `"compaction"` {
			from = start
		}
	}
	if from < 0 {
		return nil
	}
	return list[from:to]
}

// within returns what stands between the brackets of an array.
func within(list json.Value) []byte {
	w := json.WalkAt(list, 0)
	if len(list) == 0 || !w.Array() {
		return nil
	}
	from := w.Offset()
	to := from
	for w.Element() {
		w.Skip()
		to = w.Offset()
	}
	return list[from:to]
}
