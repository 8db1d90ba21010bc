package rules

import (
	"bytes"
	"encoding/base64"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

// sealed begins an opaque value that another maker than Claude made, outside of its own dialect: sealed, the maker's name, a
// dot, and the value. Claude's values have no prefix, as they always had none.
const sealed = "bedrock-gateway."

// ReplyMaker returns whose reasoning a reply of the target holds. The form of encrypted_content is GPT's, so that a model
// that nothing is known of is taken for one where it is asked in Responses.
func ReplyMaker(x *chat.Exchange) chat.Maker {
	if x.Facts.Family == model.Unknown && x.Target == chat.Responses.String() {
		return chat.MakerGPT
	}
	return chat.MakerOf(x.Facts.Family)
}

// SealPrefix returns what stands before the opaque values of a reply; "" for Claude's.
func SealPrefix(x *chat.Exchange) string {
	m := ReplyMaker(x)
	if m == chat.MakerClaude || m == chat.MakerUnknown {
		return ""
	}
	return sealed + m.String() + "."
}

// Seal returns an opaque value of a reply as clients of other dialects get it.
func Seal(value chat.String, x *chat.Exchange) chat.String {
	prefix := SealPrefix(x)
	if prefix == "" || len(value) < 2 {
		return value
	}
	out := make(chat.String, 0, len(value)+len(prefix))
	out = append(out, '"')
	out = append(out, prefix...)
	return append(out, value[1:]...)
}

// SealBytes is Seal for a member that its dialect has as bytes: in base64, with the prefix among them.
func SealBytes(value chat.String, x *chat.Exchange) chat.String {
	prefix := SealPrefix(x)
	if prefix == "" || len(value) < 2 {
		return value
	}
	out := append(make(chat.String, 0, 2*(len(value)+len(prefix))), '"')
	out = base64.StdEncoding.AppendEncode(out, append([]byte(prefix), value[1:len(value)-1]...))
	return append(out, '"')
}

// UnsealBytes is Unseal for a member that its dialect has as bytes.
func UnsealBytes(value chat.String) (chat.Maker, chat.String) {
	if !bytes.HasPrefix(value, sealedBytes) {
		return chat.MakerClaude, value
	}
	inner, err := base64.StdEncoding.AppendDecode([]byte{'"'}, value[1:len(value)-1])
	if err != nil {
		return chat.MakerOther, value
	}
	return Unseal(append(inner, '"'))
}

// sealedBytes begins the base64 of what begins with sealed, in so far as that is the same whatever follows.
var sealedBytes = []byte(`"` + base64.RawStdEncoding.EncodeToString([]byte(sealed[:len(sealed)-len(sealed)%3])))

// HoldsSealed reports whether a body may hold reasoning of another maker than Claude, which came from a reply in the same
// dialect: there it goes back to other models than Claude's alone.
func HoldsSealed(body []byte) bool {
	return bytes.Contains(body, []byte(`"`+sealed)) || bytes.Contains(body, sealedBytes)
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
