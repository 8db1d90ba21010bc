package budget

import (
	"errors"
	"io"
)

const (
	firstChunk = 8 << 10
	lastChunk  = 1 << 20
	// keptChunks are kept for the next ReadAll: 2 MiB.
	keptChunks = 8
)

// ReadAll reads r to its end, or up to most bytes, and holds what it returns; the caller releases it. The error is r's
// own, with what came before it, or the budget's. It reads into chunks, which it keeps, and joins them at the end: a
// buffer that grows would hold three times the data on its way, and leave it as garbage.
func (b *Budget) ReadAll(r io.Reader, most int) ([]byte, error) {
	total, size := 0, firstChunk
	var read [][]byte
	var failed error
	for total < most && failed == nil {
		if len(read) == len(b.chunks) {
			if err := b.Hold(size); err != nil {
				return nil, err
			}
			b.chunks = append(b.chunks, make([]byte, size))
		}
		chunk := b.chunks[len(read)][:min(size, most-total)]
		n, err := io.ReadFull(r, chunk)
		total += n
		read = append(read, chunk[:n])
		failed = err
		size = min(size*2, lastChunk)
	}
	if errors.Is(failed, io.EOF) || errors.Is(failed, io.ErrUnexpectedEOF) {
		failed = nil
	}
	if err := b.Hold(total); err != nil {
		return nil, err
	}
	all := make([]byte, 0, total)
	for _, c := range read {
		all = append(all, c...)
	}
	for len(b.chunks) > keptChunks {
		last := len(b.chunks) - 1
		b.Release(len(b.chunks[last]))
		b.chunks[last] = nil
		b.chunks = b.chunks[:last]
	}
	return all, failed
}
