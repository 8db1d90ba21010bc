package titan

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// NewStreamDecoder returns a decoder for the chunks of one reply: {outputText, index, totalOutputTextTokenCount,
// completionReason, inputTextTokenCount}. The one with a completionReason is the last; it may have text, too.
func (Dialect) NewStreamDecoder(x *chat.Exchange) chat.StreamDecoder { return &streamDecoder{x: x} }

type streamDecoder struct {
	x       *chat.Exchange
	r       json.Reader
	usage   chat.Usage
	started bool
	open    bool // the text has begun
	done    bool
}

// Done reports whether a completionReason has come.
func (d *streamDecoder) Done() bool { return d.done }

// Decode reads one chunk. Its name is not looked at.
func (d *streamDecoder) Decode(out []chat.Event, _, payload []byte) ([]chat.Event, error) {
	r := &d.r
	r.Reset(payload)
	var text, why, message chat.String
	from, known := d.usage, false
	r.Object()
	for r.Member() {
		switch string(r.Key()) {
		case "outputText":
			text, known = r.MaybeString(), true
		case "completionReason":
			why, known = r.MaybeString(), true
		case "inputTextTokenCount":
			count(r, &d.usage, &d.usage.Input)
		case "totalOutputTextTokenCount":
			count(r, &d.usage, &d.usage.Output)
		case "message":
			message = r.MaybeString()
		default:
			r.Skip()
		}
	}
	if err := r.End(); err != nil {
		d.usage = from
		return out, chat.Unreadable("a stream event", err)
	}
	switch {
	case d.done:
		d.x.Note("a chunk after the end of the stream was skipped")
		return out, nil
	case !known && message != nil:
		return out, &chat.Error{Kind: chat.ErrUpstream, Code: "upstream_error", Message: message.Unquote(), Retryable: true}
	}
	if !d.started {
		d.started = true
		out = append(out, chat.Event{Kind: chat.EventStart, Usage: d.usage})
	}
	if !text.Empty() {
		if !d.open {
			d.open = true
			out = append(out, chat.Event{Kind: chat.EventBlockStart, Block: chat.Text})
		}
		out = append(out, chat.Event{Kind: chat.EventBlockDelta, Block: chat.Text, Text: text})
	}
	if why == nil {
		return out, nil
	}
	d.done = true
	if d.open {
		out = append(out, chat.Event{Kind: chat.EventBlockStop})
	}
	if d.usage.Known {
		out = append(out, chat.Event{Kind: chat.EventUsage, Usage: d.usage})
	}
	return append(out, chat.Event{Kind: chat.EventStop, Stop: reasons.Read(why, d.x)}, chat.Event{Kind: chat.EventEnd}), nil
}
