package chat

// EventKind says what happened in a stream.
type EventKind uint8

// The kinds of stream events. A stream is Start, then blocks (BlockStart, BlockDelta…, BlockStop), then Stop, Usage
// in any order, and End. Blocks of different indices may overlap.
const (
	EventStart      EventKind = iota // ID, Model, Usage if the provider reports the input's early
	EventBlockStart                  // Index, Block; ToolUse: ID, Name; RedactedThinking: Text is the data
	EventBlockDelta                  // Index, Block, Text: what is added
	EventSignature                   // Index, Text: the signature of the Thinking block, or a part of it
	EventCitation                    // Index, Raw
	EventBlockStop                   // Index
	EventStop                        // Stop, StopSequence, Raw: the guardrail's trace, Fields
	EventUsage                       // Usage, cumulative: it replaces the earlier one; Model: a prompt router's choice, if any; ServiceTier
	EventPing                        // the provider says that it is still there
	EventEnd                         // the provider's own terminal event came: the reply is whole
)

// Event is one step of a streamed reply. Its bytes share the frame they came in and are valid until the next frame is
// read.
type Event struct {
	Kind  EventKind
	Block BlockKind
	Index int // of the content block, as the provider counts
	// Text is a JSON string token. For a ToolUse delta it is a fragment of the input's JSON text, quoted once more.
	Text         String
	ID           string
	Name         string
	Model        string
	Stop         StopReason
	StopSequence String
	Usage        Usage
	ServiceTier  string // that the reply was made in; "" if the provider does not say
	Raw          Value
	Fields       Value // as Response.Fields
}

// StreamDecoder turns the frames of one upstream reply into events. It knows no transport. Not safe for concurrent use.
type StreamDecoder interface {
	// Decode appends what the frame means to out: name is the frame's event type (":event-type", or the "event:" of an
	// SSE), payload its data. The events are valid until the payload changes. An error ends the stream: a *Error for one
	// that the upstream reported, another for a frame that is no good.
	Decode(out []Event, name, payload []byte) ([]Event, error)
	// Done reports whether the reply's own end has been seen: its dialect's last event, or the reason why it stopped. A
	// transport that ends before is a broken stream. One that ends cleanly afterwards ended a whole reply.
	Done() bool
}

// Finisher is a StreamDecoder that keeps the last events back until the dialect's last frame.
type Finisher interface {
	// Finish appends the events that were kept back, and EventEnd. It is called when the transport has ended cleanly after
	// Done, without that last frame.
	Finish(out []Event) []Event
}

// Closer is a StreamEncoder whose dialect ends a stream with more than the reason why the reply stopped.
type Closer interface {
	// Close appends that last event alone. It is called for a relayed stream whose upstream left the event out; Encode was
	// not called before.
	Close(dst []byte) []byte
}

// Skimmer is a StreamDecoder that knows at a glance the frames that are nothing but a piece of content: most of a stream.
// Who relays a stream, and decodes it only for its usage and its end, can leave them out.
type Skimmer interface {
	// OnlyContent reports whether the frame is such a piece; false if that takes more than a glance.
	OnlyContent(name, payload []byte) bool
}

// StreamEncoder turns events into the bytes of one reply stream, transport framing included. Not safe for concurrent
// use.
type StreamEncoder interface {
	// Encode appends the bytes for e to dst; none for an event that the dialect has no words for.
	Encode(dst []byte, e *Event) []byte
	// Error appends the dialect's error event. Nothing may follow it.
	Error(dst []byte, err *Error) []byte
	// ContentType is the media type of the stream.
	ContentType() string
	// KeepAlive appends what keeps the connection of a waiting client, and of the proxies before it, open. It is called while
	// all that the other methods appended is written, and none of them runs.
	KeepAlive(dst []byte) []byte
}

// Follower is a StreamEncoder whose keep-alive and error depend on the frames of a stream that is relayed as it came.
type Follower interface {
	// Follow is told of every such frame before it is written.
	Follow(name, payload []byte)
}
