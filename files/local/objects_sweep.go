package local

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
)

// maxPasses bounds how often a sweep lists a kind again because it had more to remove than it could remember.
const maxPasses = 20

// sweepObjectsAlone is sweepObjects when no other sweep of them is under way in this process: of two counts, the older one
// must not come last.
func (s *Store) sweepObjectsAlone(ctx context.Context) (int, error) {
	select {
	case s.objects.counting <- struct{}{}:
		defer func() { <-s.objects.counting }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	return s.sweepObjects(ctx)
}

// sweepObjects removes expired objects, and the oldest of those that are too many, and counts what stays.
func (s *Store) sweepObjects(ctx context.Context) (int, error) {
	kinds, err := os.ReadDir(filepath.Join(s.dir, objectsDir))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, unavailable("listing", err)
	}
	removed := 0
	for _, k := range kinds {
		if !k.IsDir() || !files.ValidKind(k.Name()) {
			continue // not ours
		}
		for range maxPasses {
			n, more, err := s.sweepKind(ctx, k.Name())
			if removed += n; err != nil {
				return removed, err
			}
			if !more {
				break
			}
		}
	}
	return removed, nil
}

// sweepKind is one pass over a kind. More says that it did not remove enough.
func (s *Store) sweepKind(ctx context.Context, kind string) (removed int, more bool, err error) {
	dir := filepath.Join(s.dir, objectsDir, kind)
	owners, err := os.ReadDir(dir)
	if err != nil {
		return 0, false, unavailable("listing", err)
	}
	t := s.objects.ledger.Tally(kind)
	for _, o := range owners {
		if !o.IsDir() {
			continue
		}
		n, err := s.tallyOwner(ctx, t, filepath.Join(dir, o.Name()))
		if removed += n; err != nil {
			return removed, false, err
		}
	}
	n, more, err := t.MakeRoom(removeIfThere)
	s.objects.ledger.Counted(t)
	return removed + n, more, err
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unavailable("removing an object", err)
	}
	return nil
}

// tallyOwner counts the objects in an owner's directory, and removes those that are dead.
func (s *Store) tallyOwner(ctx context.Context, t *files.Tally, dir string) (removed int, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, unavailable("listing", err)
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return removed, err
		}
		if !strings.HasSuffix(e.Name(), objectExt) {
			removed += s.sweepLeftover(dir, e)
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue // removed meanwhile
		}
		path := filepath.Join(dir, e.Name())
		l := files.Listed{Name: path, Owner: filepath.Base(dir), Size: info.Size(), At: info.ModTime()}
		if !t.Dead(l, func() (files.Object, error) { return objectHead(path) }) {
			t.Add(l)
		} else if os.Remove(path) == nil {
			removed++
		}
	}
	return removed, nil
}

// objectHead reads whose the object in a file is, and until when.
func objectHead(path string) (files.Object, error) {
	f, err := os.Open(path) //nolint:gosec // a name just listed
	if err != nil {
		return files.Object{}, err
	}
	defer func() { _ = f.Close() }()
	b := make([]byte, 4<<10)
	n, err := io.ReadFull(f, b)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return files.Object{}, err
	}
	if o, err := files.ObjectHead(b[:n]); err == nil || n < len(b) {
		return o, err
	}
	// An owner with a very long name.
	if b, err = os.ReadFile(path); err != nil { //nolint:gosec // a name just listed
		return files.Object{}, err
	}
	return files.ObjectHead(b)
}
