package converse

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/eventstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// NewStreamEncoder returns an encoder for the frames of ConverseStream.
func (Dialect) NewStreamEncoder(x *chat.Exchange) chat.StreamEncoder { return &streamEncoder{x: x} }

type streamEncoder struct {
	x       *chat.Exchange
	payload []byte // of the frame at work, reused

	output  int // index of the block of the tool that stands for a format, plus one; 0 for none
	calls   bool
	written bool // the output tool became text
	sealed  int  // index of the block whose signature has begun, plus one; 0 for none
	stop    chat.StopReason
	usage   chat.Usage
	trace   chat.Value
}

// ContentType is the event stream's.
func (*streamEncoder) ContentType() string { return "application/vnd.amazon.eventstream" }

// KeepAlive appends nothing: AWS event streams have no comments.
func (*streamEncoder) KeepAlive(dst []byte) []byte { return dst }

var (
	headersStart      = eventHeaders("messageStart")
	headersBlockStart = eventHeaders("contentBlockStart")
	headersDelta      = eventHeaders("contentBlockDelta")
	headersBlockStop  = eventHeaders("contentBlockStop")
	headersStop       = eventHeaders("messageStop")
	headersMetadata   = eventHeaders("metadata")
)

func eventHeaders(event string) []eventstream.Header {
	return []eventstream.Header{
		{Name: eventstream.HeaderEventType, Value: event},
		{Name: eventstream.HeaderContentType, Value: "application/json"},
		{Name: eventstream.HeaderMessageType, Value: eventstream.TypeEvent},
	}
}

// Encode appends the frames for ev.
func (s *streamEncoder) Encode(dst []byte, ev *chat.Event) []byte {
	w := json.NewWriter(s.payload[:0])
	var headers []eventstream.Header
	switch ev.Kind {
	case chat.EventStart:
		s.count(&ev.Usage)
		w.Raw(`{"role":"assistant"}`)
		headers = headersStart
	case chat.EventBlockStart:
		if ev.Block == chat.Opaque {
			return s.serverBlock(dst, ev)
		}
		headers = s.blockStart(&w, ev)
	case chat.EventBlockDelta, chat.EventSignature:
		if len(ev.Text) > 0 {
			s.delta(&w, ev)
			headers = headersDelta
		}
	case chat.EventBlockStop:
		if s.output == ev.Index+1 {
			s.output = 0
		}
		w.Raw(`{"contentBlockIndex":`)
		w.Int(int64(ev.Index))
		w.EndObject()
		headers = headersBlockStop
	case chat.EventStop:
		s.stop = ev.Stop
		s.trace = append(s.trace[:0:0], ev.Raw...)
	case chat.EventUsage:
		s.count(&ev.Usage)
	case chat.EventEnd:
		return s.end(dst)
	case chat.EventCitation:
		citation := rules.ConverseCitation(ev.Raw)
		if citation == nil {
			s.x.Note("a citation that the client's dialect has no word for was left out")
			break
		}
		w.Raw(`{"contentBlockIndex":`)
		w.Int(int64(ev.Index))
		w.Raw(`"delta":{"citation":`)
		w.Value(citation)
		w.EndObject()
		w.EndObject()
		headers = headersDelta
	case chat.EventPing:
	}
	s.payload = w.Bytes()
	if headers == nil {
		return dst
	}
	return eventstream.Append(dst, headers, s.payload)
}

func (s *streamEncoder) count(u *chat.Usage) {
	if u.Known {
		s.usage = *u
	}
}

// blockStart announces a tool call. Text and reasoning begin with their first delta, a redacted block is one delta.
func (s *streamEncoder) blockStart(w *json.Writer, ev *chat.Event) []eventstream.Header {
	switch ev.Block {
	case chat.ToolUse:
		if s.x.IsOutput(ev.Name) {
			s.output, s.written = ev.Index+1, true
			return nil
		}
		s.calls = true
		w.Raw(`{"contentBlockIndex":`)
		w.Int(int64(ev.Index))
		w.Raw(`"start":{"toolUse":{"toolUseId":`)
		w.Text(ev.ID)
		w.Key("name")
		w.Text(ev.Name)
		w.EndObject()
		w.EndObject()
		w.EndObject()
		return headersBlockStart
	case chat.RedactedThinking:
		s.delta(w, ev)
		return headersDelta
	default:
		return nil
	}
}

func (s *streamEncoder) delta(w *json.Writer, ev *chat.Event) {
	w.Raw(`{"contentBlockIndex":`)
	w.Int(int64(ev.Index))
	closing, text := 2, ev.Text
	switch {
	case ev.Kind == chat.EventSignature:
		if s.sealed != ev.Index+1 { // its first piece
			s.sealed, text = ev.Index+1, rules.Seal(text, s.x)
		}
		w.Raw(`"delta":{"reasoningContent":{"signature":`)
		closing = 3
	case ev.Block == chat.ToolUse && s.output != ev.Index+1:
		w.Raw(`"delta":{"toolUse":{"input":`)
		closing = 3
	case ev.Block == chat.Thinking:
		w.Raw(`"delta":{"reasoningContent":{"text":`)
		closing = 3
	case ev.Block == chat.RedactedThinking:
		text = rules.SealBytes(text, s.x)
		w.Raw(`"delta":{"reasoningContent":{"redactedContent":`)
		closing = 3
	default:
		w.Raw(`"delta":{"text":`)
	}
	w.String(text)
	for range closing {
		w.EndObject()
	}
}

// end appends messageStop and metadata.
func (s *streamEncoder) end(dst []byte) []byte {
	stop := s.stop
	if stop == chat.StopToolUse && s.written && !s.calls {
		stop = chat.StopEnd
	}
	w := json.NewWriter(s.payload[:0])
	w.Raw(`{"stopReason":`)
	w.Text(stopName(stop, s.trace))
	w.EndObject()
	s.payload = w.Bytes()
	return s.Close(eventstream.Append(dst, headersStop, s.payload))
}

// Close appends the metadata, without a usage if that is unknown.
func (s *streamEncoder) Close(dst []byte) []byte {
	w := json.NewWriter(s.payload[:0])
	w.BeginObject()
	if s.usage.Known {
		usage(&w, &s.usage)
	}
	metrics(&w, 0, s.x)
	if len(s.trace) > 0 {
		w.Key("trace")
		w.Value(s.trace)
	}
	w.EndObject()
	s.payload = w.Bytes()
	return eventstream.Append(dst, headersMetadata, s.payload)
}

// exception names the member of the stream's output for an error of the kind.
func exception(k chat.ErrorKind) string {
	switch k {
	case chat.ErrInvalidRequest, chat.ErrTooLarge, chat.ErrNotFound, chat.ErrUnsupported, chat.ErrAuthentication, chat.ErrPermission:
		return "validationException"
	case chat.ErrRateLimit:
		return "throttlingException"
	case chat.ErrOverloaded:
		return "serviceUnavailableException"
	case chat.ErrInternal:
		return "internalServerException"
	case chat.ErrUpstream, chat.ErrTimeout:
	}
	return "modelStreamErrorException"
}

// Error appends an exception frame.
func (s *streamEncoder) Error(dst []byte, err *chat.Error) []byte {
	s.payload = Dialect{}.EncodeError(s.payload[:0], err, "")
	return eventstream.Append(dst, []eventstream.Header{
		{Name: eventstream.HeaderExceptionType, Value: exception(err.Kind)},
		{Name: eventstream.HeaderContentType, Value: "application/json"},
		{Name: eventstream.HeaderMessageType, Value: eventstream.TypeException},
	}, s.payload)
}
