// Package converse is the dialect of Amazon Bedrock's Converse and ConverseStream operations:
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html. Member names and their limits are
// those of the service's model as the AWS SDK for Go v2 (service/bedrockruntime v1.63.11, schemas) has them.
package converse

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// Name is the dialect's name.
const Name = "converse"

// Dialect speaks Converse. It holds no state and is safe for concurrent use.
type Dialect struct{}

// Name returns Name.
func (Dialect) Name() string { return Name }

// stopReasons are the values of StopReason. The two malformed ones mean a model's output that Bedrock could not
// parse: only Responses has a word for that, a failed reply.
var stopReasons = chat.StopNames{
	{"end_turn", chat.StopEnd},
	{"tool_use", chat.StopToolUse},
	{"max_tokens", chat.StopLength},
	{"stop_sequence", chat.StopSequence},
	{"content_filtered", chat.StopFiltered},
	{"guardrail_intervened", chat.StopFiltered},
	{"model_context_window_exceeded", chat.StopContextFull},
	{"malformed_model_output", chat.StopMalformed},
	{"malformed_tool_use", chat.StopMalformed},
}

// readStop returns the reason for its name in a reply. A malformed one is noted, for most clients are not told.
func readStop(tok chat.String, x *chat.Exchange) chat.StopReason {
	s := stopReasons.Read(tok, x)
	if s == chat.StopMalformed {
		x.Note("what the model wrote could not be read by Bedrock: " + chat.Clip(tok.Unquote()))
	}
	return s
}

// stopName returns the value of StopReason for s. A pause and an unknown reason end the turn, for want of a word. Only a
// guardrail leaves a trace.
func stopName(s chat.StopReason, trace chat.Value) string {
	if s == chat.StopFiltered && len(trace) > 0 {
		return "guardrail_intervened"
	}
	return stopReasons.Name(s, "end_turn")
}

// errorTypes are the names that Bedrock's errors have, by kind; their HTTP status is the kind's.
var errorTypes = [...]string{
	chat.ErrInvalidRequest: "ValidationException",
	chat.ErrAuthentication: "UnrecognizedClientException",
	chat.ErrPermission:     "AccessDeniedException",
	chat.ErrNotFound:       "ResourceNotFoundException",
	chat.ErrTooLarge:       "ValidationException",
	chat.ErrRateLimit:      "ThrottlingException",
	chat.ErrUpstream:       "ModelErrorException",
	chat.ErrOverloaded:     "ServiceUnavailableException",
	chat.ErrTimeout:        "ModelTimeoutException",
	chat.ErrInternal:       "InternalServerException",
	chat.ErrUnsupported:    "ValidationException",
}

// ErrorType returns what the header x-amzn-errortype says of e: Bedrock's own name of the error if it came from there. The
// names of other providers, which are in lower case, mean nothing to AWS's clients.
func ErrorType(e *chat.Error) string {
	if e.Type != "" && 'A' <= e.Type[0] && e.Type[0] <= 'Z' {
		return e.Type
	}
	if int(e.Kind) < len(errorTypes) {
		return errorTypes[e.Kind]
	}
	return "InternalServerException"
}

// EncodeError appends the body of an error; its type stands in a header (see ErrorType). The request id is a header's
// too. An upstream's own body in this dialect is relayed untouched.
func (Dialect) EncodeError(dst []byte, e *chat.Error, _ string) []byte {
	if e.Dialect == Name && len(e.Body) > 0 {
		return append(dst, e.Body...)
	}
	dst = append(dst, `{"message":`...)
	dst = json.AppendQuoted(dst, e.Message)
	return append(dst, '}')
}
