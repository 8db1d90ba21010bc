package converse

import (
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
)

// idRule is the rule for toolUseId: the service's own, and Mistral's models want exactly so many alphanumerics.
func idRule(f *model.Facts) rules.IDs {
	if f.ToolIDLength > 0 {
		return rules.IDs{Length: f.ToolIDLength}
	}
	return rules.IDs{Also: "_-.:"}
}

// toolPlan is what is made of the client's tools and its choice among them.
type toolPlan struct {
	none    bool   // no tool of the client's is sent
	only    string // the only one sent; "" for all
	sent    int    // how many of the client's are
	choice  rules.Choice
	serial  bool // no parallel calls
	foreign bool // tools of Claude's own kinds are sent as additional fields
	system  bool // tools that Bedrock runs are sent
}

// ownChoice reports whether the choice is sent as Claude's own, in the additional fields.
func (p *toolPlan) ownChoice() bool {
	return p.serial || p.foreign && (p.choice.Kind == chat.ToolsAny || p.choice.Kind == chat.ToolsNamed)
}

// claude is the name of the dialect of such tools.
const claude = "claude"

// planTools decides which tools are sent and how free the model is to call them.
func (e *encoder) planTools() {
	p := &e.tools
	if e.f.NoTools {
		e.fail(rules.NoTools(e.r, e.x))
		p.none = true
		return
	}
	e.fail(rules.CheckChoice(e.r))
	switch choice := e.r.ToolChoice; choice.Kind {
	case chat.ToolsNone:
		// Converse has no such choice. The history may need the specs; without it, no tools means no calls.
		p.none = !e.history
	case chat.ToolsNamed:
		p.choice = rules.Choice{Kind: chat.ToolsNamed, Name: choice.Name}
		if e.f.NoNamedTool {
			p.choice.Kind, p.only = chat.ToolsAny, choice.Name
		}
	case chat.ToolsAny:
		p.choice.Kind = chat.ToolsAny
	case chat.ToolsUnset, chat.ToolsAuto:
	}
	for i := range e.r.Tools {
		t := &e.r.Tools[i]
		switch {
		case e.sends(t):
			p.sent++
			p.system = p.system || t.Raw != nil
		case e.foreign(t):
			p.foreign = true
		case t.Raw != nil && t.Dialect != Name && !(t.Dialect == claude && e.f.Family == model.Claude) && e.systemTool(t) == "":
			e.drop(rules.LostTool(t))
		}
	}
	if e.searches() {
		p.sent++
		p.system = true
	}
	callable := p.sent > 0 || p.foreign
	if e.x.OutputTool != "" {
		p.choice.ForceOutput(e.x, callable && e.r.ToolChoice.Kind != chat.ToolsNone)
	} else if !callable {
		p.choice.Kind = chat.ToolsUnset
	}
	// No call can be forced beside a system tool (https://github.com/langchain-ai/langchain-aws/issues/956).
	e.fail(p.choice.Loosen(e.x, e.thinking.On || p.system, &e.format))
	if parallel := e.r.ParallelToolCalls; parallel != nil && !*parallel && (callable || e.x.OutputTool != "") {
		if p.serial = e.f.Family == model.Claude && !e.f.NoSerial; !p.serial {
			e.drop("parallel_tool_calls")
		}
	}
}

// sends reports whether the spec of the client's tool goes to the model.
func (e *encoder) sends(t *chat.Tool) bool {
	p := &e.tools
	if p.none || t.Raw != nil && t.Dialect != Name && e.systemTool(t) == "" {
		return false
	}
	if p.only != "" && t.Name != p.only {
		return false
	}
	return rules.Allowed(e.r, t)
}

// foreign reports whether the tool goes to the model as one of Claude's own. There is no choice of none beside them: without
// them there are no calls.
func (e *encoder) foreign(t *chat.Tool) bool {
	return t.Raw != nil && t.Dialect == claude && e.f.Family == model.Claude && e.r.ToolChoice.Kind != chat.ToolsNone && rules.Allowed(e.r, t)
}

// toolConfig writes the specs and the choice.
func (e *encoder) toolConfig() {
	p := &e.tools
	if p.sent == 0 && e.x.OutputTool == "" && !e.history {
		return
	}
	e.w.Key("toolConfig")
	e.w.BeginObject()
	e.w.Key("tools")
	e.w.BeginArray()
	for i := range e.r.Tools {
		t := &e.r.Tools[i]
		if !e.sends(t) {
			continue
		}
		if name := e.systemTool(t); name != "" {
			e.systemSpec(name)
			continue
		}
		if t.Raw != nil {
			e.w.Value(t.Raw)
			continue
		}
		strict := t.Strict != nil && *t.Strict
		if strict && !e.f.NativeSchema {
			e.drop("tools.strict")
			strict = false
		}
		e.spec(e.names.Tool(t.Name), t.Description, t.Schema, strict)
		if e.f.NoToolCache && t.Cache != chat.NoCache {
			e.drop("cache_control")
		} else {
			e.cachePoint(t.Cache)
		}
	}
	e.searchTool()
	if p.sent == 0 {
		e.specsOfHistory()
	}
	if e.x.OutputTool != "" {
		t := rules.OutputTool(e.r, e.x)
		e.spec(e.names.Tool(t.Name), t.Description, t.Schema, false)
	}
	e.w.EndArray()
	e.toolChoice()
	e.w.EndObject()
}

// toolChoice writes the choice, unless it is the default: some models refuse the member.
func (e *encoder) toolChoice() {
	if e.tools.ownChoice() {
		return
	}
	switch e.tools.choice.Kind {
	case chat.ToolsAny:
		e.w.Key("toolChoice")
		e.w.Raw(`{"any":{}}`)
	case chat.ToolsNamed:
		e.w.Raw(`"toolChoice":{"tool":{"name":`)
		e.w.Text(e.names.Tool(e.tools.choice.Name))
		e.w.EndObject()
		e.w.EndObject()
	case chat.ToolsUnset, chat.ToolsAuto, chat.ToolsNone:
	}
}

func (e *encoder) spec(name string, description chat.String, schema chat.Value, strict bool) {
	e.w.Raw(`{"toolSpec":{"name":`)
	e.w.Text(name)
	e.w.Key("description")
	if description.Blank() {
		e.w.Text(name)
	} else {
		e.w.String(description)
	}
	e.w.Raw(`"inputSchema":{"json":`)
	input, err := rules.ToolSchema(schema, e.f)
	e.fail(err)
	e.w.Value(input)
	e.w.EndObject()
	if strict {
		e.w.Raw(`"strict":true`)
	}
	e.w.EndObject()
	e.w.EndObject()
}

// isForeign reports whether the tool is sent as one of Claude's own.
func (e *encoder) isForeign(name string) bool {
	return slices.ContainsFunc(e.r.Tools, func(t chat.Tool) bool { return t.Raw != nil && t.Name == name })
}

// specsOfHistory writes a spec for every tool that the history calls, since Bedrock refuses tool blocks without a
// toolConfig. Claude's own tools have their place elsewhere; one spec there must be all the same.
func (e *encoder) specsOfHistory() {
	written := false
	for _, name := range rules.Called(e.r) {
		if !e.isForeign(name) {
			written = true
			e.spec(e.names.Tool(name), nil, nil, false)
		}
	}
	if !written && e.history && e.x.OutputTool == "" {
		e.spec("no_tool", quote("Does nothing. Never call it."), nil, false)
	}
}
