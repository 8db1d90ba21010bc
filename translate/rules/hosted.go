package rules

import (
	"slices"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// hostedTools are the tools that Anthropic defines and the client runs, with the name that the model calls each by, and the
// beta that brings it: "" for one that needs none. Sources: the types beta_tool_* and beta_memory_tool_* of Anthropic's
// Python client 2.14.0, and the betas that @ai-sdk/anthropic 3.0.140 sends for each.
var hostedTools = [...]struct{ kind, name, beta string }{
	{"computer_20241022", "computer", "computer-use-2024-10-22"},
	{"computer_20250124", "computer", "computer-use-2025-01-24"},
	{"computer_20251124", "computer", "computer-use-2025-11-24"},
	{"bash_20241022", "bash", "computer-use-2024-10-22"},
	{"bash_20250124", "bash", "computer-use-2025-01-24"},
	{"text_editor_20241022", "str_replace_editor", "computer-use-2024-10-22"},
	{"text_editor_20250124", "str_replace_editor", "computer-use-2025-01-24"},
	{"text_editor_20250429", "str_replace_based_edit_tool", "computer-use-2025-01-24"},
	{"text_editor_20250728", "str_replace_based_edit_tool", ""},
	{"memory_20250818", "memory", "context-management-2025-06-27"},
	// Later versions, for as long as the names stay.
	{"computer_", "computer", ""},
	{"bash_", "bash", ""},
	{"text_editor_", "str_replace_based_edit_tool", ""},
	{"memory_", "memory", ""},
}

// HostedTool returns the name by which the model calls Anthropic's own tool of the given type; false if it is none of them.
func HostedTool(kind string) (name string, ok bool) {
	if i := hostedTool(kind); i >= 0 {
		return hostedTools[i].name, true
	}
	return "", false
}

func hostedTool(kind string) int {
	for i := range hostedTools {
		if known := hostedTools[i].kind; kind == known || strings.HasSuffix(known, "_") && strings.HasPrefix(kind, known) && dated(kind[len(known):]) {
			return i
		}
	}
	return -1
}

// dated reports whether s is a date such as 20250124.
func dated(s string) bool { return len(s) == len("20250124") && strings.Trim(s, "0123456789") == "" }

// Betas returns the request's betas and, for clients whose dialect has no word for them, those that bring the tools of
// Anthropic's that are sent, where the model takes them.
func Betas(r *chat.Request, x *chat.Exchange, sends func(*chat.Tool) bool) []string {
	betas := r.Betas
	if r.Dialect == claude {
		return betas
	}
	for i := range r.Tools {
		if t := &r.Tools[i]; t.Raw == nil || t.Dialect != claude || !sends(t) {
			continue
		} else if at := hostedTool(t.RawType()); at >= 0 {
			if beta := hostedTools[at].beta; beta != "" && x.Facts.Beta(beta) && !slices.Contains(betas, beta) {
				betas = append(slices.Clip(betas), beta)
			}
		}
	}
	return betas
}
