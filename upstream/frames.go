package upstream

// Frame is one unit of a stream: an event-stream message or a server-sent event. Its bytes are valid until the next
// call of Next.
type Frame struct {
	Name    []byte // the event's type; nil if it has none
	Payload []byte // nil for a frame that carries nothing, such as a comment
	Raw     []byte // the frame as it came, for a relay in the same dialect
}

// Frames reads a streamed reply. Only Close is safe for concurrent use.
type Frames interface {
	// Next returns the next frame. Its error is io.EOF where the transport ended cleanly between two frames, a *chat.Error
	// for an error that the upstream reported in the stream (Raw is then set too, unless clients must not see the
	// frame), and any other error where the transport broke or the frame is corrupt.
	Next() (Frame, error)
	// Buffered reports whether Next can return a frame, or the stream's end, without waiting.
	Buffered() bool
	// Close ends the stream and frees its connection.
	Close() error
}

// Glancer is Frames that can leave most of a frame undecoded.
type Glancer interface {
	// Glance makes Next return no more than the beginning of a payload for which only is true of that beginning.
	Glance(only func(name, beginning []byte) bool)
}

// maxPrologue bounds the comments that may come before the first frame.
const maxPrologue = 4 << 10

// Stream sets the reply's stream to f and waits for its first frame with a payload. An error in its place can still become
// an HTTP status, another try or another target. On an error the frames are closed.
func (r *Reply) Stream(f Frames) error {
	var prologue []byte
	for {
		first, err := f.Next()
		if err != nil {
			_ = f.Close()
			return err
		}
		if first.Payload == nil {
			if len(prologue)+len(first.Raw) <= maxPrologue {
				prologue = append(prologue, first.Raw...)
			}
			continue
		}
		if prologue != nil {
			first.Raw = append(prologue, first.Raw...)
		}
		r.frames, r.first, r.pending = f, first, true
		return nil
	}
}

// First returns the first frame of a stream until Next has returned it.
func (r *Reply) First() Frame { return r.first }

// Streamed reports whether the reply is a stream.
func (r *Reply) Streamed() bool { return r.frames != nil }

// Next returns the stream's next frame, as Frames does. The first frame has the comments that came before it.
func (r *Reply) Next() (Frame, error) {
	if r.pending {
		r.pending = false
		return r.first, nil
	}
	return r.frames.Next()
}

// Buffered reports whether Next can return a frame, or the stream's end, without waiting.
func (r *Reply) Buffered() bool { return r.pending || r.frames.Buffered() }

// Glance tells Frames that can leave payloads undecoded which ones need not be whole, as [Glancer] says. The frame that came first
// has been decoded.
func (r *Reply) Glance(only func(name, beginning []byte) bool) {
	if g, ok := r.frames.(Glancer); ok {
		g.Glance(only)
	}
}
