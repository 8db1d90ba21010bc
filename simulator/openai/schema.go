package openai

import (
	"encoding/json"
	"slices"
	"strings"
)

// maxDepth bounds how deep a schema is followed; the API itself takes ten levels of objects in strict mode.
const maxDepth = 32

// checkSchema holds a JSON Schema against what the API asks of one: its root is an object, and in strict mode every
// object lists all its properties as required and takes no others. what names the schema's owner in the message.
func checkSchema(param, what, code string, raw json.RawMessage, strict bool) *failure {
	if raw == nil {
		return nil
	}
	var root map[string]any
	if json.Unmarshal(raw, &root) != nil {
		return invalid(param, code, "Invalid schema for "+what+".")
	}
	wrong := func(why string) *failure { return invalid(param, code, "Invalid schema for "+what+": "+why) }
	if len(root) == 0 && !strict {
		return nil
	}
	if kind, _ := root["type"].(string); kind != "object" && root["$ref"] == nil {
		got, _ := json.Marshal(root["type"])
		if root["type"] == nil {
			got = []byte(`"None"`)
		}
		return wrong(`schema must be a JSON Schema of 'type: "object"', got 'type: ` + string(got) + `'.`)
	}
	if !strict {
		return nil
	}
	if why := strictness(root, nil, 0); why != "" {
		return wrong(why)
	}
	return nil
}

// strictness says what keeps a schema from being strict, with the path to it.
func strictness(s map[string]any, path []string, depth int) string {
	if depth > maxDepth {
		return "Exceeded the maximum depth."
	}
	context := "In context=(" + contextOf(path) + "), "
	properties, _ := s["properties"].(map[string]any)
	if s["type"] == "object" || properties != nil {
		if s["additionalProperties"] != false {
			return context + "'additionalProperties' is required to be supplied and to be false."
		}
		required, _ := s["required"].([]any)
		for _, name := range sortedNames(properties) {
			if !slices.Contains(required, any(name)) {
				return context + "'required' is required to be supplied and to be an array including every key in " +
					"properties. Missing '" + name + "'."
			}
		}
	}
	for _, keyword := range []string{"properties", "$defs", "definitions"} {
		subs, _ := s[keyword].(map[string]any)
		for _, name := range sortedNames(subs) {
			if sub, ok := subs[name].(map[string]any); ok {
				if why := strictness(sub, slices.Concat(path, []string{keyword, name}), depth+1); why != "" {
					return why
				}
			}
		}
	}
	if items, ok := s["items"].(map[string]any); ok {
		if why := strictness(items, slices.Concat(path, []string{"items"}), depth+1); why != "" {
			return why
		}
	}
	anyOf, _ := s["anyOf"].([]any)
	for _, a := range anyOf {
		if sub, ok := a.(map[string]any); ok {
			if why := strictness(sub, slices.Concat(path, []string{"anyOf"}), depth+1); why != "" {
				return why
			}
		}
	}
	return ""
}

func contextOf(path []string) string {
	if len(path) == 0 {
		return ""
	}
	return "'" + strings.Join(path, "', '") + "'"
}
