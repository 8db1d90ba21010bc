// Package storetest holds what every file store must do, as tests that a store's own tests run.
package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
)

// MaxSize is the largest file the stores under test must take, in bytes. It is above what S3 takes in one part.
const MaxSize = 12 << 20

// Run tests the stores that open gives. Each call of open is a gateway of its own on one and the same storage, empty at
// the start of Run, with MaxSize.
func Run(t *testing.T, open func(t *testing.T) files.Store) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(t *testing.T, a, b files.Store)
	}{
		{"keeps bytes and metadata exactly", keepsExactly},
		{"shows a file to its owner only", ownerOnly},
		{"pages through a listing in both orders", pages},
		{"opens ranges", ranges},
		{"leaves nothing of a failed upload", failedUpload},
		{"hides and sweeps expired files", expires},
		{"is one system for many gateways", manyGateways},
		{"answers its health", health},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t), open(t)) })
	}
}

// Describe is a description that needs no asking.
func Describe(d files.Description) func() (files.Description, error) {
	return func() (files.Description, error) { return d, nil }
}

// Put uploads content and fails the test if it cannot.
func Put(t *testing.T, s files.Store, owner, name string, content []byte) files.File {
	t.Helper()
	f, err := s.Put(t.Context(), files.Upload{
		Owner: owner, Body: bytes.NewReader(content),
		Describe: Describe(files.Description{Filename: name, Purpose: "assistants", MediaType: "text/plain"}),
	})
	if err != nil {
		t.Fatalf("put %s: %v", name, err)
	}
	return f
}

func read(t *testing.T, s files.Store, f files.File, from, length int64) []byte {
	t.Helper()
	r, err := s.Open(t.Context(), f, from, length)
	if err != nil {
		t.Fatalf("open %s: %v", f.ID, err)
	}
	b, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatalf("read %s: %v", f.ID, err)
	}
	return b
}

// noise is n bytes that do not repeat.
func noise(n int) []byte {
	b := make([]byte, 0, n+sha256.Size)
	sum := sha256.Sum256([]byte("seed"))
	for len(b) < n {
		sum = sha256.Sum256(sum[:])
		b = append(b, sum[:]...)
	}
	return b[:n]
}

func keepsExactly(t *testing.T, a, b files.Store) {
	for _, size := range []int{1, 1000, 5 << 20, 5<<20 + 1, MaxSize} {
		content := noise(size)
		sum := sha256.Sum256(content)
		name := "Übersicht – 数据 📄 " + strings.Repeat("long ", 60) + ".txt"
		before := time.Now().Add(-time.Second)
		f, err := a.Put(t.Context(), files.Upload{
			Owner: "exact/../owner", Body: bytes.NewReader(content),
			Describe: Describe(files.Description{
				Filename: name, Purpose: "user_data", MediaType: "text/plain; charset=utf-8", ExpiresAfter: time.Hour,
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		want := files.File{
			ID: f.ID, Bytes: int64(size), CreatedAt: f.CreatedAt, ExpiresAt: f.CreatedAt.Add(time.Hour), Filename: name,
			Purpose: "user_data", MediaType: "text/plain; charset=utf-8", Owner: "exact/../owner",
			SHA256: hex.EncodeToString(sum[:]),
		}
		if f != want {
			t.Fatalf("put gave\n%+v, want\n%+v", f, want)
		}
		if !files.ValidID(f.ID) || f.CreatedAt.Before(before) || f.CreatedAt.After(time.Now().Add(time.Second)) {
			t.Fatalf("id %s, created %v", f.ID, f.CreatedAt)
		}
		got, err := b.Get(t.Context(), f.Owner, f.ID)
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, want)
		page, err := b.List(t.Context(), f.Owner, files.Query{Limit: 1})
		if err != nil || len(page.Files) != 1 {
			t.Fatalf("list gave %+v, %v", page, err)
		}
		same(t, page.Files[0], want)
		if !bytes.Equal(read(t, b, got, 0, -1), content) {
			t.Fatalf("content of %d bytes came back changed", size)
		}
	}
}

// same compares times to the millisecond, which is what a store must keep.
func same(t *testing.T, got, want files.File) {
	t.Helper()
	for _, f := range []*files.File{&got, &want} {
		f.CreatedAt = f.CreatedAt.Truncate(time.Millisecond)
		f.ExpiresAt = f.ExpiresAt.Truncate(time.Millisecond)
	}
	if got != want {
		t.Fatalf("got\n%+v, want\n%+v", got, want)
	}
}

func ownerOnly(t *testing.T, a, b files.Store) {
	f := Put(t, a, "alice", "a.txt", []byte("alice's"))
	for _, owner := range []string{"", "bob", "alic", "alice/", "ALICE"} {
		if _, err := b.Get(t.Context(), owner, f.ID); !errors.Is(err, files.ErrNotFound) {
			t.Errorf("get by %q: %v", owner, err)
		}
		if err := b.Delete(t.Context(), owner, f.ID); !errors.Is(err, files.ErrNotFound) {
			t.Errorf("delete by %q: %v", owner, err)
		}
		if p, err := b.List(t.Context(), owner, files.Query{Limit: 10}); err != nil || len(p.Files) != 0 {
			t.Errorf("list by %q: %+v, %v", owner, p, err)
		}
	}
	for _, id := range []string{"", "file", "file-", f.ID[:20], f.ID + "0", strings.ToUpper(f.ID), "../" + f.ID, "file-" + strings.Repeat("0", 32)} {
		if _, err := b.Get(t.Context(), "alice", id); !errors.Is(err, files.ErrNotFound) {
			t.Errorf("get of %q: %v", id, err)
		}
	}
	if err := b.Delete(t.Context(), "alice", f.ID); err != nil {
		t.Fatal(err)
	}
	if err := a.Delete(t.Context(), "alice", f.ID); !errors.Is(err, files.ErrNotFound) {
		t.Errorf("second delete: %v", err)
	}
	if _, err := a.Get(t.Context(), "alice", f.ID); !errors.Is(err, files.ErrNotFound) {
		t.Errorf("get after delete: %v", err)
	}
	if _, err := a.Open(t.Context(), f, 0, -1); !errors.Is(err, files.ErrNotFound) {
		t.Errorf("open after delete: %v", err)
	}
}

func pages(t *testing.T, a, b files.Store) {
	var newestFirst []string
	for i := range 7 {
		// Ids of one millisecond have no order of their own.
		for start := time.Now().UnixMilli(); time.Now().UnixMilli() == start; { //nolint:revive // waits for the clock itself
		}
		purpose := "assistants"
		if i%2 == 1 {
			purpose = "batch"
		}
		f, err := a.Put(t.Context(), files.Upload{
			Owner: "lister", Body: strings.NewReader("x"),
			Describe: Describe(files.Description{Filename: fmt.Sprintf("%d.txt", i), Purpose: purpose, MediaType: "text/plain"}),
		})
		if err != nil {
			t.Fatal(err)
		}
		newestFirst = append([]string{f.ID}, newestFirst...)
	}
	oldestFirst := slices.Clone(newestFirst)
	slices.Reverse(oldestFirst)
	batches := []string{newestFirst[1], newestFirst[3], newestFirst[5]}
	list := func(q files.Query) ([]string, bool) {
		t.Helper()
		p, err := b.List(t.Context(), "lister", q)
		if err != nil {
			t.Fatal(err)
		}
		ids := make([]string, len(p.Files))
		for i, f := range p.Files {
			ids[i] = f.ID
		}
		return ids, p.More
	}
	for _, c := range []struct {
		name string
		q    files.Query
		want []string
		more bool
	}{
		{"all", files.Query{Limit: 100}, newestFirst, false},
		{"exactly all", files.Query{Limit: 7}, newestFirst, false},
		{"first page", files.Query{Limit: 3}, newestFirst[:3], true},
		{"next page", files.Query{Limit: 3, After: newestFirst[2]}, newestFirst[3:6], true},
		{"last page", files.Query{Limit: 3, After: newestFirst[5]}, newestFirst[6:], false},
		{"after the last", files.Query{Limit: 3, After: newestFirst[6]}, nil, false},
		{"ascending", files.Query{Limit: 100, Ascending: true}, oldestFirst, false},
		{"ascending first", files.Query{Limit: 2, Ascending: true}, oldestFirst[:2], true},
		{"ascending next", files.Query{Limit: 4, Ascending: true, After: oldestFirst[1]}, oldestFirst[2:6], true},
		{"ascending last", files.Query{Limit: 4, Ascending: true, After: oldestFirst[2]}, oldestFirst[3:], false},
		// The limit counts what matches, not what was looked at.
		{"by purpose", files.Query{Limit: 3, Purpose: "batch"}, batches, false},
		{"by purpose, first", files.Query{Limit: 2, Purpose: "batch"}, batches[:2], true},
		{"by purpose, next", files.Query{Limit: 2, Purpose: "batch", After: batches[1]}, batches[2:], false},
		{"by purpose, ascending", files.Query{Limit: 2, Purpose: "batch", Ascending: true}, []string{batches[2], batches[1]}, true},
		{"by a purpose nobody has", files.Query{Limit: 2, Purpose: "vision"}, nil, false},
	} {
		got, more := list(c.q)
		if !slices.Equal(got, c.want) || more != c.more {
			t.Errorf("%s: got %v, more %v; want %v, more %v", c.name, got, more, c.want, c.more)
		}
	}
	// A page goes on behind a file that was deleted meanwhile.
	if err := a.Delete(t.Context(), "lister", newestFirst[2]); err != nil {
		t.Fatal(err)
	}
	if got, _ := list(files.Query{Limit: 2, After: newestFirst[2]}); !slices.Equal(got, newestFirst[3:5]) {
		t.Errorf("after a deleted file: got %v, want %v", got, newestFirst[3:5])
	}
}

func ranges(t *testing.T, a, _ files.Store) {
	content := noise(100_000)
	f := Put(t, a, "ranger", "r.bin", content)
	for _, c := range []struct{ from, length int64 }{
		{0, 1}, {0, -1}, {99_999, 1}, {1, 99_999}, {50_000, -1}, {500, 0}, {0, 100_000},
	} {
		want := content[c.from:]
		if c.length >= 0 {
			want = want[:c.length]
		}
		if got := read(t, a, f, c.from, c.length); !bytes.Equal(got, want) {
			t.Errorf("from %d, %d bytes: got %d bytes, or others", c.from, c.length, len(got))
		}
	}
}

var errClient = errors.New("client went away")

// brokenBody fails after n bytes.
type brokenBody struct{ n int }

func (b *brokenBody) Read(p []byte) (int, error) {
	if b.n == 0 {
		return 0, errClient
	}
	n := min(len(p), b.n)
	b.n -= n
	return n, nil
}

func failedUpload(t *testing.T, a, b files.Store) {
	ok := Describe(files.Description{Filename: "f", Purpose: "batch", MediaType: "text/plain"})
	gone, cancel := context.WithCancel(t.Context())
	for _, c := range []struct {
		name     string
		ctx      context.Context //nolint:containedctx // a row of a table
		body     io.Reader
		describe func() (files.Description, error)
		want     error
	}{
		{"body fails early", t.Context(), &brokenBody{100}, ok, errClient},
		{"body fails late", t.Context(), &brokenBody{11 << 20}, ok, errClient},
		{"too large", t.Context(), bytes.NewReader(noise(MaxSize + 1)), ok, files.ErrTooLarge},
		{"not described", t.Context(), strings.NewReader("x"), func() (files.Description, error) {
			return files.Description{}, errClient
		}, errClient},
		{"cancelled at its end", gone, strings.NewReader("x"), func() (files.Description, error) {
			cancel()
			return files.Description{}, gone.Err()
		}, context.Canceled},
	} {
		if _, err := a.Put(c.ctx, files.Upload{Owner: "failing", Body: c.body, Describe: c.describe}); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		if p, err := b.List(t.Context(), "failing", files.Query{Limit: 10}); err != nil || len(p.Files) != 0 {
			t.Errorf("%s: then listed %+v, %v", c.name, p, err)
		}
	}
}

func expires(t *testing.T, a, b files.Store) {
	keep := Put(t, a, "expiring", "keep.txt", []byte("keep"))
	f, err := a.Put(t.Context(), files.Upload{
		Owner: "expiring", Body: strings.NewReader("gone"),
		Describe: Describe(files.Description{Filename: "g", Purpose: "batch", MediaType: "text/plain", ExpiresAfter: time.Nanosecond}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Get(t.Context(), "expiring", f.ID); !errors.Is(err, files.ErrNotFound) {
		t.Errorf("get of an expired file: %v", err)
	}
	if err := b.Delete(t.Context(), "expiring", f.ID); !errors.Is(err, files.ErrNotFound) {
		t.Errorf("delete of an expired file: %v", err)
	}
	p, err := b.List(t.Context(), "expiring", files.Query{Limit: 1})
	if err != nil || p.More || len(p.Files) != 1 || p.Files[0].ID != keep.ID {
		t.Errorf("list: %+v, %v", p, err)
	}
	var wg sync.WaitGroup
	counts := make([]int, 2)
	for i, s := range []files.Store{a, b} {
		wg.Go(func() {
			n, err := s.Sweep(t.Context())
			if err != nil {
				t.Errorf("sweep: %v", err)
			}
			counts[i] = n
		})
	}
	wg.Wait()
	if counts[0]+counts[1] < 1 {
		t.Errorf("sweeps removed %v files", counts)
	}
	if n, err := a.Sweep(t.Context()); err != nil || n != 0 {
		t.Errorf("sweep after a sweep: %d, %v", n, err)
	}
	if got := read(t, a, keep, 0, -1); string(got) != "keep" {
		t.Errorf("swept a file that is not expired: %q", got)
	}
}

func manyGateways(t *testing.T, a, b files.Store) {
	const each = 12
	var wg sync.WaitGroup
	for i := range each {
		wg.Go(func() {
			owner := "many"
			content := noise(10_000 + i)
			f := Put(t, a, owner, "m.txt", content)
			g, err := b.Get(t.Context(), owner, f.ID)
			if err != nil {
				t.Errorf("uploaded on A, not on B: %v", err)
				return
			}
			if !bytes.Equal(read(t, b, g, 0, -1), content) {
				t.Error("uploaded on A, different on B")
			}
			if i%2 == 0 {
				return
			}
			if err := b.Delete(t.Context(), owner, f.ID); err != nil {
				t.Errorf("delete on B: %v", err)
			}
			if _, err := a.Get(t.Context(), owner, f.ID); !errors.Is(err, files.ErrNotFound) {
				t.Errorf("deleted on B, still on A: %v", err)
			}
		})
	}
	wg.Wait()
	pa, errA := a.List(t.Context(), "many", files.Query{Limit: 100})
	pb, errB := b.List(t.Context(), "many", files.Query{Limit: 100})
	if errA != nil || errB != nil || len(pa.Files) != each/2 || !slices.Equal(pa.Files, pb.Files) {
		t.Errorf("A lists %d files (%v), B %d (%v), want %d on both", len(pa.Files), errA, len(pb.Files), errB, each/2)
	}
}

func health(t *testing.T, a, _ files.Store) {
	h, err := a.Check(t.Context())
	if err != nil || h.Store == "" {
		t.Errorf("check: %+v, %v", h, err)
	}
}
