package usage

import (
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Bill writes a line for each call to a log that is made for billing: what was used, by whom, and what it cost. Every line has
// the same members, but for those that are not known.
func Bill(log *zap.Logger) func(*Record) {
	return func(r *Record) { log.Info("call", zap.Inline((*line)(r))) }
}

// line is the form of a record in the usage log.
type line Record

// MarshalLogObject writes the line's members.
func (l *line) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	r := (*Record)(l)
	enc.AddTime("start", r.Start.UTC())
	enc.AddString("request_id", r.RequestID)
	enc.AddString("user_id", r.User)
	enc.AddString("tags", r.Tags)
	enc.AddString("route", r.Route)
	enc.AddString("model", r.Model)
	enc.AddString("upstream", r.Upstream)
	enc.AddString("upstream_model", r.UpstreamModel)
	addString(enc, "profile", r.Profile)
	addString(enc, "served_model", r.ServedModel)
	addString(enc, "api", r.API)
	addString(enc, "service_tier", r.ServiceTier)
	addString(enc, "upstream_request_id", r.UpstreamRequestID)
	enc.AddInt("status", r.Status)
	enc.AddBool("stream", r.Stream)
	enc.AddInt("attempts", r.Attempts)
	enc.AddFloat64("duration", r.Duration.Seconds())
	if r.Usage.Known {
		enc.AddInt64("input_tokens", r.Usage.Input)
		enc.AddInt64("output_tokens", r.Usage.Output)
		enc.AddInt64("cache_read_tokens", r.Usage.CacheRead)
		enc.AddInt64("cache_write_tokens", r.Usage.CacheWrite)
		if r.Usage.ReasoningKnown {
			enc.AddInt64("reasoning_tokens", r.Usage.Reasoning)
		}
	}
	if r.Priced {
		enc.AddFloat64("cost", r.Cost.Dollars())
	}
	addString(enc, "stop_reason", r.StopReason())
	addString(enc, "cause", r.Cause())
	return nil
}
