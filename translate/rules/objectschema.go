package rules

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// ObjectSchema rewrites a tool's schema to one that OpenAI takes: its root says that it is an object, and lists its properties. Claude's
// and MCP's tools need not.
func ObjectSchema(schema chat.Value) chat.Value {
	w := json.WalkAt(schema, 0)
	var edits []json.Edit
	root := json.EditObject(&w, &edits)
	typed, listed, refers := false, false, false
	for root.Next() {
		switch string(root.Key()) {
		case "type":
			typed = true
			at := w
			if at.String().Unquote() == "object" {
				w.Skip()
			} else {
				root.Set([]byte(`"object"`))
			}
		case "properties":
			listed = true
			w.Skip()
		case "$ref":
			refers = true
			w.Skip()
		default:
			w.Skip()
		}
	}
	if refers && !typed {
		return schema
	}
	if !typed {
		root.Add("type", []byte(`"object"`))
	}
	if !listed {
		root.Add("properties", []byte(`{}`))
	}
	if len(edits) == 0 {
		return schema
	}
	return json.AppendEdited(nil, schema, edits)
}
