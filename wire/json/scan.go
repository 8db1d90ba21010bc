package json

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// skip validates the next value and leaves the position behind it; it returns where the value began. It keeps its own
// stack of bits, one per level, so that hostile nesting costs no goroutine stack.
func (r *Reader) skip() int {
	if r.err != nil {
		return r.pos
	}
	r.space()
	start := r.pos
	var inObject [MaxDepth/64 + 1]uint64
	base := r.depth
	for {
		// One value, or the opening of one.
		switch r.Kind() {
		case Object:
			if !r.Object() {
				return start
			}
			inObject[r.depth/64] |= 1 << (r.depth % 64)
		case Array:
			if !r.Array() {
				return start
			}
			inObject[r.depth/64] &^= 1 << (r.depth % 64)
		case Text:
			r.token()
		case Number:
			r.number()
		case True:
			r.literal("true")
		case False:
			r.literal("false")
		case Null:
			r.literal("null")
		case Invalid:
			r.space()
			r.unexpected("expected a value")
		}
		// Close what ends here, then stand before the next value.
		for {
			if r.err != nil || r.depth == base {
				return start
			}
			if inObject[r.depth/64]&(1<<(r.depth%64)) != 0 {
				if r.Member() {
					break
				}
			} else if r.Element() {
				break
			}
		}
	}
}

// plain marks the bytes that a string holds as they are: printable ASCII but the quote and the backslash.
var plain = func() (t [256]bool) {
	for c := 0x20; c < 0x80; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// token reads the string that begins at the position. escaped reports whether it holds a backslash.
func (r *Reader) token() (tok String, escaped bool) {
	d, start := r.data, r.pos
	i := start + 1
	r.first = false
	if r.valid {
		return r.validToken()
	}
	for {
		// Eight bytes at a time, to the first that is not plain; in images, which are nothing else, thirty-two.
		end := min(i+longRun, len(d))
		for i+8 <= end {
			if m := odd(binary.LittleEndian.Uint64(d[i:])); m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
			i += 8
		}
		if i+8 > end && end < len(d) {
			i = plainFrom(d, i)
			continue
		}
		for i < len(d) && plain[d[i]] {
			i++
		}
		if i >= len(d) {
			r.pos = len(d)
			r.unexpected("expected the string's closing quote")
			return nil, false
		}
		switch c := d[i]; {
		case c == '"':
			r.pos = i + 1
			return d[start:r.pos:r.pos], escaped
		case c == '\\':
			escaped = true
			n := escapeLen(d[i:])
			if n == 0 {
				r.pos = i
				r.syntax("bad escape in a string")
				return nil, false
			}
			i += n
		case c < 0x20:
			r.pos = i
			r.syntax("control character in a string")
			return nil, false
		default:
			_, n := utf8.DecodeRune(d[i:])
			if n == 1 {
				r.pos = i
				r.syntax("invalid UTF-8 in a string")
				return nil, false
			}
			i += n
		}
	}
}

// validToken is token where the string was validated before.
func (r *Reader) validToken() (tok String, escaped bool) {
	start := r.pos
	r.pos = closing(r.data, start)
	if r.pos < start+2 || r.data[r.pos-1] != '"' {
		r.pos = len(r.data)
		r.unexpected("expected the string's closing quote")
		return nil, false
	}
	tok = r.data[start:r.pos:r.pos]
	return tok, tok.Escaped()
}

// closing returns the offset behind the valid string that begins at start; len(d) if it does not end.
func closing(d []byte, start int) int {
	from := start + 1
	for at := from; ; {
		n := bytes.IndexByte(d[min(at, len(d)):], '"')
		if n < 0 {
			return len(d)
		}
		at += n
		// The quote ends the string unless an odd number of backslashes stands before it.
		back := at
		for back > from && d[back-1] == '\\' {
			back--
		}
		at++
		if (at-1-back)%2 == 0 {
			return at
		}
	}
}

// longRun is how many plain bytes stand in a row before more of them are likely than not.
const longRun = 1 << 10

// plainFrom returns an offset before which, from i on, all bytes are plain: by thirty-two at a time.
func plainFrom(d []byte, i int) int {
	for ; i+32 <= len(d); i += 32 {
		p := d[i : i+32]
		if odd(binary.LittleEndian.Uint64(p))|odd(binary.LittleEndian.Uint64(p[8:]))|
			odd(binary.LittleEndian.Uint64(p[16:]))|odd(binary.LittleEndian.Uint64(p[24:])) != 0 {
			break
		}
	}
	return i
}

// odd marks, by the highest bit of their byte, those of eight bytes that are not plain: control characters, quotes,
// backslashes and what is not ASCII. Bytes behind the first marked one may be marked wrongly.
func odd(w uint64) uint64 {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	quote, back := w^ones*'"', w^ones*'\\'
	return (w | (w - ones*0x20) | (quote - ones) | (back - ones)) & high
}

// escapeLen is the length of the escape that begins d, 0 if it is not one of JSON's.
func escapeLen(d []byte) int {
	if len(d) < 2 {
		return 0
	}
	switch d[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(d) < 6 {
			return 0
		}
		for _, c := range d[2:6] {
			if hexDigit(c) < 0 {
				return 0
			}
		}
		return 6
	}
	return 0
}

func hexDigit(c byte) rune {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0')
	case c >= 'a' && c <= 'f':
		return rune(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return rune(c-'A') + 10
	}
	return -1
}

func (r *Reader) number() {
	d, i := r.data, r.pos
	r.first = false
	digits := func() bool {
		from := i
		for i < len(d) && d[i] >= '0' && d[i] <= '9' {
			i++
		}
		r.pos = i
		return i > from
	}
	if d[i] == '-' {
		i++
	}
	if i < len(d) && d[i] == '0' {
		i++
	} else if !digits() {
		r.unexpected("expected a digit")
		return
	}
	if i < len(d) && d[i] == '.' {
		i++
		if !digits() {
			r.unexpected("expected a digit after the point")
			return
		}
	}
	if i < len(d) && (d[i] == 'e' || d[i] == 'E') {
		i++
		if i < len(d) && (d[i] == '+' || d[i] == '-') {
			i++
		}
		if !digits() {
			r.unexpected("expected a digit in the exponent")
			return
		}
	}
	r.pos = i
}
