package responses

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// errorKinds are the kinds of errors by their code or type, for those that come without an HTTP status: in a response that
// failed, or as a stream's event (types/responses/response_error.py of openai-python, and the codes that Codex knows,
// codex-rs/codex-api/src/sse/responses.rs).
var errorKinds = map[string]chat.ErrorKind{
	"server_error":              chat.ErrUpstream,
	"internal_server_error":     chat.ErrUpstream,
	"rate_limit_exceeded":       chat.ErrRateLimit,
	"rate_limit_error":          chat.ErrRateLimit,
	"insufficient_quota":        chat.ErrRateLimit,
	"server_is_overloaded":      chat.ErrOverloaded,
	"slow_down":                 chat.ErrOverloaded,
	"service_unavailable":       chat.ErrOverloaded,
	"service_unavailable_error": chat.ErrOverloaded,
	"overloaded_error":          chat.ErrOverloaded,
	"timeout":                   chat.ErrTimeout,
	"timeout_error":             chat.ErrTimeout,
	"vector_store_timeout":      chat.ErrTimeout,

	"invalid_request_error":          chat.ErrInvalidRequest,
	"validation_error":               chat.ErrInvalidRequest,
	"context_length_exceeded":        chat.ErrInvalidRequest,
	"invalid_prompt":                 chat.ErrInvalidRequest,
	"invalid_encrypted_content":      chat.ErrInvalidRequest,
	"data_residency_mismatch":        chat.ErrInvalidRequest,
	"bio_policy":                     chat.ErrInvalidRequest,
	"cyber_policy":                   chat.ErrInvalidRequest,
	"misalignment_policy_violation":  chat.ErrInvalidRequest,
	"invalid_image":                  chat.ErrInvalidRequest,
	"invalid_image_format":           chat.ErrInvalidRequest,
	"invalid_base64_image":           chat.ErrInvalidRequest,
	"invalid_image_url":              chat.ErrInvalidRequest,
	"image_too_large":                chat.ErrInvalidRequest,
	"image_too_small":                chat.ErrInvalidRequest,
	"image_parse_error":              chat.ErrInvalidRequest,
	"image_content_policy_violation": chat.ErrInvalidRequest,
	"invalid_image_mode":             chat.ErrInvalidRequest,
	"image_file_too_large":           chat.ErrInvalidRequest,
	"unsupported_image_media_type":   chat.ErrInvalidRequest,
	"empty_image_file":               chat.ErrInvalidRequest,
	"failed_to_download_image":       chat.ErrInvalidRequest,
	"image_file_not_found":           chat.ErrInvalidRequest,
	"authentication_error":           chat.ErrPermission, // the gateway's own credentials, never the client's
	"invalid_api_key":                chat.ErrPermission,
	"permission_error":               chat.ErrPermission,
	"permission_denied_error":        chat.ErrPermission,
	"model_not_found":                chat.ErrNotFound,
	"not_found_error":                chat.ErrNotFound,
}

// reportedError reads an error object that came with a good status: {code, message, param, type} as Responses has it, or
// the event that holds these or an object "error" with them.
func reportedError(v chat.Value) *chat.Error {
	e := &chat.Error{Kind: chat.ErrUpstream, Code: "upstream_error", Message: "the upstream's reply failed", Cause: errNoReason}
	if inner := json.Find(v, "error"); len(inner) > 0 && inner[0] == '{' {
		v = inner
	}
	if len(v) > 0 && v[0] == '"' {
		e.Message, e.Cause = chat.String(v).Unquote(), nil
		return e
	}
	text := func(key string) string {
		if tok := json.Find(v, key); len(tok) > 1 && tok[0] == '"' {
			return chat.String(tok).Unquote()
		}
		return ""
	}
	code := text("code")
	e.Type, e.Param = text("type"), text("param")
	if e.Type == "error" { // the event's own
		e.Type = ""
	}
	if message := text("message"); message != "" {
		e.Message, e.Cause = message, nil
	}
	if kind, known := errorKinds[code]; known {
		e.Kind = kind
	} else if kind, known := errorKinds[e.Type]; known {
		e.Kind = kind
	}
	if code != "" {
		e.Code, e.Cause = code, nil
	}
	if e.Kind == chat.ErrPermission {
		// The message may show a part of the gateway's key.
		e.Code, e.Message = "upstream_authentication", "the upstream refused the gateway's credentials"
	}
	switch e.Kind {
	case chat.ErrUpstream, chat.ErrOverloaded, chat.ErrTimeout:
		e.Retryable = true
	case chat.ErrRateLimit:
		e.Retryable = code != "insufficient_quota"
	default:
	}
	return e
}
