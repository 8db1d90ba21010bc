package claude

import (
	"bytes"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

var objectType = []byte(`"object"`)

// objectSchema returns a tool's schema as Claude takes it: its root says that it is of type object. What it says else,
// references included, stays as it is, and where it is: rules.ToolSchema would write it anew.
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

// isCustom reports whether a schema's type is that of the tool, "custom", which is no type of JSON Schema: agents write it so.
func isCustom(schema chat.Value) bool {
	w := json.WalkAt(schema, 0)
	if !w.Object() {
		return false
	}
	for w.Member() {
		if string(w.Key()) == "type" {
			return string(w.Value()) == `"custom"`
		}
		w.Skip()
	}
	return false
}
