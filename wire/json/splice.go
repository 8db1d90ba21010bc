package json

import (
	"cmp"
	"slices"
)

// Edit puts Text in place of the bytes from Start to End of a body.
type Edit struct {
	Start, End int
	Text       []byte
}

// SortEdits orders edits by where they stand; at one place what only inserts comes first, in the order it had.
func SortEdits(edits []Edit) {
	slices.SortStableFunc(edits, func(a, b Edit) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
	})
}

// AppendEdited appends body with the edits applied and all other bytes as they are. The edits must be sorted and must
// not overlap. With nothing to append to and nothing to edit it is body itself: images are megabytes long.
func AppendEdited(dst, body []byte, edits []Edit) []byte {
	if dst == nil && len(edits) == 0 {
		return body
	}
	size, from := len(body), 0
	for i := range edits {
		size += len(edits[i].Text) + edits[i].Start - edits[i].End
	}
	dst = slices.Grow(dst, size)
	for i := range edits {
		e := &edits[i]
		dst = append(dst, body[from:e.Start]...)
		dst = append(dst, e.Text...)
		from = e.End
	}
	return append(dst, body[from:]...)
}

// Members walks one object of a validated body and collects what is to be changed in it; what is not touched keeps its
// bytes, commas come out right.
//
//	m := json.EditObject(&w, &edits)
//	for m.Next() {
//		switch string(m.Key()) {
//		case "model":
//			m.Set(name)
//		case "file_ids":
//			m.Drop()
//		default:
//			w.Skip()
//		}
//	}
//	m.Add("stream", []byte("true"))
//
// Each member's value must be consumed: by Set, by Drop or from the Walker, which may be to edit an object inside.
type Members struct {
	w       *Walker
	edits   *[]Edit
	end     int  // behind the last member, or behind the '{'
	kept    bool // a member before this one stays
	dropped bool // this one does not
	any     bool // there was a member
	lead    int  // start of the removed members at the object's head; -1 if there is none to close
}

// EditObject enters the object that w stands before and appends what is changed to edits. If no object stands there,
// nothing is consumed, Next is false at once and nothing is added.
func EditObject(w *Walker, edits *[]Edit) Members {
	m := Members{w: w, edits: edits, lead: -1, end: -1}
	if w.Object() {
		m.end = w.Offset()
	}
	return m
}

// Next goes to the next member; false at the object's end, which it consumes.
func (m *Members) Next() bool {
	if m.end < 0 {
		return false
	}
	if m.any {
		m.end = m.w.Offset()
		m.kept = m.kept || !m.dropped
	}
	if !m.w.Member() {
		if m.lead >= 0 {
			*m.edits = append(*m.edits, Edit{Start: m.lead, End: m.end})
			m.lead = -1
		}
		m.any = false
		return false
	}
	m.any, m.dropped = true, false
	if m.lead >= 0 {
		// The comma goes with what was removed before it.
		*m.edits = append(*m.edits, Edit{Start: m.lead, End: m.w.KeyStart()})
		m.lead = -1
	}
	return true
}

// Key is the member's name, unescaped.
func (m *Members) Key() []byte { return m.w.Key() }

// Set puts value, one JSON value, in place of the member's own.
func (m *Members) Set(value []byte) {
	start := m.w.Skip()
	*m.edits = append(*m.edits, Edit{start, m.w.Offset(), value})
}

// Drop takes the member out, one comma with it.
func (m *Members) Drop() {
	m.dropped = true
	m.w.Skip()
	if m.kept {
		*m.edits = append(*m.edits, Edit{Start: m.end, End: m.w.Offset()})
	} else {
		m.lead = m.w.KeyStart()
	}
}

// Add appends a member to the object; to be called after Next was false. key must need no escape.
func (m *Members) Add(key string, value []byte) {
	if m.end < 0 {
		return
	}
	text := make([]byte, 0, len(key)+len(value)+4)
	if m.kept {
		text = append(text, ',')
	}
	text = append(text, '"')
	text = append(text, key...)
	text = append(text, '"', ':')
	text = append(text, value...)
	m.kept = true
	*m.edits = append(*m.edits, Edit{m.end, m.end, text})
}

// Elements walks one array of a validated body and collects what is to be changed in it, as Members does for an object.
//
//	list := json.EditArray(&w, &edits)
//	for list.Next() {
//		if gone(w) {
//			list.Drop()
//		} else {
//			w.Skip()
//		}
//	}
type Elements struct {
	w       *Walker
	edits   *[]Edit
	start   int  // of the element
	end     int  // behind the last element, or behind the '['
	kept    bool // an element before this one stays
	dropped bool // this one does not
	any     bool // there was an element
	lead    int  // start of the removed elements at the array's head; -1 if there is none to close
}

// EditArray enters the array that w stands before and appends what is changed to edits. If no array stands there, nothing is
// consumed, Next is false at once and nothing is added.
func EditArray(w *Walker, edits *[]Edit) Elements {
	e := Elements{w: w, edits: edits, lead: -1, end: -1}
	if w.Array() {
		e.end = w.Offset()
	}
	return e
}

// Next goes to the next element; false at the array's end, which it consumes.
func (e *Elements) Next() bool {
	if e.end < 0 {
		return false
	}
	if e.any {
		e.end = e.w.Offset()
		e.kept = e.kept || !e.dropped
	}
	if !e.w.Element() {
		if e.lead >= 0 {
			*e.edits = append(*e.edits, Edit{Start: e.lead, End: e.end})
			e.lead = -1
		}
		e.any = false
		return false
	}
	e.w.Kind() // goes to its start
	e.any, e.dropped, e.start = true, false, e.w.Offset()
	if e.lead >= 0 {
		// The comma goes with what was removed before it.
		*e.edits = append(*e.edits, Edit{Start: e.lead, End: e.start})
		e.lead = -1
	}
	return true
}

// Set puts value, one JSON value, in place of the element.
func (e *Elements) Set(value []byte) {
	e.w.Skip()
	*e.edits = append(*e.edits, Edit{e.start, e.w.Offset(), value})
}

// Drop takes the element out, one comma with it.
func (e *Elements) Drop() {
	e.dropped = true
	e.w.Skip()
	if e.kept {
		*e.edits = append(*e.edits, Edit{Start: e.end, End: e.w.Offset()})
	} else {
		e.lead = e.start
	}
}

// Entered reports whether an array stands there.
func (e *Elements) Entered() bool { return e.end >= 0 }

// Kept reports whether an element stays; to be called after Next was false.
func (e *Elements) Kept() bool { return e.kept }

// Add appends an element to the array; to be called after Next was false.
func (e *Elements) Add(value []byte) {
	if e.end < 0 {
		return
	}
	text := make([]byte, 0, len(value)+1)
	if e.kept {
		text = append(text, ',')
	}
	e.kept = true
	*e.edits = append(*e.edits, Edit{e.end, e.end, append(text, value...)})
}
