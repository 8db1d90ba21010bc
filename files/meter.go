package files

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
)

// Meter counts and hashes what is read through it, and ends with ErrTooLarge past a bound. Stores read every upload
// through one. It is not safe for concurrent use.
type Meter struct {
	r    io.Reader
	max  int64
	size int64
	hash hash.Hash
	err  error
}

// NewMeter reads r, of at most limit bytes.
func NewMeter(r io.Reader, limit int64) *Meter {
	return &Meter{r: r, max: limit, hash: sha256.New()}
}

// Read implements io.Reader.
func (m *Meter) Read(p []byte) (int, error) {
	if m.err != nil {
		return 0, m.err
	}
	n, err := m.r.Read(p)
	m.size += int64(n)
	if m.size > m.max {
		err = fmt.Errorf("%w: more than %s", ErrTooLarge, FormatSize(m.max))
		n = 0
	}
	_, _ = m.hash.Write(p[:n])
	m.err = err
	return n, err
}

// Err is what reading ended with: io.EOF after the whole content, nil before. With it a store can tell the client's
// failure from its own.
func (m *Meter) Err() error { return m.err }

// Size is how many bytes were read.
func (m *Meter) Size() int64 { return m.size }

// SHA256 is the hash, in hex, of what was read.
func (m *Meter) SHA256() string { return hex.EncodeToString(m.hash.Sum(nil)) }
