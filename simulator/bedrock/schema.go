package bedrock

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// kind is the JSON form of a shape.
type kind int

const (
	structure kind = iota // an object with the named members only
	union                 // an object with exactly one of the members
	list
	dictionary // an object with any keys
	text
	blob // base64
	integer
	number
	boolean
	anything // any JSON: smithy's document
)

// shape is a documented type of the API with its constraints. Bounds count items, characters, entries or, for numbers,
// the value itself; they hold if high is not 0.
type shape struct {
	kind      kind
	members   map[string]*shape
	required  []string
	item      *shape // of a list or dictionary
	key       *shape // of a dictionary
	low, high float64
	pattern   *regexp.Regexp
	enum      []string
}

// checker walks a decoded body along its shape. AWS answers a wrong JSON type at once (SerializationException) and
// collects what breaks a constraint into one ValidationException.
type checker struct {
	refused  *apiError
	problems []string
}

// check holds value against s and returns the refusal AWS would send, or nil.
func (s *shape) check(value any) *apiError {
	c := &checker{}
	c.walk(s, value, nil)
	switch n := len(c.problems); {
	case c.refused != nil:
		return c.refused
	case n == 1:
		return invalid("1 validation error detected: %s", c.problems[0])
	case n > 1:
		return invalid("%d validation errors detected: %s", n, strings.Join(c.problems, "; "))
	}
	return nil
}

func (c *checker) walk(s *shape, value any, path []string) {
	if c.refused != nil {
		return
	}
	switch s.kind {
	case structure, union:
		if m, ok := c.object(value); ok {
			c.members(s, m, path)
		}
	case dictionary:
		if m, ok := c.object(value); ok {
			c.entries(s, m, path)
		}
	case list:
		items, ok := value.([]any)
		if !ok {
			c.mistyped("Expected a list")
			return
		}
		c.bounds(s, float64(len(items)), "length", value, path)
		for i, item := range items {
			c.walk(s.item, item, append(slices.Clip(path), fmt.Sprintf("%d.member", i+1)))
		}
	case text:
		v, ok := value.(string)
		if !ok {
			c.mistyped("Expected a string")
			return
		}
		c.text(s, v, path)
	case blob:
		v, ok := value.(string)
		if !ok {
			c.mistyped("Expected a base64 string")
		} else if _, err := base64.StdEncoding.Strict().DecodeString(v); err != nil {
			c.mistyped("Invalid base64")
		}
	case integer, number:
		c.number(s, value, path)
	case boolean:
		if _, ok := value.(bool); !ok {
			c.mistyped("Expected a boolean")
		}
	default: // anything goes
	}
}

func (c *checker) object(value any) (map[string]any, bool) {
	m, ok := value.(map[string]any)
	if !ok {
		c.mistyped("Start of structure or map expected")
	}
	return m, ok
}

// members checks a structure or union. A null member counts as absent, as in every AWS protocol.
func (c *checker) members(s *shape, m map[string]any, path []string) {
	set := 0
	for _, name := range slices.Sorted(maps.Keys(m)) {
		member, ok := s.members[name]
		if !ok {
			c.refused = malformed(pointer(path), "extraneous key ["+name+"] is not permitted")
			return
		}
		if m[name] == nil {
			continue
		}
		set++
		c.walk(member, m[name], append(slices.Clip(path), name))
	}
	if c.refused != nil {
		return
	}
	if s.kind == union && set != 1 {
		c.refused = &apiError{name: "SerializationException", message: fmt.Sprintf("Unions must have exactly one member set, %d are set at '%s'", set, strings.Join(path, "."))}
		return
	}
	for _, name := range s.required {
		if m[name] == nil {
			c.problem("null", append(slices.Clip(path), name), "Member must not be null")
		}
	}
}

func (c *checker) entries(s *shape, m map[string]any, path []string) {
	c.bounds(s, float64(len(m)), "length", m, path)
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if s.key != nil {
			c.text(s.key, name, path)
		}
		c.walk(s.item, m[name], append(slices.Clip(path), name+".member"))
	}
}

func (c *checker) text(s *shape, v string, path []string) {
	c.bounds(s, float64(utf8.RuneCountInString(v)), "length", v, path)
	if s.pattern != nil && !s.pattern.MatchString(v) {
		// The pattern is anchored here, AWS shows it bare.
		shown := strings.TrimSuffix(strings.TrimPrefix(s.pattern.String(), "^"), "$")
		c.problem(v, path, "Member must satisfy regular expression pattern: "+shown)
	}
	if s.enum != nil && !slices.Contains(s.enum, v) {
		c.problem(v, path, "Member must satisfy enum value set: ["+strings.Join(s.enum, ", ")+"]")
	}
}

func (c *checker) number(s *shape, value any, path []string) {
	n, ok := value.(json.Number)
	if !ok {
		c.mistyped("Expected a number")
		return
	}
	f, err := n.Float64()
	if err != nil || s.kind == integer && (f != math.Trunc(f) || math.Abs(f) > math.MaxInt32) {
		c.mistyped("Number out of range or not an integer: " + n.String())
		return
	}
	c.bounds(s, f, "value", n.String(), path)
}

func (c *checker) bounds(s *shape, n float64, what string, value any, path []string) {
	if s.high == 0 {
		return
	}
	if n < s.low {
		c.problem(value, path, fmt.Sprintf("Member must have %s greater than or equal to %v", what, s.low))
	}
	if n > s.high {
		c.problem(value, path, fmt.Sprintf("Member must have %s less than or equal to %v", what, s.high))
	}
}

// maxShown bounds how much of a wrong value a message repeats, in bytes.
const maxShown = 200

func (c *checker) problem(value any, path []string, rule string) {
	shown, ok := value.(string)
	if !ok {
		b, _ := json.Marshal(value)
		shown = string(b)
	}
	if len(shown) > maxShown {
		shown = shown[:maxShown] + "..."
	}
	if shown != "null" {
		shown = "'" + shown + "'"
	}
	c.problems = append(c.problems, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", shown, strings.Join(path, "."), rule))
}

func (c *checker) mistyped(problem string) {
	c.refused = &apiError{name: "SerializationException", message: problem}
}

// pointer shows a path the way the model's own schema check does: #/messages/0/content.
func pointer(path []string) string {
	var b strings.Builder
	b.WriteByte('#')
	for _, p := range path {
		if name, ok := strings.CutSuffix(p, ".member"); ok {
			var n int
			if _, err := fmt.Sscanf(name, "%d", &n); err == nil {
				p = fmt.Sprint(n - 1)
			}
		}
		b.WriteString("/" + p)
	}
	return b.String()
}

// decodeJSON reads exactly one JSON object. Numbers stay as they were written.
func decodeJSON(body []byte) (map[string]any, *apiError) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, &apiError{name: "SerializationException", message: "The request body is not valid JSON: " + err.Error()}
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, &apiError{name: "SerializationException", message: "The request body has more after its JSON value"}
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, &apiError{name: "SerializationException", message: "Start of structure or map expected"}
	}
	return m, nil
}
