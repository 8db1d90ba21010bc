package json

// The methods here read what somebody else's server sent: a value of another type than is due is skipped, not refused,
// since half a reply is better than none.

// Present goes to the next member of the object entered last whose value is not null, which is as good as absent; false at
// the object's end, which it consumes, and after an error.
func (r *Reader) Present() bool {
	for r.Member() {
		if !r.Null() {
			return true
		}
	}
	return false
}

// MaybeObject enters an object; false, with the value consumed, if it is none.
func (r *Reader) MaybeObject() bool {
	if r.Kind() == Object {
		return r.Object()
	}
	r.Skip()
	return false
}

// MaybeArray enters an array; false, with the value consumed, if it is none.
func (r *Reader) MaybeArray() bool {
	if r.Kind() == Array {
		return r.Array()
	}
	r.Skip()
	return false
}

// MaybeString consumes a string and returns it as it stands; nil, with the value consumed, if it is none.
func (r *Reader) MaybeString() String {
	if r.Kind() == Text {
		return r.String()
	}
	r.Skip()
	return nil
}

// MaybeText consumes a string and returns its meaning; "", with the value consumed, if it is none.
func (r *Reader) MaybeText() string {
	if r.Kind() == Text {
		return r.Text()
	}
	r.Skip()
	return ""
}

// MaybeCount consumes a whole number of at least 0; 0 and false, with the value consumed, if it is none.
func (r *Reader) MaybeCount() (n int64, ok bool) {
	if r.Kind() != Number {
		r.Skip()
		return 0, false
	}
	if n, ok = ParseInt(r.Number()); !ok || n < 0 {
		return 0, false
	}
	return n, true
}

// MaybeIndex is MaybeCount for a place in a list; 0 if there is none.
func (r *Reader) MaybeIndex() int {
	n, _ := r.MaybeCount()
	return int(n)
}
