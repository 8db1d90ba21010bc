package responses

import (
	"bytes"
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// splicer collects the edits of one body.
type splicer struct {
	e     *chat.Edits
	x     *chat.Exchange
	b     *chat.Body
	w     json.Walker
	edits []json.Edit
	err   error

	question question
	calls    []openCall      // of a copy's: calls of the history
	outputs  map[string]bool // the ids that have results
	lifted   []json.Value    // tools that stand amid the history, where the target has no such items
}

// openCall is a call of the history, and what its result would be.
type openCall struct {
	id, kind string
	end      int // behind its item
}

// question is where the last user message's content stands.
type question struct {
	kind       json.Kind // Invalid: there is no user message
	start, end int
}

// Splice copies a body for an upstream that speaks this dialect too. Its edits, and there are no others: the model's name;
// ids that the gateway made for items taken out;
// what only gateways know taken out (file_ids, model_id, guardrailConfig and Converse's own members); a limit of output
// tokens above the model's own cut down to it; the files' text put before the question; parts that name one of our own files
// replaced by its text; reasoning that another maker's model did taken out, and a compaction of the gateway's own replaced
// by its text.
//
// Toward AWS's copies of the API also: store is false, and what the gateway stores has its reasoning sealed; tools of types that the copy does not know, a service tier, a
// summary and parameters of sampling that it refuses are taken out and listed; Codex's items that it refuses become those
// that it takes (see splice_items.go); a call of the history without a result gets one that says that it was aborted, for
// agents send the same history again for ever.
//
// Images by URL are a 400 with chat.CodeRemote where the copy fetches none. A tool that the client runs and that the copy
// does not know is one with chat.CodeAnew: as a function it can be called all the same, but the reply must be translated.
// What needs stored responses is a 400 on a copy; OpenAI's own API stores them.
func (Dialect) Splice(dst []byte, b *chat.Body, e *chat.Edits, x *chat.Exchange) ([]byte, error) {
	s := splicer{e: e, x: x, b: b, w: json.WalkAt(b.Raw, 0)}
	if copied(x) {
		if s.err = s.stateless(); s.err != nil {
			return nil, s.err
		}
		s.outputs = map[string]bool{}
	}
	effort := chat.String(json.Find(b.Value("reasoning"), "effort")).Unquote()
	m := json.EditObject(&s.w, &s.edits)
	var tools *json.Elements
	for m.Next() {
		switch key := string(m.Key()); key {
		case "model":
			if e.Model != "" {
				m.Set(json.Quote(e.Model))
			} else {
				s.w.Skip()
			}
		case "store":
			if copied(x) && s.w.Kind() != json.False {
				if s.w.Kind() == json.True && !x.Stored { // the gateway stores it
					x.Omit(key)
				}
				m.Set([]byte("false"))
			} else {
				s.w.Skip()
			}
		case "max_output_tokens":
			s.limit(&m)
		case "input":
			s.input()
		case "tools":
			if copied(x) && s.w.Kind() == json.Null {
				m.Drop() // as good as absent, and others may be added
			} else {
				list := s.tools()
				tools = &list
			}
		case "reasoning", "include":
			if copied(x) && key == "include" && (!reasons(x) || x.Stored) {
				m.Set(withSealed(b.Value(key), reasons(x))) // a model without reasoning seals none
			} else if copied(x) && !reasons(x) {
				if effort != "" && effort != "none" {
					s.drop("reasoning.effort")
				}
				m.Drop()
			} else if key == "reasoning" {
				s.reasoning()
			} else {
				s.w.Skip()
			}
		case "temperature", "top_p", "top_logprobs":
			s.sample(&m, key, effort)
		case "service_tier":
			if tier := b.Text(key); tier != "" && copied(x) && !takesTier(x, tier) {
				s.drop(key)
				m.Drop()
			} else {
				s.w.Skip()
			}
		case "tool_choice":
			s.toolChoice(&m)
		case "file_ids", "model_id":
			m.Drop()
		case "guardrailConfig", "thinking", "requestMetadata", "performanceConfig", "serviceTier", "promptVariables", "additionalModelRequestFields", "additionalModelResponseFieldPaths":
			if s.w.Kind() != json.Null { // asked for and not done: it is listed for the client
				s.drop(key)
			}
			m.Drop()
		default:
			s.w.Skip()
		}
	}
	s.finish(&m, tools)
	if s.err != nil {
		return nil, s.err
	}
	json.SortEdits(s.edits)
	return json.AppendEdited(dst, b.Raw, s.edits), nil
}

// finish adds what the body has not.
func (s *splicer) finish(m *json.Members, tools *json.Elements) {
	if s.e.Model != "" && s.b.Member("model") == nil {
		m.Add("model", json.Quote(s.e.Model))
	}
	if copied(s.x) && s.b.Member("store") == nil {
		m.Add("store", []byte("false"))
	}
	if copied(s.x) && s.x.Stored && reasons(s.x) && s.b.Member("include") == nil {
		m.Add("include", []byte(`["reasoning.encrypted_content"]`)) // the copy keeps nothing, so the next turn needs it
	}
	if s.x.Facts.OutputBound && s.b.Value("max_output_tokens") == nil {
		m.Add("max_output_tokens", strconv.AppendInt(nil, s.x.Facts.MaxOutput, 10))
	}
	if len(s.lifted) > 0 {
		if tools != nil {
			for _, tool := range s.lifted {
				tools.Add(tool)
			}
		} else {
			m.Add("tools", append(append([]byte{'['}, bytes.Join(asBytes(s.lifted), []byte{','})...), ']'))
		}
	}
	s.abort()
	s.ask()
}

func asBytes(values []json.Value) [][]byte {
	out := make([][]byte, len(values))
	for i := range values {
		out[i] = values[i]
	}
	return out
}

func (s *splicer) fail(err error) {
	if s.err == nil && err != nil {
		s.err = err
	}
}

func (s *splicer) drop(param string) { s.fail(s.x.Drop(param)) }

// stateless refuses what needs a store of responses: the same members by the same words as in a body that is translated.
func (s *splicer) stateless() error {
	for _, key := range [...]string{"previous_response_id", "conversation", "prompt", "background"} {
		if v := s.b.Value(key); v != nil && string(v) != "false" {
			_, err := Dialect{}.DecodeRequest(s.b.Raw, s.x)
			return err
		}
	}
	return nil
}

// limit cuts a limit of output tokens down to the model's own, where that is known.
func (s *splicer) limit(m *json.Members) {
	n, ok := json.ParseInt(s.b.Value("max_output_tokens"))
	if !ok || s.x.Facts.MaxOutput <= 0 {
		s.w.Skip()
		return
	}
	limit, cut, err := rules.CutOutput(n, "max_output_tokens", nil, s.x)
	s.fail(err)
	if cut {
		m.Set(strconv.AppendInt(nil, limit, 10))
	} else {
		s.w.Skip()
	}
}

// reasoning replaces a summary that a copy refuses by the one that it takes.
func (s *splicer) reasoning() {
	if s.w.Kind() != json.Object || !copied(s.x) {
		s.w.Skip()
		return
	}
	m := json.EditObject(&s.w, &s.edits)
	for m.Next() {
		key := string(m.Key())
		ahead := s.w
		if v := ahead.String().Unquote(); (key == "summary" || key == "generate_summary") && v != "" && !takesSummary(s.x, v) {
			s.x.Omit("reasoning." + key)
			m.Set([]byte(`"auto"`))
		} else if key == "effort" && v == "none" && s.x.Facts.Chat.NoEffortNone {
			s.drop("reasoning.effort")
			m.Drop()
		} else {
			s.w.Skip()
		}
	}
}

// sample takes out a parameter of sampling that a copy's model refuses.
func (s *splicer) sample(m *json.Members, key, effort string) {
	v := s.b.Value(key)
	if v == nil || !copied(s.x) {
		s.w.Skip()
		return
	}
	takes, lost := takesSampling(s.x, key, v, effort)
	if takes {
		s.w.Skip()
		return
	}
	if lost {
		s.drop(key)
	}
	m.Drop()
}

// tools takes out those of types that a copy does not know.
func (s *splicer) tools() json.Elements {
	list := json.EditArray(&s.w, &s.edits)
	if !list.Entered() {
		s.w.Skip()
	}
	for list.Next() {
		if !copied(s.x) || s.keepsTool(s.w) {
			s.w.Skip()
		} else {
			list.Drop()
		}
	}
	return list
}

// keepsTool reports whether the target takes the tool that w stands before; if not, it is listed.
func (s *splicer) keepsTool(w json.Walker) bool {
	kind := typeOf(w)
	switch {
	case kind == "" || takesTool(s.x, kind):
		return true
	case runByClients[kind]:
		e := chat.Invalid("tools", "the model '%s' knows no tools of type '%s' by this API", s.x.Model, kind)
		e.Code = chat.CodeAnew
		s.fail(e)
		return true
	}
	s.drop("tools." + kind)
	return false
}

// runByClients are the types of tools that any model can be given as functions.
var runByClients = map[string]bool{"apply_patch": true, "shell": true, "local_shell": true, "tool_search": true}

// typeOf returns the type of the object that w stands before; "" if it has none.
func typeOf(w json.Walker) string {
	for ok := w.Object(); ok && w.Member(); {
		if string(w.Key()) == "type" {
			return w.String().Unquote()
		}
		w.Skip()
	}
	return ""
}

// toolChoice refuses a choice of a tool that is taken out, and takes it out of those that are allowed.
func (s *splicer) toolChoice(m *json.Members) {
	if s.w.Kind() != json.Object || !copied(s.x) {
		s.w.Skip()
		return
	}
	kind := typeOf(s.w)
	if kind != "allowed_tools" {
		if kind != "" && !takesTool(s.x, kind) && !runByClients[kind] {
			s.fail(forcedTool(s.x, kind))
		}
		s.w.Skip()
		return
	}
	choice := json.EditObject(&s.w, &s.edits)
	for choice.Next() {
		if string(choice.Key()) != "tools" {
			s.w.Skip()
			continue
		}
		list := json.EditArray(&s.w, &s.edits)
		for list.Next() {
			if kind := typeOf(s.w); kind == "" || takesTool(s.x, kind) || runByClients[kind] {
				s.w.Skip()
			} else {
				list.Drop()
			}
		}
	}
}

// ask puts the files' text before the last user message's own content; without one, it is a message of its own.
func (s *splicer) ask() {
	context := s.e.Context
	if context == nil || s.err != nil {
		return
	}
	q := &s.question
	edit := json.Edit{Start: q.start + 1, End: q.start + 1}
	switch q.kind {
	case json.Text:
		edit.Text = append(edit.Text, context[1:len(context)-1]...)
	case json.Array:
		edit.Text = textPart(context)
		if w := json.WalkAt(s.b.Raw, q.start); w.Array() && w.Element() {
			edit.Text = append(edit.Text, ',')
		}
	case json.Invalid, json.Null, json.False, json.True, json.Number, json.Object:
		if q.end == 0 {
			s.fail(chat.Invalid("input", "invalid type for 'input': expected a string or a list of items"))
			return
		}
		edit.Start, edit.End = q.end, q.end
		if q.start > 0 { // there are items
			edit.Text = append(edit.Text, ',')
		}
		edit.Text = append(append(edit.Text, `{"role":"user","content":`...), context...)
		edit.Text = append(edit.Text, '}')
	}
	s.edits = append(s.edits, edit)
}

func textPart(text chat.String) []byte {
	const head, tail = `{"type":"input_text","text":`, '}'
	part := make([]byte, 0, len(head)+len(text)+2)
	return append(append(append(part, head...), text...), tail)
}
