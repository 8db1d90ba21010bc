package eventstream

import (
	"io"

	"github.com/open-bedrock/caddy-bedrock-gateway/wire/internal/room"
)

// keepBuffer is the largest buffer kept once it is empty, in bytes: a single large
// frame must not hold its memory for the rest of a long stream.
const keepBuffer = 64 << 10

// maxEmptyReads bounds the reads in a row that give neither bytes nor an error.
const maxEmptyReads = 100

// Reader reads frames from a stream. It asks its source for bytes only when it
// holds no complete frame, with one Read at a time, and takes what that Read
// gives. It is not safe for concurrent use. It does not close its source.
type Reader struct {
	src io.Reader
	buf []byte // the bytes received and not yet consumed are buf[pos:end]
	pos int
	end int

	frame int   // length of the frame at pos once its prelude was checked, else 0
	full  bool  // the last Read filled all the room it was given
	short bool  // the last Read gave so little that the stream counts as slow
	err   error // what comes after the buffered frames, and is returned from then on
	msg   Message
}

// NewReader returns a Reader of src.
func NewReader(src io.Reader) *Reader {
	return &Reader{src: src}
}

// Reset makes r read from src as a new Reader would, reusing its buffer. What r
// returned before is no longer valid.
func (r *Reader) Reset(src io.Reader) {
	buf := r.buf
	if len(buf) > keepBuffer {
		buf = nil
	}
	*r = Reader{src: src, buf: buf}
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
		if r.err != nil {
			switch {
			case r.pos == r.end:
				r.release()
			case r.err == io.EOF:
				r.err = io.ErrUnexpectedEOF
			}
			return nil, r.err
		}
		r.fill()
	}
	raw := r.buf[r.pos : r.pos+r.frame : r.pos+r.frame]
	if err := r.msg.parse(raw); err != nil {
		r.fail(err)
		return nil, err
	}
	r.pos += r.frame
	r.frame = 0
	return &r.msg, nil
}

// Buffered reports whether Next will return without reading from the source: a
// further frame is at hand in full, or the stream has ended. A relay uses it to
// flush before it blocks, and only then.
func (r *Reader) Buffered() bool {
	ok, err := r.complete()
	return ok || err != nil || r.err != nil
}

// complete reports whether the buffer begins with a whole frame.
func (r *Reader) complete() (bool, error) {
	if r.frame == 0 {
		if r.end-r.pos < preludeLen {
			return false, nil
		}
		n, err := parsePrelude(r.buf[r.pos:r.end])
		if err != nil {
			return false, err
		}
		r.frame = n
	}
	return r.end-r.pos >= r.frame, nil
}

// fail ends the stream: after bytes that cannot be trusted there is no next
// frame boundary to go on from.
func (r *Reader) fail(err error) {
	r.err = err
	r.pos, r.end, r.frame = 0, 0, 0
}

// fill reads once from the source into free room of the buffer.
func (r *Reader) fill() {
	r.makeRoom()
	for range maxEmptyReads {
		free := r.buf[r.end:]
		n, err := r.src.Read(free)
		r.end += n
		r.full = n == len(free)
		r.short = n <= room.Small/2
		r.err = err
		if n > 0 || err != nil {
			return
		}
	}
	r.err = io.ErrNoProgress
}

// makeRoom leaves the incomplete frame at the start of a buffer with room after
// it. The buffer never grows to what a prelude announces, only with what was
// received, so that a length alone costs no memory.
func (r *Reader) makeRoom() {
	have := r.buf[r.pos:r.end]
	size := len(r.buf)
	switch {
	case size == 0:
		size = room.Large // what came with the head is taken at once
	case len(have) == 0 && size > keepBuffer:
		size = room.Small
	case len(have) == size || r.frame > size && len(have) >= size/2:
		size = min(2*size, MaxFrame)
	case r.full && size < room.Large:
		size = room.Large
	case r.short && size == room.Large && len(have) <= room.Small/2:
		size = room.Small
	}
	buf := r.buf
	if size != len(buf) {
		buf = room.Get(size)
	}
	r.end = copy(buf, have)
	r.pos = 0
	if size != len(r.buf) {
		room.Put(r.buf)
		r.buf = buf
	}
}

// release gives the memory back when all of it was read.
func (r *Reader) release() {
	room.Put(r.buf)
	r.buf, r.pos, r.end = nil, 0, 0
}
