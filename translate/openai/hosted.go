package openai

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// hostedTool returns a tool that is no function as a target takes it that has such tools: one of Anthropic's own in
// Anthropic's form, a system tool of Converse's as it came. Clients write Anthropic's flat ({"type":"bash_20250124",
// "name":"bash"}) or as LiteLLM has them: the name and the settings under function
// (https://docs.litellm.ai/docs/completion/computer_use). Any other is kept whole, for a target of this dialect.
func (d *decoder) hostedTool(kind string, raw json.Value) chat.Tool {
	if kind == "" {
		name := json.Find(json.Find(raw, systemTool), "name")
		if len(name) > 0 && name[0] == '"' {
			return chat.Tool{Name: json.String(name).Unquote(), Raw: raw, Dialect: "converse"}
		}
	}
	name, ok := rules.HostedTool(kind)
	if !ok {
		return chat.Tool{Name: kind, Raw: raw, Dialect: Name}
	}
	w := json.NewWriter(nil)
	w.BeginObject()
	w.Key("type")
	w.Text(kind)
	h := hosted{w: &w, name: name, d: d}
	h.members(raw, false)
	w.Key("name")
	w.Text(h.name)
	w.EndObject()
	return chat.Tool{Name: h.name, Raw: w.Bytes(), Dialect: "claude"}
}

// systemTool is the member that a tool of Converse's own has in the place of a type.
const systemTool = "systemTool"

// hosted writes one of Anthropic's own tools.
type hosted struct {
	w    *json.Writer
	d    *decoder
	name string
}

// members writes the members of the object, but for those that are written elsewhere.
func (h *hosted) members(object json.Value, function bool) {
	w := json.WalkAt(object, 0)
	for ok := w.Object(); ok && w.Member(); {
		key, v := string(w.Key()), w.Value()
		switch {
		case string(v) == "null" || key == "type" && !function:
		case key == "name":
			if v[0] == '"' {
				h.name = json.String(v).Unquote()
			}
		case key == "function" && !function:
			h.members(v, true)
		case key == "parameters" && function:
			h.members(v, false)
		case key == "description" && function: // of a function: Anthropic's own tools have none
			h.d.x.Omit("tools.function.description")
		default:
			h.w.Key(string(json.AppendEscaped(nil, key)))
			h.w.Value(v)
		}
	}
}
