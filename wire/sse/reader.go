// Package sse reads and appends server-sent events, text/event-stream as
// defined in https://html.spec.whatwg.org/multipage/server-sent-events.html.
//
// It serves two kinds of callers at once: translators, which want the data of
// each event, and relays, which want the bytes as they came.
package sse

import (
	"errors"
	"io"

	"github.com/open-bedrock/caddy-bedrock-gateway/wire/internal/pool"
)

// MaxEvent is the largest event a [Reader] accepts, in bytes, field names and
// line ends included.
const MaxEvent = 16 << 20

// ErrTooLarge says that MaxEvent bytes came without completing an event.
var ErrTooLarge = errors.New("server-sent event too large")

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
// returns. The fields id and retry are left in Raw. It is not safe for concurrent
// use. It does not close its source.
type Reader struct {
	in pool.Buffer // its error is returned after the bytes received, and from then on

	scanner
}

// NewReader returns a Reader of src.
func NewReader(src io.Reader) *Reader {
	return &Reader{in: pool.NewBuffer(src)}
}

// Reset makes r read from src as a new Reader would, reusing its buffers. What
// r returned before is no longer valid.
func (r *Reader) Reset(src io.Reader) {
	in, joined := r.in, r.joined
	in.Reset(src)
	if cap(joined) > pool.Keep {
		joined = nil
	}
	*r = Reader{in: in, scanner: scanner{joined: joined[:0]}}
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
		b := r.in.Bytes()
		if r.scan(b) {
			ev := r.event(b)
			r.advance(r.ready)
			return ev, nil
		}
		if n := r.quiet; n > 0 {
			r.advance(n)
			return Event{Raw: b[:n:n]}, nil
		}
		if r.in.Err == nil && len(b) >= MaxEvent {
			r.in.Err = ErrTooLarge
		}
		if r.in.Err != nil {
			switch {
			case len(b) == 0:
				r.in.Release()
			case r.in.Err == io.EOF:
				r.in.Err = io.ErrUnexpectedEOF
			}
			return Event{}, r.in.Err
		}
		if r.lines == 0 && cap(r.joined) > pool.Keep {
			r.joined = nil
		}
		// The scan goes by the distance from the first byte at hand, so moving the bytes does not disturb it.
		r.in.Fill(len(b) >= r.in.Size()/2, MaxEvent)
	}
}

// Buffered reports whether Next will return without reading from the source: an
// Event is at hand, or the stream has ended. A relay uses it to flush before it
// blocks, and only then.
func (r *Reader) Buffered() bool {
	return r.scan(r.in.Bytes()) || r.quiet > 0 || r.in.Err != nil
}

// Rest returns the bytes received and not yet returned by Next: after an error,
// what a relay has to write to have written all. It is valid until the next
// call of Next or Reset.
func (r *Reader) Rest() []byte {
	return r.in.Bytes()
}

func (r *Reader) advance(n int) {
	r.in.Advance(n)
	r.forget(n)
}
