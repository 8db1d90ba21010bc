package bedrock

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/fault"
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/openai"
)

// surface is whose API an operation belongs to: it decides what errors look like.
type surface uint8

const (
	awsSurface surface = iota
	openAISurface
	claudeSurface
)

// runtimePaths are the runtime's operations in OpenAI's and Anthropic's own APIs.
var runtimePaths = map[string]*operation{
	"/openai/v1/chat/completions": {method: http.MethodPost, operation: "ChatCompletions", surface: openAISurface, serve: (*exchange).chatCompletions},
	"/openai/v1/responses":        {method: http.MethodPost, operation: "Responses", surface: openAISurface, serve: (*exchange).responses},
	"/openai/v1/models":           {method: http.MethodGet, operation: "Models", surface: openAISurface, serve: (*exchange).listModels},
	"/anthropic/v1/messages":      {method: http.MethodPost, operation: "Messages", surface: claudeSurface, serve: (*exchange).messages},
}

// mantlePaths are all of mantle's operations. Models answer below /v1 or below /openai/v1, never below both.
var mantlePaths = map[string]*operation{
	"/v1/chat/completions":                runtimePaths["/openai/v1/chat/completions"],
	"/v1/responses":                       runtimePaths["/openai/v1/responses"],
	"/v1/models":                          runtimePaths["/openai/v1/models"],
	"/openai/v1/chat/completions":         runtimePaths["/openai/v1/chat/completions"],
	"/openai/v1/responses":                runtimePaths["/openai/v1/responses"],
	"/openai/v1/models":                   runtimePaths["/openai/v1/models"],
	"/anthropic/v1/messages":              runtimePaths["/anthropic/v1/messages"],
	"/anthropic/v1/messages/count_tokens": {method: http.MethodPost, operation: "MessagesCountTokens", surface: claudeSurface, serve: (*exchange).messagesCountTokens},
}

// refuse writes a refusal in the form of the operation's API.
func (x *exchange) refuse(e *apiError) {
	if e.page != 0 {
		e.write(x.w)
		return
	}
	status := e.status()
	if credentialErrors[e.name] {
		status = http.StatusUnauthorized
	}
	switch {
	case x.surface == openAISurface && (x.mantle || !credentialErrors[e.name]):
		kind := openAIErrors[status]
		(&openai.Refusal{Status: status, Type: kind[0], Code: kind[1], Message: e.message}).Write(x.w)
	case x.surface == claudeSurface && (x.mantle || !credentialErrors[e.name]):
		kind, known := claudeErrors[status]
		if !known {
			kind = "api_error"
		}
		if e.retryAfter > 0 {
			x.w.Header().Set("Retry-After", fmt.Sprint(int(e.retryAfter.Seconds())))
		}
		x.w.Header().Set("Content-Type", "application/json")
		x.w.WriteHeader(status)
		body, _ := json.Marshal(map[string]any{
			"type": "error", "error": map[string]string{"type": kind, "message": e.message}, "request_id": x.w.Header().Get("X-Amzn-Requestid"),
		})
		_, _ = x.w.Write(body)
	default:
		e.write(x.w) // the runtime checks credentials before it looks at the path
	}
}

// credentialErrors are refusals of the signature or the key.
var credentialErrors = map[string]bool{
	"ExpiredTokenException": true, "IncompleteSignatureException": true, "InvalidSignatureException": true,
	"MissingAuthenticationTokenException": true, "UnrecognizedClientException": true, "InvalidApiKey": true,
}

// openAIErrors are the type and code of an error by its status, in Bedrock's copies of OpenAI's API.
var openAIErrors = map[int][2]string{
	http.StatusBadRequest:            {"invalid_request_error", "validation_error"},
	http.StatusUnauthorized:          {"authentication_error", "invalid_api_key"},
	http.StatusForbidden:             {"permission_denied_error", "access_denied"},
	http.StatusNotFound:              {"not_found_error", "model_not_found"},
	http.StatusRequestEntityTooLarge: {"invalid_request_error", "request_too_large"},
	http.StatusTooManyRequests:       {"rate_limit_error", "rate_limit_exceeded"},
	http.StatusInternalServerError:   {"server_error", "internal_server_error"},
	http.StatusServiceUnavailable:    {"server_error", "service_unavailable"},
}

// claudeErrors are the types of errors by their status (https://platform.claude.com/docs/en/api/errors).
var claudeErrors = map[int]string{
	http.StatusBadRequest: "invalid_request_error", http.StatusUnauthorized: "authentication_error", http.StatusForbidden: "permission_error",
	http.StatusNotFound: "not_found_error", http.StatusRequestTimeout: "timeout_error", http.StatusRequestEntityTooLarge: "request_too_large",
	http.StatusTooManyRequests: "rate_limit_error", http.StatusServiceUnavailable: "overloaded_error",
}

// permit refuses an operation that the account's policy does not allow.
func (x *exchange) permit() *apiError {
	action := "bedrock:InvokeModel"
	switch op := x.seen.Operation; {
	case x.mantle && op == "Models":
		action = "bedrock-mantle:ListModels"
	case x.mantle:
		action = "bedrock-mantle:CreateInference"
	case strings.HasSuffix(op, "Stream"):
		action = "bedrock:InvokeModelWithResponseStream"
	case strings.HasPrefix(op, "List"), strings.HasPrefix(op, "Get"), op == "CountTokens":
		action = "bedrock:" + op
	case op == "Models":
		action = "bedrock:ListFoundationModels"
	}
	if !slices.Contains(x.opts.Denied, action) {
		return nil
	}
	return &apiError{name: "AccessDeniedException", message: fmt.Sprintf(
		"User: arn:aws:iam::%s:user/simulator is not authorized to perform: %s on resource: arn:aws:%s:%s:%[1]s:* because no identity-based policy allows the %[2]s action",
		account, action, strings.SplitN(action, ":", 2)[0], x.region())}
}

// notServed is what a model gets that an API does not serve.
const notServed = "The model doesn't exist or doesn't support this API. Retry your request with a different model ID."

// bodyModel finds the model that the body names, as the given API serves it on this host.
func (x *exchange) bodyModel(id string, runtimeAPI, mantleAPI api) (*model, *apiError) {
	id, _ = fault.Model(id)
	x.modelID = id
	if x.mantle {
		m := byMantleID[id]
		if m == nil || m.apis&mantleAPI == 0 {
			return nil, &apiError{name: "ResourceNotFoundException", message: notServed}
		}
		if native := strings.HasPrefix(x.r.URL.Path, "/openai/"); mantleAPI&mantleOpenAI != 0 && native != (m.apis&mantleNative != 0) {
			return nil, invalid("model `%s` isn't supported on this route", id)
		}
		return m, nil
	}
	m, refused := x.findModel(id)
	if refused != nil && strings.HasPrefix(refused.message, "The provided model identifier") {
		return nil, &apiError{name: "ResourceNotFoundException", message: notServed}
	}
	if refused == nil && m.apis&runtimeAPI == 0 {
		return nil, &apiError{name: "ResourceNotFoundException", message: notServed}
	}
	return m, refused
}

// chatCompletions serves OpenAI's chat.
func (x *exchange) chatCompletions() *apiError {
	return x.asOpenAI(runtimeChat, mantleChat, func(c *openai.Copy, w http.ResponseWriter) { c.Chat(w, x.r, x.body) })
}

// responses serves OpenAI's Responses.
func (x *exchange) responses() *apiError {
	return x.asOpenAI(runtimeResponses, mantleResponses, func(c *openai.Copy, w http.ResponseWriter) { c.Respond(w, x.r, x.body) })
}

// asOpenAI lets a copy of OpenAI's API answer with the model as this host serves it.
func (x *exchange) asOpenAI(runtimeAPI, mantleAPI api, answer func(*openai.Copy, http.ResponseWriter)) *apiError {
	x.seen.Model = x.namedModel()
	if !x.mantle {
		if refused := checkGuardrail(x.r.Header); refused != nil {
			return refused
		}
	}
	c := x.copies.With(func(id string) (openai.Model, *openai.Refusal) {
		m, refused := x.bodyModel(id, runtimeAPI, mantleAPI)
		if refused != nil {
			kind := openAIErrors[refused.status()]
			return openai.Model{}, &openai.Refusal{Status: refused.status(), Type: kind[0], Code: kind[1], Message: refused.message}
		}
		return m.limits(x.mantle, runtimeAPI == runtimeChat), nil
	})
	answer(c, &observed{ResponseWriter: x.w, x: x})
	return nil
}

// namedModel is the model that the body names; empty if it names none.
func (x *exchange) namedModel() string {
	var named struct{ Model string }
	_ = json.Unmarshal(x.body, &named)
	return named.Model
}

// listModels lists the models of this host's OpenAI API.
func (x *exchange) listModels() *apiError {
	var ids []string
	for _, m := range models {
		switch {
		case x.mantle && m.apis&(mantleOpenAI|mantleMessages) != 0:
			ids = append(ids, m.mantleID())
		case !x.mantle && m.apis&runtimeOpenAI != 0:
			ids = append(ids, m.id)
		}
	}
	x.observe(nil)
	openai.List(x.w, ids)
	return nil
}

// observed reports the call with the status that its reply begins with.
type observed struct {
	http.ResponseWriter
	x *exchange
}

func (w *observed) WriteHeader(status int) {
	var refused *apiError
	if status >= http.StatusBadRequest {
		refused = &apiError{name: "HTTPStatus", message: http.StatusText(status)}
	}
	w.x.observe(refused)
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController find the writer below.
func (w *observed) Unwrap() http.ResponseWriter { return w.ResponseWriter }
