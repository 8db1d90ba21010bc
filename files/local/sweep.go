package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
)

// Sweep implements files.Store. Another process may remove the same things at the same time; whoever comes second
// finds nothing, and that is no error.
func (s *Store) Sweep(ctx context.Context) (int, error) {
	owners, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, unavailable("listing", err)
	}
	removed := 0
	var errs []error
	for _, o := range owners {
		if err := ctx.Err(); err != nil {
			return removed, err
		}
		if !o.IsDir() {
			removed += s.sweepLeftover(s.dir, o)
			continue
		}
		if o.Name() == objectsDir {
			continue // swept by their own age
		}
		n, err := s.sweepOwner(ctx, filepath.Join(s.dir, o.Name()))
		removed += n
		errs = append(errs, err)
	}
	n, err := s.sweepObjectsAlone(ctx)
	return removed + n, errors.Join(append(errs, err)...)
}

// sweepOwner removes what is expired or abandoned in one owner's directory.
func (s *Store) sweepOwner(ctx context.Context, dir string) (int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, unavailable("listing", err)
	}
	kept := make(map[string]bool, len(entries)/2)
	removed := 0
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return removed, err
		}
		id, ok := strings.CutSuffix(e.Name(), metaExt)
		if !ok {
			continue
		}
		kept[id] = true
		b, err := os.ReadFile(filepath.Join(dir, e.Name())) //nolint:gosec // a name just listed
		if err != nil {
			continue
		}
		if f, err := decode(b); err == nil && f.Expired(time.Now()) && s.remove(dir, id) == nil {
			removed++
		}
	}
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), dataExt); ok && kept[id] {
			continue
		}
		if !strings.HasSuffix(e.Name(), metaExt) {
			removed += s.sweepLeftover(dir, e)
		}
	}
	return removed, nil
}

// sweepLeftover removes content without metadata and temporary files once nobody can be writing them any more. Other
// names are not ours and stay.
func (s *Store) sweepLeftover(dir string, e os.DirEntry) int {
	if ext := filepath.Ext(e.Name()); ext != dataExt && ext != tempExt {
		return 0
	}
	info, err := e.Info()
	if err != nil || time.Since(info.ModTime()) < files.AbandonedAfter {
		return 0
	}
	if os.Remove(filepath.Join(dir, e.Name())) != nil {
		return 0
	}
	return 1
}
