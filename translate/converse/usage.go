package converse

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// decodeUsage reads a TokenUsage. inputTokens counts neither what was read from the cache nor what was written to it.
func decodeUsage(r *json.Reader) (u chat.Usage) {
	if !r.MaybeObject() {
		return u
	}
	u.Known = true
	for r.Member() {
		switch string(r.Key()) {
		case "inputTokens":
			u.Input, _ = r.MaybeCount()
		case "outputTokens":
			u.Output, _ = r.MaybeCount()
		case "cacheReadInputTokens", "cacheReadInputTokenCount":
			u.CacheRead, _ = r.MaybeCount()
		case "cacheWriteInputTokens", "cacheWriteInputTokenCount":
			u.CacheWrite, _ = r.MaybeCount()
		case "cacheDetails":
			u.CacheWrite1h = decodeCacheDetails(r)
		default:
			r.Skip()
		}
	}
	return u
}

// routed returns the id of the model that a prompt router chose, from the reply's trace; "" if there was no router
// (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_PromptRouterTrace.html).
func routed(trace chat.Value) string {
	if len(trace) == 0 {
		return ""
	}
	v := json.Find(json.Find(trace, "promptRouter"), "invokedModelId")
	if len(v) == 0 || v[0] != '"' {
		return ""
	}
	return model.Resource(chat.String(v).Unquote())
}

// decodeCacheDetails returns the tokens that are kept for an hour.
func decodeCacheDetails(r *json.Reader) (hour int64) {
	if !r.MaybeArray() {
		return 0
	}
	for r.Element() {
		if !r.MaybeObject() {
			continue
		}
		var ttl chat.String
		var n int64
		for r.Member() {
			switch string(r.Key()) {
			case "ttl":
				ttl = r.MaybeString()
			case "inputTokens":
				n, _ = r.MaybeCount()
			default:
				r.Skip()
			}
		}
		if string(ttl) == `"1h"` {
			hour += n
		}
	}
	return hour
}

// usage writes the member usage.
func usage(w *json.Writer, u *chat.Usage) {
	w.Raw(`"usage":{"inputTokens":`)
	w.Int(u.Input)
	w.Key("outputTokens")
	w.Int(u.Output)
	w.Key("totalTokens")
	w.Int(u.Total())
	w.Key("cacheReadInputTokens")
	w.Int(u.CacheRead)
	w.Key("cacheWriteInputTokens")
	w.Int(u.CacheWrite)
	if u.CacheWrite1h > 0 {
		w.Raw(`"cacheDetails":[{"ttl":"1h","inputTokens":`)
		w.Int(u.CacheWrite1h)
		w.EndObject()
		if rest := u.CacheWrite - u.CacheWrite1h; rest > 0 {
			w.Raw(`{"ttl":"5m","inputTokens":`)
			w.Int(rest)
			w.EndObject()
		}
		w.EndArray()
	}
	w.EndObject()
}
