package handler

import (
	"net/http"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/converse"
)

// form is how the answers of an endpoint look besides their bodies, and how its errors do.
type form struct {
	errors   translate.Dialect // what errors are written in
	idHeader string            // which header holds the request's id
	native   bool              // Bedrock's own paths: its headers, and event streams in place of server-sent events
}

// The forms of the endpoints, by whose API they are.
var (
	openaiForm    = form{errors: translate.ByName("openai"), idHeader: "X-Request-Id"}
	anthropicForm = form{errors: translate.ByName("claude"), idHeader: "Request-Id"}
	bedrockForm   = form{errors: translate.ByName("converse"), idHeader: "X-Amzn-Requestid", native: true}
)

// status is what e is answered with. Bedrock's clients know its own statuses, such as 424 for a model that failed.
func (f *form) status(e *chat.Error) int {
	if f.native && e.UpstreamStatus != 0 && e.Dialect == converse.Name {
		return e.UpstreamStatus
	}
	return e.StatusCode()
}

// setErrorHeaders sets the headers that errors have in this form.
func (f *form) setErrorHeaders(h http.Header, e *chat.Error) {
	if f.native {
		h.Set("X-Amzn-Errortype", converse.ErrorType(e))
	}
}
