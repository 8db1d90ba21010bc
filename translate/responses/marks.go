package responses

import (
	"encoding/binary"

	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// What the marks of a stream say of its events, one each in their order, as uvarints: a delta is its length in bytes as it
// stands in JSON, and markDelta. By them a replay cuts the texts where they were cut first, so that its events have the numbers
// that a client has seen.
const (
	markPlain  = iota // follows from the response
	markSilent        // response.in_progress, to fill a silence
	markDelta
)

// Marks returns the marks of the events so far, for Replay; nil where the reply is not kept.
func (e *streamEncoder) Marks() []byte { return e.marks }

// mark marks an event.
func (e *streamEncoder) mark(m uint64) {
	if e.x.Stored {
		e.marks = binary.AppendUvarint(e.marks, m)
	}
}

// remark marks the last event otherwise. It was a plain one.
func (e *streamEncoder) remark(m uint64) {
	if len(e.marks) > 0 {
		e.marks = binary.AppendUvarint(e.marks[:len(e.marks)-1], m)
	}
}

// markDelta marks the last event as one of a piece of text.
func (e *streamEncoder) markDelta(piece json.String) {
	if len(piece) > 2 {
		e.remark(markDelta + uint64(len(piece)-2))
	}
}
