// Package titan is the dialect of Amazon Titan Text on Bedrock's InvokeModel: a prompt in, a text out, nothing else.
// https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-text.html.
package titan

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// Name is the dialect's name.
const Name = "titan"

// Dialect speaks Titan Text in both directions. It holds no state and is safe for concurrent use.
type Dialect struct{}

// Name is "titan".
func (Dialect) Name() string { return Name }

// reasons are the values of completionReason. The page has FINISHED where the service says FINISH.
var reasons = chat.StopNames{
	{"FINISH", chat.StopEnd},
	{"FINISHED", chat.StopEnd},
	{"LENGTH", chat.StopLength},
	{"STOP_CRITERIA_MET", chat.StopSequence},
	{"CONTENT_FILTERED", chat.StopFiltered},
}

// reasonName returns the completionReason for s.
func reasonName(s chat.StopReason) string {
	if s == chat.StopContextFull {
		s = chat.StopLength
	}
	return reasons.Name(s, "FINISH")
}

// EncodeError appends the body of an error in Bedrock's shape; its type and the request id stand in headers. An
// upstream's own body in this dialect is relayed untouched.
func (Dialect) EncodeError(dst []byte, e *chat.Error, _ string) []byte {
	if e.Dialect == Name && len(e.Body) > 0 {
		return append(dst, e.Body...)
	}
	dst = append(dst, `{"message":`...)
	dst = json.AppendQuoted(dst, e.Message)
	return append(dst, '}')
}

// CanAnswer reports whether the answer to r can be expressed in Titan's form, whatever the model: text can. What a client
// asks for beyond that is a 400, to be given before anything is sent, rather than an empty answer.
func (Dialect) CanAnswer(r *chat.Request) error {
	switch {
	case len(r.Tools) > 0 && r.ToolChoice.Kind != chat.ToolsNone:
		return chat.Invalid("tools", "an answer in Titan's form holds text only, so no tools can be called; leave out 'tools' or ask for another target_format")
	case r.HoldsTooling():
		return chat.Invalid("messages", "the conversation holds tool calls, and an answer in Titan's form holds text only; ask for another target_format")
	case r.N > 1:
		return chat.Invalid("n", "an answer in Titan's form is one choice; leave out 'n' or ask for another target_format")
	case asksForMedia(r):
		return chat.Invalid("modalities", "an answer in Titan's form holds text only; ask for another target_format")
	}
	return nil
}

// asksForMedia reports whether an OpenAI client wants its answer spoken or drawn.
func asksForMedia(r *chat.Request) bool {
	for i := range r.Extra {
		if r.Extra[i].Key != "modalities" {
			continue
		}
		w := json.WalkAt(r.Extra[i].Value, 0)
		if !w.Array() {
			return false
		}
		for w.Element() {
			if w.String().Unquote() != "text" {
				return true
			}
		}
	}
	return false
}
