package exchange

import (
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/kept"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/usage"
)

// What follows a failed attempt, in the log.
const (
	nextRetry  = "another try at the same target"
	nextTarget = "the next target"
	nextNone   = "none: the client gets the error"
	nextCut    = "none: the client gets an error event"
)

// logEvery is the least time between two lines about one upstream and one cause: an upstream that fails every call must not
// fill the log. maxQuiet bounds how many are told apart.
const (
	logEvery = 10 * time.Second
	maxQuiet = 1024
)

// quiet keeps lines about the same failure apart. It is safe for concurrent use; the zero value is ready.
type quiet struct {
	kept.Map[quietKey, quietState]
}

type quietKey struct{ upstream, cause string }

type quietState struct {
	next   atomic.Int64 // when another line is due, Unix nanoseconds
	unsaid atomic.Int64 // failures since the last line
}

// due reports whether a failure gets a line now, and how many got none since the last line.
func (q *quiet) due(k quietKey, now time.Time) (unsaid int64, ok bool) {
	s := q.Add(k, maxQuiet, func() *quietState { return new(quietState) })
	if s == nil {
		return 0, false
	}
	if next := s.next.Load(); now.UnixNano() < next || !s.next.CompareAndSwap(next, now.Add(logEvery).UnixNano()) {
		s.unsaid.Add(1)
		return 0, false
	}
	return s.unsaid.Swap(0), true
}

// logTry writes a line about the latest try, which failed.
func (c *Call) logTry(next string) {
	if t := &c.Record.Tries[len(c.Record.Tries)-1]; t.Err != nil {
		c.logFailure("attempt failed", t.Upstream, t.Model, t.Err, next)
	}
}

// logFailure writes a line about what went wrong at an upstream: at WARN what an operator may mend, one line in a while for each
// cause; else at DEBUG what the client did wrong.
func (c *Call) logFailure(what, upstreamName, model string, e *chat.Error, next string) {
	cause, level, unsaid := usage.CauseOf(e), zapcore.DebugLevel, int64(0)
	switch {
	case e.StatusCode() == statusClientGone:
		return
	case theClients(e):
	default:
		var ok bool
		if unsaid, ok = c.engine.Process.quiet.due(quietKey{upstreamName, cause}, time.Now()); ok {
			level = zapcore.WarnLevel
		}
	}
	entry := c.engine.Logger.Check(level, what)
	if entry == nil {
		return
	}
	fields := []zap.Field{
		zap.String("request_id", c.Record.RequestID), zap.String("upstream", upstreamName), zap.String("model", model), zap.String("api", c.Record.API),
		zap.Int("attempt", c.Record.Attempts), zap.String("cause", cause), zap.Int("upstream_status", e.UpstreamStatus), zap.String("upstream_error", chat.Clip(e.Type)),
		zap.String("error", usage.ErrorText(e)), zap.String("next", next),
	}
	if unsaid > 0 {
		fields = append(fields, zap.Int64("failures_without_a_line", unsaid))
	}
	entry.Write(fields...)
}

// theClients reports whether an error says that the request is wrong, not the upstream.
func theClients(e *chat.Error) bool {
	switch e.Kind {
	case chat.ErrInvalidRequest, chat.ErrTooLarge, chat.ErrUnsupported, chat.ErrNotFound:
		return true
	default:
		return false
	}
}
