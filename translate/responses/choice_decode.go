package responses

import (
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// toolChoice reads none, auto, required, an object that names a tool, or the tools that may be called.
func (d *requestDecoder) toolChoice() {
	r := &d.R
	c := &d.req.ToolChoice
	if r.Kind() == json.Text {
		c.Kind = d.toolMode("none, auto and required")
	} else {
		d.chosenTool(c)
	}
}

func (d *requestDecoder) chosenTool(c *chat.ToolChoice) {
	r := &d.R
	kind, name, namespace := "", "", ""
	var tools json.Value
	r.Object()
	for r.Member() {
		d.At(1)
		if r.Null() {
			continue
		}
		switch string(r.Key()) {
		case "type":
			kind = r.Text()
		case "name":
			name = r.Text()
		case "namespace":
			namespace = r.Text()
		case "mode":
			c.Kind = d.toolMode("auto and required")
		case "tools":
			tools = r.ArrayValue()
		default:
			r.Skip() // server_label, of a server that OpenAI calls
		}
	}
	switch kind {
	case "allowed_tools":
		if c.Kind == chat.ToolsUnset {
			d.Missing(1, "mode")
			return
		}
		d.allowed(c, tools)
	case "":
		d.Missing(1, "type")
	default:
		if (kind == "function" || kind == "custom") && name == "" {
			d.Missing(1, "name")
			return
		}
		c.Kind, c.Name = chat.ToolsNamed, chosenName(kind, name, namespace)
	}
}

// chosenName is the name under which a tool stands among the request's.
func chosenName(kind, name, namespace string) string {
	switch {
	case kind != "function" && kind != "custom":
		return kind
	case namespace != "":
		return chat.JoinNamespace(namespace, name)
	}
	return name
}

// toolMode reads a word that says how free the model is.
func (d *requestDecoder) toolMode(words string) chat.ToolChoiceKind {
	switch mode := d.R.Text(); mode {
	case "none":
		return chat.ToolsNone
	case "auto":
		return chat.ToolsAuto
	case "required":
		return chat.ToolsAny
	default:
		d.Fail("invalid value: '%s'; supported values are: %s", mode, words)
		return chat.ToolsUnset
	}
}

// allowed reads the tools that may be called.
func (d *requestDecoder) allowed(c *chat.ToolChoice, tools json.Value) {
	c.Allowed = []string{}
	w := json.WalkAt(tools, 0)
	for ok := tools != nil && w.Array(); ok && w.Element(); {
		v := w.Value()
		text := func(key string) string {
			if s := json.Find(v, key); len(s) > 1 && s[0] == '"' {
				return json.String(s).Unquote()
			}
			return ""
		}
		c.Allowed = append(c.Allowed, chosenName(text("type"), text("name"), text("namespace")))
	}
}

// checkChoice refuses a choice among tools that are not there, and one that forces a tool which only OpenAI's side runs.
func (d *requestDecoder) checkChoice() error {
	c := &d.req.ToolChoice
	if c.Kind != chat.ToolsNamed {
		if c.Kind == chat.ToolsAny && len(d.req.Tools) == 0 {
			return chat.Invalid("tool_choice", "Tool choice 'required' must be specified with 'tools' parameter.")
		}
		return nil
	}
	at := slices.IndexFunc(d.req.Tools, func(t chat.Tool) bool { return t.Name == c.Name })
	if at < 0 {
		return chat.Invalid("tool_choice", "Tool choice '%s' not found in 'tools' parameter.", chat.Clip(c.Name))
	}
	if t := &d.req.Tools[at]; t.Raw != nil && !d.same {
		e := chat.Invalid("tool_choice", "the tool '%s' is run by OpenAI's side, and the model '%s' cannot be made to call it: leave 'tool_choice' out, or use a function", c.Name, d.x.Model)
		e.Fallback = true
		return e
	}
	return nil
}
