package price

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

const (
	// maxFile bounds a price file, in bytes.
	maxFile = 32 << 20

	// lookEvery is the least time between two looks at the file.
	lookEvery = time.Second

	// settled is the age from which a file's modification time identifies its version: two writes within one tick of the
	// clock can leave the same time and size.
	settled = 2 * time.Second
)

// file is a price file that is read again when it changes. It is safe for concurrent use.
type file struct {
	path string
	log  *zap.Logger
	now  func() time.Time
	// background runs a look at the file, which must not hold up the call that is due for it.
	background func(func())

	current atomic.Pointer[list]
	next    atomic.Int64 // when to look, Unix nanoseconds
	looking atomic.Bool

	// What follows belongs to the one look under way.
	seen   os.FileInfo // nil: the file was not there
	readAt time.Time
	failed string // the last error that was logged, so that it is logged once
}

// openFile reads the file at path.
func openFile(path string, log *zap.Logger) (*file, error) {
	f := &file{path: path, log: log, now: time.Now, background: func(look func()) { go look() }}
	if err := f.read(); err != nil {
		return nil, fmt.Errorf("price_file %s: %w", path, err)
	}
	f.next.Store(f.now().Add(lookEvery).UnixNano())
	return f, nil
}

// list returns the prices, and has the file looked at where that is due.
func (f *file) list() *list {
	if now := f.now().UnixNano(); now >= f.next.Load() && f.looking.CompareAndSwap(false, true) {
		f.next.Store(now + int64(lookEvery))
		f.background(f.look)
	}
	return f.current.Load()
}

// look reads the file again if it changed. After an error, which is logged once, the prices are those of before.
func (f *file) look() {
	defer f.looking.Store(false)
	info, err := os.Stat(f.path)
	switch {
	case err != nil:
		f.seen = nil
	case f.seen != nil && os.SameFile(f.seen, info) && f.seen.ModTime().Equal(info.ModTime()) && f.seen.Size() == info.Size() && f.readAt.Sub(info.ModTime()) > settled:
		return
	default:
		err = f.read()
	}
	if err != nil {
		if text := err.Error(); text != f.failed {
			f.failed = text
			f.log.Error("price_file was not read again; the prices are those of before", zap.String("path", f.path), zap.Error(err))
		}
		return
	}
	f.failed = ""
}

// read makes the file's prices the current ones.
func (f *file) read() error {
	in, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer in.Close()
	if f.seen, err = in.Stat(); err != nil {
		return err
	}
	f.readAt = f.now()
	data, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return err
	}
	if len(data) > maxFile {
		return fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	prices, err := parse(data)
	if err != nil {
		return err
	}
	f.current.Store(newList(prices))
	return nil
}
