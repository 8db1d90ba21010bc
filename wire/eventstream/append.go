package eventstream

import (
	"encoding/binary"
	"hash/crc32"
	"unicode/utf8"
)

// Header is a header with a string value.
type Header struct{ Name, Value string }

// Limits of a header, in bytes; see valueString and the name's length in
// https://smithy.io/2.0/aws/amazon-eventstream.html and maxHeaderValueLen of
// aws/protocol/eventstream in the AWS SDK for Go.
const (
	maxName  = 255
	maxValue = 1<<15 - 1
)

// Append appends one frame with the given headers, in their order, and payload
// to dst and returns the extended slice.
//
// A header value longer than 32767 bytes, which the format cannot carry, is cut
// at a character's boundary: only the text of an error grows that long. A name
// is a constant of the caller; one that is empty or longer than 255 bytes
// panics. The caller keeps the frame within MaxFrame, or readers will refuse it.
func Append(dst []byte, headers []Header, payload []byte) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, preludeLen)...)
	for _, h := range headers {
		if h.Name == "" || len(h.Name) > maxName {
			panic("eventstream: header name of no or more than 255 bytes")
		}
		v := cut(h.Value, maxValue)
		dst = append(dst, byte(len(h.Name)))
		dst = append(dst, h.Name...)
		dst = append(dst, valueString)
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(v)))
		dst = append(dst, v...)
	}
	headersLen := len(dst) - start - preludeLen
	dst = append(dst, payload...)

	frame := dst[start:]
	binary.BigEndian.PutUint32(frame, uint32(len(frame)+crcLen))
	binary.BigEndian.PutUint32(frame[4:], uint32(headersLen))
	binary.BigEndian.PutUint32(frame[8:], crc32.ChecksumIEEE(frame[:8]))
	return binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(frame))
}

// cut returns the longest prefix of s of at most n bytes that ends with a whole
// character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
