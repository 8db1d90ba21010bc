package local

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
)

// On disk: <dir>/objects/<kind>/<owner>/<name>.object. An object is one file, written under another name, synced, and then
// linked or renamed: it is there whole or not at all. No owner's directory of files is called objects, since those are
// hashes.
const (
	objectsDir = "objects"
	objectExt  = ".object"
)

// Bounds of stored responses where none are configured.
const (
	defaultObjectTTL  = 24 * time.Hour
	defaultObjectSize = 1_000_000_000
)

// objectsAtOnce bounds the calls that a disk which hangs can hold, each with its object.
const objectsAtOnce = 64

// leastFree is the share of the disk, in percent, that objects leave free. They must not be what fills it: others need it
// for what cannot be done without.
const leastFree = 10

// objects is what the store keeps of its objects in memory.
type objects struct {
	ledger files.Ledger
	// running bounds the calls under way.
	running chan struct{}
	// counting is held by the sweep that counts.
	counting chan struct{}
	// uncounted is true until the first object is put.
	uncounted atomic.Bool
	free      func(dir string) (free, size uint64, err error) // of the disk
}

func (s *Store) prepareObjects() {
	s.objects.running, s.objects.counting = make(chan struct{}, objectsAtOnce), make(chan struct{}, 1)
	s.objects.free = diskFree
	s.objects.uncounted.Store(true)
}

// ObjectDefaults implements files.Objects.
func (*Store) ObjectDefaults() files.ObjectBounds {
	return files.ObjectBounds{TTL: defaultObjectTTL, MaxSize: defaultObjectSize}
}

// BoundObjects implements files.Objects.
func (s *Store) BoundObjects(kind string, b files.ObjectBounds) { s.objects.ledger.Bound(kind, b) }

// ObjectUsage implements files.Objects.
func (s *Store) ObjectUsage(kind string) files.ObjectUsage { return s.objects.ledger.Usage(kind) }

// OwnerUsage implements files.Objects.
func (s *Store) OwnerUsage(kind, owner string) int64 { return s.objects.ledger.Owner(kind, owner) }

// OwnersUsage implements files.Objects.
func (s *Store) OwnersUsage(kind string) map[string]int64 { return s.objects.ledger.Owners(kind) }

// within runs f, and returns when it has or ctx ends. A disk cannot be told to hurry: f then ends by itself.
func (s *Store) within(ctx context.Context, f func() error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", files.ErrUnavailable, err)
	}
	select {
	case s.objects.running <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("%w: the disk is busy: %w", files.ErrUnavailable, ctx.Err())
	}
	done := make(chan error, 1)
	go func() {
		defer func() { <-s.objects.running }()
		done <- f()
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w: the disk does not answer: %w", files.ErrUnavailable, ctx.Err())
	}
}

func (s *Store) objectPath(owner, kind, id string) string {
	return filepath.Join(s.dir, objectsDir, kind, files.OwnerKey(owner), files.ObjectName(id)+objectExt)
}

// PutObject implements files.Objects.
func (s *Store) PutObject(ctx context.Context, o files.Object, ifAbsent bool) error {
	if !files.ValidKind(o.Kind) || o.ID == "" {
		return fmt.Errorf("putting an object: kind '%s', id '%s'", o.Kind, o.ID)
	}
	b, err := files.EncodeObject(o)
	if err != nil {
		return err
	}
	over := false
	err = s.within(ctx, func() error {
		err := s.putObject(s.objectPath(o.Owner, o.Kind, o.ID), b, ifAbsent)
		if err == nil {
			over = s.objects.ledger.Add(o.Kind, o.Owner, int64(len(b)))
		}
		return err
	})
	if err != nil {
		return err
	}
	if over || s.objects.uncounted.Swap(false) {
		s.recount(context.WithoutCancel(ctx))
	}
	return nil
}

func (s *Store) putObject(path string, b []byte, ifAbsent bool) error {
	dir := filepath.Dir(path)
	if err := s.makeObjectsDir(dir); err != nil {
		return err
	}
	if err := s.room(dir); err != nil {
		return err
	}
	// Not the file's own name: several processes may put the same object.
	temp := filepath.Join(dir, rand.Text()+tempExt)
	defer func() { _ = os.Remove(temp) }()
	if err := writeSynced(context.Background(), temp, bytes.NewReader(b)); err != nil {
		return err
	}
	if !ifAbsent {
		if err := os.Rename(temp, path); err != nil {
			return unavailable("naming the object", err)
		}
		return syncDir(dir)
	}
	err := claim(temp, path)
	if errors.Is(err, fs.ErrExist) {
		if _, err := readObject(path); !errors.Is(err, files.ErrNotFound) {
			return files.ErrExists
		}
		// What is there has expired. It is replaced, not removed: another process may have done so by now.
		err = os.Rename(temp, path)
	}
	if err != nil {
		return unavailable("naming the object", err)
	}
	return syncDir(dir)
}

// claim gives the file temp the name path, if there is none of it. Some file systems have no links: there the name is made
// first, by which of two processes one is told that it exists, and a process that dies in between leaves an empty file,
// which is no object.
func claim(temp, path string) error {
	err := os.Link(temp, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // hashes and checked names
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(temp, path)
}

// makeObjectsDir makes an owner's directory of objects, and its name durable.
func (s *Store) makeObjectsDir(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return unavailable("making the directory", err)
	}
	for d := filepath.Dir(dir); len(d) >= len(s.dir); d = filepath.Dir(d) {
		if err := syncDir(d); err != nil {
			return err
		}
	}
	return nil
}

// room returns an error while too little of the disk is free.
func (s *Store) room(dir string) error {
	free, size, err := s.objects.free(dir)
	if err != nil {
		return unavailable("asking how much of the disk is free", err)
	}
	// In floating point, which does not overflow.
	if float64(free)*100 < float64(size)*leastFree {
		return fmt.Errorf("%w: less than %d %% of the disk is free", files.ErrUnavailable, leastFree)
	}
	return nil
}

// GetObject implements files.Objects.
func (s *Store) GetObject(ctx context.Context, owner, kind, id string) (files.Object, error) {
	if !files.ValidKind(kind) || id == "" {
		return files.Object{}, files.ErrNotFound
	}
	var got files.Object
	err := s.within(ctx, func() error {
		var err error
		got, err = readObject(s.objectPath(owner, kind, id))
		return err
	})
	if err != nil {
		return files.Object{}, err // not got, which may still be written to
	}
	if got.Owner != owner || got.Kind != kind || got.ID != id {
		return files.Object{}, files.ErrNotFound
	}
	return got, nil
}

// readObject reads the object in a file; ErrNotFound if it has expired.
func readObject(path string) (files.Object, error) {
	b, err := os.ReadFile(path) //nolint:gosec // hashes and checked names
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(b) == 0 {
		return files.Object{}, files.ErrNotFound
	}
	if err != nil {
		return files.Object{}, unavailable("reading the object", err)
	}
	o, err := files.DecodeObject(b)
	if err != nil {
		return files.Object{}, fmt.Errorf("%w: %w", files.ErrUnavailable, err)
	}
	if o.Expired(time.Now()) {
		return files.Object{}, files.ErrNotFound
	}
	return o, nil
}

// DeleteObject implements files.Objects.
func (s *Store) DeleteObject(ctx context.Context, owner, kind, id string) error {
	if _, err := s.GetObject(ctx, owner, kind, id); err != nil {
		return err
	}
	path := s.objectPath(owner, kind, id)
	return s.within(ctx, func() error {
		info, err := os.Stat(path)
		if err == nil {
			err = os.Remove(path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return files.ErrNotFound
		}
		if err != nil {
			return unavailable("deleting the object", err)
		}
		s.objects.ledger.Add(kind, owner, -info.Size())
		return syncDir(filepath.Dir(path))
	})
}

// recount counts the objects, and removes the oldest where they are too many, unless that is being done. Nobody waits for
// it.
func (s *Store) recount(ctx context.Context) {
	select {
	case s.objects.counting <- struct{}{}:
	default:
		return
	}
	go func() {
		defer func() { <-s.objects.counting }()
		if n, err := s.sweepObjects(ctx); err != nil {
			s.log.Warn("files: counting stored objects", zap.Error(err), zap.Int("removed", n))
		}
	}()
}

var _ files.Objects = (*Store)(nil)
