package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
)

// RunObjects tests that the stores which open gives keep objects. Each call of open is a gateway of its own on one and the
// same storage, which has no objects at the start.
func RunObjects(t *testing.T, open func(t *testing.T) files.Store) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(t *testing.T, a, b objectStore)
	}{
		{"keeps objects exactly", keepsObjects},
		{"shows an object to its owner only", objectOfOwner},
		{"puts once if absent", putsIfAbsent},
		{"hides and sweeps expired objects", objectsExpire},
		{"keeps objects from the files", objectsAreNoFiles},
		{"is one system of objects for many gateways", objectsOfManyGateways},
		{"counts what owners hold", countsObjects},
		{"lets the oldest go first", oldestGoFirst},
		{"refuses what is no object", refusesObjects},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, both(t, open(t)), both(t, open(t))) })
	}
}

// objectStore is a store with both faces.
type objectStore interface {
	files.Store
	files.Objects
}

func both(t *testing.T, s files.Store) objectStore {
	t.Helper()
	o, ok := s.(objectStore)
	if !ok {
		t.Fatalf("%T keeps no objects", s)
	}
	return o
}

// Object is an object that lives for an hour.
func Object(owner, id, body string) files.Object {
	return files.Object{Owner: owner, Kind: files.KindResponse, ID: id, Body: []byte(body), ExpiresAt: time.Now().Add(time.Hour)}
}

func putObject(t *testing.T, s files.Objects, o files.Object) {
	t.Helper()
	if err := s.PutObject(t.Context(), o, true); err != nil {
		t.Fatalf("put %s: %v", o.ID, err)
	}
}

func hasObject(t *testing.T, s files.Objects, o files.Object) bool {
	t.Helper()
	got, err := s.GetObject(t.Context(), o.Owner, o.Kind, o.ID)
	if errors.Is(err, files.ErrNotFound) {
		return false
	}
	if err != nil || !bytes.Equal(got.Body, o.Body) {
		t.Errorf("get %s: %d bytes, %v", o.ID, len(got.Body), err)
	}
	return true
}

func keepsObjects(t *testing.T, a, b objectStore) {
	ids := []string{
		"resp_0123456789abcdef0123456789abcdef", "msg_A", "msg_a", "con", "..", "../../etc/passwd", "a/b", `a\b`, "ü 数", strings.Repeat("x_", 3000),
		"resp_.object", "x\x00y", " ", "sha256-" + strings.Repeat("0", 64),
	}
	for i, id := range ids {
		for _, kind := range []string{files.KindResponse, files.KindKept} {
			o := files.Object{
				Owner: "exact/../owner \n", Kind: kind, ID: id, Body: noise(i*i*2000 + len(kind)),
				ExpiresAt: time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond),
			}
			putObject(t, a, o)
			got, err := b.GetObject(t.Context(), o.Owner, kind, id)
			if err != nil || !bytes.Equal(got.Body, o.Body) || !got.ExpiresAt.Equal(o.ExpiresAt) || got.ID != id || got.Kind != kind || got.Owner != o.Owner {
				t.Fatalf("%s %q: %q %q %q, %d bytes until %v, %v", kind, id, got.Owner, got.Kind, got.ID, len(got.Body), got.ExpiresAt, err)
			}
		}
	}
	for _, id := range ids {
		for _, kind := range []string{files.KindResponse, files.KindKept} {
			if err := b.DeleteObject(t.Context(), "exact/../owner \n", kind, id); err != nil {
				t.Errorf("delete %s %q: %v", kind, id, err)
			}
			if _, err := a.GetObject(t.Context(), "exact/../owner \n", kind, id); !errors.Is(err, files.ErrNotFound) {
				t.Errorf("deleted on B, still on A: %s %q: %v", kind, id, err)
			}
		}
	}
	empty := Object("", "resp_empty", "")
	putObject(t, a, empty)
	if !hasObject(t, b, empty) {
		t.Error("an object without a body is not there")
	}
}

func objectOfOwner(t *testing.T, a, b objectStore) {
	o := Object("alice", "resp_alice", "alice's")
	putObject(t, a, o)
	for _, owner := range []string{"", "bob", "alic", "alice/", "ALICE", "../alice"} {
		if _, err := b.GetObject(t.Context(), owner, o.Kind, o.ID); !errors.Is(err, files.ErrNotFound) {
			t.Errorf("get by %q: %v", owner, err)
		}
		if err := b.DeleteObject(t.Context(), owner, o.Kind, o.ID); !errors.Is(err, files.ErrNotFound) {
			t.Errorf("delete by %q: %v", owner, err)
		}
	}
	for _, id := range []string{"", "resp_", "resp_alic", "resp_alice_", "RESP_ALICE", "./resp_alice", "resp_alice.object", "*"} {
		if _, err := b.GetObject(t.Context(), "alice", o.Kind, id); !errors.Is(err, files.ErrNotFound) {
			t.Errorf("get of %q: %v", id, err)
		}
	}
	if _, err := b.GetObject(t.Context(), "alice", files.KindKept, o.ID); !errors.Is(err, files.ErrNotFound) {
		t.Errorf("get of another kind: %v", err)
	}
	if err := b.DeleteObject(t.Context(), "alice", o.Kind, o.ID); err != nil {
		t.Fatal(err)
	}
	if err := a.DeleteObject(t.Context(), "alice", o.Kind, o.ID); !errors.Is(err, files.ErrNotFound) {
		t.Errorf("second delete: %v", err)
	}
}

func putsIfAbsent(t *testing.T, a, b objectStore) {
	o := Object("once", "resp_once", "first")
	putObject(t, a, o)
	second := Object("once", "resp_once", "second")
	if err := b.PutObject(t.Context(), second, true); !errors.Is(err, files.ErrExists) {
		t.Errorf("second put if absent: %v", err)
	}
	if !hasObject(t, a, o) {
		t.Error("the first is gone")
	}
	if err := b.PutObject(t.Context(), second, false); err != nil {
		t.Errorf("put in place of it: %v", err)
	}
	if !hasObject(t, a, second) {
		t.Error("the second is not there")
	}
	// What has expired is absent, also before it is swept.
	old := Object("once", "resp_old", "old")
	old.ExpiresAt = time.Now().Add(-time.Second)
	putObject(t, a, old)
	again := Object("once", "resp_old", "again")
	putObject(t, b, again)
	if !hasObject(t, a, again) {
		t.Error("what was put in place of an expired one is not there")
	}
	// Of many who put at once, one does.
	var wg sync.WaitGroup
	var mu sync.Mutex
	var winners []string
	for i := range 10 {
		wg.Go(func() {
			one := Object("once", "resp_race", fmt.Sprintf("body of %d", i))
			switch err := []objectStore{a, b}[i%2].PutObject(t.Context(), one, true); {
			case err == nil:
				mu.Lock()
				winners = append(winners, string(one.Body))
				mu.Unlock()
			case !errors.Is(err, files.ErrExists):
				t.Errorf("put: %v", err)
			}
		})
	}
	wg.Wait()
	if len(winners) != 1 || !hasObject(t, a, Object("once", "resp_race", winners[0])) {
		t.Errorf("%d puts were answered for: %v", len(winners), winners)
	}
}

func objectsExpire(t *testing.T, a, b objectStore) {
	for _, s := range []objectStore{a, b} {
		// What is younger than its kind's TTL is not looked at.
		s.BoundObjects(files.KindResponse, files.ObjectBounds{TTL: time.Nanosecond})
	}
	keep := Object("expiring", "resp_keep", strings.Repeat("keep", 250))
	putObject(t, a, keep)
	gone := Object("expiring", "resp_gone", strings.Repeat("gone", 250))
	gone.ExpiresAt = time.Now()
	putObject(t, a, gone)
	if hasObject(t, b, gone) {
		t.Error("an expired object is shown")
	}
	if err := b.DeleteObject(t.Context(), "expiring", gone.Kind, gone.ID); !errors.Is(err, files.ErrNotFound) {
		t.Errorf("delete of an expired object: %v", err)
	}
	if _, err := a.Sweep(t.Context()); err != nil {
		t.Errorf("sweep: %v", err)
	}
	if held := a.OwnerUsage(files.KindResponse, "expiring"); held < 1000 || held > 1999 {
		t.Errorf("%d bytes are held after a sweep; want those of one object", held)
	}
	if n, err := b.Sweep(t.Context()); err != nil || n != 0 {
		t.Errorf("sweep after a sweep: %d, %v", n, err)
	}
	if !hasObject(t, b, keep) {
		t.Error("swept an object that has not expired")
	}
}

func objectsAreNoFiles(t *testing.T, a, b objectStore) {
	f := Put(t, a, "both", "f.txt", []byte("a file"))
	o := Object("both", f.ID, "an object of a file's id")
	putObject(t, a, o)
	page, err := b.List(t.Context(), "both", files.Query{Limit: 10})
	if err != nil || len(page.Files) != 1 || page.Files[0].ID != f.ID {
		t.Errorf("listed %+v, %v", page, err)
	}
	if got := read(t, b, f, 0, -1); string(got) != "a file" {
		t.Errorf("the file is %q", got)
	}
	if n, err := b.Sweep(t.Context()); err != nil || n != 0 {
		t.Errorf("swept %d, %v", n, err)
	}
	if err := b.Delete(t.Context(), "both", f.ID); err != nil {
		t.Error(err)
	}
	if !hasObject(t, a, o) {
		t.Error("the object went with the file")
	}
	if _, err := b.Get(t.Context(), "both", f.ID); !errors.Is(err, files.ErrNotFound) {
		t.Errorf("the object is a file: %v", err)
	}
}

func objectsOfManyGateways(t *testing.T, a, b objectStore) {
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			o := Object("many", fmt.Sprintf("resp_%d", i), strings.Repeat("body ", i*1000))
			putObject(t, a, o)
			if !hasObject(t, b, o) {
				t.Error("put on A, not on B")
			}
			if err := b.DeleteObject(t.Context(), o.Owner, o.Kind, o.ID); err != nil {
				t.Errorf("delete on B: %v", err)
			}
			if hasObject(t, a, o) {
				t.Error("deleted on B, still on A")
			}
		})
	}
	wg.Wait()
}

func countsObjects(t *testing.T, a, b objectStore) {
	putObject(t, a, Object("before", "resp_before", "a store may count when it is first used"))
	if _, err := a.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := a.OwnerUsage(files.KindResponse, "counted")
	for i := range 3 {
		putObject(t, a, Object("counted", fmt.Sprintf("resp_counted_%d", i), strings.Repeat("x", 1000)))
	}
	putObject(t, a, Object("other", "resp_counted", strings.Repeat("x", 1000)))
	held := a.OwnerUsage(files.KindResponse, "counted") - before
	if held < 3000 || held > 4000 {
		t.Errorf("3 objects of 1,000 bytes hold %d", held)
	}
	if err := a.DeleteObject(t.Context(), "counted", files.KindResponse, "resp_counted_0"); err != nil {
		t.Fatal(err)
	}
	if left := a.OwnerUsage(files.KindResponse, "counted") - before; left*3 != held*2 {
		t.Errorf("of %d bytes, %d are left when one of three is deleted", held, left)
	}
	// A gateway that put nothing knows it from its sweep.
	if _, err := b.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := b.OwnerUsage(files.KindResponse, "counted"); got != a.OwnerUsage(files.KindResponse, "counted") {
		t.Errorf("B counts %d, A %d", got, a.OwnerUsage(files.KindResponse, "counted"))
	}
	u := a.ObjectUsage(files.KindResponse)
	owners := a.OwnersUsage(files.KindResponse)
	if owners["counted"] != held/3*2 || u.Bytes < owners["counted"]+owners["other"] || u.Objects < 3 {
		t.Errorf("usage: %+v %v", u, owners)
	}
}

func oldestGoFirst(t *testing.T, a, b objectStore) {
	putObject(t, a, Object("before", "resp_oldest", "a store may count when it is first used"))
	if _, err := a.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	others := a.ObjectUsage(files.KindResponse).Bytes
	old := Object("oldest", "resp_z", strings.Repeat("x", 100_000))
	putObject(t, a, old)
	// Times in a bucket are whole seconds.
	for start := time.Now().Unix(); time.Now().Unix() == start; time.Sleep(time.Millisecond) { //nolint:revive // waits for the clock itself
	}
	young := Object("oldest", "resp_a", strings.Repeat("x", 100_000))
	putObject(t, a, young)
	kept := Object("oldest", "resp_k", strings.Repeat("x", 100_000))
	kept.Kind = files.KindKept
	putObject(t, a, kept)
	b.BoundObjects(files.KindResponse, files.ObjectBounds{TTL: time.Hour, MaxSize: others + 150_000})
	// What other tests left is older still, and may have to go.
	if _, err := b.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if hasObject(t, a, old) || !hasObject(t, a, young) || !hasObject(t, a, kept) {
		t.Errorf("the old one is there: %v, the young one: %v, that of another kind: %v", hasObject(t, a, old), hasObject(t, a, young), hasObject(t, a, kept))
	}
	if u := b.ObjectUsage(files.KindResponse); u.Bytes > others+150_000 {
		t.Errorf("%d bytes are left", u.Bytes)
	}
}

func refusesObjects(t *testing.T, a, _ objectStore) {
	for _, o := range []files.Object{
		{Kind: "", ID: "x_1"},
		{Kind: "a/b", ID: "x_1"},
		{Kind: "..", ID: "x_1"},
		{Kind: files.KindKept, ID: ""},
		{Kind: files.KindResponse, ID: "x_1", Body: make([]byte, files.MaxObject+1)},
	} {
		o.ExpiresAt = time.Now().Add(time.Hour)
		if err := a.PutObject(t.Context(), o, true); err == nil {
			t.Errorf("kind %q, id %q, %d bytes: put", o.Kind, o.ID, len(o.Body))
		}
		if _, err := a.GetObject(t.Context(), "", o.Kind, o.ID); !errors.Is(err, files.ErrNotFound) {
			t.Errorf("kind %q, id %q: get: %v", o.Kind, o.ID, err)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.PutObject(gone, Object("gone", "resp_gone", "x"), true); err == nil {
		t.Error("put for a caller that is gone")
	}
}
