package rules

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// openAIErrors are OpenAI's types of errors, with the code that goes with one when none better is known.
var openAIErrors = [...]struct{ name, code string }{
	chat.ErrInvalidRequest: {"invalid_request_error", ""},
	chat.ErrAuthentication: {"authentication_error", "invalid_api_key"},
	chat.ErrPermission:     {"permission_error", ""},
	chat.ErrNotFound:       {"invalid_request_error", ""},
	chat.ErrTooLarge:       {"invalid_request_error", "request_too_large"},
	chat.ErrRateLimit:      {"rate_limit_error", "rate_limit_exceeded"},
	chat.ErrUpstream:       {"api_error", "upstream_error"},
	chat.ErrOverloaded:     {"api_error", "overloaded"},
	chat.ErrTimeout:        {"timeout_error", "timeout"},
	chat.ErrInternal:       {"api_error", "internal_error"},
	chat.ErrUnsupported:    {"invalid_request_error", "unsupported"},
}

// OpenAIErrorType returns OpenAI's type of an error of the kind.
func OpenAIErrorType(k chat.ErrorKind) string { return openAIErrors[k].name }

// AppendOpenAIError appends {"error":{message,type,param,code}}, the form of all of OpenAI's APIs.
func AppendOpenAIError(dst []byte, e *chat.Error) []byte {
	t := openAIErrors[e.Kind]
	dst = append(dst, `{"error":{"message":`...)
	dst = json.AppendQuoted(dst, e.Message)
	dst = append(dst, `,"type":"`...)
	dst = append(dst, t.name...)
	dst = append(dst, `","param":`...)
	dst = appendOrNull(dst, e.Param)
	dst = append(dst, `,"code":`...)
	if e.Code != "" {
		t.code = e.Code
	}
	dst = appendOrNull(dst, t.code)
	return append(dst, '}', '}')
}

func appendOrNull(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, "null"...)
	}
	return json.AppendQuoted(dst, s)
}
