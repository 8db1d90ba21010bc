package converse

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/decode"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// toolConfig reads the specs and the choice. A cache point stands on the tool before it.
func (d *decoder) toolConfig(r *chat.Request) {
	if !d.object("toolConfig") {
		return
	}
	for d.w.Member() {
		switch string(d.w.Key()) {
		case "tools":
			for ok := d.array("toolConfig.tools"); ok && d.w.Element(); {
				if decode.Long(r.Tools) {
					r.Tools = decode.Grow(r.Tools, d.w.Left())
				}
				d.tool(r)
			}
		case "toolChoice":
			d.toolChoice(r)
		default:
			d.w.Skip()
		}
	}
}

func (d *decoder) tool(r *chat.Request) {
	raw := d.objectValue("toolConfig.tools")
	inner := decoder{w: json.WalkAt(raw, 0), x: d.x}
	inner.w.Object()
	if !inner.w.Member() {
		return
	}
	switch string(inner.w.Key()) {
	case "toolSpec":
		r.Tools = append(r.Tools, inner.toolSpec())
	case "cachePoint":
		if n := len(r.Tools); n > 0 {
			r.Tools[n-1].Cache = inner.cachePoint()
		}
	default: // systemTool, and what is newer
		name := chat.String(textOf(json.Find(inner.w.Value(), "name")))
		r.Tools = append(r.Tools, chat.Tool{Name: name.Unquote(), Raw: raw, Dialect: Name})
	}
	if inner.err != nil && d.err == nil {
		d.err = inner.err
		d.w = json.Walker{}
	}
}

func (d *decoder) toolSpec() (t chat.Tool) {
	if !d.object("toolConfig.tools.toolSpec") {
		return t
	}
	for d.w.Member() {
		switch string(d.w.Key()) {
		case "name":
			t.Name = d.text("toolConfig.tools.toolSpec.name")
		case "description":
			t.Description = d.str("toolConfig.tools.toolSpec.description")
		case "inputSchema":
			t.Schema = json.Find(d.objectValue("toolConfig.tools.toolSpec.inputSchema"), "json")
		case "strict":
			strict := string(d.w.Value()) == "true"
			t.Strict = &strict
		default:
			d.w.Skip()
		}
	}
	return t
}

func (d *decoder) toolChoice(r *chat.Request) {
	if !d.object("toolConfig.toolChoice") {
		return
	}
	for d.w.Member() {
		switch string(d.w.Key()) {
		case "auto":
			r.ToolChoice.Kind = chat.ToolsAuto
			d.w.Skip()
		case "any":
			r.ToolChoice.Kind = chat.ToolsAny
			d.w.Skip()
		case "tool":
			r.ToolChoice.Kind = chat.ToolsNamed
			r.ToolChoice.Name = d.textMember("toolConfig.toolChoice.tool", "name")
		default:
			d.fail("toolConfig.toolChoice", "one of auto, any and tool")
		}
	}
}
