package claude

import (
	"bytes"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

var (
	objectType = []byte(`"object"`)
	noMore     = []byte("false")
)

// objectSchema gives a tool's schema as Claude takes it: its root says that it is of type object. What it says else,
// references included, stays as it is.
func objectSchema(v chat.Value) chat.Value {
	if len(v) == 0 || v[0] != '{' {
		return chat.Value(`{"type":"object","properties":{}}`)
	}
	var edits []json.Edit
	w := json.WalkAt(v, 0)
	typed := false
	m := json.EditObject(&w, &edits)
	for m.Next() {
		if string(m.Key()) != "type" {
			w.Skip()
			continue
		}
		typed = true
		if ahead := w; bytes.Equal(ahead.String(), objectType) {
			w.Skip()
			continue
		}
		m.Set(objectType)
	}
	if !typed {
		m.Add("type", objectType)
	}
	if len(edits) == 0 {
		return v
	}
	json.SortEdits(edits)
	return json.AppendEdited(nil, v, edits)
}

// closedSchema puts additionalProperties: false into every schema of an object, at any depth.
func closedSchema(v chat.Value) chat.Value {
	var edits []json.Edit
	w := json.WalkAt(v, 0)
	closeSchema(&w, &edits)
	json.SortEdits(edits)
	return json.AppendEdited(nil, v, edits)
}

// closeSchema closes the schema that w stands before and those inside; the keywords are those of
// https://json-schema.org/draft/2020-12/json-schema-core and the drafts before. What nests deeper than any schema has
// been refused when it was read.
func closeSchema(w *json.Walker, edits *[]json.Edit) {
	if w.Kind() != json.Object {
		w.Skip()
		return
	}
	object, closed := false, false
	m := json.EditObject(w, edits)
	for m.Next() {
		switch string(m.Key()) {
		case "additionalProperties":
			closed = true
			m.Set(noMore)
		case "type":
			object = bytes.Contains(w.Value(), objectType) || object
		case "properties", "patternProperties", "dependentSchemas", "$defs", "definitions":
			object = object || string(m.Key()) == "properties"
			if !w.Object() {
				w.Skip()
				continue
			}
			for w.Member() {
				closeSchema(w, edits)
			}
		case "items", "prefixItems", "anyOf", "oneOf", "allOf":
			if !w.Array() {
				closeSchema(w, edits)
				continue
			}
			for w.Element() {
				closeSchema(w, edits)
			}
		case "additionalItems", "contains", "not", "if", "then", "else", "propertyNames", "unevaluatedItems", "unevaluatedProperties":
			closeSchema(w, edits)
		default:
			w.Skip()
		}
	}
	if object && !closed {
		m.Add("additionalProperties", noMore)
	}
}
