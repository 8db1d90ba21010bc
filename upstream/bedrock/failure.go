package bedrock

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// exception is what one of Bedrock's errors means to a client and to the next try.
type exception struct {
	kind                chat.ErrorKind
	status              int // 0 for the kind's own
	code                string
	retryable, fallback bool
}

// exceptions are Bedrock's errors by name, lower case first letter as in streams
// (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors, and the
// common errors beside it). That the gateway's own credentials were refused is a 403 for the client, never a 401: its
// own are good.
var exceptions = map[string]exception{
	"validationException":                 {kind: chat.ErrInvalidRequest},
	"conflictException":                   {kind: chat.ErrInvalidRequest},
	"serviceQuotaExceededException":       {kind: chat.ErrInvalidRequest, code: "quota_exceeded", fallback: true},
	"accessDeniedException":               refused,
	"expiredTokenException":               refused,
	"expiredToken":                        refused,
	"unrecognizedClientException":         refused,
	"invalidSignatureException":           refused,
	"signatureDoesNotMatch":               refused,
	"incompleteSignature":                 refused,
	"missingAuthenticationToken":          refused,
	"missingAuthenticationTokenException": refused,
	"invalidClientTokenId":                refused,
	"optInRequired":                       refused,
	"resourceNotFoundException":           {kind: chat.ErrNotFound, code: "model_not_found", fallback: true},
	"modelTimeoutException":               {kind: chat.ErrTimeout, status: http.StatusRequestTimeout, code: "timeout", retryable: true, fallback: true},
	"modelErrorException":                 {kind: chat.ErrUpstream, code: "upstream_error", retryable: true, fallback: true},
	"modelStreamErrorException":           {kind: chat.ErrUpstream, code: "upstream_error", retryable: true, fallback: true},
	"throttlingException":                 {kind: chat.ErrRateLimit, code: "rate_limit_exceeded", retryable: true, fallback: true},
	"tooManyRequestsException":            {kind: chat.ErrRateLimit, code: "rate_limit_exceeded", retryable: true, fallback: true},
	"modelNotReadyException":              {kind: chat.ErrRateLimit, code: "model_not_ready", retryable: true, fallback: true},
	"internalServerException":             {kind: chat.ErrUpstream, code: "upstream_error", retryable: true, fallback: true},
	"internalFailure":                     {kind: chat.ErrUpstream, code: "upstream_error", retryable: true, fallback: true},
	"serviceUnavailableException":         {kind: chat.ErrOverloaded, code: "upstream_unavailable", retryable: true, fallback: true},
	"serviceUnavailable":                  {kind: chat.ErrOverloaded, code: "upstream_unavailable", retryable: true, fallback: true},
}

var refused = exception{kind: chat.ErrPermission, code: "upstream_credentials", fallback: true}

// byStatus are the errors whose name no table knows.
func byStatus(status int) exception {
	switch {
	case status == http.StatusForbidden, status == http.StatusUnauthorized:
		return refused
	case status == http.StatusNotFound:
		return exception{kind: chat.ErrNotFound, code: "model_not_found", fallback: true}
	case status == http.StatusRequestEntityTooLarge:
		return exception{kind: chat.ErrTooLarge, code: "request_too_large"}
	case status == http.StatusTooManyRequests:
		return exceptions["throttlingException"]
	case status == http.StatusServiceUnavailable:
		return exceptions["serviceUnavailableException"]
	case status >= http.StatusBadRequest && status < http.StatusInternalServerError:
		return exception{kind: chat.ErrInvalidRequest}
	}
	return exception{kind: chat.ErrUpstream, code: "upstream_error", retryable: status >= http.StatusInternalServerError, fallback: true}
}

// overflows are what Bedrock's models say when the context is full, lower case.
var overflows = [...]string{
	"too many tokens", "expected maxlength:", "input is too long", "prompt is too long", "prompt: length: 1..", "too many input tokens",
	"maximum context length", "exceeds the maximum number of tokens",
}

// unknownModel are what a ValidationException says of a model id that leads nowhere, lower case: another target's may.
var unknownModel = [...]string{"model identifier is invalid", "on-demand throughput isn", "model id is not supported", "isn't supported in this region"}

// arn matches the names of accounts and roles, which are not the client's business, in a text and in JSON.
var arn = regexp.MustCompile(`arn:aws[a-z-]*:[^\s"',()\\]+`)

// canonical begins what AWS adds to the refusal of a signature: the request as it should have been signed, with the
// session token in it. It is not even the log's business.
const canonical = "The Canonical String"

// failure returns the error of a reply that is one.
func failure(status int, h http.Header, body []byte) *chat.Error {
	var doc struct {
		Message string `json:"message"` // encoding/json takes Message, too
		Type    string `json:"__type"`
		Detail  string `json:"detail"`
	}
	_ = json.Unmarshal(body, &doc) // another body has no message
	name := h.Get("X-Amzn-Errortype")
	if name == "" {
		name = doc.Type
	}
	name, _, _ = strings.Cut(name, ":")
	if i := strings.LastIndexByte(name, '#'); i >= 0 {
		name = name[i+1:]
	}
	form := ""
	if json.Valid(body) {
		form = bodyDialect(body)
	}
	if said, ok := decodeError(body); ok && form != "" && name == "" {
		doc.Message = said.message // of a copy of OpenAI's or Anthropic's API
	}
	if doc.Message == "" && doc.Detail != "" { // a proxy's in front of Bedrock, in a form that its clients look into for nothing
		doc.Message, form = doc.Detail, "none"
	}
	e := newError(name, doc.Message, status)
	e.RetryAfter, e.UpstreamStatus = upstream.RetryAfter(h, time.Now()), status
	if e.Kind != chat.ErrPermission && json.Valid(body) {
		e.Body, e.Dialect = arn.ReplaceAll(body, []byte("[arn]")), cmp.Or(form, "converse")
	}
	return e
}

// newError returns the error of an exception's name and message; status is 0 for one in a stream.
func newError(name, message string, status int) *chat.Error {
	ex, known := exceptions[lowerFirst(name)]
	if !known {
		ex = byStatus(status)
	}
	e := &chat.Error{
		Kind: ex.kind, Status: ex.status, Code: ex.code, Type: upperFirst(name), Retryable: ex.retryable, Fallback: ex.fallback,
		Message: message,
	}
	switch ex.kind { //nolint:exhaustive // the others are passed on as they are
	case chat.ErrPermission:
		said, _, _ := strings.Cut(message, canonical)
		e.Cause = errors.New(strings.TrimSpace(said))
		e.Message = "Bedrock refused the gateway's own credentials (" + e.Type + "); its operator must see to them"
		if strings.Contains(message, "access to the model") {
			e.Code, e.Message = "model_access_denied", "the gateway's AWS account has no access to this model; its operator must request it in the Bedrock console"
		}
	case chat.ErrInvalidRequest:
		lower := strings.ToLower(message)
		if containsAny(lower, overflows[:]) {
			e.Code = "context_length_exceeded"
		} else if containsAny(lower, unknownModel[:]) {
			e.Kind, e.Code, e.Param, e.Fallback = chat.ErrNotFound, "model_not_found", "model", true
		}
	case chat.ErrNotFound:
		e.Param = "model"
	}
	if e.Message == "" {
		e.Message = "Bedrock answered " + http.StatusText(e.StatusCode()) + " and did not say why"
	}
	e.Message = arn.ReplaceAllString(e.Message, "[arn]")
	return e
}

func containsAny(s string, parts []string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// firstFrame returns the error of a stream that broke before it began.
func firstFrame(ctx context.Context, err error) error {
	var e *chat.Error
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &e):
		return e
	}
	return &chat.Error{
		Kind: chat.ErrUpstream, Code: "upstream_error", Message: "the upstream's stream ended before it began", Retryable: true, Fallback: true, Cause: err,
	}
}
