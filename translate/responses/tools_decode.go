package responses

import (
	"bytes"
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// toolSpec is what one element of tools says, before it is interpreted by its type. The schema stands flat beside the name.
type toolSpec struct {
	kind        string
	name        string
	description json.String
	parameters  json.Value
	strict      *bool
	format      json.Value
	tools       json.Value
	execution   string
	environment json.Value
	raw         json.Value
	lost        []string // members that only OpenAI's side understands
}

// namespace is what the tools in one have in common.
type namespace struct {
	name        string
	description json.String
}

// tools reads a list of tools whose elements stand at level of the path.
func (d *requestDecoder) tools(level int) {
	v := d.R.ArrayValue()
	d.Within(v, func() { d.toolList(v, level, namespace{}) })
}

func (d *requestDecoder) toolList(list json.Value, level int, in namespace) {
	r := &d.R
	r.Array()
	for i := 0; r.Element(); i++ {
		d.Item(level, i)
		start := r.Offset()
		t := d.toolSpec(level + 1)
		if r.Err() != nil {
			return
		}
		t.raw = bytes.TrimLeft(list[start:r.Offset()], " \t\r\n")
		d.tool(&t, level, in)
	}
}

func (d *requestDecoder) toolSpec(level int) (t toolSpec) {
	r := &d.R
	r.Object()
	for r.Member() {
		d.At(level)
		if r.Null() {
			continue
		}
		switch string(r.Key()) {
		case "type":
			t.kind = r.Text()
		case "name":
			t.name = r.Text()
		case "description":
			t.description = r.String()
		case "parameters":
			t.parameters = r.ObjectValue()
		case "strict":
			t.strict = d.Bool()
		case "format":
			t.format = r.ObjectValue()
		case "tools":
			t.tools = r.ArrayValue()
		case "execution":
			t.execution = r.Text()
		case "environment":
			t.environment = r.Value()
		case "defer_loading", "async", "allowed_callers", "output_schema":
			key := string(r.Key())
			if v := r.Value(); string(v) != "false" && string(json.AppendCompact(nil, v)) != `["direct"]` {
				t.lost = append(t.lost, key)
			}
		default:
			r.Skip() // of the tools that are kept whole, or that OpenAI does not know
		}
	}
	return t
}

// tool adds the tool by its type. What OpenAI's side would run is kept whole: the target decides whether it has such a tool.
func (d *requestDecoder) tool(s *toolSpec, level int, in namespace) {
	t := chat.Tool{Name: s.name, Description: s.description, Schema: s.parameters, Strict: s.strict}
	kind, own := ownToolKind(s.kind)
	switch {
	case s.kind == "function":
	case s.kind == "custom":
		t.Kind = chat.CustomTool
		t.Schema = ownTools[t.Kind].schema
		t.Description = withGrammar(s.description, s.format)
	case s.kind == "namespace" && in.name == "":
		if s.name == "" {
			d.Missing(level+1, "name")
			return
		}
		d.Where.At(level+1, toolsKey)
		d.Within(s.tools, func() { d.toolList(s.tools, level+1, namespace{s.name, s.description}) })
		return
	case own && runByClient(s):
		d.ownTool(s, kind)
		return
	case s.kind == "":
		d.Missing(level+1, "type")
		return
	case in.name != "":
		d.FailAt(level+1, "type", "Invalid value: '%s'. Supported values are: 'function' and 'custom'.", chat.Clip(s.kind))
		return
	default:
		d.addTool(chat.Tool{Name: s.kind, Raw: s.raw, Dialect: Name}, "")
		return
	}
	if t.Name == "" {
		d.Missing(level+1, "name")
		return
	}
	for _, key := range s.lost {
		d.omit("tools." + key)
	}
	if in.name != "" {
		t.Namespace, t.NamespaceDescription, t.Name = in.name, in.description, chat.JoinNamespace(in.name, t.Name)
		if !d.same && !d.inNamespace(in.name) {
			t.Description = joined(in.description, t.Description) // once is enough
		}
	}
	if t.Kind != chat.FunctionTool || t.Namespace != "" || len(s.lost) > 0 {
		t.Own = s.raw
	}
	d.addTool(t, s.name)
}

// inNamespace reports whether there is a tool of the namespace.
func (d *requestDecoder) inNamespace(name string) bool {
	return slices.ContainsFunc(d.req.Tools, func(t chat.Tool) bool { return t.Namespace == name })
}

// runByClient reports whether the client runs the tool: a shell in a container of OpenAI's it does not, nor a search there.
func runByClient(s *toolSpec) bool {
	switch s.kind {
	case "shell":
		kind := string(json.Find(s.environment, "type"))
		return kind == "" || kind == `"local"`
	case "tool_search":
		return s.execution == "client"
	}
	return true
}

// ownTool adds a tool that OpenAI's models know and the client runs.
func (d *requestDecoder) ownTool(s *toolSpec, kind chat.ToolKind) {
	own := &ownTools[kind]
	t := chat.Tool{Name: own.name, Kind: kind, Own: s.raw, Description: own.about, Schema: own.schema}
	if s.parameters != nil {
		t.Schema = s.parameters
	}
	if !s.description.Blank() {
		t.Description = s.description
	}
	d.addTool(t, own.name)
}

// addTool adds a tool, or puts it in place of an earlier one of its name: what is declared in mid-history is declared again
// with each request. own is its name without its namespace; "" for one that is never called by name.
func (d *requestDecoder) addTool(t chat.Tool, own string) {
	at := slices.IndexFunc(d.req.Tools, func(other chat.Tool) bool { return other.Name == t.Name && (other.Raw == nil) == (t.Raw == nil) })
	if at >= 0 {
		d.req.Tools[at] = t
	} else {
		d.req.Tools = append(d.req.Tools, t)
	}
	if own != "" && (t.Kind != chat.FunctionTool || t.Namespace != "") {
		d.kept.addTool(clientTool{name: t.Name, own: own, namespace: t.Namespace, kind: t.Kind})
	}
}

// withGrammar returns the description of a tool of free text, with what its text must look like.
func withGrammar(description json.String, format json.Value) json.String {
	definition := json.String(json.Find(format, "definition"))
	if len(definition) < 2 || definition[0] != '"' {
		return description
	}
	syntax := json.String(json.Find(format, "syntax")).Unquote()
	head := json.Quote("The input must match this grammar (" + chat.Clip(syntax) + "):\n")
	return joined(description, append(head[:len(head)-1], definition[1:]...))
}

// joined puts two texts together, a blank line between them.
func joined(a, b json.String) json.String {
	if a.Blank() {
		return b
	}
	if b.Blank() {
		return a
	}
	out := make(json.String, 0, len(a)+len(b)+4)
	out = append(append(out, a[:len(a)-1]...), `\n\n`...)
	return append(out, b[1:]...)
}
