package local

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/files/storetest"
)

func newStore(dir string) *Store {
	s := &Store{dir: dir, log: zap.NewNop()}
	s.MaxSize = storetest.MaxSize
	s.options = s.Options()
	s.prepareObjects()
	return s
}

func TestStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	storetest.Run(t, func(*testing.T) files.Store { return newStore(dir) })
}

// A failed upload must leave no byte on the disk, not only nothing in the listing.
func TestFailedUploadLeavesNoFiles(t *testing.T) {
	dir := t.TempDir()
	s := newStore(dir)
	_, err := s.Put(t.Context(), files.Upload{
		Body:     io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), failing{}),
		Describe: storetest.Describe(files.Description{}),
	})
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("got %v", err)
	}
	if left := tree(t, dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// tree lists the regular files below dir.
func tree(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			names = append(names, strings.TrimPrefix(path, dir))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// What a process that died in an upload or a delete leaves is never seen, stays while it may still be written, and is
// swept once it is old. What is not the store's own stays.
func TestSweepRemovesOnlyOldLeftovers(t *testing.T) {
	dir := t.TempDir()
	s := newStore(dir)
	f := storetest.Put(t, s, "o", "keep.txt", []byte("keep"))
	owner := s.ownerDir("o")
	old := time.Now().Add(-2 * files.AbandonedAfter)
	write := func(name string, mtime time.Time) {
		t.Helper()
		name = filepath.Join(owner, name)
		if err := errors.Join(os.WriteFile(name, []byte("half"), 0o600), os.Chtimes(name, mtime, mtime)); err != nil {
			t.Fatal(err)
		}
	}
	orphan, young := files.NewID(old), files.NewID(time.Now())
	write(orphan+dataExt, old)
	write(orphan+metaExt+tempExt, old)
	write(young+dataExt, time.Now())
	write("notes.txt", old)
	if err := os.Chtimes(filepath.Join(owner, f.ID+dataExt), old, old); err != nil {
		t.Fatal(err)
	}
	if p, err := s.List(t.Context(), "o", files.Query{Limit: 10}); err != nil || len(p.Files) != 1 {
		t.Errorf("list: %+v, %v", p, err)
	}
	if n, err := s.Sweep(t.Context()); n != 2 || err != nil {
		t.Errorf("swept %d, %v; want 2", n, err)
	}
	if got := tree(t, owner); len(got) != 4 {
		t.Errorf("left: %v; want the file's two, the young content and notes.txt", got)
	}
}

// Content that does not have the size its metadata says must not be sent as if it were the file.
func TestDamagedContentIsAnError(t *testing.T) {
	dir := t.TempDir()
	s := newStore(dir)
	f := storetest.Put(t, s, "o", "f.txt", []byte("content"))
	data := filepath.Join(s.ownerDir("o"), f.ID+dataExt)
	if err := os.Truncate(data, 3); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(t.Context(), f, 0, -1); !errors.Is(err, files.ErrUnavailable) {
		t.Errorf("cut content: %v", err)
	}
	if err := os.Remove(data); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(t.Context(), f, 0, -1); !errors.Is(err, files.ErrUnavailable) {
		t.Errorf("missing content: %v", err)
	}
}

// A directory that cannot be written is "unavailable", and the message, which clients see, does not tell the path.
func TestUnusableDirectory(t *testing.T) {
	blocker := filepath.Join(t.TempDir(), "secret-place")
	if err := os.WriteFile(blocker, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := newStore(filepath.Join(blocker, "files"))
	_, putErr := s.Put(t.Context(), files.Upload{Body: strings.NewReader("x"), Describe: storetest.Describe(files.Description{})})
	_, checkErr := s.Check(context.Background())
	for _, err := range []error{putErr, checkErr} {
		if !errors.Is(err, files.ErrUnavailable) || strings.Contains(err.Error(), "secret-place") {
			t.Errorf("got %v", err)
		}
	}
}

// One damaged file made its owner's whole listing a 503.
func TestDamagedMetadataIsSkippedInListingsAndCounted(t *testing.T) {
	dir := t.TempDir()
	core, logs := observer.New(zap.ErrorLevel)
	s := newStore(dir)
	s.log = zap.New(core)
	var ids []string
	for range 3 {
		ids = append(ids, storetest.Put(t, s, "", "f.txt", []byte("x")).ID)
	}
	name := filepath.Join(s.ownerDir(""), ids[1]+metaExt)
	if err := os.WriteFile(name, []byte(`{"id":`), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		page, err := s.List(t.Context(), "", files.Query{Limit: 10})
		if err != nil || len(page.Files) != 2 {
			t.Fatalf("%d files, %v", len(page.Files), err)
		}
	}
	h, err := s.Check(t.Context())
	if err != nil || h.Damaged != 1 || logs.Len() != 1 || logs.All()[0].ContextMap()["path"] != name {
		t.Errorf("%v: %d damaged, %d lines: %v", err, h.Damaged, logs.Len(), logs.All())
	}
}
