package bedrockgateway

import (
	"errors"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/open-bedrock/caddy-bedrock-gateway/handler"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// userModels is where an authentication provider says which models its user may
// ask for: patterns separated by spaces, none for all. See auth.APIKey.
const userModels = "http.auth.user.models"

// callerOf tells the handler who makes a request: whose files it sees, by the
// placeholder owner, and which models it may ask for.
func callerOf(owner string) func(*http.Request) handler.Caller {
	return func(r *http.Request) handler.Caller {
		repl := replacer(r)
		if repl == nil {
			return handler.Caller{}
		}
		c := handler.Caller{Owner: repl.ReplaceAll(owner, "")}
		if models, _ := repl.GetString(userModels); models != "" {
			for p := range strings.FieldsSeq(models) {
				c.Models = append(c.Models, upstream.NewPattern(p))
			}
		}
		return c
	}
}

func replacer(r *http.Request) *caddy.Replacer {
	repl, _ := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	return repl
}

// statusOf is the status of an error of Caddy's own, such as the 413 that reading
// a body gives under request_body.
func statusOf(err error) int {
	if e, ok := errors.AsType[caddyhttp.HandlerError](err); ok {
		return e.StatusCode
	}
	return 0
}

// observe makes what is known of a chat known to the access log and to
// placeholders. It runs on the request's goroutine, as both ask for.
func observe(r *http.Request, rec *handler.Record) {
	if extra, ok := r.Context().Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields); ok {
		extra.Add(zap.Object("bedrock_gateway", (*logRecord)(rec)))
	}
	if repl := replacer(r); repl != nil {
		// Looked up when asked for: most requests are logged without them.
		repl.Map((*logRecord)(rec).placeholder)
	}
}

// stopReasons are the names of stop reasons in logs and placeholders; they are
// Converse's where it has one.
var stopReasons = [...]string{
	chat.StopUnknown:     "",
	chat.StopEnd:         "end_turn",
	chat.StopSequence:    "stop_sequence",
	chat.StopLength:      "max_tokens",
	chat.StopToolUse:     "tool_use",
	chat.StopFiltered:    "content_filtered",
	chat.StopContextFull: "model_context_window_exceeded",
	chat.StopPause:       "pause_turn",
}

// logRecord is a handler's record as logs and placeholders show it.
type logRecord handler.Record

func (l *logRecord) stopReason() string {
	if int(l.Stop) < len(stopReasons) {
		return stopReasons[l.Stop]
	}
	return ""
}

// placeholder is the value of {http.bedrock_gateway.…}.
func (l *logRecord) placeholder(key string) (any, bool) {
	name, ok := strings.CutPrefix(key, "http.bedrock_gateway.")
	if !ok {
		return nil, false
	}
	switch name {
	case "upstream":
		return l.Upstream, true
	case "model":
		return l.Model, true
	case "upstream_model":
		return l.UpstreamModel, true
	case "dialect":
		return l.Dialect, true
	case "stop_reason":
		return l.stopReason(), true
	case "attempts":
		return l.Attempts, true
	case "ttft_ms":
		if l.FirstByte == 0 {
			return "", true
		}
		return l.FirstByte.Milliseconds(), true
	case "input_tokens":
		return l.tokens(l.Usage.Input)
	case "output_tokens":
		return l.tokens(l.Usage.Output)
	case "cache_read_tokens":
		return l.tokens(l.Usage.CacheRead)
	}
	return nil, false
}

// tokens is n where usage is known; nothing where it is not, for zero would be a
// count.
func (l *logRecord) tokens(n int64) (any, bool) {
	if !l.Usage.Known {
		return "", true
	}
	return n, true
}

// MarshalLogObject writes the record's part of the access log.
func (l *logRecord) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("request_id", l.RequestID)
	addString(enc, "upstream", l.Upstream)
	addString(enc, "upstream_request_id", l.UpstreamRequestID)
	addString(enc, "model", l.Model)
	if l.UpstreamModel != l.Model {
		addString(enc, "upstream_model", l.UpstreamModel)
	}
	addString(enc, "dialect", l.Dialect)
	enc.AddInt("attempts", l.Attempts)
	enc.AddBool("stream", l.Stream)
	if l.Usage.Known {
		enc.AddInt64("input_tokens", l.Usage.Input)
		enc.AddInt64("output_tokens", l.Usage.Output)
		enc.AddInt64("cache_read_tokens", l.Usage.CacheRead)
		enc.AddInt64("cache_write_tokens", l.Usage.CacheWrite)
	}
	addString(enc, "stop_reason", l.stopReason())
	if l.FirstByte > 0 {
		enc.AddDuration("ttft", l.FirstByte)
	}
	if l.Err != nil {
		enc.AddString("error", l.Err.Error())
	}
	return nil
}

func addString(enc zapcore.ObjectEncoder, key, value string) {
	if value != "" {
		enc.AddString(key, value)
	}
}
