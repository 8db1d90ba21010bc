package json

import "strconv"

// Writer appends one JSON text to a buffer. It places commas; the caller sees to it that objects and arrays are closed
// and every value in an object has a key. The zero Writer appends to nil. Not safe for concurrent use.
type Writer struct {
	buf   []byte
	start int
}

// NewWriter appends to dst.
func NewWriter(dst []byte) Writer { return Writer{buf: dst, start: len(dst)} }

// Bytes returns the buffer with all that was appended.
func (w *Writer) Bytes() []byte { return w.buf }

// sep appends a comma where one is due: never at the start or behind '{', '[' and ':'. No value ends in one of these.
func (w *Writer) sep() {
	if len(w.buf) == w.start {
		return
	}
	switch w.buf[len(w.buf)-1] {
	case '{', '[', ':':
	default:
		w.buf = append(w.buf, ',')
	}
}

// BeginObject opens an object.
func (w *Writer) BeginObject() { w.sep(); w.buf = append(w.buf, '{') }

// EndObject closes it.
func (w *Writer) EndObject() { w.buf = append(w.buf, '}') }

// BeginArray opens an array.
func (w *Writer) BeginArray() { w.sep(); w.buf = append(w.buf, '[') }

// EndArray closes it.
func (w *Writer) EndArray() { w.buf = append(w.buf, ']') }

// Key writes a member's name, which must need no escape.
func (w *Writer) Key(name string) {
	w.sep()
	w.buf = append(w.buf, '"')
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, '"', ':')
}

// String writes a validated string token as it stands; an absent one as "".
func (w *Writer) String(tok String) {
	w.sep()
	if tok == nil {
		w.buf = append(w.buf, '"', '"')
		return
	}
	w.buf = append(w.buf, tok...)
}

// Text quotes and writes text.
func (w *Writer) Text(text string) { w.sep(); w.buf = AppendQuoted(w.buf, text) }

// Plain writes text that is known to need no escape, such as base64, as a string.
func (w *Writer) Plain(text []byte) {
	w.sep()
	w.buf = append(w.buf, '"')
	w.buf = append(w.buf, text...)
	w.buf = append(w.buf, '"')
}

// Value writes a validated value, white space between its tokens taken out; an absent one as null.
func (w *Writer) Value(v Value) {
	w.sep()
	if v == nil {
		w.buf = append(w.buf, "null"...)
		return
	}
	w.buf = AppendCompact(w.buf, v)
}

// Int writes a whole number.
func (w *Writer) Int(n int64) { w.sep(); w.buf = strconv.AppendInt(w.buf, n, 10) }

// Bool writes a boolean.
func (w *Writer) Bool(b bool) { w.sep(); w.buf = strconv.AppendBool(w.buf, b) }

// Null writes null.
func (w *Writer) Null() { w.sep(); w.buf = append(w.buf, "null"...) }

// Raw writes bytes that the caller knows to be one compact JSON value, such as a constant.
func (w *Writer) Raw(v string) { w.sep(); w.buf = append(w.buf, v...) }

// AppendCompact appends v, a validated value, without the white space outside its strings: a line break in a
// pretty-printed value would otherwise end the line of a server-sent event.
func AppendCompact(dst []byte, v []byte) []byte {
	from := 0
	for i := 0; i < len(v); i++ {
		switch v[i] {
		case '"':
			for i++; i < len(v) && v[i] != '"'; i++ {
				if v[i] == '\\' {
					i++
				}
			}
		case ' ', '\t', '\n', '\r':
			dst = append(dst, v[from:i]...)
			from = i + 1
		}
	}
	return append(dst, v[min(from, len(v)):]...)
}
