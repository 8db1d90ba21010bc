package rules

import (
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

// Choice is how free the model is to call tools.
type Choice struct {
	Kind chat.ToolChoiceKind
	Name string // with ToolsNamed
}

// NoTools is what becomes of the tools for a model that takes none: they are dropped, and a history of their calls is an
// error.
func NoTools(r *chat.Request, x *chat.Exchange) error {
	if len(r.Tools) > 0 {
		if err := x.Drop("tools"); err != nil {
			return err
		}
	}
	if r.HoldsTooling() {
		return elsewhere("messages", "the conversation holds tool calls, and the model '%s' takes no tools", x.Model)
	}
	return nil
}

// LostTool is the name by which a tool that the target does not run is listed.
func LostTool(t *chat.Tool) string {
	if t.Dialect == responses {
		return "tools." + chat.Clip(t.Name)
	}
	return "tools"
}

// CheckChoice is an error if the client's choice names a tool that it does not have.
func CheckChoice(r *chat.Request) error {
	c := &r.ToolChoice
	if c.Kind != chat.ToolsNamed || slices.ContainsFunc(r.Tools, func(t chat.Tool) bool { return t.Name == c.Name }) {
		return nil
	}
	return chat.Invalid("tool_choice", "tool_choice names the tool '%s', which is not among the tools", chat.Clip(c.Name))
}

// Allowed reports whether the client's choice lets the tool be called.
func Allowed(r *chat.Request, t *chat.Tool) bool {
	return r.ToolChoice.Allowed == nil || slices.Contains(r.ToolChoice.Allowed, t.Name)
}

// Called returns the names of the tools that the conversation calls, each once.
func Called(r *chat.Request) (names []string) {
	r.EachTooling(func(b *chat.Block) {
		if b.Kind == chat.ToolUse && !slices.Contains(names, b.Tool.Name) {
			names = append(names, b.Tool.Name)
		}
	})
	return names
}

// ForceOutput requires the model to call the tool that stands for the format, or one of the client's own if own of them may be
// called: a real call wins.
func (c *Choice) ForceOutput(x *chat.Exchange, own bool) {
	if own || x.Facts.NoNamedTool {
		c.Kind = chat.ToolsAny
		return
	}
	c.Kind, c.Name = chat.ToolsNamed, x.OutputTool
}

// Loosen leaves the choice to a model that takes no forced one, or none while it reasons. The tool that stands for a
// format is then asked for in words.
func (c *Choice) Loosen(x *chat.Exchange, thinking bool, f *Format) error {
	if c.taken(&x.Facts, thinking) {
		return nil
	}
	c.Kind = chat.ToolsAuto
	if x.OutputTool != "" {
		f.Instruct("Give the final answer by calling the tool " + x.OutputTool + " once, and not as text.")
		return nil
	}
	return x.Drop("tool_choice")
}

func (c *Choice) taken(f *model.Facts, thinking bool) bool {
	switch c.Kind {
	case chat.ToolsNamed:
		return !f.NoForcedTools && !f.NoNamedTool && !thinking
	case chat.ToolsAny:
		return !f.NoForcedTools && !thinking
	case chat.ToolsUnset, chat.ToolsAuto, chat.ToolsNone:
	}
	return true
}
