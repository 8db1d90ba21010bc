package converse

import (
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// ownParams are the parameters that Converse has no member for, and the families that know them as additional fields:
// https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html.
var ownParams = [...]struct {
	family      model.Family
	param, name string
}{
	{model.Claude, "top_k", "top_k"},
	{model.Mistral, "top_k", "top_k"},
	{model.Cohere, "top_k", "k"},
	{model.Cohere, "seed", "seed"},
	{model.Cohere, "frequency_penalty", "frequency_penalty"},
	{model.Cohere, "presence_penalty", "presence_penalty"},
	{model.Jamba, "frequency_penalty", "frequency_penalty"},
	{model.Jamba, "presence_penalty", "presence_penalty"},
}

// contextManagement is the member of a Claude body that Converse hands to Claude.
const contextManagement = "context_management"

// The members of a Converse body that only Converse has.
const (
	fieldPaths   = "additionalModelResponseFieldPaths"
	fieldsMember = "additionalModelRequestFields"
	project      = "projectIdentifier"
)

// additional writes what only the model's family knows, and what came from a Converse client itself.
func (e *encoder) additional() {
	paths := e.ownMembers()
	if paths == nil && e.f.Family == model.Claude && len(e.r.Stop) > 0 {
		paths = chat.Value(`["/stop_sequence"]`) // the only way to learn which one matched
	}
	if paths != nil {
		e.w.Key(fieldPaths)
		e.w.Value(paths)
	}
	o := object{name: fieldsMember}
	e.thinkingFields(&o)
	e.familyParam(&o, "top_k", e.r.TopK)
	e.familyParam(&o, "seed", e.r.Seed)
	e.familyParam(&o, "frequency_penalty", e.r.FrequencyPenalty)
	e.familyParam(&o, "presence_penalty", e.r.PresencePenalty)
	e.ownChoice(&o)
	e.foreignTools(&o)
	e.betas(&o)
	e.extra(&o)
	e.end(&o)
}

// ownMembers writes the members that a Converse client sent and that have no canonical field, and returns the paths of
// response fields, which the encoder may have to add to.
func (e *encoder) ownMembers() (paths chat.Value) {
	if e.r.Dialect != Name && e.r.Dialect != openAI {
		return nil
	}
	for i := range e.r.Extra {
		switch m := &e.r.Extra[i]; m.Key {
		case fieldPaths:
			paths = m.Value
		case fieldsMember:
		case "promptVariables", project:
			e.w.Key(m.Key)
			e.w.Value(m.Value)
		default:
			if e.r.Dialect == Name { // newer than this code
				e.w.Key(string(json.AppendEscaped(nil, m.Key)))
				e.w.Value(m.Value)
			}
		}
	}
	return paths
}

func (e *encoder) familyParam(o *object, param string, v chat.Value) {
	if v == nil || rules.Idle(v) && param != "seed" && param != "top_k" {
		return
	}
	if param == "top_k" && !e.samples(param, v) {
		return
	}
	for i := range ownParams {
		if p := &ownParams[i]; p.family == e.f.Family && p.param == param {
			e.key(o, p.name)
			e.w.Value(v)
			return
		}
	}
	if param == "top_k" && (e.f.Family == model.Nova || e.f.Family == model.Nova2) {
		e.key(o, "inferenceConfig")
		e.w.Raw(`{"topK":`)
		e.w.Value(v)
		e.w.EndObject()
		return
	}
	e.drop(param)
}

// ownChoice writes Claude's own tool_choice in the place of Converse's, which has no word for calls that are not parallel
// and takes no name but those of its own specs.
func (e *encoder) ownChoice(o *object) {
	if !e.tools.ownChoice() {
		return
	}
	e.key(o, "tool_choice")
	e.w.BeginObject()
	e.w.Key("type")
	switch e.tools.choice.Kind {
	case chat.ToolsAny:
		e.w.Raw(`"any"`)
	case chat.ToolsNamed:
		e.w.Raw(`"tool"`)
		e.w.Key("name")
		e.w.Text(e.names.Tool(e.tools.choice.Name))
	case chat.ToolsUnset, chat.ToolsAuto, chat.ToolsNone:
		e.w.Raw(`"auto"`)
	}
	if e.tools.serial {
		e.w.Raw(`"disable_parallel_tool_use":true`)
	}
	e.w.EndObject()
}

// foreignTools writes the tools that Claude itself defines (computer, bash, text_editor, memory): Converse hands them on.
func (e *encoder) foreignTools(o *object) {
	if !e.tools.foreign {
		return
	}
	e.key(o, "tools")
	e.w.BeginArray()
	for i := range e.r.Tools {
		if t := &e.r.Tools[i]; e.foreign(t) {
			e.w.Value(t.Raw)
		}
	}
	e.w.EndArray()
}

// keptBetas returns the client's betas that the model takes.
func (e *encoder) keptBetas() []string {
	return slices.DeleteFunc(slices.Clone(rules.Betas(e.r, e.x, e.foreign)), func(b string) bool { return !e.f.Beta(b) })
}

// betas writes those that the model takes; any other would be a 400.
func (e *encoder) betas(o *object) {
	open := false
	for _, b := range rules.Betas(e.r, e.x, e.foreign) {
		if !e.f.Beta(b) {
			e.x.Omit("anthropic_beta: " + chat.Clip(b))
			continue
		}
		if !open {
			e.key(o, "anthropic_beta")
			e.w.BeginArray()
			open = true
		}
		e.w.Text(b)
	}
	if open {
		e.w.EndArray()
	}
}

// extra writes the members that the client's dialect has and the model knows, and drops the others.
func (e *encoder) extra(o *object) {
	for i := range e.r.Extra {
		m := &e.r.Extra[i]
		if e.r.Dialect == Name {
			if m.Key == fieldsMember {
				e.mergeFields(o, m.Value)
			}
			continue
		}
		if e.r.Dialect == openAI {
			if m.Key == fieldsMember {
				e.mergeFields(o, m.Value)
				continue
			}
			if m.Key == "promptVariables" || m.Key == project || m.Key == fieldPaths || m.Key == searching && e.f.SystemTools {
				continue
			}
		}
		if rules.IdleMember(m) || m.Key == "modalities" && string(m.Value) == `["text"]` {
			continue
		}
		if e.r.Dialect == "claude" && e.f.Family == model.Claude && m.Key == contextManagement {
			if rules.CameWith(m.Key, e.r.Betas, e.keptBetas()) {
				e.x.Omit(m.Key)
				continue
			}
			e.key(o, m.Key)
			e.w.Value(m.Value)
			continue
		}
		e.drop(m.Key)
	}
}

// mergeFields writes a client's own additional fields.
func (e *encoder) mergeFields(o *object, fields chat.Value) {
	w := json.WalkAt(fields, 0)
	if !w.Object() {
		e.fail(chat.Invalid(fieldsMember, "additionalModelRequestFields must be an object"))
		return
	}
	for w.Member() {
		key := json.AppendEscaped(nil, w.Key())
		if e.says(string(w.Key())) {
			e.fail(chat.Invalid(fieldsMember, "the field '%s' of additionalModelRequestFields is asked for by another parameter of the request, too", chat.Clip(string(w.Key()))))
		}
		e.key(o, string(key))
		e.w.Value(w.Value())
	}
}
