package usage

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// causes are the words for what broke a call, by the kind of its error. There are few of them, so that they can be a label of
// metrics.
var causes = map[chat.ErrorKind]string{
	chat.ErrInvalidRequest: "invalid_request",
	chat.ErrAuthentication: "authentication",
	chat.ErrPermission:     "permission",
	chat.ErrNotFound:       "not_found",
	chat.ErrTooLarge:       "too_large",
	chat.ErrRateLimit:      "rate_limit",
	chat.ErrUpstream:       "upstream_error",
	chat.ErrOverloaded:     "overloaded",
	chat.ErrTimeout:        "timeout",
	chat.ErrInternal:       "internal",
	chat.ErrUnsupported:    "unsupported",
}

// codes are those of the gateway's own error codes that say more than the kind.
var codes = map[string]string{
	"stream_idle_timeout":   "stream_idle",
	"stream_broken":         "stream_broken",
	"upstream_unreachable":  "unreachable",
	"upstream_credentials":  "credentials",
	"guardrail_not_applied": "guardrail",
}

// CauseOf returns the word for an error.
func CauseOf(e *chat.Error) string {
	if e.StatusCode() == statusClientGone {
		return "client_gone"
	}
	if word, ok := codes[e.Code]; ok {
		return word
	}
	if e.Garbled {
		return "unreadable"
	}
	if word, ok := causes[e.Kind]; ok {
		return word
	}
	return "other"
}

// ErrorText returns an error for the log. What an upstream says of a request that it refuses may quote it, and prompts are not
// for the log: the client has that message.
func ErrorText(err error) string {
	e, ok := err.(*chat.Error) //nolint:errorlint // the outermost, which has the message
	if ok && e.Upstream != "" && (e.Kind == chat.ErrInvalidRequest || e.Kind == chat.ErrTooLarge || e.Kind == chat.ErrUnsupported) && e.Status != statusClientGone {
		return "the upstream refused the request; the client has its message, which may quote the request"
	}
	return err.Error()
}
