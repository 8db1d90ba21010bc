package json

import (
	"bytes"
	"strconv"
)

// Member is one member of an object: where its parts stand in the body.
type Member struct {
	Key        []byte // unescaped; shares the body's memory where it can
	KeyStart   int    // offset of the key's opening quote
	ValueStart int
	ValueEnd   int // offset behind the value
}

// A DuplicateError says that an object names a member twice. Parsers differ in which one they keep, so what one reads
// is not what the next one gets.
type DuplicateError struct {
	Key    string
	Offset int
}

// Error names the member and the offset of its second occurrence.
func (e *DuplicateError) Error() string {
	return "duplicate member " + strconv.Quote(e.Key) + " at byte " + strconv.Itoa(e.Offset)
}

// maxMembers bounds the quadratic look for duplicates.
const maxMembers = 256

// Index validates body as one JSON object and appends its members, in order, to dst. Errors are a *SyntaxError, a
// *TypeError when body is no object, or a *DuplicateError.
func Index(dst []Member, body []byte) ([]Member, error) {
	r := Reader{data: body}
	from := len(dst)
	r.Object()
	for r.next('}', "a comma or '}'") {
		at := r.pos
		if !r.name() {
			break
		}
		m := Member{Key: r.key, KeyStart: at}
		m.ValueStart = r.skip()
		m.ValueEnd = r.pos
		if r.err != nil {
			break
		}
		for i := range dst[from:] {
			if bytes.Equal(dst[from+i].Key, m.Key) {
				return dst, &DuplicateError{Key: string(m.Key), Offset: at}
			}
		}
		if len(dst)-from == maxMembers {
			return dst, &SyntaxError{Offset: at, Reason: "more than " + strconv.Itoa(maxMembers) + " members"}
		}
		dst = append(dst, m)
	}
	return dst, r.End()
}
