package exchange

import (
	"net/http"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/converse"
)

// Form is how an endpoint's answers look besides their bodies, and how its errors do.
type Form struct {
	Errors   translate.Dialect // the dialect of errors
	IDHeader string            // the header that holds the request's id, in its canonical spelling
	Native   bool              // Bedrock's own paths: its headers, and event streams instead of server-sent events
}

// status returns the status that e is answered with. Bedrock's clients know its own statuses, such as 424 for a model that
// failed.
func (f *Form) status(e *chat.Error) int {
	if f.Native && e.UpstreamStatus != 0 && e.Dialect == converse.Name {
		return e.UpstreamStatus
	}
	return e.StatusCode()
}

// setErrorHeaders sets the headers that errors have in this form.
func (f *Form) setErrorHeaders(h http.Header, e *chat.Error) {
	if f.Native {
		h.Set("X-Amzn-Errortype", converse.ErrorType(e))
	}
}
