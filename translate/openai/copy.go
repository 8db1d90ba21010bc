package openai

import (
	"bytes"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// needsNone are the parameters that some models of Bedrock's copy of the API take only with the reasoning_effort none.
var needsNone = map[string]bool{
	"temperature": true, "top_p": true, "presence_penalty": true, "frequency_penalty": true, "logprobs": true, "top_logprobs": true,
}

// refusedByCopy reports whether a copy of the API refuses the parameter of the given value for the model. effortless:
// the request goes out with the reasoning_effort none.
func refusedByCopy(x *chat.Exchange, param string, value []byte, effortless bool) bool {
	l := &x.Facts.Chat
	if !l.Copy {
		return false
	}
	switch param {
	case "stop":
		return x.Facts.NoStop
	case "logit_bias":
		return l.NoLogitBias
	case "frequency_penalty", "presence_penalty":
		if l.NoPenalties && string(value) != "0" {
			return true
		}
	case "response_format":
		return l.NoSchema && bytes.Contains(value, []byte(`"json_schema"`))
	}
	return l.EffortFirst && needsNone[param] && !effortless && string(value) != "false"
}

// usual are the values that a parameter has where it is absent: leaving them out loses nothing.
var usual = map[string]string{"temperature": "1", "top_p": "1", "presence_penalty": "0", "frequency_penalty": "0"}

// copyEffort returns the reasoning_effort that a copy of the API takes with a request, "" for none at all. lost: the
// client's wish, or the model's own habit to reason, gives way to the request's tools.
func copyEffort(x *chat.Exchange, effort string, tools bool) (out string, lost bool) {
	l := &x.Facts.Chat
	switch {
	case effort != "" && x.Facts.Thinking == model.ThinkingNone:
		return "", effort != "none"
	case l.EffortFirst && tools && effort != "none":
		return "none", true
	case l.NoEffortNone && effort == "none":
		return "", true
	}
	return effort, false
}

// copyEdits are the edits of a body for a copy of the API that refuses more than the original.
type copyEdits struct {
	effort     string // as the client wrote it
	effortless bool
	renames    bool // max_tokens becomes max_completion_tokens
}

// planCopy reads what the edits depend on, wherever it stands in the body.
func planCopy(x *chat.Exchange, b *chat.Body) (c copyEdits) {
	c.effort = b.Text("reasoning_effort")
	effort, _ := copyEffort(x, c.effort, hasTools(b))
	c.effortless = effort == "none"
	c.renames = x.Facts.CompletionTokens && b.Value("max_completion_tokens") == nil
	return c
}

func hasTools(b *chat.Body) bool {
	tools := b.Value("tools")
	return tools != nil && len(bytes.Trim(tools, "[] \t\r\n")) > 0
}

// copied edits the member that m stands at as a copy of the API wants it, and reports whether it did: then the value is
// consumed.
func (s *splicer) copied(m *json.Members) bool {
	param := string(m.Key())
	value := s.b.Value(param)
	if value == nil {
		return false // null says nothing
	}
	c := &s.copy
	switch param {
	case "max_tokens":
		if !s.x.Facts.CompletionTokens {
			return false
		}
		if c.renames {
			s.added = append(s.added, added{"max_completion_tokens", value})
		}
		m.Drop()
		return true
	case "reasoning_effort":
		out, lost := copyEffort(s.x, c.effort, hasTools(s.b))
		if lost {
			s.drop(param)
		}
		switch out {
		case c.effort:
			return false
		case "":
			m.Drop()
		default:
			m.Set(json.Quote(out))
		}
		return true
	}
	if !refusedByCopy(s.x, param, value, c.effortless) {
		return false
	}
	if usual[param] != string(value) {
		s.drop(param)
	}
	m.Drop()
	return true
}

// added is a member to be put at the body's end.
type added struct {
	key   string
	value []byte
}

// drop lists a parameter as dropped, or refuses the request where that is the policy.
func (s *splicer) drop(param string) {
	if err := s.x.Drop(param); err != nil && s.err == nil {
		s.err = err
	}
}

// finishCopy adds what the body has not: the effort that its tools need.
func (s *splicer) finishCopy(m *json.Members) {
	if s.x.Facts.Chat.Copy && s.b.Value("reasoning_effort") == nil {
		if out, lost := copyEffort(s.x, "", hasTools(s.b)); lost {
			s.drop("reasoning_effort")
			m.Add("reasoning_effort", json.Quote(out))
		}
	}
	for _, a := range s.added {
		m.Add(a.key, a.value)
	}
}
