package converse

import (
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

// Limits of ToolName and ToolUseId, and how long an alias is that stands for an illegal id.
const (
	maxToolName   = 64
	maxToolID     = 64
	toolIDAliases = 32
)

func legalToolName(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; !alphanumeric(c) && c != '_' && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= maxToolName
}

func legalToolID(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; !alphanumeric(c) && c != '_' && c != '-' && c != '.' && c != ':' {
			return false
		}
	}
	return s != "" && len(s) <= maxToolID
}

func alphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// legalToolID tells whether the model takes the id: Mistral's want exactly so many alphanumerics.
func (e *encoder) legalToolID(id string) bool {
	if n := e.f.ToolIDLength; n > 0 {
		return legalShortID(id, n)
	}
	return legalToolID(id)
}

func legalShortID(id string, n int) bool {
	for i := 0; i < len(id); i++ {
		if !alphanumeric(id[i]) {
			return false
		}
	}
	return len(id) == n
}

func (e *encoder) toolID(own string) string {
	if !e.seen.illegalID {
		return own
	}
	if n := e.f.ToolIDLength; n > 0 {
		return e.x.ToolID(own, func(id string) bool { return legalShortID(id, n) }, n)
	}
	return e.x.ToolID(own, legalToolID, toolIDAliases)
}

func (e *encoder) toolName(own string) string {
	if !e.seen.illegalName {
		return own
	}
	return e.x.ToolName(own, legalToolName, maxToolName)
}

// registerNames takes all legal names before any alias is made, or an alias may take one.
func (e *encoder) registerNames() {
	for i := range e.r.Tools {
		if t := &e.r.Tools[i]; t.Raw == nil && legalToolName(t.Name) {
			e.toolName(t.Name)
		}
	}
	e.eachTooling(func(b *chat.Block) {
		if b.Kind == chat.ToolUse && legalToolName(b.Tool.Name) {
			e.toolName(b.Tool.Name)
		}
	})
}

// registerIDs does the same with ids.
func (e *encoder) registerIDs() {
	e.eachTooling(func(b *chat.Block) {
		if e.legalToolID(b.Tool.ID) {
			e.toolID(b.Tool.ID)
		}
	})
}

func (e *encoder) eachTooling(f func(*chat.Block)) {
	for m := range e.r.Messages {
		for i := range e.r.Messages[m].Content {
			if b := &e.r.Messages[m].Content[i]; b.Tool != nil {
				f(b)
			}
		}
	}
}

// toolPlan is what is made of the client's tools and its choice among them.
type toolPlan struct {
	none    bool   // no tool of the client's is sent
	only    string // the only one sent; "" for all
	sent    int    // how many of the client's are
	choice  chat.ToolChoiceKind
	name    string // with choice ToolsNamed
	serial  bool   // no parallel calls: the choice is sent as Claude's own
	foreign bool   // tools of Claude's own kinds are sent as additional fields
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
		p.none = true
		return
	}
	switch choice.Kind {
	case chat.ToolsNone:
		// Converse has no such choice. The history may need the specs; without it, no tools means no calls.
		p.none = !e.seen.toolBlocks
	case chat.ToolsNamed:
		if !slices.ContainsFunc(e.r.Tools, func(t chat.Tool) bool { return t.Name == choice.Name }) {
			e.fail(chat.Invalid("tool_choice", "tool_choice names the tool '%s', which is not among the tools", clip(choice.Name)))
		}
		p.choice, p.name = chat.ToolsNamed, choice.Name
		if e.f.NoNamedTool {
			p.choice, p.only = chat.ToolsAny, choice.Name
		}
	case chat.ToolsAny:
		p.choice = chat.ToolsAny
	case chat.ToolsUnset, chat.ToolsAuto:
	}
	for i := range e.r.Tools {
		t := &e.r.Tools[i]
		switch {
		case t.Raw == nil:
			if e.sends(t) {
				p.sent++
			}
		case t.Dialect == "claude" && e.f.Family == model.Claude:
			p.foreign = p.foreign || !p.none
		case t.Dialect == Name:
			p.sent++
		default:
			e.drop("tools")
		}
	}
	if e.x.OutputTool != "" {
		e.forceOutput()
	} else if p.sent == 0 {
		p.choice = chat.ToolsUnset
	}
	e.loosenChoice()
	if parallel := e.r.ParallelToolCalls; parallel != nil && !*parallel && (p.sent > 0 || e.x.OutputTool != "") {
		if p.serial = e.f.Family == model.Claude; !p.serial {
			e.drop("parallel_tool_calls")
		}
	}
}

// forceOutput makes the model call the tool that stands for the format, or one of the client's own: a real call wins.
func (e *encoder) forceOutput() {
	p := &e.tools
	if p.sent > 0 && e.r.ToolChoice.Kind != chat.ToolsNone {
		p.choice = chat.ToolsAny
		return
	}
	p.choice, p.name = chat.ToolsNamed, e.x.OutputTool
	if e.f.NoNamedTool {
		p.choice = chat.ToolsAny
	}
}

// loosenChoice leaves the choice to a model that takes no forced one, or none while it reasons.
func (e *encoder) loosenChoice() {
	p := &e.tools
	if p.choice != chat.ToolsAny && p.choice != chat.ToolsNamed || !e.f.NoForcedTools && !e.thinking.on {
		return
	}
	p.choice = chat.ToolsAuto
	if e.x.OutputTool != "" {
		e.format.instruct("Give the final answer by calling the tool " + e.x.OutputTool + " once, and not as text.")
		return
	}
	e.drop("tool_choice")
}

// sends tells whether the spec of the client's tool goes to the model.
func (e *encoder) sends(t *chat.Tool) bool {
	p := &e.tools
	if p.none || t.Raw != nil && t.Dialect != Name {
		return false
	}
	if p.only != "" && t.Name != p.only {
		return false
	}
	return e.r.ToolChoice.Allowed == nil || slices.Contains(e.r.ToolChoice.Allowed, t.Name)
}

// toolConfig writes the specs and the choice.
func (e *encoder) toolConfig() {
	p := &e.tools
	if p.sent == 0 && e.x.OutputTool == "" && !e.seen.toolBlocks {
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
		if t.Raw != nil {
			e.w.Value(t.Raw)
			continue
		}
		strict := t.Strict != nil && *t.Strict
		if strict && !e.f.NativeSchema {
			e.drop("tools.strict")
			strict = false
		}
		e.spec(e.toolName(t.Name), t.Description, t.Schema, strict)
		if e.f.NoToolCache && t.Cache != nil {
			e.drop("cache_control")
		} else {
			e.cachePoint(t.Cache)
		}
	}
	if p.sent == 0 {
		e.specsOfHistory()
	}
	if e.x.OutputTool != "" {
		e.outputTool()
	}
	e.w.EndArray()
	e.toolChoice()
	e.w.EndObject()
}

// toolChoice writes the choice, unless it is the default: some models refuse the member.
func (e *encoder) toolChoice() {
	if e.tools.serial {
		return
	}
	switch e.tools.choice {
	case chat.ToolsAny:
		e.w.Key("toolChoice")
		e.w.Raw(`{"any":{}}`)
	case chat.ToolsNamed:
		e.w.Raw(`"toolChoice":{"tool":{"name":`)
		e.w.Text(e.toolName(e.tools.name))
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
	e.toolSchema(schema)
	e.w.EndObject()
	if strict {
		e.w.Raw(`"strict":true`)
	}
	e.w.EndObject()
	e.w.EndObject()
}

// isForeign tells whether the tool is sent as one of Claude's own.
func (e *encoder) isForeign(name string) bool {
	return slices.ContainsFunc(e.r.Tools, func(t chat.Tool) bool { return t.Raw != nil && t.Name == name })
}

// specsOfHistory writes a spec for every tool that the history calls, since Bedrock refuses tool blocks without a
// toolConfig. Claude's own tools have their place elsewhere; one spec there must be all the same.
func (e *encoder) specsOfHistory() {
	var done []string
	e.eachTooling(func(b *chat.Block) {
		if name := b.Tool.Name; b.Kind == chat.ToolUse && !e.isForeign(name) && !slices.Contains(done, name) {
			done = append(done, name)
			e.spec(e.toolName(name), nil, nil, false)
		}
	})
	if len(done) == 0 && e.seen.toolBlocks && e.x.OutputTool == "" {
		e.spec("no_tool", quote("Does nothing. Never call it."), nil, false)
	}
}
