package extract

import (
	"errors"

	"github.com/open-bedrock/caddy-bedrock-gateway/files/extract/budget"
)

const (
	// sharedChunk is the unit in which shared strings are kept, in bytes: a slice that grows would be held twice while it
	// is copied, and a string of its own for each would take 16 bytes more than an end.
	sharedChunk = 1 << 20
	// endsChunk is the same for their ends.
	endsChunk = 64 << 10
)

// sharedStrings are the strings of a workbook that cells refer to by number, behind one another.
type sharedStrings struct {
	budget *budget.Budget
	bytes  [][]byte   // chunks of sharedChunk
	ends   [][]uint32 // chunks of endsChunk
	size   uint32
	count  int
}

var errShared = errors.New("more shared strings than are read")

// add appends s as the next string.
func (t *sharedStrings) add(s string) error {
	if t.count == maxShared || int64(t.size)+int64(len(s)) > budget.MaxMemory {
		return errShared
	}
	for rest := s; rest != ""; {
		used := int(t.size % sharedChunk)
		if used == 0 {
			if err := t.budget.Hold(sharedChunk); err != nil {
				return err
			}
			t.bytes = append(t.bytes, make([]byte, sharedChunk))
		}
		n := copy(t.bytes[len(t.bytes)-1][used:], rest)
		t.size += uint32(n) //nolint:gosec // at most sharedChunk
		rest = rest[n:]
	}
	if t.count%endsChunk == 0 {
		if err := t.budget.Hold(4 * endsChunk); err != nil {
			return err
		}
		t.ends = append(t.ends, make([]uint32, endsChunk))
	}
	t.ends[t.count/endsChunk][t.count%endsChunk] = t.size
	t.count++
	return nil
}

// get returns the i-th string; one that is not there is empty.
func (t *sharedStrings) get(i int) string {
	if i < 0 || i >= t.count {
		return ""
	}
	var from uint32
	if i > 0 {
		from = t.ends[(i-1)/endsChunk][(i-1)%endsChunk]
	}
	to := t.ends[i/endsChunk][i%endsChunk]
	out := make([]byte, 0, to-from)
	for from < to {
		chunk := t.bytes[from/sharedChunk][from%sharedChunk:]
		chunk = chunk[:min(len(chunk), int(to-from))]
		out = append(out, chunk...)
		from += uint32(len(chunk)) //nolint:gosec // at most sharedChunk
	}
	return string(out)
}
