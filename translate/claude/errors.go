package claude

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// errorTypes are Anthropic's types of errors: https://platform.claude.com/docs/en/api/errors.
var errorTypes = [...]string{
	chat.ErrInvalidRequest: "invalid_request_error",
	chat.ErrAuthentication: "authentication_error",
	chat.ErrPermission:     "permission_error",
	chat.ErrNotFound:       "not_found_error",
	chat.ErrTooLarge:       "request_too_large",
	chat.ErrRateLimit:      "rate_limit_error",
	chat.ErrUpstream:       "api_error",
	chat.ErrOverloaded:     "overloaded_error",
	chat.ErrTimeout:        "timeout_error",
	chat.ErrInternal:       "api_error",
	chat.ErrUnsupported:    "invalid_request_error",
}

// errorKinds are the kinds by Anthropic's types, for errors that come within a stream. An authentication_error or a
// billing_error there is about the gateway's own account.
var errorKinds = [...]struct {
	name string
	kind chat.ErrorKind
}{
	{"invalid_request_error", chat.ErrInvalidRequest},
	{"authentication_error", chat.ErrPermission},
	{"billing_error", chat.ErrPermission},
	{"permission_error", chat.ErrPermission},
	{"not_found_error", chat.ErrNotFound},
	{"request_too_large", chat.ErrTooLarge},
	{"rate_limit_error", chat.ErrRateLimit},
	{"timeout_error", chat.ErrTimeout},
	{"overloaded_error", chat.ErrOverloaded},
}

// codeThread is the details.error_code of a request whose conversation the server cannot hold. Anthropic's clients then
// send the whole conversation without "thread"
// (github.com/anthropics/anthropic-sdk-python, lib/threads/_thread_state.py).
const codeThread = "thread_unsupported_request"

// refuseThread returns the error for a request that has the server hold its conversation, or go on with one held: no
// upstream keeps any, and without the member an answer would be one to a part of the conversation.
func refuseThread() *chat.Error {
	e := chat.Invalid("thread", "thread: conversations are not held here; send the whole conversation without 'thread'")
	e.Code = codeThread
	return e
}

// EncodeError appends {"type":"error","error":{type,message},"request_id"}. An error body of Anthropic's own is given as
// it came.
func (Dialect) EncodeError(dst []byte, e *chat.Error, requestID string) []byte {
	if e.Dialect == Name && len(e.Body) > 0 {
		return append(dst, e.Body...)
	}
	return appendError(dst, e, requestID)
}

func appendError(dst []byte, e *chat.Error, requestID string) []byte {
	name := "api_error"
	if int(e.Kind) < len(errorTypes) {
		name = errorTypes[e.Kind]
	}
	dst = append(dst, `{"type":"error","error":{"type":"`...)
	dst = append(dst, name...)
	dst = append(dst, `","message":`...)
	dst = json.AppendQuoted(dst, e.Message)
	if e.Code == codeThread {
		dst = append(dst, `,"details":{"error_code":"`+codeThread+`"}`...)
	}
	dst = append(dst, '}')
	if requestID != "" {
		dst = append(dst, `,"request_id":`...)
		dst = json.AppendQuoted(dst, requestID)
	}
	return append(dst, '}')
}

// decodeError reads the value of an error member that came with a good status: in a stream, or in a whole reply.
func decodeError(v chat.Value) *chat.Error {
	e := &chat.Error{Kind: chat.ErrUpstream, Message: "the upstream reported an error", Code: "upstream_error"}
	r := json.NewReader(v)
	if r.Kind() == json.Object {
		r.Object()
	}
	for r.Member() {
		key := string(r.Key())
		if r.Kind() != json.Text {
			r.Skip()
			continue
		}
		switch key {
		case "type":
			e.Type = r.Text()
		case "message":
			e.Message = r.Text()
		default:
			r.Skip()
		}
	}
	for i := range errorKinds {
		if errorKinds[i].name == e.Type {
			e.Kind = errorKinds[i].kind
			e.Code = ""
		}
	}
	if e.Type == "authentication_error" {
		e.Message = "the upstream refused the gateway's credentials" // its own words may show a part of them
	}
	switch e.Kind {
	case chat.ErrUpstream, chat.ErrOverloaded, chat.ErrTimeout, chat.ErrRateLimit:
		e.Retryable = true
	case chat.ErrInvalidRequest, chat.ErrAuthentication, chat.ErrPermission, chat.ErrNotFound, chat.ErrTooLarge, chat.ErrInternal, chat.ErrUnsupported:
	}
	return e
}
