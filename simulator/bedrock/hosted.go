package bedrock

import (
	"fmt"
	"maps"
	"slices"
)

// The tools that Anthropic defines, in a Claude body and in Converse's additionalModelRequestFields. Shapes are those of
// Anthropic's Python client 2.14.0 (beta_tool_*_param, beta_memory_tool_20250818_param), betas those of its pages on each
// tool, https://platform.claude.com/docs/en/agents-and-tools/tool-use/computer-use-tool and its neighbours.

// hostedTool is what one of them must look like.
type hostedTool struct {
	name  string
	beta  string // without it the type is unknown; "" for none
	shape *shape
}

var hostedTools = func() map[string]hostedTool {
	common := members{
		"type": anyText, "name": anyText, "cache_control": cacheControl, "allowed_callers": document, "defer_loading": flag,
		"input_examples": document, "strict": flag,
	}
	with := func(more members, required ...string) *shape {
		m := members{}
		maps.Copy(m, common)
		maps.Copy(m, more)
		return object(m, append([]string{"name"}, required...)...)
	}
	number := &shape{kind: nullable, item: whole}
	screen := members{"display_width_px": whole, "display_height_px": whole, "display_number": number}
	zooming := members{"display_width_px": whole, "display_height_px": whole, "display_number": number, "enable_zoom": flag}
	size := []string{"display_height_px", "display_width_px"}
	const edit = "str_replace_based_edit_tool"
	return map[string]hostedTool{
		"computer_20241022":    {"computer", "computer-use-2024-10-22", with(screen, size...)},
		"computer_20250124":    {"computer", "computer-use-2025-01-24", with(screen, size...)},
		"computer_20251124":    {"computer", "computer-use-2025-11-24", with(zooming, size...)},
		"bash_20241022":        {"bash", "computer-use-2024-10-22", with(nil)},
		"bash_20250124":        {"bash", "", with(nil)},
		"text_editor_20241022": {"str_replace_editor", "computer-use-2024-10-22", with(nil)},
		"text_editor_20250124": {"str_replace_editor", "", with(nil)},
		"text_editor_20250429": {edit, "", with(nil)},
		"text_editor_20250728": {edit, "", with(members{"max_characters": number})},
		"memory_20250818":      {"memory", "context-management-2025-06-27", with(nil)},
	}
}()

// hostedProblem holds the i-th tool of an own kind of Anthropic's against its shape; empty: nothing is wrong.
func hostedProblem(t map[string]any, kind string, i int, betas []string) string {
	h, known := hostedTools[kind]
	switch {
	case !known && !ownTool.MatchString(kind), known && h.beta != "" && !slices.Contains(betas, h.beta):
		return fmt.Sprintf("tools.%d: Input tag '%s' found using 'type' does not match any of the expected tags", i, kind)
	case !known:
		if name, _ := t["name"].(string); name == "" {
			return fmt.Sprintf("tools.%d.%s.name: Field required", i, kind)
		}
		return ""
	}
	at := fmt.Sprintf("tools.%d.%s", i, kind)
	if p := claudeProblem(h.shape, t, at); p != "" {
		return p
	}
	if t["name"] != h.name {
		return at + ".name: Input should be '" + h.name + "'"
	}
	return ""
}

// claudeToolsProblem holds the tools of a Claude body, or of the additional fields, against their shapes.
func claudeToolsProblem(tools []any, betas []string) string {
	names := map[string]bool{}
	for i, t := range tools {
		m, ok := t.(map[string]any)
		if !ok {
			return fmt.Sprintf("tools.%d: Input should be a valid dictionary", i)
		}
		problem := ""
		if kind, _ := m["type"].(string); kind != "" && kind != "custom" {
			problem = hostedProblem(m, kind, i, betas)
		} else {
			problem = customToolProblem(t, fmt.Sprintf("tools.%d.custom", i))
		}
		if problem != "" {
			return problem
		}
		name, _ := m["name"].(string)
		if names[name] {
			return "tools: Tool names must be unique."
		}
		names[name] = true
	}
	return ""
}

// foreignTools are the tools in the additional fields, which Claude calls like those of toolConfig.
func foreignTools(extra map[string]any) (out []tool) {
	list, _ := extra["tools"].([]any)
	for _, t := range list {
		m, _ := t.(map[string]any)
		name, _ := m["name"].(string)
		out = append(out, tool{name: name, schema: m["input_schema"]})
	}
	return out
}
