package local

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
)

// maxPasses bounds how often a sweep lists a kind again because it had more to remove than it could remember.
const maxPasses = 20

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
	p := pass{s: s, kind: kind, bounds: s.objects.ledger.Bounds(kind), held: make(map[string]files.Holding, len(owners)), now: time.Now()}
	for _, o := range owners {
		if !o.IsDir() {
			continue
		}
		if err := p.owner(ctx, filepath.Join(dir, o.Name()), o.Name()); err != nil {
			return p.removed, false, err
		}
	}
	more = p.evict()
	s.objects.ledger.Counted(kind, p.objects, p.held)
	return p.removed, more, nil
}

// pass is a walk over all objects of a kind.
type pass struct {
	s       *Store
	kind    string
	bounds  files.ObjectBounds
	now     time.Time
	held    map[string]files.Holding // by owner's key
	bytes   int64
	objects int64
	oldest  files.Oldest
	removed int
}

func (p *pass) owner(ctx context.Context, dir, key string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return unavailable("listing", err)
	}
	var h files.Holding
	h.Owner, h.Known = p.s.objects.ledger.Known(p.kind, key)
	defer func() {
		if h.Bytes > 0 {
			p.held[key] = h
		}
	}()
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !strings.HasSuffix(e.Name(), objectExt) {
			p.removed += p.s.sweepLeftover(dir, e)
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue // removed meanwhile
		}
		path := filepath.Join(dir, e.Name())
		if p.dead(path, info, &h) {
			if os.Remove(path) == nil {
				p.removed++
			}
			continue
		}
		p.objects++
		p.bytes += info.Size()
		h.Bytes += info.Size()
		if p.bounds.MaxSize > 0 {
			p.oldest.Add(files.Listed{Name: path, Size: info.Size(), At: info.ModTime()})
		}
	}
	return nil
}

// dead reports whether the object in a file has expired, or is none that could be read. Its head is read if it may have
// expired, or if it tells an owner's name that is not known yet.
func (p *pass) dead(path string, info fs.FileInfo, h *files.Holding) bool {
	age := p.now.Sub(info.ModTime())
	if age < p.bounds.TTL && h.Known {
		return false
	}
	o, err := objectHead(path)
	if err != nil {
		// A disk that cannot be read now holds no damaged object.
		return errors.Is(err, files.ErrDamaged) && age > files.AbandonedAfter
	}
	h.Owner, h.Known = o.Owner, true
	return o.Expired(p.now)
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

// evict removes the oldest objects until a twentieth of what may be held is free again: else each object that is put
// would begin a pass. It reports whether more have to go.
func (p *pass) evict() (more bool) {
	limit := p.bounds.MaxSize
	if limit == 0 || p.bytes <= limit {
		return false
	}
	target := limit - limit/20
	for _, l := range p.oldest.Take() {
		if p.bytes <= target {
			return false
		}
		if err := os.Remove(l.Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		p.removed++
		p.objects--
		p.bytes -= l.Size
		key := filepath.Base(filepath.Dir(l.Name))
		h := p.held[key]
		h.Bytes -= l.Size
		p.held[key] = h
	}
	return p.bytes > limit
}
