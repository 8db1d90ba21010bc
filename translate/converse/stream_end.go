package converse

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

// messageStop keeps the stop reason until the metadata comes, which has the guardrail's trace.
func (d *streamDecoder) messageStop(out []chat.Event) []chat.Event {
	r := &d.r
	r.Object()
	for r.Member() {
		switch string(r.Key()) {
		case "stopReason":
			d.stop = readStop(r.MaybeString(), d.x)
		case "additionalModelResponseFields":
			d.fields = append(d.fields[:0:0], value(r)...)
		default:
			r.Skip()
		}
	}
	if r.Err() != nil {
		return out
	}
	d.stopped = true
	return d.end(d.close(out))
}

// close ends the blocks that the provider left open.
func (d *streamDecoder) close(out []chat.Event) []chat.Event {
	for i := range d.open {
		if d.open[i].kind == chat.Opaque {
			out = d.serverStop(out, &d.open[i])
		} else {
			out = append(out, chat.Event{Kind: chat.EventBlockStop, Index: d.open[i].index})
		}
	}
	d.open = d.open[:0]
	return out
}

func (d *streamDecoder) metadata(out []chat.Event) []chat.Event {
	r := &d.r
	var u chat.Usage
	tier := ""
	r.Object()
	for r.Member() {
		switch string(r.Key()) {
		case "usage":
			u = decodeUsage(r)
			if cached := u.CacheRead + u.CacheWrite; d.x.Facts.Family == model.GPT && u.Input >= cached {
				// Streams of GPT count what was read from the cache and written to it among inputTokens, whole replies do not
				// (https://github.com/anomalyco/opencode/issues/47296).
				u.Input -= cached
			}
		case "serviceTier":
			tier = decodeType(r)
		case "trace":
			if d.trace = value(r); !d.stopped {
				d.trace = append(chat.Value(nil), d.trace...)
			}
		default:
			r.Skip()
		}
	}
	if r.Err() != nil {
		return out
	}
	d.counted = true
	if u.Known {
		out = append(out, chat.Event{Kind: chat.EventUsage, Usage: u, Model: routed(d.trace), ServiceTier: tier})
	}
	return d.end(out)
}

// end returns the last events once both have come.
func (d *streamDecoder) end(out []chat.Event) []chat.Event {
	if !d.stopped || !d.counted {
		return out
	}
	d.ended = true
	return append(d.close(out),
		chat.Event{Kind: chat.EventStop, Stop: d.stop, StopSequence: stopSequence(d.fields), Raw: d.trace, Fields: d.fields},
		chat.Event{Kind: chat.EventEnd})
}
