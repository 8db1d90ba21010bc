// Package claude is the dialect of Anthropic's Messages API, which is also the body of Claude models on Bedrock's
// InvokeModel: https://platform.claude.com/docs/en/api/messages and
// https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html.
// Members and their types are those of the anthropic library for Python, v2.12.0.
package claude

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
)

// Name is the dialect's name.
const Name = "claude"

// bedrockVersion is the one anthropic_version that Bedrock takes, whatever version the client speaks. Anthropic's own
// (2023-06-01, 2026-10-21) differ in what they refuse, not in how they write it.
const bedrockVersion = `"bedrock-2023-05-31"`

// Dialect speaks Messages in both directions. It holds no state and is safe for concurrent use.
type Dialect struct{}

// Name is "claude".
func (Dialect) Name() string { return Name }

// stopReasons are the values of stop_reason.
var stopReasons = chat.StopNames{
	{"end_turn", chat.StopEnd},
	{"tool_use", chat.StopToolUse},
	{"max_tokens", chat.StopLength},
	{"stop_sequence", chat.StopSequence},
	{"refusal", chat.StopFiltered},
	{"pause_turn", chat.StopPause},
	{"model_context_window_exceeded", chat.StopContextFull},
}

// stopName returns the stop_reason of a reply with or without calls of the client's tools: with them it always says so,
// since clients look at nothing else, and the forced output tool is none.
func stopName(s chat.StopReason, calls, output bool, x *chat.Exchange) string {
	switch s {
	case chat.StopUnknown:
		x.Note("the upstream gave no reason to stop that is known; told the client 'end_turn'")
		s = chat.StopEnd
	case chat.StopToolUse:
		if output && !calls {
			s = chat.StopEnd
		}
	case chat.StopEnd, chat.StopSequence, chat.StopLength, chat.StopFiltered, chat.StopContextFull, chat.StopPause, chat.StopMalformed:
	}
	if s == chat.StopEnd && calls {
		s = chat.StopToolUse
	}
	return stopReasons.Name(s, "end_turn")
}

// ids is the rule for the ids of tool calls. Bedrock's is tighter than Anthropic's: 64 characters.
var ids = rules.IDs{Also: "_-"}
