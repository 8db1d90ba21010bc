package claude

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
)

// toolPlan says how the client's tools and its choice among them are sent.
type toolPlan struct {
	sent   int // how many of the client's are
	choice rules.Choice
	serial bool // no parallel calls
}

// planTools decides which tools are sent and how free the model is to call them.
func (e *encoder) planTools() {
	p := &e.tools
	if e.f.NoTools {
		e.fail(rules.NoTools(e.r, e.x))
		return
	}
	for i := range e.r.Tools {
		t := &e.r.Tools[i]
		switch {
		case t.Raw != nil && t.Dialect != Name:
			e.drop(rules.LostTool(t))
		case e.sends(t):
			p.sent++
		}
	}
	e.fail(rules.CheckChoice(e.r))
	p.choice = rules.Choice{Kind: e.r.ToolChoice.Kind, Name: e.r.ToolChoice.Name}
	if e.x.OutputTool != "" {
		p.choice.ForceOutput(e.x, p.sent > 0 && p.choice.Kind != chat.ToolsNone)
	} else if p.sent == 0 && (p.choice.Kind != chat.ToolsNone || !e.history) {
		p.choice.Kind = chat.ToolsUnset
	}
	e.fail(p.choice.Loosen(e.x, e.thinking.On, &e.format))
	parallel := e.r.ParallelToolCalls
	p.serial = parallel != nil && !*parallel && p.choice.Kind != chat.ToolsNone && (p.sent > 0 || e.x.OutputTool != "")
	if p.serial && e.f.NoSerial {
		e.drop(e.word("tool_choice.disable_parallel_tool_use", "parallel_tool_calls"))
		p.serial = false
	}
}

// sends reports whether the client's tool goes to the model.
func (e *encoder) sends(t *chat.Tool) bool {
	if e.f.NoTools || t.Raw != nil && t.Dialect != Name {
		return false
	}
	return rules.Allowed(e.r, t)
}

// toolList writes the tools. Claude refuses a history with tool blocks if no tool is declared; then those that the history
// calls are declared.
func (e *encoder) toolList() {
	if e.tools.sent == 0 && e.x.OutputTool == "" && !e.history || e.f.NoTools {
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
		for _, name := range rules.Called(e.r) {
			e.tool(&chat.Tool{Name: name})
		}
	}
	if e.x.OutputTool != "" {
		t := rules.OutputTool(e.r, e.x)
		e.tool(&t)
	}
	e.w.EndArray()
}

func (e *encoder) tool(t *chat.Tool) {
	name := e.names.Tool(t.Name)
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

// toolChoice writes the choice, unless it is the default.
func (e *encoder) toolChoice() {
	p := &e.tools
	kind := ""
	switch p.choice.Kind {
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
		e.w.Text(e.names.Tool(p.choice.Name))
	}
	if p.serial {
		e.w.Raw(`"disable_parallel_tool_use":true`)
	}
	e.w.EndObject()
}
