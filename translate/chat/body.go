package chat

import (
	"errors"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// Body is a client's request body, validated, with its members found. What routing reads of it is what the upstream
// gets: a member that stands there twice is refused.
type Body struct {
	Raw     []byte
	Members []json.Member
}

// ParseBody validates raw and finds its members, appending them to b.Members[:0]. Errors are *Error and name the place.
func (b *Body) ParseBody(raw []byte) error {
	b.Raw = raw
	var err error
	if b.Members, err = json.Index(b.Members[:0], raw); err != nil {
		return BadJSON(raw, err)
	}
	for i := range b.Members {
		if name := decisive(b.Members[i].Key); name != "" {
			return Invalid(string(b.Members[i].Key), "unknown member '%s'; it is spelt '%s'", b.Members[i].Key, name)
		}
	}
	return nil
}

// decisives are the members that a request is routed, limited and counted by.
var decisives = [...]string{
	"model", "model_id", "stream", "max_tokens", "max_completion_tokens", "max_output_tokens", "previous_response_id", "conversation",
}

// decisive returns the member that key equals but for its case; "" if there is none. Go's and other servers' decoders take
// such a key for that member: the upstream would act on another value than the gateway did.
func decisive(key []byte) string {
	for _, name := range decisives {
		if d := len(key) - len(name); d >= 0 && d <= 4 && string(key) != name && strings.EqualFold(string(key), name) {
			return name // a letter that folds to one of ASCII may take two bytes more
		}
	}
	return ""
}

// BadJSON returns the error for a body that json.Reader or json.Index refused.
func BadJSON(raw []byte, err error) *Error {
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	if len(raw) == 0 {
		return Invalid("", "the request has no body; send a JSON object")
	}
	if dup, ok := errors.AsType[*json.DuplicateError](err); ok {
		return Invalid(dup.Key, "the request body has a %s", err)
	}
	// What only begins like another type, as "not json" does like null, is no JSON at all.
	if syntax, ok := errors.AsType[*json.SyntaxError](json.Valid(raw)); ok {
		return Invalid("", "the request body is not JSON: %s", syntax)
	}
	return Invalid("", "the request body is not what it should be: %s", err)
}

// Member returns the member named key, nil if there is none.
func (b *Body) Member(key string) *json.Member {
	for i := range b.Members {
		if string(b.Members[i].Key) == key {
			return &b.Members[i]
		}
	}
	return nil
}

// Value returns the value of the member named key; nil if there is none or it is null.
func (b *Body) Value(key string) Value {
	m := b.Member(key)
	if m == nil {
		return nil
	}
	v := Value(b.Raw[m.ValueStart:m.ValueEnd])
	if string(v) == "null" {
		return nil
	}
	return v
}

// Text returns the value of the member named key if it is a string; "" otherwise.
func (b *Body) Text(key string) string {
	v := b.Value(key)
	if len(v) == 0 || v[0] != '"' {
		return ""
	}
	return String(v).Unquote()
}

// Edits are the changes that a body may need on its way to an upstream of its own dialect. Dialects apply those that
// they know; the rest of the body stays as it is, to the byte.
type Edits struct {
	Model   string   // the upstream's name for the model; "" leaves the client's
	Context String   // put as text before the last user message's own content; nil for none
	Betas   []string // Claude: betas from the client's headers, added to the body's own
	// AskUsage asks an OpenAI upstream to send the stream's usage though the client did not ask.
	AskUsage bool
	// FileText returns the text to put in place of a part that names the file; nil if the file is none of ours and the part
	// is to stay. nil if there are no files of ours.
	FileText func(id string) (String, error)
}
