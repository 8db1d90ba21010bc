package responses

import (
	"strconv"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
)

// EncodeError appends {"error":{message,type,param,code}}. An error body of OpenAI's own is given as it came.
func (Dialect) EncodeError(dst []byte, e *chat.Error, _ string) []byte {
	if (e.Dialect == Name || e.Dialect == "openai") && len(e.Body) > 0 {
		return append(dst, e.Body...)
	}
	return rules.AppendOpenAIError(dst, e)
}

// failCodes are the codes of a failed response by the kind of the error. Codex goes by them: it retries a server_error, waits
// for a rate limit as long as the message says, and ends the turn on any other.
var failCodes = [...]string{
	chat.ErrInvalidRequest: "invalid_prompt",
	chat.ErrAuthentication: "invalid_prompt",
	chat.ErrPermission:     "invalid_prompt",
	chat.ErrNotFound:       "invalid_prompt",
	chat.ErrTooLarge:       "invalid_prompt",
	chat.ErrRateLimit:      "rate_limit_exceeded",
	chat.ErrUpstream:       "server_error",
	chat.ErrOverloaded:     "server_is_overloaded",
	chat.ErrTimeout:        "server_error",
	chat.ErrInternal:       "server_error",
	chat.ErrUnsupported:    "invalid_prompt",
}

// ownCodes are codes that say more than the kind, and mean something to clients.
var ownCodes = map[string]bool{"context_length_exceeded": true, "insufficient_quota": true}

// failure returns what a failed response says of its error.
func failure(e *chat.Error) (code, message string) {
	code = failCodes[e.Kind]
	if ownCodes[e.Code] {
		code = e.Code
	}
	message = e.Message
	if code == "rate_limit_exceeded" && e.RetryAfter > 0 {
		seconds := float64(e.RetryAfter.Round(time.Millisecond)) / float64(time.Second)
		message += " Please try again in " + strconv.FormatFloat(seconds, 'f', -1, 64) + "s."
	}
	return code, message
}

// errorType is OpenAI's type of the error.
func errorType(e *chat.Error) string { return rules.OpenAIErrorType(e.Kind) }
