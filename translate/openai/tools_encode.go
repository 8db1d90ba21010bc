package openai

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
)

// tools writes the tools and what goes with them, which is refused where there are none.
func (e *requestEncoder) tools() {
	w, r := &e.w, e.r
	n := 0
	for i := range r.Tools {
		t := &r.Tools[i]
		if t.Raw != nil && t.Dialect != Name {
			e.drop("tools." + t.Name)
			continue
		}
		if n++; n == 1 {
			w.Key("tools")
			w.BeginArray()
		}
		if t.Raw != nil {
			w.Value(t.Raw)
			continue
		}
		e.tool(t)
	}
	if n == 0 {
		return
	}
	w.EndArray()
	e.toolChoice()
	if r.ParallelToolCalls != nil {
		w.Key("parallel_tool_calls")
		w.Bool(*r.ParallelToolCalls)
	}
}

func (e *requestEncoder) tool(t *chat.Tool) {
	w := &e.w
	w.BeginObject()
	w.Key("type")
	w.Raw(`"function"`)
	w.Key("function")
	w.BeginObject()
	w.Key("name")
	w.Text(e.toolName(t.Name))
	if !t.Description.Empty() {
		w.Key("description")
		w.String(t.Description)
	}
	if t.Schema != nil {
		w.Key("parameters")
		w.Value(rules.ObjectSchema(t.Schema))
	}
	if t.Strict != nil {
		w.Key("strict")
		w.Bool(*t.Strict)
	}
	w.EndObject()
	w.EndObject()
}

func (e *requestEncoder) toolChoice() {
	w, c := &e.w, &e.r.ToolChoice
	mode := "auto"
	switch c.Kind {
	case chat.ToolsUnset:
		if c.Allowed == nil {
			return
		}
	case chat.ToolsAuto:
	case chat.ToolsAny:
		mode = "required"
	case chat.ToolsNone:
		mode = "none"
	case chat.ToolsNamed:
		w.Key("tool_choice")
		e.named(c.Name)
		return
	}
	w.Key("tool_choice")
	if c.Allowed == nil || c.Kind == chat.ToolsNone {
		w.Text(mode)
		return
	}
	w.BeginObject()
	w.Key("type")
	w.Raw(`"allowed_tools"`)
	w.Key("allowed_tools")
	w.BeginObject()
	w.Key("mode")
	w.Text(mode)
	w.Key("tools")
	w.BeginArray()
	for _, name := range c.Allowed {
		e.named(name)
	}
	w.EndArray()
	w.EndObject()
	w.EndObject()
}

// named writes the reference to a function.
func (e *requestEncoder) named(name string) {
	w := &e.w
	w.BeginObject()
	w.Key("type")
	w.Raw(`"function"`)
	w.Key("function")
	w.BeginObject()
	w.Key("name")
	w.Text(e.toolName(name))
	w.EndObject()
	w.EndObject()
}
