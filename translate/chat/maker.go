package chat

import "github.com/open-bedrock/caddy-bedrock-gateway/translate/model"

// Maker is whose models made an opaque value of reasoning: a signature, or redacted or encrypted content. No other maker's
// models can read it.
type Maker uint8

// The makers.
const (
	MakerUnknown Maker = iota // of a model that nothing is known of
	MakerClaude
	MakerNova
	MakerGPT
	MakerGPTOSS
	MakerGrok
	MakerDeepSeek
	MakerQwen
	MakerOther // a family that makes none as far as known
)

// makers are the makers' names in values that leave the gateway; they never change.
var makers = [...]string{"any", "claude", "nova", "gpt", "gpt-oss", "grok", "deepseek", "qwen", "other"}

// String is the maker's name.
func (m Maker) String() string { return makers[m] }

// MakerByName returns the maker of that name; MakerUnknown if there is none.
func MakerByName(name string) Maker {
	for i := range makers {
		if makers[i] == name {
			return Maker(i)
		}
	}
	return MakerUnknown
}

// MakerOf returns the maker of what the models of a family sign.
func MakerOf(f model.Family) Maker {
	switch f {
	case model.Unknown:
		return MakerUnknown
	case model.Claude:
		return MakerClaude
	case model.Nova, model.Nova2:
		return MakerNova
	case model.GPT:
		return MakerGPT
	case model.GPTOSS:
		return MakerGPTOSS
	case model.Grok:
		return MakerGrok
	case model.DeepSeek:
		return MakerDeepSeek
	case model.Qwen:
		return MakerQwen
	case model.Titan, model.Llama, model.Mistral, model.Cohere, model.Jamba:
	}
	return MakerOther
}

// ReadableBy reports whether models of the family f can read what m made. A model that nothing is known of, as behind an
// inference profile of the account's own, is taken for one that can read Claude's.
func (m Maker) ReadableBy(f model.Family) bool {
	by := MakerOf(f)
	return m == by || m == MakerUnknown && by == MakerClaude || m == MakerClaude && by == MakerUnknown
}

// JoinNamespace is the name of a namespace's tool where there are no namespaces.
func JoinNamespace(namespace, name string) string { return namespace + "__" + name }
