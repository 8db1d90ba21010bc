package openai

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// errorKinds are the kinds by OpenAI's types and codes, for errors that come without an HTTP status.
var errorKinds = map[string]chat.ErrorKind{
	"invalid_request_error":     chat.ErrInvalidRequest,
	"context_length_exceeded":   chat.ErrInvalidRequest,
	"authentication_error":      chat.ErrAuthentication, // the gateway's own credentials
	"invalid_api_key":           chat.ErrAuthentication,
	"permission_error":          chat.ErrPermission,
	"not_found_error":           chat.ErrNotFound,
	"model_not_found":           chat.ErrNotFound,
	"rate_limit_error":          chat.ErrRateLimit,
	"rate_limit_exceeded":       chat.ErrRateLimit,
	"insufficient_quota":        chat.ErrRateLimit,
	"overloaded_error":          chat.ErrOverloaded,
	"service_unavailable_error": chat.ErrOverloaded,
	"timeout_error":             chat.ErrTimeout,
	"timeout":                   chat.ErrTimeout,
}

// EncodeError appends {"error":{message,type,param,code}}. An error body of OpenAI's own is given as it came.
func (Dialect) EncodeError(dst []byte, e *chat.Error, _ string) []byte {
	if e.Dialect == Name && len(e.Body) > 0 {
		return append(dst, e.Body...)
	}
	return rules.AppendOpenAIError(dst, e)
}

// decodeError reads the value of an error member that came with a good status: in a stream, or from servers that answer
// everything with 200.
func decodeError(v json.Value) *chat.Error {
	e := &chat.Error{Kind: chat.ErrUpstream, Message: "the upstream reported an error", Code: "upstream_error"}
	r := json.NewReader(v)
	if r.Kind() == json.Text {
		e.Message = r.Text()
		return e
	}
	if !r.Object() {
		return e
	}
	var kind, code string
	for r.Member() {
		key := string(r.Key())
		if r.Kind() != json.Text {
			r.Skip()
			continue
		}
		switch key {
		case "message":
			e.Message = r.Text()
		case "type":
			kind = r.Text()
		case "code":
			code = r.Text()
		case "param":
			e.Param = r.Text()
		default:
			r.Skip()
		}
	}
	e.Type = kind
	if k, known := errorKinds[code]; known {
		e.Kind = k
	} else if k, known := errorKinds[kind]; known {
		e.Kind = k
	}
	if code != "" {
		e.Code = code
	}
	if e.Kind == chat.ErrAuthentication {
		// Never the client's 401; and the message may show a part of the key.
		e.Kind, e.Code, e.Message = chat.ErrPermission, "upstream_authentication", "the upstream refused the gateway's credentials"
	}
	e.Retryable = e.Kind == chat.ErrUpstream || e.Kind == chat.ErrOverloaded || e.Kind == chat.ErrTimeout ||
		e.Kind == chat.ErrRateLimit && code != "insufficient_quota"
	return e
}
