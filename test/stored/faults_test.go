package stored_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
)

// A store that fails one call in five: each reply is whole, and says what became of it.
func TestAStoreThatFailsNowAndThen(t *testing.T) {
	g, m := start(t)
	var calls atomic.Int64
	m.Fail = func(context.Context) error {
		if calls.Add(1)%5 == 0 {
			return fmt.Errorf("%w: try again", files.ErrUnavailable)
		}
		return nil
	}
	said := map[bool]int{}
	both(t, func(t *testing.T, model string, stream bool) {
		for range 10 {
			object, r := ask(t, g, stream, `{"model":"`+model+`","input":"hello"}`)
			if r.Store == nil || r.Status != "completed" || len(r.Output) == 0 {
				t.Fatalf("%s", object)
			}
			said[*r.Store]++
			there := slices.ContainsFunc(m.Objects(files.KindResponse), func(o files.Object) bool { return o.ID == r.ID })
			if there != *r.Store {
				t.Errorf("it is stored: %v, and says: %s", there, object)
			}
		}
	})
	if said[true] == 0 || said[false] == 0 {
		t.Errorf("said %v", said)
	}
}

// A directory that cannot be written, with the store that is used where nothing else is configured.
func TestADirectoryThatCannotBeWritten(t *testing.T) {
	blocker := filepath.Join(t.TempDir(), "secret-place")
	if err := os.WriteFile(blocker, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	g, _ := start(t, "files local "+filepath.Join(blocker, "files"))
	both(t, func(t *testing.T, model string, stream bool) {
		if object, r := ask(t, g, stream, `{"model":"`+model+`","input":"hello"}`); r.Store == nil || *r.Store || r.Status != "completed" {
			t.Errorf("%s", object)
		}
	})
	if w := warnings(t, g); len(w) != 1 {
		t.Errorf("an outage is one line, and not %q", w)
	}
}
