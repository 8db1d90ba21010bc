package openai

import (
	"bytes"
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/decode"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// tools reads the list of tools. Those that are no functions are kept whole, for a target of this dialect.
func (d *decoder) tools() []chat.Tool {
	r := &d.R
	r.Array()
	var tools []chat.Tool
	for i := 0; r.Element(); i++ {
		d.Item(0, i)
		if decode.Long(tools) {
			tools = decode.Grow(tools, r.Left())
		}
		t, kind, function, system := chat.Tool{}, "", false, false
		start := r.Offset()
		r.Object()
		for r.Member() {
			d.At(1)
			if r.Null() {
				continue
			}
			switch string(r.Key()) {
			case "type":
				kind = word(r.String())
			case "function":
				function = true
				d.function(&t, 2)
			case "cache_control":
				t.Cache = d.cache(2)
			case systemTool:
				system = r.Kind() == json.Object
				r.Skip()
			default:
				r.Skip()
			}
		}
		switch {
		case r.Err() != nil:
			return nil
		case kind == "" && system:
			t = d.hostedTool("", d.behind(start))
		case kind == "" && !function:
			d.Missing(1, "type")
		case kind == "" || kind == "function":
			if !function {
				d.Missing(1, "function")
			} else if t.Name == "" {
				d.Missing(1, "function.name")
			}
		default:
			t = d.hostedTool(kind, d.behind(start))
		}
		tools = append(tools, t)
	}
	if len(tools) == 0 && r.Err() == nil {
		e := chat.Invalid("tools", "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.")
		e.Code = "empty_array"
		r.Fail(e)
	}
	return tools
}

// behind returns the value that was read from start on.
func (d *decoder) behind(start int) json.Value {
	return bytes.TrimLeft(d.body[start:d.R.Offset()], " \t\r\n")
}

// function reads {name, description, parameters, strict}; its members stand at level of the path.
func (d *decoder) function(t *chat.Tool, level int) {
	r := &d.R
	r.Object()
	for r.Member() {
		d.At(level)
		if r.Null() {
			continue
		}
		switch string(r.Key()) {
		case "name":
			t.Name = r.Text()
		case "description":
			t.Description = r.String()
		case "parameters":
			t.Schema = r.ObjectValue()
		case "strict":
			t.Strict = d.Bool()
		case "cache_control":
			t.Cache = d.cache(level + 1)
		default:
			r.Skip()
		}
	}
}

// functions reads the deprecated list.
func (d *decoder) functions() []chat.Tool {
	r := &d.R
	r.Array()
	var tools []chat.Tool
	for i := 0; r.Element(); i++ {
		d.Item(0, i)
		var t chat.Tool
		if d.function(&t, 1); t.Name == "" {
			d.Missing(1, "name")
		}
		tools = append(tools, t)
	}
	return tools
}

// toolChoice reads none, auto, required or an object that names a tool, or the tools that may be called.
func (d *decoder) toolChoice() (c chat.ToolChoice) {
	r := &d.R
	if r.Kind() == json.Text {
		c.Kind = d.toolMode("none, auto and required")
		return c
	}
	kind := ""
	r.Object()
	for r.Member() {
		d.At(1)
		if r.Null() {
			continue
		}
		switch string(r.Key()) {
		case "type":
			kind = r.Text()
		case "function", "custom":
			c.Name = d.name(2)
		case "allowed_tools":
			d.allowedTools(&c)
		default:
			r.Skip()
		}
	}
	switch kind {
	case "function", "custom":
		if c.Kind = chat.ToolsNamed; c.Name == "" {
			d.Missing(1, kind+".name")
		}
	case "allowed_tools":
		if c.Name = ""; c.Kind == chat.ToolsUnset {
			d.Missing(1, "allowed_tools.mode")
		}
	case "":
		d.Missing(1, "type")
	default:
		d.FailAt(1, "type", "invalid value: '%s'; supported values are: function, custom and allowed_tools", kind)
	}
	return c
}

// toolMode reads a word that says how free the model is.
func (d *decoder) toolMode(words string) chat.ToolChoiceKind {
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

// allowedTools reads {mode, tools: [{type, function: {name}}]}.
func (d *decoder) allowedTools(c *chat.ToolChoice) {
	r := &d.R
	c.Allowed = []string{}
	r.Object()
	for r.Member() {
		d.At(2)
		switch string(r.Key()) {
		case "mode":
			c.Kind = d.toolMode("auto and required")
		case "tools":
			r.Array()
			for i := 0; r.Element(); i++ {
				d.Item(2, i)
				r.Object()
				for r.Member() {
					d.At(3)
					switch string(r.Key()) {
					case "function", "custom":
						c.Allowed = append(c.Allowed, d.name(4))
					default:
						r.Skip()
					}
				}
			}
		default:
			r.Skip()
		}
	}
}

// name reads an object for its name alone.
func (d *decoder) name(level int) (name string) {
	r := &d.R
	r.Object()
	for r.Member() {
		if d.At(level); string(r.Key()) == "name" {
			name = r.Text()
		} else {
			r.Skip()
		}
	}
	return name
}

// functionChoice reads the deprecated function_call: none, auto or {name}.
func (d *decoder) functionChoice() chat.ToolChoice {
	if d.R.Kind() == json.Text {
		return chat.ToolChoice{Kind: d.toolMode("none and auto")}
	}
	c := chat.ToolChoice{Kind: chat.ToolsNamed, Name: d.name(1)}
	if c.Name == "" {
		d.Missing(1, "name")
	}
	return c
}

// toolCalls reads the calls of an assistant message.
func (d *decoder) toolCalls() {
	r := &d.R
	r.Array()
	for i := 0; r.Element(); i++ {
		d.Item(1, i)
		if decode.Long(d.uses) {
			d.uses = decode.Grow(d.uses, r.Left())
		}
		t := &chat.Tooling{}
		b := chat.Block{Kind: chat.ToolUse, Tool: t}
		kind, bad := "function", ""
		r.Object()
		for r.Member() {
			d.At(2)
			switch string(r.Key()) {
			case "id":
				t.ID = r.Text()
			case "function", "custom":
				kind = string(r.Key())
				bad = d.call(t, 3)
			case "cache_control":
				b.Cache = d.cache(3)
			default:
				r.Skip()
			}
		}
		switch {
		case r.Err() != nil:
			return
		case bad != "":
			r.Fail(badArguments(bad, t))
		case t.ID == "":
			d.Missing(2, "id")
		case t.Name == "":
			d.Missing(2, kind+".name")
		case t.Input == nil:
			t.Input = chat.NoInput
		}
		d.uses = append(d.uses, b)
	}
}

// badArguments returns the error for arguments, at the given path, that are no object. It is made when the whole call was
// read, since the id may stand behind them.
func badArguments(path string, t *chat.Tooling) error {
	id := t.ID
	if id == "" {
		id = t.Name
	}
	return chat.Invalid(path, "invalid arguments of the tool call '%s': expected a string that holds a JSON object", chat.Clip(id))
}

// call reads {name, arguments} or, of a custom tool, {name, input}. It returns the path of arguments that are no object; ""
// if they are one.
func (d *decoder) call(t *chat.Tooling, level int) (bad string) {
	r := &d.R
	r.Object()
	for r.Member() {
		d.At(level)
		switch string(r.Key()) {
		case "name":
			t.Name = r.Text()
		case "arguments":
			input, ok := chat.Arguments(r.String())
			if !ok && r.Err() == nil {
				bad = d.Path()
			}
			t.Input = input
		case "input":
			// Free text: other providers know objects only.
			tok := r.String()
			t.Input = append(append(json.Value(`{"input":`), tok...), '}')
		default:
			r.Skip()
		}
	}
	return bad
}

// functionCall reads the deprecated form of a single call, which has no id.
func (d *decoder) functionCall(index int) {
	t := &chat.Tooling{ID: "function_call_" + strconv.Itoa(index), Input: chat.NoInput}
	switch bad := d.call(t, 2); {
	case t.Name == "":
		d.Missing(2, "name")
		return
	case bad != "" && d.R.Err() == nil:
		d.R.Fail(badArguments(bad, t))
	}
	d.uses = append(d.uses, chat.Block{Kind: chat.ToolUse, Tool: t})
}
