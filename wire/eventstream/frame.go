// Package eventstream reads and writes application/vnd.amazon.eventstream, the
// binary framing of the streamed replies of Amazon Bedrock.
//
// A frame is a prelude (total length, headers length, CRC-32 of these two),
// headers, a payload and a CRC-32 of everything before it; numbers are
// big-endian, checksums IEEE. The format is described in
// https://smithy.io/2.0/aws/amazon-eventstream.html.
//
// The package works on bytes alone. It does not look into payloads.
package eventstream

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// MaxFrame is the largest frame a [Reader] accepts, in bytes, prelude and
// checksum included.
const MaxFrame = 16 << 20

const (
	preludeLen = 12 // total length, headers length, prelude CRC
	crcLen     = 4
	minFrame   = preludeLen + crcLen
)

// Names of the headers with a meaning in the protocol.
const (
	HeaderMessageType   = ":message-type"
	HeaderEventType     = ":event-type"
	HeaderExceptionType = ":exception-type"
	HeaderErrorCode     = ":error-code"
	HeaderErrorMessage  = ":error-message"
	HeaderContentType   = ":content-type"
)

// Values of the message-type header.
const (
	TypeEvent     = "event"
	TypeException = "exception"
	TypeError     = "error"
)

// Errors of a stream whose bytes break the format. A [Reader] wraps them with
// what it saw; test with [errors.Is].
var (
	// ErrChecksum says that a prelude or a frame was damaged on its way.
	ErrChecksum = errors.New("event stream checksum mismatch")
	// ErrTooLarge says that a frame announced more than MaxFrame bytes.
	ErrTooLarge = errors.New("event stream frame too large")
	// ErrMalformed says that a frame with good checksums breaks the format:
	// lengths that contradict each other, or headers that cannot be read.
	ErrMalformed = errors.New("malformed event stream frame")
)

// Message is one frame. All of its bytes point into the reader's buffer.
//
// Of the headers only the well-known ones are kept; one that the frame lacks is
// nil. If a frame carries a header twice, the last one counts.
type Message struct {
	// Type is "event", "exception" or "error".
	Type []byte
	// Event names the member of the stream's union if Type is "event".
	Event []byte
	// Exception names the modeled error if Type is "exception"; Payload is its
	// JSON document.
	Exception []byte
	// ErrorCode and ErrorMessage describe an unmodeled error if Type is "error".
	ErrorCode, ErrorMessage []byte
	// ContentType is the media type of Payload.
	ContentType []byte
	// Payload is the body, empty if there is none.
	Payload []byte
	// Raw is the whole frame as it was received, for relays.
	Raw []byte
}

// parsePrelude returns the length of the frame that b, at least preludeLen
// bytes, begins with. The checksum comes first: a length that was damaged on
// its way must not be waited for.
func parsePrelude(b []byte) (int, error) {
	if crc32.ChecksumIEEE(b[:8]) != binary.BigEndian.Uint32(b[8:]) {
		return 0, fmt.Errorf("%w in the prelude", ErrChecksum)
	}
	total, headers := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if total > MaxFrame {
		return 0, fmt.Errorf("%w: %d bytes of at most %d", ErrTooLarge, total, MaxFrame)
	}
	if total < minFrame || headers > total-minFrame {
		return 0, fmt.Errorf("%w: %d bytes with %d bytes of headers", ErrMalformed, total, headers)
	}
	return int(total), nil
}

// parse reads one whole frame, whose prelude was found good, into m.
func (m *Message) parse(frame []byte) error {
	body, sum := frame[:len(frame)-crcLen], frame[len(frame)-crcLen:]
	if crc32.ChecksumIEEE(body) != binary.BigEndian.Uint32(sum) {
		return fmt.Errorf("%w in a frame of %d bytes", ErrChecksum, len(frame))
	}
	headers := preludeLen + int(binary.BigEndian.Uint32(frame[4:]))
	*m = Message{Payload: body[headers:], Raw: frame}
	return m.parseHeaders(body[preludeLen:headers])
}

// Wire numbers of the header value types, of which only strings are kept.
const (
	valueBytes  = 6
	valueString = 7
)

// fixedLen is the length of the values whose type implies one, by wire number:
// true, false, byte, short, integer, long, (bytes, string,) timestamp, uuid.
var fixedLen = [...]int{0, 0, 1, 2, 4, 8, -1, -1, 8, 16}

func (m *Message) parseHeaders(b []byte) error {
	for len(b) > 0 {
		// Name: one byte of length, the bytes; then one byte of value type.
		n := int(b[0])
		if len(b) < 1+n+1 {
			return fmt.Errorf("%w: header name cut", ErrMalformed)
		}
		name, kind := b[1:1+n], b[1+n]
		b = b[2+n:]

		if int(kind) >= len(fixedLen) {
			return fmt.Errorf("%w: header value of unknown type %d", ErrMalformed, kind)
		}
		size := fixedLen[kind]
		if kind == valueBytes || kind == valueString {
			if len(b) < 2 {
				return fmt.Errorf("%w: header value cut", ErrMalformed)
			}
			size = int(binary.BigEndian.Uint16(b))
			b = b[2:]
		}
		if len(b) < size {
			return fmt.Errorf("%w: header value cut", ErrMalformed)
		}
		if field := m.field(name); field != nil {
			if kind != valueString {
				return fmt.Errorf("%w: header %s is not a string", ErrMalformed, name)
			}
			*field = b[:size]
		}
		b = b[size:]
	}
	return nil
}

// field returns where the value of a well-known header goes, nil for others.
func (m *Message) field(name []byte) *[]byte {
	switch string(name) {
	case HeaderMessageType:
		return &m.Type
	case HeaderEventType:
		return &m.Event
	case HeaderExceptionType:
		return &m.Exception
	case HeaderErrorCode:
		return &m.ErrorCode
	case HeaderErrorMessage:
		return &m.ErrorMessage
	case HeaderContentType:
		return &m.ContentType
	}
	return nil
}
