package bedrock

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
)

// checkTools holds toolConfig and what the history says of tools against the model.
func (q *converseRequest) checkTools(m *model) *apiError {
	c := q.ToolConfig
	if c == nil {
		return nil
	}
	if !m.tools {
		return invalid("This model doesn't support tool use.")
	}
	names := map[string]bool{}
	for i, t := range c.Tools {
		if t.ToolSpec == nil {
			continue
		}
		if names[t.ToolSpec.Name] {
			return invalid("The toolConfig.tools field has a duplicate tool name: %s. Provide a unique name for each tool and try again.", t.ToolSpec.Name)
		}
		names[t.ToolSpec.Name] = true
		var schema struct{ Type any }
		if !isObject(t.ToolSpec.InputSchema.JSON) || json.Unmarshal(t.ToolSpec.InputSchema.JSON, &schema) != nil || schema.Type != "object" {
			return invalid("The value at toolConfig.tools.%d.toolSpec.inputSchema.json.type must be one of the following: object.", i)
		}
		if refused := checkSchema(t.ToolSpec.InputSchema.JSON, fmt.Sprintf("toolConfig.tools.%d.toolSpec.inputSchema.json", i)); refused != nil {
			return refused
		}
	}
	if len(names) == 0 && !hasSystemTool(q) {
		return invalid("The toolConfig.tools field must have at least one tool.")
	}
	if hasSystemTool(q) && !m.systemTools {
		return invalid("This model doesn't support system tools.")
	}
	if ch := c.ToolChoice; ch != nil {
		switch {
		case ch.Any != nil && hasSystemTool(q):
			return invalid("The toolConfig.toolChoice.any field is not supported together with a systemTool.")
		case ch.Any != nil && !m.anyTool:
			return invalid("This model doesn't support the toolConfig.toolChoice.any field. Remove toolConfig.toolChoice.any and try again.")
		case ch.Tool != nil && !m.namedTool:
			return invalid("This model doesn't support the toolConfig.toolChoice.tool field. Remove toolConfig.toolChoice.tool and try again.")
		case ch.Tool != nil && !names[ch.Tool.Name]:
			return invalid("The toolConfig.toolChoice.tool field names a tool that is not in toolConfig.tools: %s.", ch.Tool.Name)
		}
	}
	if m.family == "mistral" {
		return q.checkMistralIDs()
	}
	return nil
}

func hasSystemTool(q *converseRequest) bool {
	for _, t := range q.ToolConfig.Tools {
		if t.SystemTool != nil {
			return true
		}
	}
	return false
}

var mistralID = regexp.MustCompile(`^[a-zA-Z0-9]{9}$`)

// checkMistralIDs: Mistral's own template accepts nothing but nine letters and digits.
func (q *converseRequest) checkMistralIDs() *apiError {
	for _, msg := range q.Messages {
		for _, b := range msg.Content {
			id := ""
			if b.ToolUse != nil {
				id = b.ToolUse.ToolUseID
			} else if b.ToolResult != nil {
				id = b.ToolResult.ToolUseID
			}
			if id != "" && !mistralID.MatchString(id) {
				return modelError("Tool call id was %s but must be a-z, A-Z, 0-9, with a length of 9.", id)
			}
		}
	}
	return nil
}

// checkSchema refuses what no JSON Schema reader takes: properties that are no schemas, required that is no list of
// names, an unknown type.
func checkSchema(raw json.RawMessage, at string) *apiError {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return invalid("The value at %s is not a JSON schema.", at)
	}
	if path, ok := soundSchema(v, at); !ok {
		return modelError("%s: JSON schema is invalid. It must match JSON Schema draft 2020-12.", path)
	}
	return nil
}

var schemaTypes = map[any]bool{
	"object": true, "array": true, "string": true, "number": true, "integer": true, "boolean": true, "null": true,
}

func soundSchema(v any, at string) (path string, ok bool) {
	s, isMap := v.(map[string]any)
	if !isMap {
		_, isBool := v.(bool)
		return at, isBool
	}
	switch t := s["type"].(type) {
	case nil:
		if _, there := s["type"]; there {
			return at + ".type", false
		}
	case []any:
		for _, one := range t {
			if !schemaTypes[one] {
				return at + ".type", false
			}
		}
	case string:
		if !schemaTypes[t] {
			return at + ".type", false
		}
	default:
		return at + ".type", false
	}
	if r, there := s["required"]; there {
		names, isList := r.([]any)
		for _, n := range names {
			_, isText := n.(string)
			isList = isList && isText
		}
		if !isList {
			return at + ".required", false
		}
	}
	for _, key := range []string{"properties", "$defs", "definitions"} {
		p, there := s[key]
		if !there {
			continue
		}
		m, isMap := p.(map[string]any)
		if !isMap {
			return at + "." + key, false
		}
		for name, sub := range m {
			if path, ok := soundSchema(sub, at+"."+key+"."+name); !ok {
				return path, false
			}
		}
	}
	if items, there := s["items"]; there {
		if path, ok := soundSchema(items, at+".items"); !ok {
			return path, false
		}
	}
	return "", true
}

func isObject(raw json.RawMessage) bool {
	return bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{"))
}
