package responses

import (
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// toolTypes are the types of the tools that the client runs.
var toolTypes = map[chat.ToolKind]string{
	chat.CustomTool: "custom", chat.ApplyPatchTool: "apply_patch", chat.ShellTool: "shell", chat.LocalShellTool: "local_shell", chat.ToolSearchTool: "tool_search",
}

// tools writes the tools and what goes with them.
func (e *requestEncoder) tools() {
	w, r := &e.w, e.r
	n := 0
	var spaces []string // namespaces that are written
	for i := range r.Tools {
		t := &r.Tools[i]
		if t.Raw != nil && !e.keepsHosted(t) {
			continue
		}
		if n++; n == 1 {
			w.Key("tools")
			w.BeginArray()
		}
		switch {
		case t.Raw != nil:
			w.Value(t.Raw)
		case e.spaced(t):
			if !slices.Contains(spaces, t.Namespace) {
				spaces = append(spaces, t.Namespace)
				e.namespace(t)
			}
		case e.keepsOwn(t):
			w.Value(t.Own)
		default:
			e.x.Reworded = e.x.Reworded || e.own && t.Kind != chat.FunctionTool
			e.function(t)
		}
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

// keepsHosted reports whether the target runs the client's tool of a provider's own kind; if not, it is dropped.
func (e *requestEncoder) keepsHosted(t *chat.Tool) bool {
	if e.own && t.Dialect == Name && takesTool(e.x, chat.String(json.Find(t.Raw, "type")).Unquote()) {
		return true
	}
	if e.r.ToolChoice.Kind == chat.ToolsNamed && e.r.ToolChoice.Name == t.Name {
		e.fail(forcedTool(e.x, t.Name))
	}
	e.drop("tools." + t.Name)
	return false
}

// forcedTool is the error for a tool that must be called and that the target does not have.
func forcedTool(x *chat.Exchange, name string) *chat.Error {
	err := chat.Invalid("tool_choice", "tool_choice wants the tool '%s', which the model '%s' cannot be given by this API", chat.Clip(name), x.Model)
	err.Fallback = true
	return err
}

// keepsOwn reports whether a tool goes as the client has it.
func (e *requestEncoder) keepsOwn(t *chat.Tool) bool {
	return e.own && t.Own != nil && t.Kind != chat.FunctionTool && takesTool(e.x, toolTypes[t.Kind])
}

// spaced reports whether a tool goes within its namespace.
func (e *requestEncoder) spaced(t *chat.Tool) bool {
	return e.own && t.Namespace != "" && t.Own != nil
}

// namespace writes the namespace of its first tool with all of its tools, as they were within it.
func (e *requestEncoder) namespace(first *chat.Tool) {
	w := &e.w
	w.Raw(`{"type":"namespace","name":`)
	w.Text(first.Namespace)
	if first.NamespaceDescription != nil {
		w.Key("description")
		w.String(first.NamespaceDescription)
	}
	w.Key("tools")
	w.BeginArray()
	for i := range e.r.Tools {
		if t := &e.r.Tools[i]; t.Namespace == first.Namespace && t.Own != nil {
			w.Value(t.Own)
		}
	}
	w.EndArray()
	w.EndObject()
}

// splitName returns a tool's name, and its namespace if it is written within one.
func (e *requestEncoder) splitName(name string) (own, namespace string) {
	for i := range e.r.Tools {
		if t := &e.r.Tools[i]; t.Name == name && e.spaced(t) {
			return name[len(chat.JoinNamespace(t.Namespace, "")):], t.Namespace
		}
	}
	return e.toolName(name), ""
}

// function writes a tool as a function. It is strict where it does not say otherwise, which another API's clients do not
// mean: a strict schema has no optional members.
func (e *requestEncoder) function(t *chat.Tool) {
	w := &e.w
	w.Raw(`{"type":"function","name":`)
	w.Text(e.toolName(t.Name))
	if !t.Description.Empty() {
		w.Key("description")
		w.String(t.Description)
	}
	w.Key("parameters")
	if t.Schema != nil {
		w.Value(rules.ObjectSchema(t.Schema))
	} else {
		w.Raw(`{"type":"object","properties":{}}`)
	}
	switch {
	case t.Strict != nil:
		w.Key("strict")
		w.Bool(*t.Strict)
	case !e.own || t.Kind != chat.FunctionTool:
		w.Raw(`"strict":false`)
	}
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
	w.Raw(`{"type":"allowed_tools","mode":`)
	w.Text(mode)
	w.Key("tools")
	w.BeginArray()
	for _, name := range c.Allowed {
		e.named(name)
	}
	w.EndArray()
	w.EndObject()
}

// named writes the reference to a tool.
func (e *requestEncoder) named(name string) {
	w := &e.w
	kind := "function"
	for i := range e.r.Tools {
		switch t := &e.r.Tools[i]; {
		case t.Name != name:
		case t.Raw != nil:
			w.Raw(`{"type":`)
			w.Value(json.Find(t.Raw, "type"))
			w.EndObject()
			return
		case e.keepsOwn(t) && t.Kind != chat.CustomTool:
			w.Raw(`{"type":`)
			w.Text(toolTypes[t.Kind])
			w.EndObject()
			return
		case e.keepsOwn(t):
			kind = "custom"
		}
	}
	own, namespace := e.splitName(name)
	w.Raw(`{"type":`)
	w.Text(kind)
	w.Key("name")
	w.Text(own)
	if namespace != "" {
		w.Key("namespace")
		w.Text(namespace)
	}
	w.EndObject()
}
