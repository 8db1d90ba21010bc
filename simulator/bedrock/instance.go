package bedrock

import (
	"strings"
)

// Bounds of an instance, for schemas that refer to themselves: its depth, the items of one array, and all its values.
const (
	maxDepth  = 12
	maxItems  = 100
	maxValues = 5000
)

// maker makes one instance. root is where $ref points into.
type maker struct {
	root any
	text string
	left int
}

// instance makes a value that satisfies schema, as small as it can be: required properties only, the first enum value,
// the least items. Strings take the text, or a form of it that the schema's format and bounds allow.
func instance(schema any, text string) any {
	m := &maker{root: schema, text: text, left: maxValues}
	return m.value(schema, 0)
}

func (m *maker) value(schema any, depth int) any {
	s, ok := schema.(map[string]any)
	if m.left--; !ok || depth > maxDepth || m.left < 0 {
		return map[string]any{}
	}
	if ref, ok := s["$ref"].(string); ok {
		return m.value(resolve(m.root, ref), depth+1)
	}
	if v, ok := s["const"]; ok {
		return v
	}
	if list, ok := s["enum"].([]any); ok && len(list) > 0 {
		return chosen(list, m.text)
	}
	for _, key := range []string{"anyOf", "oneOf", "allOf"} {
		if list, ok := s[key].([]any); ok && len(list) > 0 && s["properties"] == nil {
			return m.value(list[0], depth+1)
		}
	}
	switch typeOf(s) {
	case "object":
		return m.object(s, depth)
	case "array":
		out := []any{}
		least, _ := asNumber(s["minItems"])
		for range min(int(least), maxItems) {
			out = append(out, m.value(s["items"], depth+1))
		}
		return out
	case "integer", "number":
		return numberInstance(s)
	case "boolean":
		return true
	case "null":
		return nil
	}
	return textInstance(s, m.text)
}

func (m *maker) object(s map[string]any, depth int) any {
	out := map[string]any{}
	properties, _ := s["properties"].(map[string]any)
	required, _ := s["required"].([]any)
	for _, r := range required {
		if name, ok := r.(string); ok && m.left > 0 {
			sub := properties[name]
			if sub == nil {
				sub = map[string]any{"type": "string"}
			}
			out[name] = m.value(sub, depth+1)
		}
	}
	return out
}

// chosen is the enum value the text names, or the first.
func chosen(list []any, text string) any {
	for _, v := range list {
		if name, ok := v.(string); ok && name != "" && strings.Contains(strings.ToLower(text), strings.ToLower(name)) {
			return v
		}
	}
	return list[0]
}

func numberInstance(s map[string]any) any {
	n := 1.0
	if low, ok := asNumber(s["minimum"]); ok && n < low {
		n = low
	}
	if low, ok := asNumber(s["exclusiveMinimum"]); ok && n <= low {
		n = low + 1
	}
	if high, ok := asNumber(s["maximum"]); ok && n > high {
		n = high
	}
	return n
}

// formats are values for the string formats of structured output.
var formats = map[string]string{
	"date-time": "2026-11-01T00:00:00Z", "date": "2026-11-01", "time": "00:00:00Z", "duration": "PT1S",
	"email": "user@example.com", "hostname": "example.com", "uri": "https://example.com/", "ipv4": "192.0.2.1",
	"ipv6": "2001:db8::1", "uuid": "00000000-0000-4000-8000-000000000000",
}

func textInstance(s map[string]any, text string) any {
	if f, ok := s["format"].(string); ok && formats[f] != "" {
		return formats[f]
	}
	if high, ok := asNumber(s["maxLength"]); ok {
		text = short(text, max(int(high), 0))
	}
	if low, ok := asNumber(s["minLength"]); ok && low <= 10_000 {
		for len([]rune(text)) < int(low) {
			text += "."
		}
	}
	return text
}

// typeOf is the schema's type; of several, the first that is not null. Without one, properties make an object.
func typeOf(s map[string]any) string {
	switch t := s["type"].(type) {
	case string:
		return t
	case []any:
		for _, one := range t {
			if name, ok := one.(string); ok && name != "null" {
				return name
			}
		}
	}
	if s["properties"] != nil {
		return "object"
	}
	return "string"
}

// resolve follows a reference within the schema: #/$defs/Name.
func resolve(root any, ref string) any {
	at := root
	for part := range strings.SplitSeq(strings.TrimPrefix(strings.TrimPrefix(ref, "#"), "/"), "/") {
		if part == "" {
			continue
		}
		m, _ := at.(map[string]any)
		at = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]
	}
	return at
}
