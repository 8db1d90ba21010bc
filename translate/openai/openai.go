// Package openai is the dialect of OpenAI's Chat Completions API: POST /v1/chat/completions and its streams, as the
// public API reference has them (platform.openai.com/docs/api-reference/chat) and the openai-go library v3.96.0 types
// them, with what gateways have added: cache_control and thinking_blocks (Claude's own, kept on messages),
// reasoning_content, guardrailConfig and file_ids.
package openai

import (
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

// Name is the dialect's name.
const Name = "openai"

// Dialect speaks Chat Completions in both directions. It holds no state and is safe for concurrent use.
type Dialect struct{}

// Name is "openai".
func (Dialect) Name() string { return Name }

// legalID is the rule for the ids of tool calls: any text that is not too long.
func legalID(s string) bool { return s != "" && len(s) <= maxID }

const (
	maxName = 64
	maxID   = 40
	maxStop = 4
)

// facts are what is known of the target: what the exchange says, or else what its name does. Fine-tuned models are "ft:"
// and the base model's name.
func facts(x *chat.Exchange, target string) model.Facts {
	if x.Facts.Family != model.Unknown {
		return x.Facts
	}
	return model.Lookup(strings.TrimPrefix(target, "ft:"))
}

// stops are the reasons to stop by OpenAI's name.
var stops = map[string]chat.StopReason{
	"stop":           chat.StopEnd,
	"length":         chat.StopLength,
	"tool_calls":     chat.StopToolUse,
	"function_call":  chat.StopToolUse,
	"content_filter": chat.StopFiltered,
}

// finishReasons are OpenAI's names of the reasons to stop. A reason without a name of its own is "stop": clients wait
// for one of five words.
var finishReasons = [...]string{
	chat.StopUnknown:     "stop",
	chat.StopEnd:         "stop",
	chat.StopSequence:    "stop",
	chat.StopLength:      "length",
	chat.StopToolUse:     "tool_calls",
	chat.StopFiltered:    "content_filter",
	chat.StopContextFull: "length",
	chat.StopPause:       "stop",
	chat.StopMalformed:   "stop",
}
