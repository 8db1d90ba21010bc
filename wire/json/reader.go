// Package json reads and writes JSON in one pass over bytes, without reflection and without building trees.
//
// It exists because chat bodies are read and written once per request and once per stream event: strings and values
// that only travel through are kept as slices of the body they came in and copied raw into the next one. What the
// Reader hands out as a String or a Value has been validated as JSON, so that copying it raw is safe. The grammar is
// RFC 8259; text must be valid UTF-8 (section 8.1).
package json

import (
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// MaxDepth bounds how deeply arrays and objects may nest.
const MaxDepth = 1000

// Kind is the type of a JSON value, as its first byte shows.
type Kind byte

// The kinds of values. Invalid is also the kind of an exhausted or broken input.
const (
	Invalid Kind = iota
	Null
	False
	True
	Number
	Text
	Array
	Object
)

// String names the kind as an error message would.
func (k Kind) String() string {
	switch k {
	case Null:
		return "null"
	case False, True:
		return "a boolean"
	case Number:
		return "a number"
	case Text:
		return "a string"
	case Array:
		return "an array"
	case Object:
		return "an object"
	case Invalid:
	}
	return "invalid JSON"
}

// String is a JSON string as it stands in a body: quotes and escapes included. A nil String is an absent one. It shares
// the memory of the body that it was read from.
type String []byte

// Value is any one JSON value as it stands in a body, without surrounding white space. A nil Value is an absent one.
// It shares the memory of the body that it was read from.
type Value []byte

// A SyntaxError says where a body stops being JSON.
type SyntaxError struct {
	Offset int    // bytes before the fault
	Reason string // what was found or expected there
}

// Error returns the reason and the offset.
func (e *SyntaxError) Error() string {
	return "invalid JSON at byte " + strconv.Itoa(e.Offset) + ": " + e.Reason
}

// A TypeError says that a value is well-formed JSON of another type than its place needs.
type TypeError struct {
	Offset int
	Want   string
	Got    Kind
}

// Error names the wanted and the found type and the offset.
func (e *TypeError) Error() string {
	return fmt.Sprintf("expected %s but found %s at byte %d", e.Want, e.Got, e.Offset)
}

// Reader reads one JSON text from front to back. The first error sticks: every later call does nothing and returns
// zero values, so a caller may check Err once at the end. A Reader is not safe for concurrent use.
//
// An object is read by
//
//	r.Object()
//	for r.Member() {
//		switch string(r.Key()) {
//		case "model":
//			model = r.Text()
//		default:
//			r.Skip()
//		}
//	}
//
// and each member's value must be consumed before the next call of Member; arrays likewise with Array and Element.
type Reader struct {
	data  []byte
	pos   int
	depth int
	first bool // directly after '{' or '['
	valid bool // data was validated before
	key   []byte
	err   error
}

// NewReader reads data, which must not change while what was read from it is in use.
func NewReader(data []byte) *Reader { return &Reader{data: data} }

// Reset makes r read data from its start.
func (r *Reader) Reset(data []byte) { *r = Reader{data: data} }

// ResetValid makes r read data, which Index, Valid or a Reader has accepted, from its start. It looks for the ends of strings and
// not at what is in them, several times faster. Of other data it makes something, without harm but without sense.
func (r *Reader) ResetValid(data []byte) { *r = Reader{data: data, valid: true} }

// Err returns the first error met, nil if there was none.
func (r *Reader) Err() error { return r.err }

// Fail sets the reader's error to err unless it has one: a rule of the caller's own was broken.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Offset is the number of bytes read.
func (r *Reader) Offset() int { return r.pos }

// Pass consumes text if exactly that comes next, and reports whether it does. It reads forms that are known to the byte: text may open
// and close objects, which are then nothing to Member, so that strings and numbers alone can be read besides.
func (r *Reader) Pass(text string) bool {
	if r.err != nil || len(r.data)-r.pos < len(text) || string(r.data[r.pos:r.pos+len(text)]) != text {
		return false
	}
	r.pos += len(text)
	return true
}

func (r *Reader) syntax(reason string) {
	if r.err == nil {
		r.err = &SyntaxError{Offset: r.pos, Reason: reason}
	}
}

func (r *Reader) mismatch(want string) {
	k := r.Kind()
	if r.err != nil {
		return
	}
	if k == Invalid {
		r.unexpected("expected " + want)
		return
	}
	r.err = &TypeError{Offset: r.pos, Want: want, Got: k}
}

func (r *Reader) unexpected(wanted string) {
	if r.pos >= len(r.data) {
		r.syntax("unexpected end, " + wanted)
		return
	}
	c, _ := utf8.DecodeRune(r.data[r.pos:])
	r.syntax("unexpected " + strconv.QuoteRune(c) + ", " + wanted)
}

func (r *Reader) space() {
	for r.pos < len(r.data) {
		switch r.data[r.pos] {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return
		}
	}
}

// Kind returns the type of the next value without consuming it.
func (r *Reader) Kind() Kind {
	if r.err != nil {
		return Invalid
	}
	r.space()
	if r.pos >= len(r.data) {
		return Invalid
	}
	switch c := r.data[r.pos]; c {
	case '{':
		return Object
	case '[':
		return Array
	case '"':
		return Text
	case 't':
		return True
	case 'f':
		return False
	case 'n':
		return Null
	default:
		if c == '-' || c >= '0' && c <= '9' {
			return Number
		}
	}
	return Invalid
}

// Object enters an object. Anything else is a TypeError.
func (r *Reader) Object() bool { return r.enter(Object, "an object") }

// Array enters an array. Anything else is a TypeError.
func (r *Reader) Array() bool { return r.enter(Array, "an array") }

func (r *Reader) enter(k Kind, want string) bool {
	if r.Kind() != k {
		r.mismatch(want)
		return false
	}
	if r.depth == MaxDepth {
		r.syntax("nested more than " + strconv.Itoa(MaxDepth) + " deep")
		return false
	}
	r.depth++
	r.pos++
	r.first = true
	return true
}

// Member goes to the next member of the object entered last and reads its key; false at the object's end, which it
// consumes, and after an error.
func (r *Reader) Member() bool {
	return r.next('}', "a comma or '}'") && r.name()
}

// name reads a member's key and the colon behind it.
func (r *Reader) name() bool {
	if r.pos >= len(r.data) || r.data[r.pos] != '"' {
		r.unexpected("expected a member's name in quotes")
		return false
	}
	tok, escaped := r.token()
	if r.err != nil {
		return false
	}
	if escaped {
		r.key = AppendUnquoted(nil, tok)
	} else {
		r.key = tok[1 : len(tok)-1]
	}
	r.space()
	if r.pos >= len(r.data) || r.data[r.pos] != ':' {
		r.unexpected("expected ':'")
		return false
	}
	r.pos++
	return true
}

// Key is the name of the member that Member went to, unescaped; valid until its value has been read.
func (r *Reader) Key() []byte { return r.key }

// Element goes to the next element of the array entered last; false at the array's end, which it consumes, and after
// an error.
func (r *Reader) Element() bool { return r.next(']', "a comma or ']'") }

// Left returns how many elements are left in the array entered last, where the reader stands before one. It reads to the
// array's end for that, and consumes nothing.
func (r *Reader) Left() int {
	ahead := *r
	n := 1
	for ahead.Skip(); ahead.Element(); ahead.Skip() {
		n++
	}
	return n
}

func (r *Reader) next(end byte, want string) bool {
	if r.err != nil {
		return false
	}
	r.space()
	if r.pos >= len(r.data) {
		r.unexpected("expected " + want)
		return false
	}
	c := r.data[r.pos]
	if c == end {
		r.pos++
		r.depth--
		r.first = false
		return false
	}
	if r.first {
		r.first = false
		return true
	}
	if c != ',' {
		r.unexpected("expected " + want)
		return false
	}
	r.pos++
	r.space()
	if r.pos < len(r.data) && r.data[r.pos] == end {
		r.unexpected("expected another after the comma")
		return false
	}
	return true
}

// Null consumes a null; false, consuming nothing, if the next value is another.
func (r *Reader) Null() bool {
	if r.Kind() != Null {
		return false
	}
	r.literal("null")
	return r.err == nil
}

// Bool reads a boolean.
func (r *Reader) Bool() bool {
	switch r.Kind() {
	case True:
		r.literal("true")
		return r.err == nil
	case False:
		r.literal("false")
	case Invalid, Null, Number, Text, Array, Object:
		r.mismatch("a boolean")
	}
	return false
}

func (r *Reader) literal(word string) {
	end := r.pos + len(word)
	if end > len(r.data) || string(r.data[r.pos:end]) != word {
		r.syntax("expected " + word)
		return
	}
	r.pos = end
	r.first = false
}

// String reads a string and returns it as it stands, quotes and escapes included.
func (r *Reader) String() String {
	if r.Kind() != Text {
		r.mismatch("a string")
		return nil
	}
	tok, _ := r.token()
	if r.err != nil {
		return nil
	}
	return tok
}

// Text reads a string and returns its meaning: unquoted, escapes resolved.
func (r *Reader) Text() string {
	if r.Kind() != Text {
		r.mismatch("a string")
		return ""
	}
	tok, escaped := r.token()
	if r.err != nil {
		return ""
	}
	if escaped {
		return tok.Unquote()
	}
	return string(tok[1 : len(tok)-1])
}

// Number reads a number and returns it as it stands.
func (r *Reader) Number() Value {
	if r.Kind() != Number {
		r.mismatch("a number")
		return nil
	}
	start := r.pos
	r.number()
	if r.err != nil {
		return nil
	}
	return r.data[start:r.pos:r.pos]
}

// Int reads a whole number that an int64 holds; 5.0 and 1e3 are whole numbers too.
func (r *Reader) Int() int64 {
	at := r.pos
	tok := r.Number()
	if r.err != nil {
		return 0
	}
	if n, ok := ParseInt(tok); ok {
		return n
	}
	r.err = &SyntaxError{Offset: at, Reason: "expected a whole number"}
	return 0
}

// ParseInt returns the value of a number token if it is whole and an int64 holds it.
func ParseInt(tok Value) (int64, bool) {
	var n int64
	digits := tok
	if len(tok) > 0 && tok[0] == '-' {
		digits = tok[1:]
	}
	if len(digits) > 0 && len(digits) <= 18 {
		for i := 0; ; i++ {
			if i == len(digits) {
				if len(digits) != len(tok) {
					n = -n
				}
				return n, true
			}
			c := digits[i] - '0'
			if c > 9 {
				break
			}
			n = n*10 + int64(c)
		}
	}
	if n, err := strconv.ParseInt(string(tok), 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(string(tok), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// Value reads any value, validates all of it, and returns it as it stands.
func (r *Reader) Value() Value {
	start := r.skip()
	if r.err != nil {
		return nil
	}
	return r.data[start:r.pos:r.pos]
}

// ObjectValue is Value where only an object will do.
func (r *Reader) ObjectValue() Value {
	if r.Kind() != Object {
		r.Object() // for its error
		return nil
	}
	return r.Value()
}

// ArrayValue is Value where only an array will do.
func (r *Reader) ArrayValue() Value {
	if r.Kind() != Array {
		r.Array() // for its error
		return nil
	}
	return r.Value()
}

// Skip reads any value, validates all of it, and drops it.
func (r *Reader) Skip() { r.skip() }

// End checks that nothing but white space is left, and returns the reader's error.
func (r *Reader) End() error {
	if r.err == nil {
		r.space()
		if r.pos < len(r.data) {
			r.unexpected("expected nothing after the value")
		}
	}
	return r.err
}

// Valid returns what is wrong with data as one JSON text; nil if nothing is.
func Valid(data []byte) error {
	r := Reader{data: data}
	r.Skip()
	return r.End()
}
