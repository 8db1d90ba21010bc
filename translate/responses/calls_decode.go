package responses

import (
	"bytes"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// callKinds are the calls and results of the history by their type.
var callKinds = map[string]chat.ToolKind{
	"function_call": chat.FunctionTool, "function_call_output": chat.FunctionTool,
	"custom_tool_call": chat.CustomTool, "custom_tool_call_output": chat.CustomTool,
	"apply_patch_call": chat.ApplyPatchTool, "apply_patch_call_output": chat.ApplyPatchTool,
	"shell_call": chat.ShellTool, "shell_call_output": chat.ShellTool,
	"local_shell_call": chat.LocalShellTool, "local_shell_call_output": chat.LocalShellTool,
	"tool_search_call": chat.ToolSearchTool, "tool_search_output": chat.ToolSearchTool,
}

// call adds a call of the model's. Its input is an object, whatever the tool's own form is.
func (d *requestDecoder) call(it *inputItem) {
	t := &chat.Tooling{ID: it.callID, Kind: callKinds[it.kind], Name: it.name}
	if t.ID == "" && t.Kind == chat.LocalShellTool {
		t.ID = it.id
	}
	if t.ID == "" {
		d.Missing(1, "call_id")
		return
	}
	switch t.Kind {
	case chat.FunctionTool:
		tok, ok := it.arguments, len(it.arguments) > 0 && it.arguments[0] == '"'
		if !ok {
			d.Missing(1, "arguments")
			return
		}
		if t.Input, ok = chat.Arguments(json.String(tok)); !ok {
			// The model was cut off, and agents send back what it began.
			d.x.Note("the arguments of a call in the history are no JSON object; the model gets them as text")
			t.Input = wrapped("arguments", json.String(tok))
		}
	case chat.CustomTool:
		if it.text == nil {
			d.Missing(1, "input")
			return
		}
		t.Input = wrapped("input", it.text)
	case chat.ApplyPatchTool, chat.ShellTool, chat.LocalShellTool:
		own := &ownTools[t.Kind]
		if len(it.action) == 0 || it.action[0] != '{' {
			d.Missing(1, own.member)
			return
		}
		t.Name = own.name
		t.Input = wrapped(own.member, json.String(it.action))
	case chat.ToolSearchTool:
		t.Name = ownTools[t.Kind].name
		if t.Input = it.arguments; len(t.Input) == 0 || t.Input[0] != '{' {
			t.Input = chat.NoInput
		}
	}
	if t.Name == "" {
		d.Missing(1, "name")
		return
	}
	if it.namespace != "" {
		t.Name = chat.JoinNamespace(it.namespace, t.Name)
	}
	if t.Kind != chat.FunctionTool || it.namespace != "" {
		t.Own = it.raw
	}
	d.called(chat.Block{Kind: chat.ToolUse, Tool: t}, it.id)
}

// result adds what a call gave.
func (d *requestDecoder) result(it *inputItem) {
	t := &chat.Tooling{ID: it.callID, Kind: callKinds[it.kind]}
	if t.ID == "" && t.Kind == chat.LocalShellTool {
		t.ID = it.id
	}
	if t.ID == "" {
		d.Missing(1, "call_id")
		return
	}
	if t.Kind != chat.FunctionTool {
		t.Own = it.raw
	}
	switch t.Kind {
	case chat.ShellTool:
		if it.content == nil && it.text == nil {
			d.Missing(1, "output")
			return
		}
		if it.content != nil { // a list of {stdout, stderr, outcome}: the model reads it as it is
			it.text, it.content = json.Quote(string(json.AppendCompact(nil, it.content))), nil
		}
	case chat.ApplyPatchTool:
		t.IsError = it.status == "failed"
		if it.text.Blank() {
			if it.status == "" {
				d.Missing(1, "status")
				return
			}
			it.text = json.Quote(it.status)
		}
	case chat.FunctionTool, chat.CustomTool, chat.LocalShellTool, chat.ToolSearchTool:
		if it.content == nil && it.text == nil {
			d.Missing(1, "output")
			return
		}
	}
	d.blocksOf(it, outputKey)
	t.Content = d.arena.Keep(&d.scratch, 0)
	if d.R.Err() == nil {
		d.answered(chat.Block{Kind: chat.ToolResult, Tool: t}, it.index)
	}
}

// toolSearch is a search for tools, and what it found: those can be called from then on. One that OpenAI's side ran leaves
// nothing but the tools.
func (d *requestDecoder) toolSearch(it *inputItem) {
	run := it.execution == "client" || it.execution == "" && it.callID != ""
	if it.kind == "tool_search_call" {
		if run {
			d.call(it)
		} else {
			d.foreign(it)
		}
		return
	}
	if it.tools != nil {
		d.Where.At(1, toolsKey)
		d.Within(it.tools, func() { d.tools(1) })
	}
	if !run {
		d.foreign(it)
		return
	}
	if it.text == nil {
		it.text = json.Quote("These tools were found and can be called: " + toolNames(it.tools))
	}
	it.content = nil
	d.Where.Cut(1)
	d.result(it)
}

// toolNames lists the names of tools as they stand in a list.
func toolNames(list json.Value) string {
	var names []byte
	w := json.WalkAt(list, 0)
	for ok := len(list) > 0 && w.Array(); ok && w.Element(); {
		if name := json.String(json.Find(w.Value(), "name")); len(name) > 1 && name[0] == '"' {
			if len(names) > 0 {
				names = append(names, ", "...)
			}
			names = json.AppendUnquoted(names, name)
		}
	}
	return string(bytes.TrimSpace(names))
}
