package chat

import (
	"fmt"
	"time"
)

// ErrorKind is what went wrong, in the words that OpenAI and Anthropic share. Each dialect has its own name for it.
type ErrorKind uint8

// The kinds of errors, with the HTTP status that each has unless Error.Status says otherwise.
const (
	ErrInvalidRequest ErrorKind = iota // 400
	ErrAuthentication                  // 401: the client's own credentials
	ErrPermission                      // 403
	ErrNotFound                        // 404
	ErrTooLarge                        // 413
	ErrRateLimit                       // 429
	ErrUpstream                        // 502: the provider failed, or answered what cannot be understood
	ErrOverloaded                      // 503
	ErrTimeout                         // 504
	ErrInternal                        // 500: the gateway's own fault
	ErrUnsupported                     // 501
)

var errorStatus = [...]int{400, 401, 403, 404, 413, 429, 502, 503, 504, 500, 501}

// Error is an error that a client sees. It is made in one place per dialect for the client's own mistakes and in one
// place per provider for the upstream's; every dialect encodes it in its own shape.
type Error struct {
	Kind    ErrorKind
	Status  int    // HTTP status; 0 for the kind's own
	Message string // for people; no credentials, no internals
	Code    string // OpenAI's code: model_not_found, context_length_exceeded …; "" if none fits
	Param   string // the request's member at fault; "" if none
	Type    string // the provider's own name of the error (ThrottlingException), for native clients and the log

	// Body is the upstream's own error body in the dialect named Dialect, relayed untouched to clients of that dialect.
	Body    []byte
	Dialect string

	// UpstreamStatus is the HTTP status that the upstream answered with, for clients of its own API; 0 if it did not.
	UpstreamStatus int

	RetryAfter time.Duration // when the provider said when to come back; 0 if it did not
	Retryable  bool          // another try, or another target, may well succeed
	// Fallback: the same request may succeed at another target though not here.
	Fallback bool
	// Garbled: the upstream reported no error; what it sent could not be read.
	Garbled bool

	Upstream string // name of the upstream it came from; "" for the gateway's own
	Cause    error  // for the log only
}

// Error returns the message, and the cause for the log.
func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Message + ": " + e.Cause.Error()
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// StatusCode is the HTTP status to answer with.
func (e *Error) StatusCode() int {
	if e.Status != 0 {
		return e.Status
	}
	return errorStatus[e.Kind]
}

// Invalid is a 400 about the request's member param ("" for the whole body), its message made as fmt.Sprintf does.
func Invalid(param, format string, args ...any) *Error {
	return &Error{Kind: ErrInvalidRequest, Param: param, Message: fmt.Sprintf(format, args...)}
}

// Unreadable is the error for an upstream reply or frame that cannot be understood.
func Unreadable(what string, cause error) *Error {
	return &Error{Kind: ErrUpstream, Code: "upstream_error", Message: "the upstream sent " + what + " that cannot be read", Garbled: true, Cause: cause}
}

// Clip shortens what a provider or client sent to what belongs into a log line or an error message.
func Clip(s string) string {
	const most = 100
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// CodeRemote is the Code of the error for content that is given as a URL where the target takes it by value alone. A
// caller that fetches such content can decode and encode the request instead of splicing it.
const CodeRemote = "remote_content"

// CodeAnew is the Code of the error for a body that Splice cannot edit to what the target takes, where the same request, decoded
// and encoded, can be said.
const CodeAnew = "written_anew"
