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
	// Next gives the next frame. Its error is io.EOF where the transport ended cleanly between two frames, a *chat.Error
	// for one that the upstream reported in the stream (the frame's Raw is then set too), and another where the transport
	// broke or the frame is corrupt.
	Next() (Frame, error)
	// Buffered tells whether Next can give a frame without waiting.
	Buffered() bool
	// Close ends the stream and frees its connection.
	Close() error
}

// maxPrologue bounds the comments that may come before the first frame.
const maxPrologue = 4 << 10

// Peek waits for the first frame that carries something, so that an error in its place can still become an HTTP status,
// another try or another target. It gives frames that begin with it, comments before it included. On an error the
// frames are closed.
func Peek(f Frames) (Frames, error) {
	var prologue []byte
	for {
		first, err := f.Next()
		if err != nil {
			_ = f.Close()
			return nil, err
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
		return &peeked{Frames: f, first: first, pending: true}, nil
	}
}

type peeked struct {
	Frames
	first   Frame
	pending bool
}

func (p *peeked) Next() (Frame, error) {
	if p.pending {
		p.pending = false
		return p.first, nil
	}
	return p.Frames.Next()
}

func (p *peeked) Buffered() bool { return p.pending || p.Frames.Buffered() }
