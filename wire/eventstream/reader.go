package eventstream

import (
	"io"

	"github.com/open-bedrock/caddy-bedrock-gateway/wire/internal/pool"
)

// Reader reads frames from a stream. It asks its source for bytes only when it
// holds no complete frame, with one Read at a time, and takes what that Read
// returns. It is not safe for concurrent use. It does not close its source.
type Reader struct {
	in    pool.Buffer // its error is returned after the buffered frames, and from then on
	frame int         // length of the frame that in begins with once its prelude was checked, else 0
	msg   Message
}

// NewReader returns a Reader of src.
func NewReader(src io.Reader) *Reader {
	return &Reader{in: pool.NewBuffer(src)}
}

// Reset makes r read from src as a new Reader would, reusing its buffer. What r
// returned before is no longer valid.
func (r *Reader) Reset(src io.Reader) {
	in := r.in
	in.Reset(src)
	*r = Reader{in: in}
}

// Next returns the next frame, its checksums verified. The message and all its
// bytes are valid until the next call of Next or Reset.
//
// The error is [io.EOF] only if the stream ended between two frames, and
// [io.ErrUnexpectedEOF] if it ended within one. It wraps [ErrChecksum],
// [ErrTooLarge] or [ErrMalformed] if the bytes are at fault; any other error is
// the source's own, unchanged. After an error, every call returns the same.
func (r *Reader) Next() (*Message, error) {
	for {
		ok, err := r.complete()
		if err != nil {
			r.fail(err)
			return nil, err
		}
		if ok {
			break
		}
		if r.in.Err != nil {
			switch {
			case r.in.Len() == 0:
				r.in.Release()
			case r.in.Err == io.EOF:
				r.in.Err = io.ErrUnexpectedEOF
			}
			return nil, r.in.Err
		}
		// The buffer never grows to what a prelude announces, only with what was received, so that a length alone costs no
		// memory.
		have, size := r.in.Len(), r.in.Size()
		r.in.Fill(have == size || r.frame > size && have >= size/2, MaxFrame)
	}
	raw := r.in.Bytes()[:r.frame:r.frame]
	if err := r.msg.parse(raw); err != nil {
		r.fail(err)
		return nil, err
	}
	r.in.Advance(r.frame)
	r.frame = 0
	return &r.msg, nil
}

// Buffered reports whether Next will return without reading from the source: a
// further frame is at hand in full, or the stream has ended. A relay uses it to
// flush before it blocks, and only then.
func (r *Reader) Buffered() bool {
	ok, err := r.complete()
	return ok || err != nil || r.in.Err != nil
}

// complete reports whether the buffer begins with a whole frame.
func (r *Reader) complete() (bool, error) {
	if r.frame == 0 {
		if r.in.Len() < preludeLen {
			return false, nil
		}
		n, err := parsePrelude(r.in.Bytes())
		if err != nil {
			return false, err
		}
		r.frame = n
	}
	return r.in.Len() >= r.frame, nil
}

// fail ends the stream: after bytes that cannot be trusted there is no next
// frame boundary to go on from.
func (r *Reader) fail(err error) {
	r.in.Err = err
	r.in.Clear()
	r.frame = 0
}
