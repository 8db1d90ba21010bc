package replace

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Variables that make the test binary edit a file and end itself at a step.
const (
	editFile = "REPLACE_TEST_FILE"
	endAt    = "REPLACE_TEST_END_AT"
)

var (
	oldContent = bytes.Repeat([]byte("old\n"), 1000)
	newContent = bytes.Repeat([]byte("the new content\n"), 1000)
)

func TestMain(m *testing.M) {
	if path := os.Getenv(editFile); path != "" {
		n := 0
		step = func(string) {
			n++
			if strconv.Itoa(n) != os.Getenv(endAt) {
				return
			}
			self, err := os.FindProcess(os.Getpid())
			if err == nil {
				err = self.Kill() // nothing deferred runs
			}
			fmt.Fprintln(os.Stderr, err)
			select {}
		}
		if err := Edit(path, func([]byte) ([]byte, error) { return newContent, nil }); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A program that is killed at any point of an edit leaves the old content or the new one, and the next edit succeeds.
func TestKilledAtEveryStep(t *testing.T) {
	for _, exists := range []bool{true, false} {
		for n := 1; ; n++ {
			path := filepath.Join(t.TempDir(), ".env")
			if exists {
				if err := os.WriteFile(path, oldContent, 0o640); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.CommandContext(t.Context(), os.Args[0]) // #nosec G204 G702 -- this very binary
			cmd.Env = append(os.Environ(), editFile+"="+path, endAt+"="+strconv.Itoa(n))
			out, err := cmd.CombinedOutput()
			got, readErr := os.ReadFile(path)
			if err == nil {
				if !bytes.Equal(got, newContent) {
					t.Errorf("an edit to its end left %d bytes", len(got))
				}
				if n < 6 {
					t.Errorf("an edit has %d steps", n-1)
				}
				break
			}
			if cmd.ProcessState.ExitCode() == 3 {
				t.Fatalf("%s", out)
			}
			missing := errors.Is(readErr, fs.ErrNotExist)
			if !bytes.Equal(got, oldContent) && !bytes.Equal(got, newContent) && (exists || !missing) {
				t.Errorf("killed at step %d, the file has %d bytes, error %v", n, len(got), readErr)
			}
			if exists && missing {
				t.Errorf("killed at step %d, the file is gone", n)
			}
			if err := Edit(path, func([]byte) ([]byte, error) { return []byte("next"), nil }); err != nil {
				t.Errorf("the edit after one killed at step %d: %v", n, err)
			}
			if _, err := os.Lstat(path + Suffix); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("after step %d, the unfinished version stays", n)
			}
		}
	}
}

func TestEditKeepsTheMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // it has none
	}
	path := filepath.Join(t.TempDir(), "keys")
	set := func(text string) {
		t.Helper()
		if err := Edit(path, func([]byte) ([]byte, error) { return []byte(text), nil }); err != nil {
			t.Fatal(err)
		}
	}
	mode := func() fs.FileMode {
		t.Helper()
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode()
	}
	set("one")
	if m := mode(); m != 0o600 {
		t.Errorf("a new file is %v", m)
	}
	if err := os.Chmod(path, 0o664); err != nil { //nolint:gosec // what is to be kept
		t.Fatal(err)
	}
	set("two")
	if m := mode(); m != 0o664 {
		t.Errorf("the mode became %v", m)
	}
}

func TestEditFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("real", filepath.Join(dir, "link")); err != nil {
		if runtime.GOOS == "windows" {
			return // it takes a privilege
		}
		t.Fatal(err)
	}
	for _, text := range []string{"made", "edited"} {
		if err := Edit(filepath.Join(dir, "link"), func([]byte) ([]byte, error) { return []byte(text), nil }); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "real")); err != nil || string(got) != text {
			t.Errorf("%q %v", got, err)
		}
	}
	if info, err := os.Lstat(filepath.Join(dir, "link")); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Error("the link was replaced by a file", err)
	}
	if err := Edit(dir, func([]byte) ([]byte, error) { return nil, nil }); err == nil || !strings.Contains(err.Error(), "directory") && !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a folder: %v", err)
	}
}

// Two that edit at once would lose one's work without the lock.
func TestEditsWaitForEachOther(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // it cannot lock a folder
	}
	path := filepath.Join(t.TempDir(), "keys")
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if err := Edit(path, func(old []byte) ([]byte, error) { return append(old, "x"...), nil }); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got, err := os.ReadFile(path); err != nil || string(got) != strings.Repeat("x", 20) {
		t.Errorf("%q %v", got, err)
	}
}

func TestEditThatFailsWritesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	want := errors.New("no")
	if err := Edit(path, func([]byte) ([]byte, error) { return nil, want }); !errors.Is(err, want) {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a file was made", err)
	}
}
