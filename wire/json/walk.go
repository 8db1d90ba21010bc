package json

// Walker goes over JSON that has been validated already, by Index or a Reader, and finds where things stand in it. It
// checks nothing, and so goes over long strings (images) as fast as memory is read. On bytes that are no valid JSON it
// ends somewhere, without harm but without sense. The zero Walker stands before the end of nothing. Not safe for
// concurrent use.
//
// Objects and arrays are walked as with a Reader: every member's and element's value must be consumed.
type Walker struct {
	data     []byte
	pos      int
	first    bool
	keyStart int
	key      []byte
}

// WalkAt returns a Walker that stands before the value at offset at; offsets count from the start of body.
func WalkAt(body []byte, at int) Walker { return Walker{data: body, pos: at} }

// Offset is where the walker stands: after a value was consumed, directly behind it.
func (w *Walker) Offset() int { return w.pos }

// KeyStart is the offset of the opening quote of the member that Member went to.
func (w *Walker) KeyStart() int { return w.keyStart }

// Key is the name of the member that Member went to, unescaped.
func (w *Walker) Key() []byte { return w.key }

func (w *Walker) space() {
	for w.pos < len(w.data) {
		switch w.data[w.pos] {
		case ' ', '\t', '\n', '\r':
			w.pos++
		default:
			return
		}
	}
}

// Kind returns the type of the next value without consuming it; Invalid at the end.
func (w *Walker) Kind() Kind {
	w.space()
	if w.pos >= len(w.data) {
		return Invalid
	}
	switch w.data[w.pos] {
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
	}
	return Number
}

// Object enters an object; false, consuming nothing, if the next value is no object.
func (w *Walker) Object() bool { return w.enter(Object) }

// Array enters an array; false, consuming nothing, if the next value is no array.
func (w *Walker) Array() bool { return w.enter(Array) }

func (w *Walker) enter(k Kind) bool {
	if w.Kind() != k {
		return false
	}
	w.pos++
	w.first = true
	return true
}

// Member goes to the next member of the object entered last; false at its end, which it consumes.
func (w *Walker) Member() bool {
	if !w.Element() {
		return false
	}
	w.keyStart = w.pos
	w.key = w.String().Bytes()
	w.space()
	w.pos = min(w.pos+1, len(w.data)) // the colon
	return true
}

// Element goes to the next element of the array entered last; false at its end, which it consumes.
func (w *Walker) Element() bool {
	w.space()
	if w.pos >= len(w.data) {
		return false
	}
	switch w.data[w.pos] {
	case ']', '}':
		w.pos++
		w.first = false
		return false
	case ',':
		if !w.first {
			w.pos++
			w.space()
		}
	}
	w.first = false
	return w.pos < len(w.data)
}

// Left returns how many elements are left in the array entered last, where w stands before one. It consumes nothing.
func (w *Walker) Left() int {
	ahead := *w
	n := 1
	for ahead.Skip(); ahead.Element(); ahead.Skip() {
		n++
	}
	return n
}

// String consumes a string and returns it as it stands; nil, with the value skipped, if it is none.
func (w *Walker) String() String {
	if w.Kind() != Text {
		w.Skip()
		return nil
	}
	start := w.pos
	w.pos = closing(w.data, start)
	return w.data[start:w.pos:w.pos]
}

// Value consumes any value and returns it as it stands.
func (w *Walker) Value() Value {
	start := w.Skip()
	return w.data[start:w.pos:w.pos]
}

// Skip consumes any value and returns the offset of its start.
func (w *Walker) Skip() int {
	k := w.Kind()
	start := w.pos
	w.first = false
	if k == Text {
		w.pos = closing(w.data, start)
		return start
	}
	for depth := 0; w.pos < len(w.data); {
		switch w.data[w.pos] {
		case '"':
			w.pos = closing(w.data, w.pos)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return start // behind a number or a word
			}
			if depth--; depth == 0 {
				w.pos++
				return start
			}
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return start
			}
		}
		w.pos++
	}
	return start
}

// Find returns the value of the member named key of v, a valid object; nil if there is none, or v is no object.
func Find(v Value, key string) Value {
	w := WalkAt(v, 0)
	if !w.Object() {
		return nil
	}
	for w.Member() {
		if string(w.Key()) == key {
			return w.Value()
		}
		w.Skip()
	}
	return nil
}
