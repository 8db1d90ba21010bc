package openai

import (
	"encoding/json"
	"strings"
)

// instance is a value that fits a JSON Schema: every property filled in, the first of what can be chosen, names for
// strings. It follows references into the schema itself, and ends recursion with null.
func instance(raw json.RawMessage) any {
	var root map[string]any
	if len(raw) == 0 || json.Unmarshal(raw, &root) != nil {
		return map[string]any{}
	}
	f := filler{root: root, left: 4096}
	v := f.fill(root, "text", 0)
	if v == nil {
		return map[string]any{}
	}
	return v
}

// filler makes one instance of root. left bounds how many values it makes: a schema that refers to itself twice would
// double them at every level.
type filler struct {
	root map[string]any
	left int
}

func (f *filler) fill(s map[string]any, name string, depth int) any {
	f.left--
	if depth > maxDepth || f.left < 0 {
		return nil
	}
	for _, keyword := range []string{"const", "default"} {
		if v, ok := s[keyword]; ok {
			return v
		}
	}
	for _, keyword := range []string{"enum", "examples"} {
		if values, _ := s[keyword].([]any); len(values) > 0 {
			return values[0]
		}
	}
	if ref, ok := s["$ref"].(string); ok {
		return f.fill(resolve(f.root, ref), name, depth+1)
	}
	for _, keyword := range []string{"anyOf", "oneOf", "allOf"} {
		choices, _ := s[keyword].([]any)
		for _, c := range choices {
			if sub, ok := c.(map[string]any); ok && sub["type"] != "null" {
				return f.fill(sub, name, depth+1)
			}
		}
	}
	switch kindIn(s) {
	case "object":
		properties, _ := s["properties"].(map[string]any)
		o := make(map[string]any, len(properties))
		for key, p := range properties {
			if sub, ok := p.(map[string]any); ok {
				o[key] = f.fill(sub, key, depth+1)
			}
		}
		return o
	case "array":
		return f.fillArray(s, name, depth)
	case "integer", "number":
		if low, ok := s["minimum"].(float64); ok {
			return low
		}
		return 1
	case "boolean":
		return true
	case "null":
		return nil
	}
	return fillString(s, name)
}

func (f *filler) fillArray(s map[string]any, name string, depth int) any {
	items, _ := s["items"].(map[string]any)
	least := 1
	if n, ok := s["minItems"].(float64); ok && n > 1 && n < 64 {
		least = int(n)
	}
	a := make([]any, 0, least)
	for range least {
		a = append(a, f.fill(items, name, depth+1))
	}
	return a
}

// formats are strings of the formats that JSON Schema names.
var formats = map[string]string{
	"date-time": "2026-01-02T03:04:05Z", "date": "2026-01-02", "time": "03:04:05Z", "duration": "PT1H",
	"email": "user@example.com", "hostname": "example.com", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1",
	"uri": "https://example.com/", "uuid": "00000000-0000-4000-8000-000000000000",
}

func fillString(s map[string]any, name string) string {
	if format, _ := s["format"].(string); formats[format] != "" {
		return formats[format]
	}
	if least, ok := s["minLength"].(float64); ok && int(least) > len(name) && least < 1<<16 {
		return name + strings.Repeat("x", int(least)-len(name))
	}
	return name
}

// kindIn is the type a schema asks for: the first that is not null where it has several.
func kindIn(s map[string]any) string {
	switch t := s["type"].(type) {
	case string:
		return t
	case []any:
		for _, kind := range t {
			if k, _ := kind.(string); k != "null" {
				return k
			}
		}
	}
	switch {
	case s["properties"] != nil:
		return "object"
	case s["items"] != nil:
		return "array"
	}
	return "string"
}

// resolve follows a reference such as #/$defs/Step.
func resolve(root map[string]any, ref string) map[string]any {
	at := root
	for step := range strings.SplitSeq(strings.TrimPrefix(strings.TrimPrefix(ref, "#"), "/"), "/") {
		if step == "" {
			continue
		}
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		next, ok := at[step].(map[string]any)
		if !ok {
			return map[string]any{}
		}
		at = next
	}
	return at
}
