package pool

import "io"

// Keep is the largest buffer kept once it is empty, in bytes: a single large unit
// must not hold its memory for the rest of a long stream.
const Keep = 64 << 10

// maxEmptyReads bounds the reads in a row that return neither bytes nor an error.
const maxEmptyReads = 100

// Buffer holds the bytes of a stream that were received and not yet consumed. Its
// memory is pooled, large at a stream's beginning and while bytes come fast, small
// for a slow stream. The zero value is the buffer of an empty source. It is not
// safe for concurrent use.
type Buffer struct {
	src io.Reader
	buf []byte // the bytes are buf[pos:end]
	pos int
	end int

	full  bool // the last Read filled all the room it had
	short bool // the last Read returned so little that the stream counts as slow

	first [64]byte // what a slow stream waits with: the beginning of an event

	// Err is the source's error, which comes after the bytes at hand; nil until then.
	Err error
}

// NewBuffer returns an empty Buffer of src.
func NewBuffer(src io.Reader) Buffer { return Buffer{src: src} }

// Reset empties b and lets it read from src, with its memory reused unless that
// has grown large.
func (b *Buffer) Reset(src io.Reader) {
	buf := b.buf
	if len(buf) > Keep || len(buf) == len(b.first) {
		buf = nil
	}
	*b = Buffer{src: src, buf: buf}
}

// Bytes returns the bytes at hand. They are valid until the next Fill.
func (b *Buffer) Bytes() []byte { return b.buf[b.pos:b.end] }

// Len returns how many bytes are at hand.
func (b *Buffer) Len() int { return b.end - b.pos }

// Size returns how many bytes the buffer has memory for, those consumed included.
func (b *Buffer) Size() int { return len(b.buf) }

// Advance consumes n of the bytes at hand.
func (b *Buffer) Advance(n int) { b.pos += n }

// Clear consumes all bytes at hand.
func (b *Buffer) Clear() { b.pos, b.end = 0, 0 }

// Release puts the memory back into the pool. No bytes may be at hand.
func (b *Buffer) Release() {
	Put(b.buf)
	b.buf, b.pos, b.end = nil, 0, 0
}

// waiter is a source that can wait for bytes without memory for them. A slow stream, which waits most of its time, has none then, and
// hardly any where its source cannot.
type waiter interface{ Wait() }

// Fill reads once from the source, behind the bytes at hand. With grow the memory
// is doubled first, up to limit bytes.
func (b *Buffer) Fill(grow bool, limit int) {
	if b.short && b.Len() == 0 {
		b.Release()
		if w, ok := b.src.(waiter); ok {
			w.Wait()
		} else {
			b.buf = b.first[:]
		}
	}
	b.makeRoom(grow, limit)
	for range maxEmptyReads {
		free := b.buf[b.end:]
		n, err := b.src.Read(free)
		b.end += n
		b.full = n == len(free)
		b.short = n <= Small/2
		b.Err = err
		if n > 0 || err != nil {
			return
		}
	}
	b.Err = io.ErrNoProgress
}

// makeRoom moves the bytes at hand to the start of a buffer of the right size.
func (b *Buffer) makeRoom(grow bool, limit int) {
	have := b.Bytes()
	size := len(b.buf)
	switch {
	case b.short && len(have) == 0 && size == len(b.first):
	case size == 0 && b.short, size == len(b.first):
		size = Small
	case size == 0:
		size = Large // what came with the head is taken at once
	case len(have) == 0 && size > Keep:
		size = Small
	case grow:
		size = min(2*size, limit)
	case b.full && size < Large:
		size = Large
	case b.short && size == Large && len(have) <= Small/2:
		size = Small
	}
	buf := b.buf
	if size != len(buf) {
		buf = Get(size)
	}
	b.end = copy(buf, have)
	b.pos = 0
	if size != len(b.buf) {
		Put(b.buf)
		b.buf = buf
	}
}
