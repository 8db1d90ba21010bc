package exchange

import (
	"fmt"
	"net/http"
	"runtime/debug"

	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// recovered ends a call whose endpoint panicked: with a 500 before the reply began, else with a cut connection, so that no
// client takes the reply for whole. It must be deferred itself.
func (c *Call) recovered() {
	v := recover()
	if v == nil {
		return
	}
	e := c.engine.Panicked(v, c.Record.RequestID)
	c.Record.Panicked = true
	if c.Record.Status != 0 {
		c.Record.Err = e
		panic(http.ErrAbortHandler)
	}
	c.fail(e)
}

// Panicked logs a recovered panic with its stack and returns the error that stands for it. It panics on with
// http.ErrAbortHandler, which is no fault but the way to break a connection. It must be called by the deferred function
// that recovered v, or the stack is not the panic's.
func (en *Engine) Panicked(v any, requestID string) *chat.Error {
	if v == http.ErrAbortHandler { //nolint:errorlint // it is this very value
		panic(v)
	}
	en.Process.panics.Add(1)
	en.Logger.Error("panic: this is a bug in the gateway; please report it with this line",
		zap.String("request_id", requestID), zap.Any("panic", v), zap.ByteString("stack", debug.Stack()))
	return &chat.Error{Kind: chat.ErrInternal, Message: "the gateway failed; its log says why", Cause: fmt.Errorf("panic: %v", v)}
}
