package claude

import (
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// toolPlan is what is made of the client's tools and its choice among them.
type toolPlan struct {
	sent   int // how many of the client's are
	choice chat.ToolChoiceKind
	name   string // with choice ToolsNamed
	serial bool   // no parallel calls
}

// planTools decides which tools are sent and how free the model is to call them.
func (e *encoder) planTools() {
	p := &e.tools
	choice := e.r.ToolChoice
	if e.f.NoTools {
		if len(e.r.Tools) > 0 {
			e.drop("tools")
		}
		if e.seen.toolBlocks {
			err := chat.Invalid("messages", "the conversation holds tool calls, and the model '%s' takes no tools", e.x.Model)
			err.Fallback = true
			e.fail(err)
		}
		return
	}
	for i := range e.r.Tools {
		t := &e.r.Tools[i]
		switch {
		case t.Raw != nil && t.Dialect != Name:
			e.drop("tools")
		case e.sends(t):
			p.sent++
		}
	}
	if p.choice = choice.Kind; p.choice == chat.ToolsNamed {
		p.name = choice.Name
		if !slices.ContainsFunc(e.r.Tools, func(t chat.Tool) bool { return t.Name == choice.Name }) {
			e.fail(chat.Invalid("tool_choice", "tool_choice names the tool '%s', which is not among the tools", clip(choice.Name)))
		}
	}
	if e.x.OutputTool != "" {
		e.forceOutput()
	} else if p.sent == 0 && (p.choice != chat.ToolsNone || !e.seen.toolBlocks) {
		p.choice = chat.ToolsUnset
	}
	e.loosenChoice()
	parallel := e.r.ParallelToolCalls
	p.serial = parallel != nil && !*parallel && p.choice != chat.ToolsNone && (p.sent > 0 || e.x.OutputTool != "")
}

// forceOutput makes the model call the tool that stands for the format, or one of the client's own: a real call wins.
func (e *encoder) forceOutput() {
	p := &e.tools
	if p.sent > 0 && p.choice != chat.ToolsNone {
		p.choice = chat.ToolsAny
		return
	}
	p.choice, p.name = chat.ToolsNamed, e.x.OutputTool
}

// loosenChoice leaves the choice to a model that takes no forced one, or none while it reasons.
func (e *encoder) loosenChoice() {
	p := &e.tools
	switch p.choice {
	case chat.ToolsNamed:
		if !e.f.NoForcedTools && !e.f.NoNamedTool && !e.thinking.on {
			return
		}
	case chat.ToolsAny:
		if !e.f.NoForcedTools && !e.thinking.on {
			return
		}
	case chat.ToolsUnset, chat.ToolsAuto, chat.ToolsNone:
		return
	}
	p.choice = chat.ToolsAuto
	if e.x.OutputTool != "" {
		e.format.instruct("Give the final answer by calling the tool " + e.x.OutputTool + " once, and not as text.")
		return
	}
	e.drop("tool_choice")
}

// sends tells whether the client's tool goes to the model.
func (e *encoder) sends(t *chat.Tool) bool {
	if e.f.NoTools || t.Raw != nil && t.Dialect != Name {
		return false
	}
	return e.r.ToolChoice.Allowed == nil || slices.Contains(e.r.ToolChoice.Allowed, t.Name)
}

// toolList writes the tools. Claude refuses a history with tool blocks without any: those that it calls stand in then.
func (e *encoder) toolList() {
	if e.tools.sent == 0 && e.x.OutputTool == "" && !e.seen.toolBlocks || e.f.NoTools {
		return
	}
	e.w.Key("tools")
	e.w.BeginArray()
	for i := range e.r.Tools {
		t := &e.r.Tools[i]
		switch {
		case !e.sends(t):
		case t.Raw != nil:
			e.w.Value(t.Raw)
		default:
			e.tool(t)
		}
	}
	if e.tools.sent == 0 {
		e.toolsOfHistory()
	}
	if e.x.OutputTool != "" {
		f := e.r.Format
		description := f.Description
		if description.Blank() {
			description = chat.String(`"Gives the final answer in the required structure."`)
		}
		e.tool(&chat.Tool{Name: e.x.OutputTool, Description: description, Schema: f.Schema})
	}
	e.w.EndArray()
}

func (e *encoder) tool(t *chat.Tool) {
	name := e.toolName(t.Name)
	e.w.BeginObject()
	e.w.Key("name")
	e.w.Text(name)
	switch {
	case !t.Description.Blank():
		e.w.Key("description")
		e.w.String(t.Description)
	case e.r.Dialect != Name:
		e.w.Key("description")
		e.w.Text(name)
	}
	e.w.Key("input_schema")
	e.w.Value(objectSchema(t.Schema))
	if t.Strict != nil && *t.Strict {
		if e.f.NativeSchema || e.r.Dialect == Name {
			e.w.Raw(`"strict":true`)
		} else {
			e.drop("tools.strict")
		}
	}
	e.mark(t.Cache)
	e.w.EndObject()
}

// toolsOfHistory writes a tool for every name that the history calls.
func (e *encoder) toolsOfHistory() {
	var done []string
	e.eachTooling(func(b *chat.Block) {
		if name := b.Tool.Name; b.Kind == chat.ToolUse && !slices.Contains(done, name) {
			done = append(done, name)
			e.tool(&chat.Tool{Name: name})
		}
	})
}

// toolChoice writes the choice, unless it is the default.
func (e *encoder) toolChoice() {
	p := &e.tools
	kind := ""
	switch p.choice {
	case chat.ToolsUnset:
		if p.serial {
			kind = "auto"
		}
	case chat.ToolsAuto:
		kind = "auto"
	case chat.ToolsAny:
		kind = "any"
	case chat.ToolsNamed:
		kind = "tool"
	case chat.ToolsNone:
		kind = "none"
	}
	if kind == "" || e.f.NoTools {
		return
	}
	e.w.Key("tool_choice")
	e.w.BeginObject()
	e.w.Key("type")
	e.w.Text(kind)
	if kind == "tool" {
		e.w.Key("name")
		e.w.Text(e.toolName(p.name))
	}
	if p.serial {
		e.w.Raw(`"disable_parallel_tool_use":true`)
	}
	e.w.EndObject()
}
