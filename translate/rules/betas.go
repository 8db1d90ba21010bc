package rules

import "slices"

// betaMembers are the members of a Claude body that a beta of Anthropic's brings: without it, they are an error ("Extra
// inputs are not permitted"). Members of tools begin with "tools.". The names are those of the beta headers' page,
// https://platform.claude.com/docs/en/api/beta-headers, and of the features' own pages, November 2026; Bedrock knows tool
// search and examples under names of its own (tool-search-tool-2025-10-19, tool-examples-2025-10-29), see the model facts.
var betaMembers = map[string][]string{
	"context_management":          {"context-management-2025-06-27", "compact-2026-01-12"},
	"container":                   {"code-execution-2025-05-22", "code-execution-2025-08-25", "skills-2025-10-02"},
	"mcp_servers":                 {"mcp-client-2025-04-04", "mcp-client-2025-11-20"},
	"output_config.task_budget":   {"task-budgets-2026-03-13"},
	"output_config.effort":        {"effort-2025-11-24"},
	"tools.defer_loading":         {"tool-search-tool-2025-10-19", "advanced-tool-use-2025-11-20", "mcp-client-2025-11-20"},
	"tools.input_examples":        {"tool-examples-2025-10-29", "advanced-tool-use-2025-11-20"},
	"tools.allowed_callers":       {"advanced-tool-use-2025-11-20"},
	"tools.eager_input_streaming": {"fine-grained-tool-streaming-2025-05-14"},
}

// CameWith reports whether the member came with betas of which the target takes none: asked are those of the client, kept
// those that are sent on.
func CameWith(member string, asked, kept []string) bool {
	for _, b := range betaMembers[member] {
		if slices.Contains(asked, b) {
			return !Brought(member, kept)
		}
	}
	return false
}

// Brought reports whether one of the betas that are sent on brings the member.
func Brought(member string, kept []string) bool {
	return slices.ContainsFunc(betaMembers[member], func(b string) bool { return slices.Contains(kept, b) })
}
