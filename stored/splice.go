package stored

import "github.com/open-bedrock/caddy-bedrock-gateway/wire/json"

// splice writes the body with what was found.
func (r *recall) splice() error {
	var edits []json.Edit
	w := json.WalkAt(r.body.Raw, 0)
	m := json.EditObject(&w, &edits)
	if r.record != nil {
		r.Before = append(r.record.AppendItems(json.Value{'['}), ']')
	}
	for m.Next() {
		switch key := m.Key(); {
		case string(key) == paramPrevious && r.record != nil:
			m.Drop()
		case string(key) == paramInput:
			w.Kind()
			start := w.Offset()
			w.Skip()
			edits = r.input(edits, start, w.Offset())
		default:
			w.Skip()
		}
	}
	if r.record != nil && r.body.Member(paramInput) == nil {
		m.Add(paramInput, r.Before)
		r.Input = json.Value("[]")
	}
	if len(edits) == 0 {
		return nil
	}
	if err := r.asker.Hold(r.size); err != nil {
		return err
	}
	json.SortEdits(edits)
	r.Body = json.AppendEdited(nil, r.body.Raw, edits)
	return nil
}

// input edits the input that stands in the body from start to end.
func (r *recall) input(edits []json.Edit, start, end int) []json.Edit {
	input := r.body.Raw[start:end:end]
	var own []json.Edit // of input alone
	for i := range r.names.references {
		if ref := &r.names.references[i]; ref.item != nil {
			edits = append(edits, json.Edit{Start: ref.start, End: ref.end, Text: ref.item})
			own = append(own, json.Edit{Start: ref.start - start, End: ref.end - start, Text: ref.item})
		}
	}
	if r.record == nil {
		return edits
	}
	r.Input = json.AppendEdited(nil, input, own)
	insert := func(at int, text []byte) { edits = append(edits, json.Edit{Start: at, End: at, Text: text}) }
	before := r.Before[:len(r.Before)-1]
	comma := func(at int) {
		if len(before) > 1 {
			insert(at, []byte{','})
		}
	}
	switch input[0] {
	case '[':
		insert(start+1, before[1:])
		if w := json.WalkAt(input, 0); w.Array() && w.Element() {
			comma(start + 1)
		}
	case '"':
		insert(start, before)
		comma(start)
		insert(start, []byte(`{"type":"message","role":"user","content":`))
		insert(end, []byte("}]"))
	case 'n':
		edits = append(edits, json.Edit{Start: start, End: end, Text: r.Before})
		r.Input = json.Value("[]")
	}
	return edits
}
