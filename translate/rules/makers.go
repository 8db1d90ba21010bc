package rules

import (
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// sealed begins an opaque value that another maker than Claude made, outside of its own dialect: sealed, the maker's name, a
// dot, and the value. Claude's values have no prefix, as they always had none.
const sealed = "bedrock-gateway."

// Seal returns the opaque value of the maker's as clients of other dialects get it.
func Seal(m chat.Maker, value chat.String) chat.String {
	if m == chat.MakerClaude || m == chat.MakerUnknown || len(value) < 2 {
		return value
	}
	out := make(chat.String, 0, len(value)+len(sealed)+10)
	out = append(out, '"')
	out = append(out, sealed...)
	out = append(out, m.String()...)
	out = append(out, '.')
	return append(out, value[1:]...)
}

// Unseal returns the maker of an opaque value that a client sent back, and the value as the maker made it.
func Unseal(value chat.String) (chat.Maker, chat.String) {
	if len(value) < 2+len(sealed) || string(value[1:1+len(sealed)]) != sealed {
		return chat.MakerClaude, value
	}
	name, _, found := strings.Cut(string(value[1+len(sealed):min(len(value)-1, 1+len(sealed)+16)]), ".")
	m := chat.MakerByName(name)
	if !found || m == chat.MakerUnknown {
		return chat.MakerOther, value
	}
	rest := value[len(sealed)+len(name)+1:] // from the dot on, which becomes the quote
	out := make(chat.String, len(rest))
	copy(out, rest)
	out[0] = '"'
	return m, out
}
