package bedrock

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
)

// The shapes of Claude's Messages body as InvokeModel takes it,
// https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html.
// Problems are told in the words of Anthropic's own validation.

// Kinds that only Claude's bodies have.
const (
	tagged   kind = iota + 100 // an object whose type names the member it is
	textOr                     // a string, or what item says
	nullable                   // null, or what item says
)

func byType(m members) *shape { return &shape{kind: tagged, members: m} }

func stringOr(s *shape) *shape { return &shape{kind: textOr, item: s} }

var (
	cacheControl = &shape{kind: nullable, item: object(members{"type": enum("ephemeral"), "ttl": enum("5m", "1h")}, "type")}
	typeTag      = anyText

	claudeText = object(members{
		"type": typeTag, "text": anyText, "cache_control": cacheControl,
		"citations": {kind: nullable, item: listOf(document)},
	}, "text")
	claudeImage = object(members{
		"type": typeTag, "cache_control": cacheControl,
		"source": byType(members{
			"base64": object(members{
				"type": typeTag, "data": anyText,
				"media_type": enum("image/jpeg", "image/png", "image/gif", "image/webp"),
			}, "data", "media_type"),
		}),
	}, "source")
	claudeDocument = object(members{
		"type": typeTag, "cache_control": cacheControl, "title": {kind: nullable, item: anyText},
		"context": {kind: nullable, item: anyText}, "citations": {kind: nullable, item: object(members{"enabled": flag})},
		"source": byType(members{
			"base64": object(members{"type": typeTag, "data": anyText, "media_type": enum("application/pdf")}, "data", "media_type"),
			"text":   object(members{"type": typeTag, "data": anyText, "media_type": enum("text/plain")}, "data", "media_type"),
			"content": object(members{
				"type": typeTag, "content": stringOr(listOf(byType(members{"text": claudeText, "image": claudeImage}))),
			}, "content"),
		}),
	}, "source")
	claudeSearchResult = object(members{
		"type": typeTag, "cache_control": cacheControl, "source": anyText, "title": anyText,
		"citations": object(members{"enabled": flag}),
		"content":   listOf(byType(members{"text": claudeText})),
	}, "source", "title", "content")
	claudeUserBlocks = members{
		"text": claudeText, "image": claudeImage, "document": claudeDocument, "search_result": claudeSearchResult,
		"tool_result": object(members{
			"type": typeTag, "cache_control": cacheControl, "is_error": flag, "tool_use_id": claudeID,
			"content": stringOr(listOf(byType(members{
				"text": claudeText, "image": claudeImage, "document": claudeDocument, "search_result": claudeSearchResult,
				"tool_reference": document,
			}))),
		}, "tool_use_id"),
		"container_upload": document,
	}
	claudeAssistantBlocks = members{
		"text": claudeText,
		"thinking": object(members{"type": typeTag, "thinking": anyText, "signature": anyText},
			"thinking", "signature"),
		"redacted_thinking": object(members{"type": typeTag, "data": anyText}, "data"),
		"tool_use": object(members{
			"type": typeTag, "cache_control": cacheControl, "id": claudeID, "name": claudeToolName, "input": object(nil),
			"caller": document,
		}, "id", "name", "input"),
		// What the model's own tools left behind is taken as it is.
		"server_tool_use": document, "web_search_tool_result": document, "web_fetch_tool_result": document,
		"code_execution_tool_result": document, "tool_search_tool_result": document,
		"mcp_tool_use": document, "mcp_tool_result": document,
	}
	claudeID       = matching("[a-zA-Z0-9_-]+")
	claudeToolName = matching("[a-zA-Z0-9_-]{1,128}")

	claudeMessagesShape = listOf(object(members{"role": enum("user", "assistant", "system"), "content": document}, "role", "content"))

	claudeMembers = members{
		"anthropic_version": enum("bedrock-2023-05-31"),
		"anthropic_beta":    document,
		"max_tokens":        whole.between(1, 1<<31-1),
		"messages":          claudeMessagesShape,
		"system":            stringOr(listOf(byType(members{"text": claudeText}))),
		"temperature":       (&shape{kind: number}).between(0, 1),
		"top_p":             (&shape{kind: number}).between(0, 1),
		"top_k":             document,
		"stop_sequences":    listOf(anyText),
		"tools":             listOf(document),
		"tool_choice":       document, "thinking": document, "output_config": document,
		"metadata":           object(members{"user_id": {kind: nullable, item: anyText}}),
		"context_management": document, "container": document, "mcp_servers": document,
	}
	claudeTool = object(members{
		"type": typeTag, "name": claudeToolName, "description": anyText, "cache_control": cacheControl, "strict": flag,
		"defer_loading": flag, "allowed_callers": document, "input_examples": document, "eager_input_streaming": flag,
		"input_schema": document,
	}, "name", "input_schema")
)

// ownTool is the type of a tool that Anthropic defines.
var ownTool = regexp.MustCompile(`^(bash|computer|text_editor|memory|web_search|tool_search_tool_regex|tool_search_tool_bm25)_[0-9]{8}$`)

// claudeProblem holds value against s, and says what is wrong as Anthropic does; empty: nothing.
func claudeProblem(s *shape, value any, path string) string {
	switch s.kind {
	case nullable:
		if value == nil {
			return ""
		}
		return claudeProblem(s.item, value, path)
	case textOr:
		if _, ok := value.(string); ok {
			return ""
		}
		if _, ok := value.([]any); !ok {
			return path + ": Input should be a valid string"
		}
		return claudeProblem(s.item, value, path)
	case tagged:
		return taggedProblem(s, value, path)
	case structure:
		return objectProblem(s, value, path)
	case list:
		items, ok := value.([]any)
		if !ok {
			return path + ": Input should be a valid list"
		}
		for i, item := range items {
			if p := claudeProblem(s.item, item, fmt.Sprintf("%s.%d", path, i)); p != "" {
				return p
			}
		}
	case text:
		return textProblem(s, value, path)
	case integer, number:
		f, ok := asNumber(value)
		switch {
		case !ok:
			return path + ": Input should be a valid number"
		case s.kind == integer && f != math.Trunc(f):
			return path + ": Input should be a valid integer"
		case s.high != 0 && f < s.low:
			return fmt.Sprintf("%s: Input should be greater than or equal to %v", path, s.low)
		case s.high != 0 && f > s.high:
			return fmt.Sprintf("%s: Input should be less than or equal to %v", path, s.high)
		}
	case boolean:
		if _, ok := value.(bool); !ok {
			return path + ": Input should be a valid boolean"
		}
	case union, dictionary, blob, anything:
	}
	return ""
}

func taggedProblem(s *shape, value any, path string) string {
	m, ok := value.(map[string]any)
	if !ok {
		return path + ": Input should be a valid dictionary or object to extract fields from"
	}
	name, ok := m["type"].(string)
	if !ok {
		return path + ".type: Field required"
	}
	member, ok := s.members[name]
	if !ok {
		return fmt.Sprintf("%s: Input tag '%s' found using 'type' does not match any of the expected tags: '%s'",
			path, name, strings.Join(slices.Sorted(maps.Keys(s.members)), "', '"))
	}
	return claudeProblem(member, value, path+"."+name)
}

func objectProblem(s *shape, value any, path string) string {
	m, ok := value.(map[string]any)
	if !ok {
		return path + ": Input should be a valid dictionary"
	}
	for _, name := range s.required {
		if _, there := m[name]; !there {
			return path + "." + name + ": Field required"
		}
	}
	if s.members == nil {
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		member, ok := s.members[name]
		if !ok {
			return path + "." + name + ": Extra inputs are not permitted"
		}
		if p := claudeProblem(member, m[name], path+"."+name); p != "" {
			return p
		}
	}
	return ""
}

func textProblem(s *shape, value any, path string) string {
	v, ok := value.(string)
	switch {
	case !ok:
		return path + ": Input should be a valid string"
	case s.pattern != nil && !s.pattern.MatchString(v):
		return path + ": String should match pattern '" + s.pattern.String() + "'"
	case s.enum != nil && !slices.Contains(s.enum, v):
		return path + ": Input should be '" + strings.Join(s.enum, "', '") + "'"
	}
	return ""
}
