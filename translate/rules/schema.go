package rules

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// schemaRules say what a JSON Schema must be rid of.
type schemaRules struct {
	close  bool // every object says additionalProperties: false
	inline bool // no $ref, no $defs
	object bool // the root is of type object
	bare   bool // the root has type, properties and required alone
}

const (
	// maxSchema bounds what inlining may make of a schema, in bytes: references that each name two more double it at every
	// step.
	maxSchema = 1 << 18
	// maxSchemaDepth bounds the recursion.
	maxSchemaDepth = 200
)

var (
	errSchemaSize  = errors.New("is too large once its $refs are put in their places")
	errSchemaDepth = errors.New("is nested too deeply")
	errSchemaKind  = errors.New("must be a JSON object")
	errSchemaRef   = errors.New("has a $ref to nothing in the schema itself")
)

var objectType = []byte(`"object"`)

const emptySchema = `{"type":"object","properties":{}}`

// ToolSchema returns a tool's schema as the model takes it: untouched, and v itself, if nothing is the matter. Its root is of
// type object.
func ToolSchema(v chat.Value, f *model.Facts) (chat.Value, error) {
	if len(v) == 0 || string(v) == "null" {
		return chat.Value(emptySchema), nil
	}
	rules := schemaRules{object: true, bare: f.BareSchema, inline: f.NoSchemaRefs && bytes.Contains(v, []byte(`$ref`))}
	if !rules.bare && !rules.inline && isObjectSchema(v) {
		return v, nil
	}
	schema, err := rewriteSchema(v, rules)
	if err != nil {
		return nil, chat.Invalid("tools", "the schema of a tool %s", err)
	}
	return schema, nil
}

// FormatSchema returns a format's schema as models with structured output take it: every object in it is closed.
func FormatSchema(v chat.Value, f *model.Facts) (chat.Value, error) {
	schema, err := rewriteSchema(v, schemaRules{close: true, inline: f.NoSchemaRefs})
	if err != nil {
		return nil, chat.Invalid("response_format", "the schema of the response format %s", err)
	}
	return schema, nil
}

// isObjectSchema reports whether the root says that it is of type object.
func isObjectSchema(v chat.Value) bool {
	w := json.WalkAt(v, 0)
	if !w.Object() {
		return false
	}
	for w.Member() {
		if string(w.Key()) == "type" {
			return string(w.Value()) == `"object"`
		}
		w.Skip()
	}
	return false
}

// rewriteSchema returns v, a valid JSON value, with the rules applied.
func rewriteSchema(v chat.Value, rules schemaRules) (chat.Value, error) {
	if len(v) == 0 || v[0] != '{' {
		return nil, errSchemaKind
	}
	s := schemaWriter{root: v, rules: rules}
	s.node(v, nil, true)
	return s.buf, s.err
}

// schemaWriter copies a schema, changed.
type schemaWriter struct {
	buf   []byte
	root  chat.Value
	rules schemaRules
	refs  []string // those being put in their places, to cut cycles
	known map[string]chat.Value
	depth int
	err   error
}

// keywords say what stands under a keyword of a schema; all others hold no schema.
// https://json-schema.org/draft/2020-12/json-schema-core and the drafts before.
type keywordKind uint8

const (
	plainValue   keywordKind = iota
	oneSchema                // a schema
	schemaList               // an array of schemas; for items either
	schemaByName             // an object of schemas
	definitions              // the same, to be referred to
)

func keyword(name []byte) keywordKind {
	switch string(name) {
	case "properties", "patternProperties", "dependentSchemas":
		return schemaByName
	case "$defs", "definitions":
		return definitions
	case "items", "anyOf", "oneOf", "allOf", "prefixItems":
		return schemaList
	case "additionalProperties", "additionalItems", "contains", "not", "if", "then", "else", "propertyNames",
		"unevaluatedItems", "unevaluatedProperties":
		return oneSchema
	}
	return plainValue
}

// node writes one schema. over holds members that win over v's own: what stood beside the $ref that v replaces.
func (s *schemaWriter) node(v, over chat.Value, root bool) {
	if len(v) == 0 || v[0] != '{' {
		s.buf = json.AppendCompact(s.buf, v)
		return
	}
	if s.depth++; s.depth > maxSchemaDepth {
		s.fail(errSchemaDepth)
	}
	if len(s.buf) > maxSchema {
		s.fail(errSchemaSize)
	}
	if s.err != nil {
		s.depth--
		return
	}
	if s.rules.inline {
		if ref := json.Find(v, "$ref"); ref != nil && ref[0] == '"' {
			s.reference(v, ref, root)
			s.depth--
			return
		}
	}
	s.buf = append(s.buf, '{')
	start := len(s.buf)
	isObject := s.members(v, over, root, start)
	if over != nil {
		isObject = s.members(over, nil, root, start) || isObject
	}
	if root && s.rules.object {
		s.name("type", start)
		s.buf = append(s.buf, objectType...)
		if s.rules.bare && json.Find(v, "properties") == nil && json.Find(over, "properties") == nil {
			s.name("properties", start)
			s.buf = append(s.buf, '{', '}')
		}
		isObject = true
	}
	if s.rules.close && isObject {
		s.name("additionalProperties", start)
		s.buf = append(s.buf, "false"...)
	}
	s.buf = append(s.buf, '}')
	s.depth--
}

// members writes v's members, but for those that over has and those that node writes itself. It reports whether v
// describes objects.
func (s *schemaWriter) members(v, over chat.Value, root bool, start int) (isObject bool) {
	w := json.WalkAt(v, 0)
	w.Object()
	for s.err == nil && w.Member() {
		key := w.Key()
		kind := keyword(key)
		isObject = isObject || kind == schemaByName && string(key) == "properties"
		typ := string(key) == "type"
		if s.leaves(key, kind, root) || over != nil && json.Find(over, string(key)) != nil {
			w.Skip()
			continue
		}
		s.name(string(key), start)
		value := w.Value()
		if typ {
			isObject = isObject || bytes.Contains(value, objectType)
		}
		switch kind {
		case plainValue:
			s.buf = json.AppendCompact(s.buf, value)
		case oneSchema:
			s.node(value, nil, false)
		case schemaList:
			s.list(value)
		case schemaByName, definitions:
			s.byName(value)
		}
	}
	return isObject
}

// leaves reports whether a member is left out, or written by node.
func (s *schemaWriter) leaves(key []byte, kind keywordKind, root bool) bool {
	switch string(key) {
	case "type":
		return root && s.rules.object
	case "additionalProperties":
		return s.rules.close || root && s.rules.bare
	case "$ref":
		return s.rules.inline
	case "properties", "required":
		return false
	}
	return kind == definitions && s.rules.inline || root && s.rules.bare
}

func (s *schemaWriter) list(v chat.Value) {
	if len(v) == 0 || v[0] != '[' {
		s.node(v, nil, false)
		return
	}
	w := json.WalkAt(v, 0)
	w.Array()
	s.buf = append(s.buf, '[')
	for first := true; w.Element(); first = false {
		if !first {
			s.buf = append(s.buf, ',')
		}
		s.node(w.Value(), nil, false)
	}
	s.buf = append(s.buf, ']')
}

func (s *schemaWriter) byName(v chat.Value) {
	if len(v) == 0 || v[0] != '{' {
		s.buf = json.AppendCompact(s.buf, v)
		return
	}
	w := json.WalkAt(v, 0)
	w.Object()
	s.buf = append(s.buf, '{')
	start := len(s.buf)
	for w.Member() {
		s.name(string(w.Key()), start)
		s.node(w.Value(), nil, false)
	}
	s.buf = append(s.buf, '}')
}

// name writes a member's name. start is where the object's members begin.
func (s *schemaWriter) name(name string, start int) {
	if len(s.buf) > start {
		s.buf = append(s.buf, ',')
	}
	s.buf = append(json.AppendQuoted(s.buf, name), ':')
}

func (s *schemaWriter) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// reference writes what the $ref of v names, with what stands beside it. A cycle is cut by the type alone.
func (s *schemaWriter) reference(v, ref chat.Value, root bool) {
	name := chat.String(ref).Unquote()
	target := s.resolve(name)
	if target == nil {
		s.fail(errSchemaRef)
		return
	}
	if slices.Contains(s.refs, name) {
		s.buf = append(s.buf, '{')
		if t := json.Find(target, "type"); t != nil {
			s.buf = append(s.buf, `"type":`...)
			s.buf = json.AppendCompact(s.buf, t)
		}
		s.buf = append(s.buf, '}')
		return
	}
	s.refs = append(s.refs, name)
	if next := json.Find(target, "$ref"); next != nil && next[0] == '"' {
		s.reference(target, next, root)
	} else {
		s.node(target, v, root)
	}
	s.refs = s.refs[:len(s.refs)-1]
}

// resolve finds what a $ref names: a JSON pointer into the schema itself.
func (s *schemaWriter) resolve(ref string) chat.Value {
	if ref == "#" {
		return s.root
	}
	if v, ok := s.known[ref]; ok {
		return v
	}
	path, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return nil
	}
	v := s.root
	for part := range strings.SplitSeq(path, "/") {
		part = strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
		if v = json.Find(v, part); v == nil {
			return nil
		}
	}
	if s.known == nil {
		s.known = map[string]chat.Value{}
	}
	s.known[ref] = v
	return v
}
