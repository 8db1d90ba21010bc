package exchange

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/usage"
)

// statusClientGone is what a request is counted as whose client left before the answer, nginx's word for it.
const statusClientGone = 499

var errClientGone = &chat.Error{Kind: chat.ErrInvalidRequest, Status: statusClientGone, Message: "the client went away"}

// AsError returns err as the error that the client sees. An error that is not the gateway's own is never shown: it may
// hold addresses and names that are not for clients.
func AsError(ctx context.Context, err error) *chat.Error {
	var e *chat.Error
	switch {
	case errors.As(err, &e):
		return e
	case ctx.Err() != nil:
		return errClientGone
	}
	return &chat.Error{Kind: chat.ErrInternal, Message: "the gateway failed; its log says why", Cause: err}
}

// Fail answers with the error in the endpoint's form.
func (en *Engine) Fail(w http.ResponseWriter, r *http.Request, f *Form, id string, e *chat.Error) {
	en.logError(r, id, e)
	f.answer(w, r, id, e)
}

// answer answers with the error.
func (f *Form) answer(w http.ResponseWriter, r *http.Request, id string, e *chat.Error) {
	status := f.status(e)
	h := w.Header()
	h[f.IDHeader] = []string{RequestID(id)}
	f.setErrorHeaders(h, e)
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	if e.Upstream != "" {
		h.Set("Bedrock-Gateway-Upstream", e.Upstream)
	}
	if e.RetryAfter > 0 {
		setRetryAfter(h, e.RetryAfter)
	}
	body := e.Body
	if body == nil || e.Dialect != f.Errors.Name() {
		body = f.Errors.EncodeError(nil, e, RequestID(id))
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// setRetryAfter says when to come back, in whole seconds for everybody and in milliseconds for the clients that read
// them; a fraction of a second must not become "at once".
func setRetryAfter(h http.Header, d time.Duration) {
	h.Set("Retry-After", strconv.Itoa(int(math.Ceil(d.Seconds()))))
	h.Set("Retry-After-Ms", strconv.FormatInt(d.Milliseconds(), 10))
}

// logError leaves a line for the operator: at error level what he must mend, else at debug what the client did wrong.
func (en *Engine) logError(r *http.Request, id string, e *chat.Error) {
	level := zap.DebugLevel
	switch {
	case e == errClientGone:
	case e.Kind == chat.ErrInternal:
		level = zap.ErrorLevel
	case e.Upstream != "" && (e.StatusCode() >= 500 || e.Kind == chat.ErrPermission):
		level = zap.WarnLevel
	}
	if entry := en.Logger.Check(level, "request failed"); entry != nil {
		entry.Write(
			zap.String("request_id", RequestID(id)), zap.String("path", r.URL.Path), zap.Int("status", e.StatusCode()),
			zap.String("upstream", e.Upstream), zap.String("upstream_error", e.Type), zap.String("error", usage.ErrorText(e)),
		)
	}
}
