package pdf

import "io"

// lzw decodes the variant of TIFF: codes of 9 to 12 bits, the highest bit first, their width growing one code early
// (7.4.4).
type lzw struct {
	b     []byte
	early int
	table [4096]lzwLink
	// next is the code to be defined, width the bits of a code, prev the code before; -1: there is none.
	next, width, prev int
	bits              uint32
	have              int
	buffer            [4096]byte // the longest entry there can be
	out               []byte     // of buffer, not read yet
	ended             bool
}

// lzwLink is an entry of the table: another entry and a byte behind it.
type lzwLink struct {
	prev int16
	last byte
	size int16
}

const (
	lzwClear = 256
	lzwEnd   = 257
)

func newLZW(b []byte, early int) *lzw {
	r := &lzw{b: b, early: early}
	for i := range 256 {
		r.table[i] = lzwLink{-1, byte(i), 1}
	}
	r.clear()
	return r
}

func (r *lzw) clear() { r.next, r.width, r.prev = 258, 9, -1 }

// Read implements io.Reader.
func (r *lzw) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(r.out) > 0 {
			c := copy(p[n:], r.out)
			r.out, n = r.out[c:], n+c
			continue
		}
		if !r.ended {
			r.entry()
			continue
		}
		if n == 0 {
			return 0, io.EOF
		}
		return n, nil
	}
	return n, nil
}

// entry decodes the next code into out, unless the data ends, or makes no sense any more.
func (r *lzw) entry() {
	for r.have < r.width {
		if len(r.b) == 0 {
			r.ended = true
			return
		}
		r.bits = r.bits<<8 | uint32(r.b[0])
		r.have += 8
		r.b = r.b[1:]
	}
	code := int(r.bits >> (r.have - r.width) & (1<<r.width - 1))
	r.have -= r.width
	switch {
	case code == lzwClear:
		r.clear()
		return
	case code == lzwEnd, code > r.next, code == r.next && r.prev < 0, code >= len(r.table):
		r.ended = true
		return
	}
	known := code
	if code == r.next {
		known = r.prev // its last byte is its first, added below
	}
	size := int(r.table[known].size)
	for i, e := size-1, known; i >= 0 && e >= 0; i-- {
		r.buffer[i] = r.table[e].last
		e = int(r.table[e].prev)
	}
	first := r.buffer[0]
	if code == r.next {
		r.buffer[size] = first
		size++
	}
	r.out = r.buffer[:size]
	if r.prev >= 0 && r.next < len(r.table) {
		r.table[r.next] = lzwLink{int16(r.prev), first, r.table[r.prev].size + 1} //nolint:gosec // below 4096
		r.next++
	}
	for r.width < 12 && r.next+r.early >= 1<<r.width {
		r.width++
	}
	r.prev = code
}
