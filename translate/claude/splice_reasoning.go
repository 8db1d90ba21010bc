package claude

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// thinkingType returns the type of the body's thinking; "" if it says nothing of it.
func (s *splicer) thinkingType() string { return s.typeOf("thinking") }

// typeOf returns the member type of a member of the body.
func (s *splicer) typeOf(member string) string {
	w := json.WalkAt(s.body.Value(member), 0)
	if !w.Object() {
		return ""
	}
	for w.Member() {
		if string(w.Key()) == "type" && w.Kind() == json.Text {
			return w.String().Unquote()
		}
		w.Skip()
	}
	return ""
}

// thinks reports whether the body asks the model to think.
func (s *splicer) thinks() bool {
	switch s.thinkingType() {
	case "enabled", "adaptive", "between_tools":
		return true
	}
	return false
}

// asksOtherwise reports whether the body asks for reasoning, or forces a tool, in a way that this model refuses. The body is
// then written anew, as a chat is: a budget becomes an effort or an effort a budget, and what cannot be had is listed.
func (s *splicer) asksOtherwise() bool {
	f := &s.x.Facts
	if f.Family != model.Claude {
		return false // nothing is known: what the client says goes on as it is
	}
	ways := f.Thinking
	switch s.thinkingType() {
	case "enabled":
		if ways == model.ThinkingNone || ways == model.ThinkingAdaptive || ways == model.ThinkingAlways {
			return true
		}
	case "adaptive", "between_tools":
		if ways == model.ThinkingNone || ways == model.ThinkingBudget {
			return true
		}
	case "disabled":
		if ways == model.ThinkingAlways {
			return true
		}
	}
	switch s.typeOf("tool_choice") {
	case "any", "tool":
		return f.NoForcedTools || s.thinks()
	}
	return false
}

// effort reports whether the model takes output_config.effort: those that think by budget need a beta for it.
func (s *splicer) effort() bool {
	f := &s.x.Facts
	if f.Family != model.Claude {
		return true
	}
	return f.Thinking != model.ThinkingNone && f.Thinking != model.ThinkingBudget || rules.Brought("output_config.effort", s.kept)
}

// toolChoice takes out of tool_choice what old models do not know.
func (s *splicer) toolChoice() {
	if s.w.Kind() != json.Object || !s.x.Facts.NoSerial {
		s.w.Skip()
		return
	}
	m := json.EditObject(&s.w, &s.edits)
	for m.Next() {
		if string(m.Key()) != "disable_parallel_tool_use" {
			s.w.Skip()
			continue
		}
		if s.w.Kind() == json.True {
			s.fail(s.x.Drop("tool_choice.disable_parallel_tool_use"))
		}
		m.Drop()
	}
}
