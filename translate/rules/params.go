// Package rules is what targets need of a request, whatever their words: how turns are joined and calls paired, how
// reasoning, a format or a choice of tools is asked of a model that knows another way or none, what a JSON Schema must be
// rid of. The dialects write what is planned here. OpenAI's, whose words requests are mostly in, needs little of it.
package rules

import (
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// claude and responses are the names of dialects whose clients have words of their own for what they ask.
const (
	claude    = "claude"
	responses = "responses"
)

// elsewhere is a 400 for what another target may well take.
func elsewhere(param, format string, args ...any) error {
	err := chat.Invalid(param, format, args...)
	err.Fallback = true
	return err
}

// OneChoice is an error if the client asks for several choices: one for three asked is not an answer.
func OneChoice(r *chat.Request, x *chat.Exchange) error {
	if r.N <= 1 {
		return nil
	}
	err := chat.Invalid("n", "the model '%s' gives one choice only; leave out n, or send the request several times", x.Model)
	err.Code, err.Fallback = "unsupported_parameter", true
	return err
}

// NoGuardrail is an error if the client names a guardrail, for a target whose body has no place for one: it is never
// dropped, since the client relies on it.
func NoGuardrail(r *chat.Request, x *chat.Exchange) error {
	if r.Guardrail == nil {
		return nil
	}
	return elsewhere("guardrailConfig", "guardrailConfig cannot be passed on to the model '%s' in this form; leave it to the gateway's configuration", x.Model)
}

// OmitNames lists the participants' names as dropped, if there are any.
func OmitNames(r *chat.Request, x *chat.Exchange) {
	for i := range r.Messages {
		if r.Messages[i].Name != "" {
			x.Omit("messages.name")
			return
		}
	}
}

// UsualTier reports whether a service tier is what there is anyway.
func UsualTier(tier string) bool {
	switch tier {
	case "", "auto", "default", "standard_only":
		return true
	}
	return false
}

// Idle reports whether a parameter's value is the same as leaving it out.
func Idle(v chat.Value) bool {
	switch string(v) {
	case "", "null", "false", "0", "0.0", `""`, "[]", "{}":
		return true
	}
	return false
}

// IdleMember reports whether a member without a canonical field asks for nothing.
func IdleMember(m *chat.Member) bool {
	return Idle(m.Value) && (m.Key != "web_search_options" || string(m.Value) != "{}") // there, {} asks for a search
}

// Clamp brings a number down to Bedrock's most, 1: OpenAI's temperatures go to 2.
func Clamp(v chat.Value) chat.Value {
	if n, err := strconv.ParseFloat(string(v), 64); err == nil && n > 1 {
		return chat.Value("1")
	}
	return v
}

// Stops returns the stop sequences that the target takes. Empty ones mean nothing; those of white space alone are left out
// if blanks is false, as Claude wants it; NoStop drops all. param is the client's word for them.
func Stops(r *chat.Request, x *chat.Exchange, blanks bool, param string) ([]string, error) {
	kept := r.Stop
	for i, s := range r.Stop {
		switch {
		case s == "":
		case x.Facts.NoStop:
			return nil, x.Drop(param)
		case !blanks && json.Quote(s).Blank():
			x.Omit(param)
		default:
			if len(kept) != len(r.Stop) {
				kept = append(kept, s)
			}
			continue
		}
		if len(kept) == len(r.Stop) {
			kept = r.Stop[:i:i]
		}
	}
	return kept, nil
}
