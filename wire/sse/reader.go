// Package sse reads and appends server-sent events, text/event-stream as
// defined in https://html.spec.whatwg.org/multipage/server-sent-events.html.
//
// It serves two kinds of callers at once: translators, which want the data of
// each event, and relays, which want the bytes as they came.
package sse

import (
	"errors"
	"io"

	"github.com/open-bedrock/caddy-bedrock-gateway/wire/internal/room"
)

// MaxEvent is the largest event a [Reader] accepts, in bytes, field names and
// line ends included.
const MaxEvent = 16 << 20

// ErrTooLarge says that MaxEvent bytes came without completing an event.
var ErrTooLarge = errors.New("server-sent event too large")

// keepBuffer is the largest buffer kept once it is empty, in bytes: a single large
// event must not hold its memory for the rest of a long stream.
const keepBuffer = 64 << 10

// maxEmptyReads bounds the reads in a row that give neither bytes nor an error.
const maxEmptyReads = 100

// Event is what [Reader.Next] returns. Its bytes point into the reader's
// buffers.
type Event struct {
	// Type is the event field, empty if there was none, which browsers call
	// "message".
	Type []byte
	// Data is the data field, the lines of several joined by \n. It is nil if
	// Raw holds nothing to dispatch: comments, blank lines, or fields without
	// data. Data that was sent empty is empty, but not nil.
	Data []byte
	// Raw is every byte received since the Raw before: the event, its blank
	// line and what came ahead of it. All Raws and then [Reader.Rest] are the
	// stream, byte by byte.
	Raw []byte
}

// Reader reads events from a stream. It asks its source for bytes only when it
// holds nothing to return, with one Read at a time, and takes what that Read
// gives. The fields id and retry are left in Raw. It is not safe for concurrent
// use. It does not close its source.
type Reader struct {
	src io.Reader
	buf []byte // the bytes received and not yet returned are buf[pos:end]
	pos int
	end int

	full  bool  // the last Read filled all the room it was given
	short bool  // the last Read gave so little that the stream counts as slow
	err   error // what comes after the bytes received, and is returned from then on

	scanner
}

// NewReader returns a Reader of src.
func NewReader(src io.Reader) *Reader {
	return &Reader{src: src}
}

// Reset makes r read from src as a new Reader would, reusing its buffers. What
// r returned before is no longer valid.
func (r *Reader) Reset(src io.Reader) {
	buf, joined := r.buf, r.joined
	if len(buf) > keepBuffer {
		buf = nil
	}
	if cap(joined) > keepBuffer {
		joined = nil
	}
	*r = Reader{src: src, buf: buf, scanner: scanner{joined: joined[:0]}}
}

// Next returns the next event. Its bytes are valid until the next call of Next
// or Reset.
//
// Bytes that dispatch nothing, above all the comments that keep a connection
// alive, come ahead of an event as part of its Raw if they arrived with it. If
// no event follows at once they are returned before Next would block, as an
// Event with nothing but Raw, so that a relay can pass them on in time. An
// event itself is returned with its blank line, even if that ended with a CR
// whose LF is still to come: the LF is then in the next Raw.
//
// The error is [io.EOF] only if the stream ended after a blank line or a whole
// comment, and [io.ErrUnexpectedEOF] if it ended within an event, which is to
// be discarded, or within a line; [Reader.Rest] then holds what is left. It is
// [ErrTooLarge] if an event has no end; any other error is the source's own,
// unchanged. After an error, every call returns the same.
func (r *Reader) Next() (Event, error) {
	for {
		b := r.buf[r.pos:r.end]
		if r.scan(b) {
			ev := r.event(b)
			r.advance(r.ready)
			return ev, nil
		}
		if n := r.quiet; n > 0 {
			r.advance(n)
			return Event{Raw: b[:n:n]}, nil
		}
		if r.err == nil && len(b) >= MaxEvent {
			r.err = ErrTooLarge
		}
		if r.err != nil {
			switch {
			case len(b) == 0:
				r.release()
			case r.err == io.EOF:
				r.err = io.ErrUnexpectedEOF
			}
			return Event{}, r.err
		}
		r.fill()
	}
}

// Buffered reports whether Next will return without reading from the source: an
// Event is at hand, or the stream has ended. A relay uses it to flush before it
// blocks, and only then.
func (r *Reader) Buffered() bool {
	return r.scan(r.buf[r.pos:r.end]) || r.quiet > 0 || r.err != nil
}

// Rest returns the bytes received and not yet returned by Next: after an error,
// what a relay has to write to have written all. It is valid until the next
// call of Next or Reset.
func (r *Reader) Rest() []byte {
	return r.buf[r.pos:r.end]
}

func (r *Reader) advance(n int) {
	r.pos += n
	r.forget(n)
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

// makeRoom leaves the incomplete event at the start of a buffer with room after
// it. The scan goes by the distance from that start, so it is not disturbed.
func (r *Reader) makeRoom() {
	if r.lines == 0 && cap(r.joined) > keepBuffer {
		r.joined = nil
	}
	have := r.buf[r.pos:r.end]
	size := len(r.buf)
	switch {
	case size == 0:
		size = room.Large // what came with the head is taken at once
	case len(have) == 0 && size > keepBuffer:
		size = room.Small
	case len(have) >= size/2:
		size = min(2*size, MaxEvent)
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
