package usage

import (
	"strings"

	"go.uber.org/zap/zapcore"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

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
	chat.StopMalformed:   "malformed_model_output",
}

// StopReason returns why the reply stopped; "" if that is not known.
func (r *Record) StopReason() string {
	if int(r.Stop) < len(stopReasons) {
		return stopReasons[r.Stop]
	}
	return ""
}

// Placeholder returns the value of {http.bedrock_gateway.…}, and whether key is one of them.
func (r *Record) Placeholder(key string) (any, bool) {
	name, ok := strings.CutPrefix(key, "http.bedrock_gateway.")
	if !ok {
		return nil, false
	}
	switch name {
	case "upstream":
		return r.Upstream, true
	case "model":
		return r.Model, true
	case "upstream_model":
		return r.UpstreamModel, true
	case "dialect":
		return r.Dialect, true
	case "api":
		return r.API, true
	case "stop_reason":
		return r.StopReason(), true
	case "attempts":
		return r.Attempts, true
	case "ttft_ms":
		if r.FirstByte == 0 {
			return "", true
		}
		return r.FirstByte.Milliseconds(), true
	case "input_tokens":
		return r.tokens(r.Usage.Input)
	case "output_tokens":
		return r.tokens(r.Usage.Output)
	case "cache_read_tokens":
		return r.tokens(r.Usage.CacheRead)
	case "cache_write_tokens":
		return r.tokens(r.Usage.CacheWrite)
	case "cost":
		if !r.Priced {
			return "", true
		}
		return r.Cost.String(), true
	}
	return nil, false
}

// tokens is n where usage is known; nothing where it is not, for zero would be a
// count.
func (r *Record) tokens(n int64) (any, bool) {
	if !r.Usage.Known {
		return "", true
	}
	return n, true
}

// MarshalLogObject writes the record's part of the access log.
func (r *Record) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("request_id", r.RequestID)
	addString(enc, "upstream", r.Upstream)
	addString(enc, "upstream_request_id", r.UpstreamRequestID)
	addString(enc, "model", r.Model)
	if r.UpstreamModel != r.Model {
		addString(enc, "upstream_model", r.UpstreamModel)
	}
	addString(enc, "profile", r.Profile)
	if r.ServedModel != r.UpstreamModel {
		addString(enc, "served_model", r.ServedModel)
	}
	addString(enc, "dialect", r.Dialect)
	addString(enc, "api", r.API)
	enc.AddInt("attempts", r.Attempts)
	enc.AddBool("stream", r.Stream)
	if r.Usage.Known {
		enc.AddInt64("input_tokens", r.Usage.Input)
		enc.AddInt64("output_tokens", r.Usage.Output)
		enc.AddInt64("cache_read_tokens", r.Usage.CacheRead)
		enc.AddInt64("cache_write_tokens", r.Usage.CacheWrite)
	}
	if r.Usage.ReasoningKnown {
		enc.AddInt64("reasoning_tokens", r.Usage.Reasoning)
	}
	if r.Priced {
		enc.AddFloat64("cost", r.Cost.Dollars())
	}
	addString(enc, "stop_reason", r.StopReason())
	if r.FirstByte > 0 {
		enc.AddDuration("ttft", r.FirstByte)
	}
	if r.Err != nil {
		enc.AddString("cause", r.Cause())
		enc.AddString("error", ErrorText(r.Err))
	}
	return nil
}

func addString(enc zapcore.ObjectEncoder, key, value string) {
	if value != "" {
		enc.AddString(key, value)
	}
}
