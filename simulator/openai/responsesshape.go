package openai

import (
	"fmt"
	"maps"
	"slices"
)

// The members of POST /v1/responses and of its items, as types/responses/response_create_params.py and
// response_input_item_param.py of the openai Python library 3.54.0 have them. Of the items that only OpenAI's own tools
// make, the insides are not looked at.

var (
	inputText  = shape([]string{"text"}, members{"type": str, "text": str, "prompt_cache_breakpoint": cacheBreakpoint})
	inputImage = shape(nil, members{
		"type": str, "image_url": orNullable(responsesImage), "file_id": orNullable(str), "detail": orNullable(oneOf("auto", "low", "high", "original")),
		"prompt_cache_breakpoint": cacheBreakpoint,
	})
	inputFile = shape(nil, members{
		"type": str, "file_data": fileData, "file_id": orNullable(str), "file_url": str, "filename": str, "detail": str,
		"prompt_cache_breakpoint": cacheBreakpoint,
	})
	inputParts  = map[string]rule{"input_text": inputText, "input_image": inputImage, "input_file": inputFile}
	outputParts = map[string]rule{
		"output_text": shape([]string{"text"}, members{
			"type": str, "text": str, "annotations": list(0, unbounded, jsonObject), "logprobs": orNullable(list(0, unbounded, jsonObject)),
		}),
		"refusal": shape([]string{"refusal"}, members{"type": str, "refusal": str}),
	}
	toolOutput  = textOr("array of objects", list(0, unbounded, tagged(inputParts)))
	summaryText = shape([]string{"text"}, members{"type": oneOf("summary_text"), "text": str})
	thoughtText = shape([]string{"text"}, members{"type": oneOf("reasoning_text"), "text": str})
)

// responsesImage also takes Bedrock's s3 URLs; a Copy looks at the scheme again.
func responsesImage(at string, v any) *failure {
	if s, ok := v.(string); ok && len(s) > 5 && s[:5] == "s3://" {
		return nil
	}
	return imageURL(at, v)
}

// items are the input items by their type.
var items = map[string]rule{
	"message": inputMessage,
	"function_call": shape([]string{"call_id", "name", "arguments"}, members{
		"type": str, "id": orNullable(itemID("fc")), "call_id": callID, "name": identifier, "arguments": str, "status": orNullable(itemStatus),
		"namespace": orNullable(str),
	}),
	"function_call_output": shape([]string{"call_id", "output"}, members{
		"type": str, "id": orNullable(str), "call_id": callID, "output": toolOutput, "status": orNullable(itemStatus),
	}),
	"custom_tool_call": shape([]string{"call_id", "name", "input"}, members{
		"type": str, "id": orNullable(itemID("ctc")), "call_id": callID, "name": identifier, "input": str, "status": orNullable(itemStatus),
		"namespace": orNullable(str),
	}),
	"custom_tool_call_output": shape([]string{"call_id", "output"}, members{
		"type": str, "id": orNullable(str), "call_id": callID, "output": toolOutput, "status": orNullable(itemStatus),
	}),
	"reasoning": shape([]string{"summary"}, members{
		"type": str, "id": itemID("rs"), "summary": list(0, unbounded, summaryText), "content": orNullable(list(0, unbounded, thoughtText)),
		"encrypted_content": orNullable(sealed), "status": orNullable(itemStatus),
	}),
	"item_reference":       shape([]string{"id"}, members{"type": orNullable(str), "id": str}),
	"configuration_update": jsonObject, "compaction_trigger": shape(nil, members{"type": str}),
	"compaction":       shape([]string{"encrypted_content"}, members{"type": str, "id": orNullable(str), "encrypted_content": sealed}),
	"local_shell_call": jsonObject, "local_shell_call_output": jsonObject, "shell_call": jsonObject, "shell_call_output": jsonObject,
	"apply_patch_call": jsonObject, "apply_patch_call_output": jsonObject, "web_search_call": jsonObject, "file_search_call": jsonObject,
	"computer_call": jsonObject, "computer_call_output": jsonObject, "code_interpreter_call": jsonObject, "image_generation_call": jsonObject,
	"mcp_call": jsonObject, "mcp_list_tools": jsonObject, "mcp_approval_request": jsonObject, "mcp_approval_response": jsonObject,
	"tool_search_call": jsonObject, "tool_search_output": jsonObject, "program": jsonObject, "program_output": jsonObject,
}

var itemStatus = oneOf("in_progress", "completed", "incomplete")

var callID = upTo(64)

// itemID is the id of an item of the API's own making, which begins with its kind.
func itemID(prefix string) rule {
	return func(at string, v any) *failure {
		s, ok := v.(string)
		if !ok {
			return wrongType(at, "a string", v)
		}
		if len(s) < len(prefix) || s[:len(prefix)] != prefix {
			return invalid(at, "invalid_value", fmt.Sprintf("Invalid '%s': '%s'. Expected an ID that begins with '%s'.", at, s, prefix))
		}
		return upTo(64)(at, v)
	}
}

// inputMessage is a message item. An assistant's words are output parts, everybody else's input parts.
func inputMessage(at string, v any) *failure {
	o, ok := v.(map[string]any)
	if !ok {
		return wrongType(at, "an object", v)
	}
	parts := inputParts
	if o["role"] == "assistant" {
		parts = outputParts
	}
	return shape([]string{"role", "content"}, members{
		"type": str, "role": oneOf("user", "assistant", "system", "developer"), "id": orNullable(itemID("msg")), "status": orNullable(itemStatus),
		"content": textOr("array of objects", list(0, unbounded, tagged(parts))), "phase": orNullable(oneOf("commentary", "final_answer")),
	})(at, v)
}

// inputItem is one item of the input; without a type it is a message, or a reference where it has nothing but an id.
func inputItem(at string, v any) *failure {
	o, ok := v.(map[string]any)
	if !ok {
		return wrongType(at, "an object", v)
	}
	kind, ok := o["type"].(string)
	switch {
	case o["type"] == nil && o["role"] == nil && o["id"] != nil:
		kind = "item_reference"
	case o["type"] == nil:
		kind = "message"
	case !ok:
		return wrongType(join(at, "type"), "a string", o["type"])
	}
	if o[passthrough] != nil {
		o = maps.Clone(o)
		delete(o, passthrough)
	}
	if items[kind] == nil {
		return invalid(join(at, "type"), "invalid_value", fmt.Sprintf("Invalid value: '%s'. Supported values are: %s.", kind, quoted(kindsOf(items), "and")))
	}
	return items[kind](at, o)
}

// passthrough is what Codex adds to the items that it sends to a provider named OpenAI.
const passthrough = "internal_chat_message_metadata_passthrough"

func kindsOf(rules map[string]rule) []string {
	return slices.Sorted(maps.Keys(rules))
}

// tools are flat: no object "function" within. Those that OpenAI runs are looked at no closer.
var responsesTool rule

func init() { // the rule of a namespace holds that of its tools
	function := shape([]string{"name"}, members{
		"type": str, "name": identifier, "description": orNullable(str), "parameters": orNullable(jsonObject), "strict": orNullable(boolean),
		"defer_loading": boolean, "allowed_callers": orNullable(list(0, 10, str)), "async": boolean, "output_schema": orNullable(jsonObject),
	})
	custom := shape([]string{"name"}, members{
		"type": str, "name": identifier, "description": str, "defer_loading": boolean, "allowed_callers": orNullable(list(0, 10, str)),
		"format": tagged(map[string]rule{
			"text":    shape(nil, members{"type": str}),
			"grammar": shape([]string{"definition", "syntax"}, members{"type": str, "definition": str, "syntax": oneOf("lark", "regex")}),
		}),
	})
	kinds := map[string]rule{
		"function": function, "custom": custom,
		"namespace": shape([]string{"name", "tools"}, members{
			"type": str, "name": identifier, "description": str, "tools": list(1, 128, tagged(map[string]rule{"function": function, "custom": custom})),
		}),
	}
	for _, kind := range []string{
		"apply_patch", "code_interpreter", "computer", "computer_use_preview", "file_search", "image_generation", "local_shell", "mcp",
		"programmatic_tool_calling", "shell", "tool_search", "web_search", "web_search_preview",
	} {
		kinds[kind] = jsonObject
	}
	responsesTool = tagged(kinds)
	items["additional_tools"] = shape([]string{"tools"}, members{"type": str, "id": str, "role": str, "tools": list(0, 128, responsesTool)})
	responsesMembers["tools"] = orNullable(list(0, 128, responsesTool))
}

var responsesFormat = tagged(map[string]rule{
	"text":        shape(nil, members{"type": str}),
	"json_object": shape(nil, members{"type": str}),
	"json_schema": shape([]string{"name", "schema"}, members{
		"type": str, "name": identifier, "description": str, "schema": jsonObject, "strict": orNullable(boolean),
	}),
})

var responsesChoice = choice(func(at string, v any) *failure {
	o, _ := v.(map[string]any)
	if o["type"] == "function" || o["type"] == "custom" {
		return shape([]string{"name"}, members{"type": str, "name": identifier, "namespace": str})(at, v)
	}
	return jsonObject(at, v)
}, "none", "auto", "required")

var responsesMembers = members{
	"model": str, "input": orNullable(textOr("array", list(0, unbounded, inputItem))),
	"access_programs": jsonObject, "background": orNullable(boolean), "background_options": jsonObject,
	"client_metadata":    jsonObject, // Codex sends it, and the API takes it
	"context_management": orNullable(list(0, unbounded, jsonObject)), "conversation": anything, "image": jsonObject,
	"include": orNullable(list(0, unbounded, includable)), "instructions": orNullable(str),
	"max_output_tokens": orNullable(integer(16, unbounded)), "max_tool_calls": orNullable(integer(1, unbounded)),
	"metadata": orNullable(metadata), "moderation": orNullable(moderation), "parallel_tool_calls": orNullable(boolean),
	"previous_response_id": orNullable(str), "prompt": orNullable(jsonObject), "prompt_cache_key": orNullable(str),
	"prompt_cache_options": orNullable(jsonObject), "prompt_cache_retention": orNullable(oneOf("in_memory", "24h")),
	"reasoning": orNullable(shape(nil, members{
		"effort": orNullable(effort), "summary": orNullable(oneOf("auto", "concise", "detailed")), "generate_summary": orNullable(oneOf("auto", "concise", "detailed")),
		"context": orNullable(oneOf("auto", "current_turn", "all_turns")), "mode": orNullable(oneOf("standard", "pro")),
	})),
	"safety_identifier": orNullable(upTo(64)), "service_tier": orNullable(oneOf("auto", "default", "flex", "scale", "priority", "fast", "ultrafast")),
	"store": orNullable(boolean), "stream": orNullable(boolean),
	"stream_options": orNullable(shape(nil, members{"include_obfuscation": boolean})),
	"temperature":    orNullable(decimal(0, 2)),
	"text":           orNullable(shape(nil, members{"format": responsesFormat, "verbosity": orNullable(oneOf("low", "medium", "high"))})),
	"tool_choice":    responsesChoice, "top_logprobs": orNullable(integer(0, 20)), "top_p": orNullable(decimal(0, 1)),
	"truncation": orNullable(oneOf("auto", "disabled")), "user": orNullable(str),
}

var includable = oneOf(
	"file_search_call.results", "web_search_call.results", "web_search_call.action.sources", "message.input_image.image_url",
	"computer_call_output.output.image_url", "code_interpreter_call.outputs", "reasoning.encrypted_content", "message.output_text.logprobs",
)

// responsesBody is POST /v1/responses.
var responsesBody = shape(nil, responsesMembers)
