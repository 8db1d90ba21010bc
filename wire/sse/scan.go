package sse

import (
	"bytes"
	"slices"
)

// bom is the byte order mark a stream may begin with.
var bom = []byte("\xef\xbb\xbf")

// span is a range of the bytes being scanned. It is zero if it was never set: a
// value always stands behind its field's name.
type span struct{ from, to int }

func (s *span) shift(n int) {
	if s.to > 0 {
		s.from -= n
		s.to -= n
	}
}

// scanner is the state of the search for the next event. It looks at each byte
// once, however the bytes were cut on their way. All offsets count from the
// first byte that was not yet returned.
type scanner struct {
	begun  bool // the place of a byte order mark lies behind
	skipLF bool // the last line ended with the last CR received: an LF belongs to it

	line   int // where the line being looked for begins
	lf, cr int // no LF is in [line, lf), no CR in [line, cr)

	quiet  int    // so many bytes from the start dispatch nothing
	typ    span   // the event field's value
	data   span   // the first data field's value
	lines  int    // how many data fields there were
	joined []byte // all of their values if there are several
	ready  int    // the length of a complete event, 0 if none is
}

// scan goes on through b and reports whether it holds a complete event.
func (s *scanner) scan(b []byte) bool {
	if s.ready > 0 {
		return true
	}
	if !s.begun {
		if len(b) < len(bom) && bytes.HasPrefix(bom, b) {
			return false // too short to tell
		}
		s.begun = true
		if bytes.HasPrefix(b, bom) {
			s.line, s.quiet = len(bom), len(bom)
		}
	}
	for s.line < len(b) {
		start := s.line
		if s.skipLF {
			s.skipLF = false
			if b[start] == '\n' {
				s.line++
				if s.quiet == start {
					s.quiet = s.line
				}
				continue
			}
		}
		s.lf = seek(b, max(s.lf, start), '\n')
		s.cr = seek(b, max(s.cr, start), '\r')
		end := min(s.lf, s.cr)
		if end == len(b) {
			return false
		}
		s.line = end + 1
		if b[end] == '\r' {
			switch {
			case s.line == len(b):
				s.skipLF = true
			case b[s.line] == '\n':
				s.line++
			}
		}
		if s.take(b, start, end) {
			return true
		}
	}
	return false
}

// seek returns the place of the first c in b[from:], len(b) if there is none.
func seek(b []byte, from int, c byte) int {
	if i := bytes.IndexByte(b[from:], c); i >= 0 {
		return from + i
	}
	return len(b)
}

// take processes the line b[start:end] and reports whether it completes an
// event.
func (s *scanner) take(b []byte, start, end int) bool {
	if start == end {
		if s.lines > 0 {
			s.ready = s.line
			return true
		}
		// Without data an event is not dispatched, and its type is forgotten.
		s.typ = span{}
		s.quiet = s.line
		return false
	}
	line := b[start:end]
	colon := bytes.IndexByte(line, ':')
	if colon == 0 {
		if s.quiet == start {
			s.quiet = s.line
		}
		return false
	}
	value := span{end, end} // a line without a colon is a name with an empty value
	name := line
	if colon > 0 {
		name = line[:colon]
		value.from = start + colon + 1
		if value.from < end && b[value.from] == ' ' {
			value.from++
		}
	}
	switch string(name) {
	case "data":
		s.addData(b, value)
	case "event":
		s.typ = value
	}
	return false
}

func (s *scanner) addData(b []byte, value span) {
	s.lines++
	switch s.lines {
	case 1:
		s.data = value
		return
	case 2:
		s.joined = append(s.joined[:0], b[s.data.from:s.data.to]...)
	}
	s.joined = append(s.joined, '\n')
	s.joined = append(s.joined, b[value.from:value.to]...)
}

// event returns the complete event that b begins with.
func (s *scanner) event(b []byte) Event {
	ev := Event{
		Type: b[s.typ.from:s.typ.to:s.typ.to],
		Data: b[s.data.from:s.data.to:s.data.to],
		Raw:  b[:s.ready:s.ready],
	}
	if s.lines > 1 {
		ev.Data = slices.Clip(s.joined)
	}
	return ev
}

// forget lets the offsets count from n bytes further on: behind the complete
// event, or behind the quiet bytes.
func (s *scanner) forget(n int) {
	if s.ready > 0 {
		s.typ, s.data, s.lines, s.ready = span{}, span{}, 0, 0
	}
	s.quiet = 0
	s.line -= n
	s.lf = max(s.lf-n, 0)
	s.cr = max(s.cr-n, 0)
	s.typ.shift(n)
	s.data.shift(n)
}
