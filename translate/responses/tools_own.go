package responses

import "github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"

// ownTool is a tool that OpenAI's models know and the client runs: for any other model it is a function whose input mirrors
// the item.
type ownTool struct {
	kind   string // its type among the tools
	name   string // of the function
	call   string // the type of its call
	member string // the call's member that is the function's input
	about  chat.String
	schema chat.Value
}

// ownTools are the tools of the kinds that the client runs. Their members are those of openai-python's types:
// response_apply_patch_tool_call.py, response_function_shell_tool_call.py and response_output_item.py (LocalShellCall). How a
// diff is written: https://platform.openai.com/docs/guides/tools-apply-patch.
var ownTools = [...]ownTool{
	chat.CustomTool: {
		call: "custom_tool_call", member: "input",
		schema: chat.Value(`{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}`),
	},
	chat.ApplyPatchTool: {
		kind: "apply_patch", name: "apply_patch", call: "apply_patch_call", member: "operation",
		about: chat.String(`"Creates, changes or deletes one file. diff is in the V4A format and has no file header: to create a file, every line begins with '+'; to update one, hunks begin with '@@' (optionally with the line that the hunk stands in), and their lines with ' ' for context, '-' for what goes and '+' for what comes."`),
		schema: chat.Value(`{"type":"object","properties":{"operation":{"type":"object","properties":{` +
			`"type":{"type":"string","enum":["create_file","update_file","delete_file"]},` +
			`"path":{"type":"string","description":"The file's path, relative to the working directory."},` +
			`"diff":{"type":"string","description":"The V4A diff; needed unless the file is deleted."}},` +
			`"required":["type","path"]}},"required":["operation"]}`),
	},
	chat.ShellTool: {
		kind: "shell", name: "shell", call: "shell_call", member: "action",
		about: chat.String(`"Runs shell commands and returns their output and exit codes."`),
		schema: chat.Value(`{"type":"object","properties":{"action":{"type":"object","properties":{` +
			`"commands":{"type":"array","items":{"type":"string"},"description":"Commands, each run by a shell of its own."},` +
			`"timeout_ms":{"type":"integer"},"max_output_length":{"type":"integer"}},"required":["commands"]}},"required":["action"]}`),
	},
	chat.LocalShellTool: {
		kind: "local_shell", name: "local_shell", call: "local_shell_call", member: "action",
		about: chat.String(`"Runs a program and returns its output."`),
		schema: chat.Value(`{"type":"object","properties":{"action":{"type":"object","properties":{` +
			`"command":{"type":"array","items":{"type":"string"},"description":"The program and its arguments."},` +
			`"working_directory":{"type":"string"},"timeout_ms":{"type":"integer"},"env":{"type":"object"}},` +
			`"required":["command"]}},"required":["action"]}`),
	},
	chat.ToolSearchTool: {
		kind: "tool_search", name: "tool_search", call: "tool_search_call", member: "arguments",
		about: chat.String(`"Searches for further tools, which can be called afterwards."`),
		schema: chat.Value(`{"type":"object","properties":{"query":{"type":"string","description":"What the tool shall do."}},` +
			`"required":["query"]}`),
	},
}

// ownToolKind returns the kind of a tool that the client runs, by its type among the tools.
func ownToolKind(kind string) (chat.ToolKind, bool) {
	for k := chat.ApplyPatchTool; k <= chat.ToolSearchTool; k++ {
		if ownTools[k].kind == kind {
			return k, true
		}
	}
	return 0, false
}
