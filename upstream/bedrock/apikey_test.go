package bedrock

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// A short-term key lives twelve hours at most, so a file's new key must be found without a reload; one that cannot be used
// must not take the place of the good one.
func TestAPIKeyFollowsItsFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first\n")
	core, logs := observer.New(zap.InfoLevel)
	k, err := newAPIKey("{file."+file+"}", zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	later := func() { k.looked.Store(time.Now().Add(-2 * lookEvery).UnixNano()) }
	expect := func(when, want string) {
		t.Helper()
		if got := k.current(); got.text != want || got.authorization[0] != "Bearer "+want {
			t.Errorf("%s: the key is %q, %q", when, got.text, got.authorization)
		}
	}
	expect("at first", "first")
	write("the second\n")
	expect("within a second of the last look", "first")
	later()
	expect("after it", "the second")
	write("\n")
	later()
	expect("while the file is empty", "the second")
	later()
	expect("and at the next look", "the second")
	if n := logs.FilterLevelExact(zap.WarnLevel).Len(); n != 1 {
		t.Errorf("the unusable file was logged %d times", n)
	}
	write("third one\n")
	if !k.reread() {
		t.Error("a key that changed was not seen at once")
	}
	expect("after a refusal", "third one")
	if k.reread() {
		t.Error("the same key counts as another")
	}
	for _, e := range logs.All() {
		for _, f := range e.Context {
			if f.String == "third one" || f.String == "the second" {
				t.Errorf("the log has the key: %v", e)
			}
		}
	}
}

// A request takes no lock and allocates nothing for a key, from a file or not.
func TestAPIKeyAllocs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("k"), 0o600); err != nil {
		t.Fatal(err)
	}
	k, err := newAPIKey("{file."+file+"}", zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	k.looked.Store(time.Now().Add(time.Hour).UnixNano())
	if n := testing.AllocsPerRun(100, func() { k.current() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
