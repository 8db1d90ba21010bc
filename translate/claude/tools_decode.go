package claude

import (
	"bytes"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/decode"
)

// tools reads the list of tools. Those that Anthropic defines itself are kept whole, for a target of this dialect.
func (d *decoder) tools() []chat.Tool {
	r := &d.r
	r.Array()
	var tools []chat.Tool
	for i := 0; r.Element(); i++ {
		d.item(0, i)
		if decode.Long(tools) {
			tools = decode.Grow(tools, r.Left())
		}
		kind := string(d.peek("type"))
		start := r.Offset()
		t := d.tool(kind == "" || kind == "custom")
		if r.Err() != nil {
			return nil
		}
		switch {
		case kind != "" && kind != "custom":
			if t.Name == "" {
				t.Name = kind // a set of tools has no name of its own
			}
			t = chat.Tool{Name: t.Name, Raw: bytes.TrimLeft(d.body[start:r.Offset()], " \t\r\n"), Dialect: Name}
		case t.Name == "":
			d.missing(1, "name")
		case t.Schema == nil:
			d.missing(1, "input_schema")
		}
		tools = append(tools, t)
	}
	return tools
}

// tool reads {name, description, input_schema, strict, cache_control}; of a tool that is not the client's own, its name.
func (d *decoder) tool(custom bool) (t chat.Tool) {
	r := &d.r
	r.Object()
	for r.Member() {
		d.at(1)
		key := string(r.Key())
		switch {
		case r.Null():
		case key == "name":
			t.Name = r.Text()
		case !custom || key == "type":
			r.Skip()
		case key == "description":
			t.Description = r.String()
		case key == "input_schema":
			t.Schema = r.ObjectValue()
			if isCustom(t.Schema) { // every target gets an object in its place
				d.x.Omit("tools.input_schema.type")
			}
		case key == "strict":
			b := r.Bool()
			t.Strict = &b
		case key == "cache_control":
			t.Cache = d.cache(2)
		default:
			d.omit("tools.")
		}
	}
	return t
}

// toolChoice reads {type, name, disable_parallel_tool_use}.
func (d *decoder) toolChoice() {
	r, c := &d.r, &d.req.ToolChoice
	kind := ""
	r.Object()
	for r.Member() {
		d.at(1)
		if r.Null() {
			continue
		}
		switch string(r.Key()) {
		case "type":
			kind = r.Text()
		case "name":
			c.Name = r.Text()
		case "disable_parallel_tool_use":
			parallel := !r.Bool()
			d.req.ParallelToolCalls = &parallel
		default:
			r.Skip()
		}
	}
	switch kind {
	case "auto":
		c.Kind = chat.ToolsAuto
	case "any":
		c.Kind = chat.ToolsAny
	case "none":
		c.Kind = chat.ToolsNone
	case "tool":
		if c.Kind = chat.ToolsNamed; c.Name == "" {
			d.missing(1, "name")
		}
	case "":
		d.missing(1, "type")
	default:
		d.failAt(1, "type", "Input tag '%s' does not match any of the expected tags: 'auto', 'any', 'tool', 'none'", chat.Clip(kind))
	}
	if kind != "tool" {
		c.Name = ""
	}
}
