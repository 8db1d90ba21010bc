package claude

import (
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// What agents add to Anthropic's bodies and Bedrock answers by a 400, each seen with Claude Code and its like: members of
// tools without the beta that brings them, a wrapper named custom, a schema of type "custom", a scope of cache marks
// (https://github.com/anthropics/claude-code/issues/27065, https://github.com/BerriAI/litellm/pull/36855 and 25396).

// betaTools are the members of a tool that Bedrock takes with their beta alone.
var betaTools = [...]string{"defer_loading", "input_examples", "allowed_callers", "eager_input_streaming"}

const deferLoading = "defer_loading"

// tools edits the list of tools.
func (s *splicer) tools() {
	if !s.w.Array() {
		s.w.Skip()
		return
	}
	for s.w.Element() {
		if s.w.Kind() != json.Object {
			s.w.Skip()
			continue
		}
		s.tool()
	}
}

func (s *splicer) tool() {
	defers, own := false, false // by its wrapper, and by itself
	m := json.EditObject(&s.w, &s.edits)
	for m.Next() {
		key := string(m.Key())
		switch {
		case key == "custom":
			ahead := s.w
			defers = defersLoading(&ahead)
			s.x.Omit("tools.custom")
			m.Drop()
		case slices.Contains(betaTools[:], key) && !rules.Brought("tools."+key, s.kept):
			s.x.Omit("tools." + key)
			m.Drop()
		case key == deferLoading:
			own = true
			s.w.Skip()
		case key == "cache_control":
			s.mark()
		case key == "input_schema":
			s.schema()
		default:
			s.w.Skip()
		}
	}
	if defers && !own && rules.Brought("tools."+deferLoading, s.kept) {
		m.Add(deferLoading, []byte("true"))
	}
}

// defersLoading reports whether the wrapper says defer_loading, which is a member of the tool itself at Bedrock.
func defersLoading(w *json.Walker) bool {
	defers := false
	if w.Object() {
		for w.Member() {
			if string(w.Key()) == deferLoading {
				defers = string(w.Value()) == "true"
			} else {
				w.Skip()
			}
		}
	}
	return defers
}

// schema edits a tool's schema whose type is no type of JSON Schema but that of the tool.
func (s *splicer) schema() {
	if s.w.Kind() != json.Object {
		s.w.Skip()
		return
	}
	m := json.EditObject(&s.w, &s.edits)
	for m.Next() {
		if ahead := s.w; string(m.Key()) == "type" && string(ahead.Value()) == `"custom"` {
			s.x.Omit("tools.input_schema.type")
			m.Set(objectType)
		} else {
			s.w.Skip()
		}
	}
}

// mark edits a cache_control, of which Bedrock knows type and ttl.
func (s *splicer) mark() {
	if s.w.Kind() != json.Object {
		s.w.Skip()
		return
	}
	m := json.EditObject(&s.w, &s.edits)
	for m.Next() {
		if string(m.Key()) == "scope" {
			s.x.Omit("cache_control.scope")
			m.Drop()
		} else {
			s.w.Skip()
		}
	}
}

// sampling takes out a parameter of sampling that the model does not take.
func (s *splicer) sampling(m *json.Members, key string, thinks bool) {
	f, v := &s.x.Facts, s.body.Value(key)
	keeps, drops := samples(f, thinks, key, v)
	other := v != nil && f.OneSampling && s.body.Value("temperature") != nil && s.body.Value("top_p") != nil
	switch {
	case v == nil: // null is as good as absent
		m.Drop()
	case drops, other && key == "top_p" && !thinks:
		s.fail(s.x.Drop(key))
		m.Drop()
	case !keeps && (f.NoSampling || other):
		m.Drop() // says what happens anyway, and would be refused
	default:
		s.w.Skip()
	}
}

// outputConfig takes out of output_config what came with a beta that Bedrock does not take, and an effort that the model does
// not; all of it, if nothing is left.
func (s *splicer) outputConfig(all *json.Members) {
	left, ahead := s.w.Kind() != json.Object, s.w
	for ahead.Object(); !left && ahead.Member(); ahead.Skip() {
		left = !s.configGone(string(ahead.Key()))
	}
	if left && s.w.Kind() != json.Object {
		s.w.Skip()
		return
	}
	inside := s.w
	m := json.EditObject(&inside, &s.edits)
	from := len(s.edits)
	for m.Next() {
		if key := string(m.Key()); s.configGone(key) {
			switch name := "output_config." + key; {
			case inside.Kind() == json.Null:
			case key == "effort":
				s.fail(s.x.Drop(name))
			default:
				s.x.Omit(name)
			}
			m.Drop()
		} else {
			inside.Skip()
		}
	}
	if left {
		s.w = inside
		return
	}
	s.edits = s.edits[:from]
	all.Drop()
}

// configGone reports whether the model does not take a member of output_config.
func (s *splicer) configGone(key string) bool {
	return key == "effort" && !s.effort() || key != "effort" && rules.CameWith("output_config."+key, s.asked, s.kept)
}

// wantsFormat reports whether the reply is to have a format that Bedrock does not take as the body asks for it.
func (s *splicer) wantsFormat() bool {
	if v := s.body.Value("output_format"); v != nil {
		return true // older than output_config.format, and never Bedrock's
	}
	v := s.body.Value("output_config")
	if v == nil || s.x.Facts.NativeSchema {
		return false
	}
	w := json.WalkAt(v, 0)
	if !w.Object() {
		return false
	}
	for w.Member() {
		if string(w.Key()) == "format" && w.Kind() != json.Null {
			return true
		}
		w.Skip()
	}
	return false
}

// betaMember reports whether a member of the body came with a beta that the model does not take.
func (e *encoder) betaMember(key string) bool {
	asked := splitBetas(nil, e.r.Betas)
	kept := slices.DeleteFunc(slices.Clone(asked), func(b string) bool { return !e.f.Beta(b) })
	return rules.CameWith(key, asked, kept)
}
