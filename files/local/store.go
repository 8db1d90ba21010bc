package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
)

// On disk: <dir>/<owner>/<id>.data is the content and <id>.json its metadata, where <owner> is a hash, since an owner's
// name may be anything. A file exists from the rename of its .json on, which comes after its content is synced, and
// until the .json is removed, which comes before its content is: at whatever byte the process or the machine dies,
// there is the whole file or nothing to be seen. Ids sort by age, so a directory's names are the listing's order.
const (
	dataExt = ".data"
	metaExt = ".json"
	tempExt = ".tmp"

	// maxMeta is far above the largest metadata file, in bytes.
	maxMeta = 64 << 10
)

func (s *Store) ownerDir(owner string) string {
	return filepath.Join(s.dir, files.OwnerKey(owner))
}

// Put implements files.Store.
func (s *Store) Put(ctx context.Context, u files.Upload) (_ files.File, err error) {
	dir := s.ownerDir(u.Owner)
	if err := s.makeDir(dir); err != nil {
		return files.File{}, err
	}
	created := time.Now().UTC()
	base := filepath.Join(dir, files.NewID(created))
	defer func() {
		if err != nil {
			// The metadata first: without it the rest is not seen.
			_ = os.Remove(base + metaExt)
			_ = os.Remove(base + metaExt + tempExt)
			_ = os.Remove(base + dataExt)
		}
	}()

	meter := files.NewMeter(u.Body, s.options.MaxSize)
	if err := writeSynced(ctx, base+dataExt, meter); err != nil {
		if e := meter.Err(); e != nil && !errors.Is(e, io.EOF) {
			return files.File{}, e
		}
		return files.File{}, err
	}
	f, err := u.Finish(filepath.Base(base), created, meter)
	if err != nil {
		return files.File{}, err
	}
	meta, err := json.Marshal(f)
	if err != nil {
		return files.File{}, fmt.Errorf("encoding metadata: %w", err)
	}
	// The client may have taken its time after the content; from here on, content that looks abandoned is.
	if err := os.Chtimes(base+dataExt, time.Time{}, time.Now()); err != nil {
		return files.File{}, unavailable("finishing the content", err)
	}
	if err := writeSynced(ctx, base+metaExt+tempExt, strings.NewReader(string(meta))); err != nil {
		return files.File{}, err
	}
	// The content's name must be on disk before the metadata's is.
	if err := syncDir(dir); err != nil {
		return files.File{}, err
	}
	if err := os.Rename(base+metaExt+tempExt, base+metaExt); err != nil {
		return files.File{}, unavailable("naming the metadata", err)
	}
	if err := syncDir(dir); err != nil {
		return files.File{}, err
	}
	return f, nil
}

// makeDir makes an owner's directory, and its name durable.
func (s *Store) makeDir(dir string) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return unavailable("making the directory", err)
	}
	switch err := os.Mkdir(dir, 0o700); {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err != nil:
		return unavailable("making the directory", err)
	}
	return syncDir(s.dir)
}

// writeSynced writes r to a new file, to the disk.
func writeSynced(ctx context.Context, name string, r io.Reader) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return unavailable("creating the file", err)
	}
	defer func() { _ = f.Close() }()
	if _, err := io.CopyBuffer(onlyWriter{f}, ctxReader{ctx, r}, make([]byte, 128<<10)); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return unavailable("writing the file", err)
	}
	if err := f.Sync(); err != nil {
		return unavailable("syncing the file", err)
	}
	if err := f.Close(); err != nil {
		return unavailable("closing the file", err)
	}
	return nil
}

// onlyWriter hides os.File's ReadFrom, which would ignore the buffer.
type onlyWriter struct{ io.Writer }

type ctxReader struct {
	ctx context.Context //nolint:containedctx // lives as long as one copy
	r   io.Reader
}

func (c ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// Get implements files.Store.
func (s *Store) Get(_ context.Context, owner, id string) (files.File, error) {
	if !files.ValidID(id) {
		return files.File{}, files.ErrNotFound
	}
	return s.read(filepath.Join(s.ownerDir(owner), id+metaExt), owner)
}

// read gets the metadata in the file named.
func (s *Store) read(name, owner string) (files.File, error) {
	r, err := os.Open(name) //nolint:gosec // the name is a hash and a valid id
	if errors.Is(err, fs.ErrNotExist) {
		return files.File{}, files.ErrNotFound
	}
	if err != nil {
		return files.File{}, unavailable("reading metadata", err)
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(io.LimitReader(r, maxMeta))
	if err != nil {
		return files.File{}, unavailable("reading metadata", err)
	}
	f, err := decode(b)
	if err != nil {
		return files.File{}, fmt.Errorf("%w: %w: %w", files.ErrUnavailable, errDamaged, err)
	}
	if f.Owner != owner || f.Expired(time.Now()) {
		return files.File{}, files.ErrNotFound
	}
	return f, nil
}

func decode(meta []byte) (f files.File, err error) {
	err = json.Unmarshal(meta, &f)
	return f, err
}

// Open implements files.Store.
func (s *Store) Open(ctx context.Context, f files.File, offset, length int64) (io.ReadCloser, error) {
	if !files.ValidID(f.ID) {
		return nil, files.ErrNotFound
	}
	r, err := os.Open(filepath.Join(s.ownerDir(f.Owner), f.ID+dataExt))
	if errors.Is(err, fs.ErrNotExist) {
		// Deleted since its metadata was read, or damaged: tell which.
		if _, err := s.Get(ctx, f.Owner, f.ID); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w: content is missing", files.ErrUnavailable)
	}
	if err != nil {
		return nil, unavailable("opening content", err)
	}
	info, err := r.Stat()
	if err == nil && info.Size() != f.Bytes {
		err = fmt.Errorf("content has %d bytes, not %d", info.Size(), f.Bytes)
	}
	if err == nil {
		_, err = r.Seek(offset, io.SeekStart)
	}
	if err != nil {
		_ = r.Close()
		return nil, unavailable("opening content", err)
	}
	if length < 0 {
		return r, nil
	}
	return section{io.LimitReader(r, length), r}, nil
}

type section struct {
	io.Reader
	io.Closer
}

// List implements files.Store.
func (s *Store) List(ctx context.Context, owner string, q files.Query) (files.Page, error) {
	dir := s.ownerDir(owner)
	ids, err := listIDs(dir, metaExt)
	if err != nil {
		return files.Page{}, err
	}
	if !q.Ascending {
		slices.Reverse(ids)
	}
	var page files.Page
	for _, id := range ids {
		if q.After != "" && (q.Ascending && id <= q.After || !q.Ascending && id >= q.After) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return files.Page{}, err
		}
		f, err := s.read(filepath.Join(dir, id+metaExt), owner)
		if errors.Is(err, files.ErrNotFound) {
			continue
		}
		if errors.Is(err, errDamaged) {
			s.damaged.note(s.log, filepath.Join(dir, id+metaExt), err)
			continue
		}
		if err != nil {
			return files.Page{}, fmt.Errorf("file %s: %w", id, err)
		}
		if q.Purpose != "" && f.Purpose != q.Purpose {
			continue
		}
		if len(page.Files) == q.Limit {
			page.More = true
			break
		}
		page.Files = append(page.Files, f)
	}
	return page, nil
}

// listIDs are the ids in dir that have a file of the extension given, ascending.
func listIDs(dir, ext string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, unavailable("listing", err)
	}
	ids := make([]string, 0, len(entries)/2)
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), ext); ok && files.ValidID(id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// Delete implements files.Store.
func (s *Store) Delete(ctx context.Context, owner, id string) error {
	// An expired file is not there to be deleted.
	if _, err := s.Get(ctx, owner, id); err != nil {
		return err
	}
	return s.remove(s.ownerDir(owner), id)
}

// remove takes the metadata away, so that the file is gone, then the content.
func (s *Store) remove(dir, id string) error {
	err := os.Remove(filepath.Join(dir, id+metaExt))
	if errors.Is(err, fs.ErrNotExist) {
		return files.ErrNotFound
	}
	if err != nil {
		return unavailable("deleting", err)
	}
	if err := syncDir(dir); err != nil {
		return err
	}
	// The file is gone whether or not this succeeds; Sweep takes what stays.
	_ = os.Remove(filepath.Join(dir, id+dataExt))
	return nil
}

// Check implements files.Store: it writes, syncs and removes a file.
func (s *Store) Check(context.Context) (files.Health, error) {
	h := files.Health{Store: "local", Damaged: s.damaged.count()}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return h, unavailable("making the directory", err)
	}
	f, err := os.CreateTemp(s.dir, "check-*"+tempExt)
	if err != nil {
		return h, unavailable("writing to the directory", err)
	}
	_, err = f.WriteString("ok")
	err = errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
	if err != nil {
		return h, unavailable("writing to the directory", err)
	}
	return h, nil
}

// unavailable wraps an error of the file system without the path in it: clients may see the message.
func unavailable(doing string, err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathErr.Err
	}
	return fmt.Errorf("%w: %s: %w", files.ErrUnavailable, doing, err)
}
