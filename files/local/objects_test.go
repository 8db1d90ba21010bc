package local

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/files/storetest"
)

// quiet waits until nothing of the store's own accord is under way.
func quiet(s *Store) {
	for range objectsAtOnce {
		s.objects.running <- struct{}{}
	}
	for range objectsAtOnce {
		<-s.objects.running
	}
	s.objects.counting <- struct{}{}
	<-s.objects.counting
}

func TestObjects(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	storetest.RunObjects(t, func(t *testing.T) files.Store {
		t.Helper()
		s := newStore(dir)
		t.Cleanup(func() { quiet(s) })
		return s
	})
}

// What other programs need of a disk must not be taken by what can be done without.
func TestNothingIsWrittenOnAFullDisk(t *testing.T) {
	for _, c := range []struct {
		name       string
		free, size uint64
		err        error
		ok         bool
	}{
		{"a tenth is free", 100, 1000, nil, true},
		{"less is free", 99, 1000, nil, false},
		{"nothing is free", 0, 1 << 62, nil, false},
		{"a disk of exabytes", 1 << 62, 1 << 63, nil, true},
		{"nobody knows", 0, 0, os.ErrPermission, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStore(t.TempDir())
			s.objects.free = func(string) (uint64, uint64, error) { return c.free, c.size, c.err }
			err := s.PutObject(t.Context(), storetest.Object("o", "resp_1", "x"), true)
			if (err == nil) != c.ok || err != nil && !errors.Is(err, files.ErrUnavailable) {
				t.Errorf("put: %v", err)
			}
			if left := tree(t, s.dir); !c.ok && len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// The system says so of this very disk.
func TestDiskFree(t *testing.T) {
	free, size, err := diskFree(t.TempDir())
	if err != nil || size == 0 || free > size {
		t.Errorf("%d of %d, %v", free, size, err)
	}
}

// A directory that cannot be written is "unavailable", and the message does not tell the path.
func TestObjectsInAReadOnlyDirectory(t *testing.T) {
	blocker := filepath.Join(t.TempDir(), "secret-place")
	if err := os.WriteFile(blocker, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := newStore(filepath.Join(blocker, "files")).PutObject(t.Context(), storetest.Object("o", "resp_1", "x"), true)
	if !errors.Is(err, files.ErrUnavailable) || strings.Contains(err.Error(), "secret-place") {
		t.Errorf("got %v", err)
	}
}

// A disk that hangs holds nobody longer than they wait, and no more objects than a bound.
func TestObjectsOnADiskThatHangs(t *testing.T) {
	s := newStore(t.TempDir())
	hang := make(chan struct{})
	s.objects.free = func(string) (uint64, uint64, error) { <-hang; return 1, 1, nil }
	for range objectsAtOnce + 5 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		err := s.PutObject(ctx, storetest.Object("o", "resp_1", "x"), true)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, files.ErrUnavailable) {
			t.Fatalf("put: %v", err)
		}
	}
	if n := len(s.objects.running); n > objectsAtOnce {
		t.Errorf("%d calls are held", n)
	}
	close(hang)
	if err := s.PutObject(t.Context(), storetest.Object("o", "resp_2", "x"), true); err != nil {
		t.Errorf("when the disk answers again: %v", err)
	}
	quiet(s)
}

// What a process that died left is never seen, and is swept once it is old.
func TestSweepOfUnfinishedObjects(t *testing.T) {
	s := newStore(t.TempDir())
	o := storetest.Object("o", "resp_1", "x")
	if err := s.PutObject(t.Context(), o, true); err != nil {
		t.Fatal(err)
	}
	quiet(s)
	dir := filepath.Dir(s.objectPath("o", o.Kind, o.ID))
	old := time.Now().Add(-2 * files.AbandonedAfter)
	for _, f := range []struct {
		name string
		at   time.Time
	}{
		{"HALF" + tempExt, old}, {"YOUNG" + tempExt, time.Now()}, {"resp_claimed" + objectExt, old}, {"resp_young" + objectExt, time.Now()}, {"notes.txt", old},
	} {
		name := filepath.Join(dir, f.name)
		if err := errors.Join(os.WriteFile(name, nil, 0o600), os.Chtimes(name, f.at, f.at)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.GetObject(t.Context(), "o", o.Kind, "resp_claimed"); !errors.Is(err, files.ErrNotFound) {
		t.Errorf("a claimed name: %v", err)
	}
	s.BoundObjects(files.KindResponse, files.ObjectBounds{TTL: time.Nanosecond})
	if n, err := s.Sweep(t.Context()); n != 2 || err != nil {
		t.Errorf("swept %d, %v; want 2", n, err)
	}
	if left := tree(t, dir); len(left) != 4 {
		t.Errorf("left: %v", left)
	}
	// A name that was claimed by a process that died is free again.
	if err := s.PutObject(t.Context(), storetest.Object("o", "resp_young", "x"), true); err != nil {
		t.Errorf("put under a claimed name: %v", err)
	}
}

// An object that was cut must not be read as if it were whole.
func TestDamagedObject(t *testing.T) {
	s := newStore(t.TempDir())
	o := storetest.Object("o", "resp_1", "a body")
	if err := s.PutObject(t.Context(), o, true); err != nil {
		t.Fatal(err)
	}
	path := s.objectPath("o", o.Kind, o.ID)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{info.Size() - 1, 10, 1} {
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		if _, err := s.GetObject(t.Context(), "o", o.Kind, o.ID); !errors.Is(err, files.ErrUnavailable) || !errors.Is(err, files.ErrDamaged) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// Putting more than may be held makes room by itself, without a sweep.
func TestPuttingMakesRoom(t *testing.T) {
	s := newStore(t.TempDir())
	s.BoundObjects(files.KindResponse, files.ObjectBounds{TTL: time.Hour, MaxSize: 100_000})
	for i := range 60 {
		if err := s.PutObject(t.Context(), storetest.Object("o", "resp_"+strings.Repeat("x", i+1), strings.Repeat("x", 5000)), true); err != nil {
			t.Fatal(err)
		}
		runtime.Gosched()
	}
	quiet(s)
	if _, err := s.sweepObjects(t.Context()); err != nil {
		t.Fatal(err)
	}
	if u := s.ObjectUsage(files.KindResponse); u.Bytes > 100_000 || u.Objects < 10 {
		t.Errorf("%d bytes in %d objects", u.Bytes, u.Objects)
	}
}
