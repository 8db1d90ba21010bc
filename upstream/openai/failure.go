package openai

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// reported is the error object of OpenAI and of compatible servers.
type reported struct {
	message, kind, param, code string
	whole                      bool // it is an object, as OpenAI's own are
}

// decodeError reads {"error":{…}}, {"error":"…"}, {"message":"…"} or {"detail":"…"}; ok is false where there is none. A code and
// a param may stand beside the message, as in the events of Responses.
func decodeError(body []byte) (e reported, ok bool) {
	r := json.NewReader(body)
	for r.Object(); r.Member(); {
		switch key := string(r.Key()); {
		case key == "error" && r.Kind() == json.Object:
			ok, e.whole = true, true
			for r.Object(); r.Member(); {
				into := map[string]*string{"message": &e.message, "type": &e.kind, "param": &e.param, "code": &e.code}[string(r.Key())]
				if into != nil && r.Kind() == json.Text {
					*into = r.Text()
				} else {
					r.Skip()
				}
			}
		case (key == "error" || key == "message" || key == "detail") && r.Kind() == json.Text:
			ok = true
			e.message = r.Text()
		case key == "code" && r.Kind() == json.Text && e.code == "":
			e.code = r.Text()
		case key == "param" && r.Kind() == json.Text && e.param == "":
			e.param = r.Text()
		default:
			r.Skip()
		}
	}
	return e, ok && r.End() == nil
}

func isError(body []byte) bool {
	_, ok := decodeError(body)
	return ok
}

// statusKinds are the kinds of the statuses that OpenAI answers with
// (https://platform.openai.com/docs/guides/error-codes); other statuses go by their class.
var statusKinds = map[int]chat.ErrorKind{
	http.StatusForbidden:             chat.ErrPermission,
	http.StatusNotFound:              chat.ErrNotFound,
	http.StatusRequestTimeout:        chat.ErrTimeout,
	http.StatusRequestEntityTooLarge: chat.ErrTooLarge,
	http.StatusTooManyRequests:       chat.ErrRateLimit,
	http.StatusServiceUnavailable:    chat.ErrOverloaded,
	http.StatusGatewayTimeout:        chat.ErrTimeout,
}

// failure returns the error of a reply that is one.
func failure(status int, h http.Header, body []byte) *chat.Error {
	rep, ok := decodeError(body)
	e := &chat.Error{
		Kind: chat.ErrInvalidRequest, Status: status, Message: rep.message, Code: rep.code, Param: rep.param, Type: rep.kind,
		RetryAfter: upstream.RetryAfter(h, time.Now()),
	}
	if ok && rep.whole { // other servers' forms are not what clients look for the message in
		e.Body, e.Dialect = body, "openai"
	}
	if kind, known := statusKinds[status]; known {
		e.Kind = kind
	} else if status >= http.StatusInternalServerError || status < http.StatusBadRequest {
		e.Kind = chat.ErrUpstream
	}
	if e.Message == "" {
		e.Message = "the upstream answered " + http.StatusText(status) + " and did not say why"
	}
	switch {
	case status == http.StatusUnauthorized:
		// It is the gateway's key that was refused. The client's own is good, and must not be taken for bad; and OpenAI
		// shows the key's ends in its message.
		*e = chat.Error{
			Kind: chat.ErrPermission, Code: "upstream_credentials", Type: rep.kind, Fallback: true,
			Message: "the upstream refused the gateway's own key; its operator must set a valid api_key",
		}
	case status < http.StatusBadRequest:
		// A redirect: a base_url that is not quite right.
		*e = chat.Error{Kind: chat.ErrUpstream, Code: "upstream_error", Message: "the upstream answered with a redirect; its base_url must name the API itself"}
	case rep.code == "insufficient_quota":
		e.Fallback = true
	case status == http.StatusNotFound:
		e.Fallback = true
	case status == http.StatusRequestTimeout, status == http.StatusConflict, status == http.StatusTooManyRequests, status >= http.StatusInternalServerError:
		e.Retryable, e.Fallback = true, true
	}
	e.UpstreamStatus = status
	switch h.Get("X-Should-Retry") {
	case "true":
		e.Retryable = true
	case "false":
		e.Retryable = false
	}
	return e
}

// eventStatus are the statuses of errors that come as a frame of a stream, by their type or code.
var eventStatus = map[string]int{
	"rate_limit_error": 429, "rate_limit_exceeded": 429, "insufficient_quota": 429, "tokens": 429, "requests": 429,
	"server_is_overloaded": 503, "slow_down": 503, "service_unavailable": 503, "invalid_prompt": 400,
	"invalid_api_key": 401, "authentication_error": 401, "invalid_request_error": 400, "context_length_exceeded": 400, "overloaded_error": 503, "timeout": 504,
}

// eventError returns the error of a stream's frame that is one; nil if it is none.
func eventError(name, payload []byte) *chat.Error {
	if string(name) != "error" && !bytes.HasPrefix(bytes.TrimLeft(payload, " "), []byte(`{"error":`)) {
		return nil
	}
	rep, ok := decodeError(payload)
	if !ok || rep.message == "" && rep.kind == "" && rep.code == "" {
		return nil // {"error":null} is none
	}
	status := eventStatus[rep.code]
	if status == 0 {
		status = eventStatus[rep.kind]
	}
	if status == 0 {
		status = http.StatusBadGateway
	}
	return failure(status, nil, bytes.Clone(payload))
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
