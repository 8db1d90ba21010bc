package exchange

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// holders are the members of bodies that hold parameters of the request itself: Converse's and Titan's.
var holders = map[string]bool{"inferenceConfig": true, "additionalModelRequestFields": true, "textGenerationConfig": true}

// opaque are the members whose values are a tool's or a schema's own.
var opaque = map[string]bool{
	"input": true, "input_schema": true, "inputSchema": true, "parameters": true, "schema": true, "arguments": true,
}

// without returns the body, valid JSON, without the member, and whether it stood there. All other bytes stay as they are.
func without(body []byte, m member) ([]byte, bool) {
	var edits []json.Edit
	w := json.WalkAt(body, 0)
	switch m.of {
	case "":
		dropIn(&w, &edits, m.name, holders)
	case "tools", "output_config":
		dropUnder(&w, &edits, m)
	default:
		dropMarks(&w, &edits, m)
	}
	if len(edits) == 0 {
		return body, false
	}
	json.SortEdits(edits)
	return json.AppendEdited(nil, body, edits), true
}

// dropIn takes the member out of the object before w and of the objects that are its members named in deeper.
func dropIn(w *json.Walker, edits *[]json.Edit, name string, deeper map[string]bool) {
	if w.Kind() != json.Object {
		w.Skip()
		return
	}
	m := json.EditObject(w, edits)
	for m.Next() {
		switch key := string(m.Key()); {
		case key == name:
			m.Drop()
		case deeper[key]:
			dropIn(w, edits, name, nil)
		default:
			w.Skip()
		}
	}
}

// toolWrappers are the members of a list's element that hold the tool itself, in OpenAI's form and Converse's.
var toolWrappers = map[string]bool{"function": true, "toolSpec": true}

// dropUnder takes a member out of each tool, or out of output_config.
func dropUnder(w *json.Walker, edits *[]json.Edit, gone member) {
	if !w.Object() {
		w.Skip()
		return
	}
	for w.Member() {
		switch key := string(w.Key()); {
		case key == gone.of && w.Kind() == json.Array:
			w.Array()
			for w.Element() {
				dropIn(w, edits, gone.name, toolWrappers)
			}
		case key == gone.of:
			dropIn(w, edits, gone.name, nil)
		case (key == "toolConfig" || key == "additionalModelRequestFields") && w.Kind() == json.Object:
			dropUnder(w, edits, gone)
		default:
			w.Skip()
		}
	}
}

// dropMarks takes cache marks, or a member of them, out of everything before w. Converse's are elements of lists.
func dropMarks(w *json.Walker, edits *[]json.Edit, gone member) {
	switch w.Kind() {
	case json.Object:
		m := json.EditObject(w, edits)
		for m.Next() {
			switch key := string(m.Key()); {
			case opaque[key]:
				w.Skip()
			case key != gone.of:
				dropMarks(w, edits, gone)
			case gone.name == "":
				m.Drop()
			default:
				dropIn(w, edits, gone.name, nil)
			}
		}
	case json.Array:
		dropElements(w, edits, gone)
	default:
		w.Skip()
	}
}

// dropElements is dropMarks for a list, whose elements that are nothing but a mark go with one comma each.
func dropElements(w *json.Walker, edits *[]json.Edit, gone member) {
	list := json.EditArray(w, edits)
	for list.Next() {
		if gone.name == "" && isMark(*w, gone.of) {
			list.Drop()
		} else {
			dropMarks(w, edits, gone)
		}
	}
}

// isMark reports whether the value before w is an object with nothing but the mark.
func isMark(w json.Walker, name string) bool {
	if w.Kind() != json.Object || !w.Object() || !w.Member() || string(w.Key()) != name {
		return false
	}
	w.Skip()
	return !w.Member()
}
