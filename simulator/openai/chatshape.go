package openai

import "math"

// The request bodies' members, as the public API reference has them and the openai Python library 3.54.0 types them
// (types/chat/completion_create_params.py and its neighbours). What is not here is an unrecognized argument: members
// that only a gateway defines must not get this far.

const unbounded = math.MaxInt32

var cacheBreakpoint = shape([]string{"mode"}, members{"mode": oneOf("explicit"), "ttl": oneOf("30m", "12h")})

var (
	textPart = shape([]string{"text"}, members{
		"type": str, "text": str, "prompt_cache_breakpoint": cacheBreakpoint,
	})
	refusalPart = shape([]string{"refusal"}, members{"type": str, "refusal": str})
	imagePart   = shape([]string{"image_url"}, members{
		"type": str, "prompt_cache_breakpoint": cacheBreakpoint,
		"image_url": shape([]string{"url"}, members{
			"url": imageURL, "detail": oneOf("auto", "low", "high", "original"),
		}),
	})
	audioPart = shape([]string{"input_audio"}, members{
		"type": str, "prompt_cache_breakpoint": cacheBreakpoint,
		"input_audio": shape([]string{"data", "format"}, members{"data": base64Data, "format": oneOf("wav", "mp3")}),
	})
	filePart = shape([]string{"file"}, members{
		"type": str, "prompt_cache_breakpoint": cacheBreakpoint,
		"file": shape(nil, members{"file_id": str, "file_data": fileData, "filename": str}),
	})
)

func content(parts map[string]rule) rule {
	return textOr("array of objects", list(1, unbounded, tagged(parts)))
}

var (
	textParts      = map[string]rule{"text": textPart}
	assistantParts = map[string]rule{"text": textPart, "refusal": refusalPart}
	userParts      = map[string]rule{"text": textPart, "image_url": imagePart, "input_audio": audioPart, "file": filePart}
)

var toolCall = tagged(map[string]rule{
	"function": shape([]string{"id", "function"}, members{
		"id": upTo(40), "type": str,
		"function": shape([]string{"name", "arguments"}, members{"name": identifier, "arguments": str}),
	}),
	"custom": shape([]string{"id", "custom"}, members{
		"id": upTo(40), "type": str,
		"custom": shape([]string{"name", "input"}, members{"name": identifier, "input": str}),
	}),
})

// roles are the messages by their role.
var roles = map[string]rule{
	"system":    shape([]string{"content"}, members{"role": str, "name": identifier, "content": content(textParts)}),
	"developer": shape([]string{"content"}, members{"role": str, "name": identifier, "content": content(textParts)}),
	"user":      shape([]string{"content"}, members{"role": str, "name": identifier, "content": content(userParts)}),
	"assistant": shape(nil, members{
		"role": str, "name": identifier, "content": orNullable(content(assistantParts)), "refusal": orNullable(str),
		"audio":         orNullable(shape([]string{"id"}, members{"id": str})),
		"tool_calls":    orNullable(list(1, 128, toolCall)),
		"function_call": orNullable(shape([]string{"name", "arguments"}, members{"name": identifier, "arguments": str})),
		// What a client echoes back of the reply it got.
		"annotations": orNullable(list(0, unbounded, jsonObject)),
	}),
	"tool": shape([]string{"content", "tool_call_id"}, members{
		"role": str, "name": str, "tool_call_id": str, "content": content(textParts),
	}),
	"function": shape([]string{"content", "name"}, members{"role": str, "name": identifier, "content": orNullable(str)}),
}

// message keeps the rule of its role.
func message(at string, v any) *failure {
	o, ok := v.(map[string]any)
	if !ok {
		return wrongType(at, "an object", v)
	}
	param := join(at, "role")
	role, ok := o["role"]
	if !ok {
		return invalid(param, "missing_required_parameter", "Missing required parameter: '"+param+"'.")
	}
	if f := oneOf("system", "assistant", "user", "function", "tool", "developer")(param, role); f != nil {
		return f
	}
	return roles[role.(string)](at, v)
}

var functionTool = shape([]string{"name"}, members{
	"name": identifier, "description": str, "parameters": jsonObject, "strict": orNullable(boolean),
})

var tool = tagged(map[string]rule{
	"function": shape([]string{"function"}, members{"type": str, "function": functionTool}),
	"custom": shape([]string{"custom"}, members{"type": str, "custom": shape([]string{"name"}, members{
		"name": identifier, "description": str,
		"format": tagged(map[string]rule{
			"text": shape(nil, members{"type": str}),
			"grammar": shape([]string{"grammar"}, members{
				"type": str,
				"grammar": shape([]string{"definition", "syntax"}, members{
					"definition": str, "syntax": oneOf("lark", "regex"),
				}),
			}),
		}),
	})}),
})

var onlyName = shape([]string{"name"}, members{"name": identifier})

var namedChoice = tagged(map[string]rule{
	"function": shape([]string{"function"}, members{"type": str, "function": onlyName}),
	"custom":   shape([]string{"custom"}, members{"type": str, "custom": onlyName}),
	"allowed_tools": shape([]string{"allowed_tools"}, members{
		"type": str,
		"allowed_tools": shape([]string{"mode", "tools"}, members{
			"mode": oneOf("auto", "required"), "tools": list(1, unbounded, jsonObject),
		}),
	}),
})

// choice is a string out of a list, or an object of the other rule.
func choice(other rule, values ...string) rule {
	words := oneOf(values...)
	return func(at string, v any) *failure {
		if _, ok := v.(string); ok {
			return words(at, v)
		}
		return other(at, v)
	}
}

var responseFormat = tagged(map[string]rule{
	"text":        shape(nil, members{"type": str}),
	"json_object": shape(nil, members{"type": str}),
	"json_schema": shape([]string{"json_schema"}, members{
		"type": str,
		"json_schema": shape([]string{"name"}, members{
			"name": identifier, "description": str, "schema": jsonObject, "strict": orNullable(boolean),
		}),
	}),
})

var moderation = shape([]string{"model"}, members{"model": str, "policy": orNullable(jsonObject)})

// metadata is at most 16 short strings.
func metadata(at string, v any) *failure {
	o, ok := v.(map[string]any)
	if !ok {
		return wrongType(at, "an object", v)
	}
	if len(o) > 16 {
		return invalid(at, "object_above_max_properties", "Invalid '"+at+
			"': too many properties. Expected an object with at most 16 properties.")
	}
	for _, key := range sortedNames(o) {
		if f := upTo(64)(join(at, key), key); f != nil {
			return f
		}
		if f := upTo(512)(join(at, key), o[key]); f != nil {
			return f
		}
	}
	return nil
}

// logitBias maps token ids to -100…100.
func logitBias(at string, v any) *failure {
	o, ok := v.(map[string]any)
	if !ok {
		return wrongType(at, "an object", v)
	}
	for _, key := range sortedNames(o) {
		if f := decimal(-100, 100)(join(at, key), o[key]); f != nil {
			return f
		}
	}
	return nil
}

var streamOptions = shape(nil, members{"include_usage": boolean, "include_obfuscation": boolean})

var effort = oneOf("none", "minimal", "low", "medium", "high", "xhigh", "max")

// chatBody is POST /v1/chat/completions. The model is looked at before, since its absence has words of its own.
var chatBody = shape([]string{"messages"}, members{
	"model":                  str,
	"messages":               list(1, unbounded, message),
	"audio":                  orNullable(jsonObject),
	"frequency_penalty":      orNullable(decimal(-2, 2)),
	"function_call":          choice(onlyName, "none", "auto"),
	"functions":              list(1, 128, functionTool),
	"logit_bias":             orNullable(logitBias),
	"logprobs":               orNullable(boolean),
	"max_completion_tokens":  orNullable(integer(1, unbounded)),
	"max_tokens":             orNullable(integer(1, unbounded)),
	"metadata":               orNullable(metadata),
	"modalities":             orNullable(list(1, 2, oneOf("text", "audio"))),
	"moderation":             orNullable(moderation),
	"n":                      orNullable(integer(1, 128)),
	"parallel_tool_calls":    boolean,
	"prediction":             orNullable(shape([]string{"type", "content"}, members{"type": oneOf("content"), "content": content(textParts)})),
	"presence_penalty":       orNullable(decimal(-2, 2)),
	"prompt_cache_key":       str,
	"prompt_cache_options":   shape(nil, members{"mode": oneOf("implicit", "explicit"), "ttl": oneOf("30m")}),
	"prompt_cache_retention": orNullable(oneOf("in_memory", "24h")),
	"reasoning_effort":       orNullable(effort),
	"response_format":        responseFormat,
	"safety_identifier":      upTo(64),
	"seed":                   orNullable(integer(-math.MaxInt64, math.MaxInt64)),
	"service_tier":           orNullable(oneOf("auto", "default", "flex", "scale", "priority", "fast")),
	"stop":                   orNullable(textOr("array of strings", list(1, 4, str))),
	"store":                  orNullable(boolean),
	"stream":                 orNullable(boolean),
	"stream_options":         orNullable(streamOptions),
	"temperature":            orNullable(decimal(0, 2)),
	"tool_choice":            choice(namedChoice, "none", "auto", "required"),
	"tools":                  list(1, 128, tool),
	"top_logprobs":           orNullable(integer(0, 20)),
	"top_p":                  orNullable(decimal(0, 1)),
	"user":                   str,
	"verbosity":              orNullable(oneOf("low", "medium", "high")),
	"web_search_options":     jsonObject,
})
