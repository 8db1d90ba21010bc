package price

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

func now() time.Time { return time.Now() }

// fixed is a file that is never looked at again.
func fixed(prices map[string]*Price) *file {
	f := &file{now: now, background: func(func()) {}}
	f.current.Store(newList(prices))
	f.next.Store(math.MaxInt64)
	return f
}

// watched is a price file whose clock the test sets, and that is looked at where a price is asked for.
type watched struct {
	*file
	path string
	time time.Time
	logs *observer.ObservedLogs
}

func watch(t *testing.T, content string) *watched {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	w := &watched{path: filepath.Join(t.TempDir(), "prices.json"), time: time.Now(), logs: logs}
	w.write(t, content)
	var err error
	if w.file, err = openFile(w.path, zap.New(core)); err != nil {
		t.Fatal(err)
	}
	w.next.Store(0)
	w.now = func() time.Time { return w.time }
	w.background = func(look func()) { look() }
	return w
}

func (w *watched) write(t *testing.T, content string) {
	t.Helper()
	if err := os.WriteFile(w.path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// cost returns what a token costs a second later.
func (w *watched) cost() string {
	w.time = w.time.Add(lookEvery)
	w.list()
	b := &Book{file: w.file}
	got, ok := b.Cost("m", &chat.Usage{Known: true, Input: 1}, "")
	if !ok {
		return "none"
	}
	return got.String()
}

func TestAPriceFileIsReadAgainWhenItChanges(t *testing.T) {
	w := watch(t, `{"m": {"input_cost_per_token": 1}}`)
	for _, step := range []struct{ content, want, logged string }{
		{"", "1", ""},
		{`{"m": {"input_cost_per_token": 2}}`, "2", ""}, // the same size, and perhaps within the same tick of the clock
		{`{"m": {"input_cost_per`, "2", "price_file was not read again; the prices are those of before"},
		{"", "2", ""}, // logged once
		{`{"m": {"input_cost_per_token": 3}}`, "3", ""},
		{`{"n": {"input_cost_per_token": 3}}`, "none", ""},
	} {
		if step.content != "" {
			w.write(t, step.content)
		}
		w.logs.TakeAll()
		if got := w.cost(); got != step.want {
			t.Errorf("after %q: a token costs %s, want %s", step.content, got, step.want)
		}
		lines := w.logs.TakeAll()
		if logged := len(lines) > 0; logged != (step.logged != "") || logged && (lines[0].Message != step.logged || lines[0].Level != zapcore.ErrorLevel) {
			t.Errorf("after %q: logged %v", step.content, lines)
		}
	}
	if err := os.Remove(w.path); err != nil {
		t.Fatal(err)
	}
	if got, lines := w.cost(), w.logs.TakeAll(); got != "none" || len(lines) != 1 {
		t.Errorf("without the file: %s, %v", got, lines)
	}
}

func TestAPriceFileIsBounded(t *testing.T) {
	w := watch(t, `{"m": {"input_cost_per_token": 1}}`)
	w.write(t, `{"m": {"input_cost_per_token": 2}}`+strings.Repeat(" ", maxFile))
	if got := w.cost(); got != "1" {
		t.Errorf("a file that is too large was read: a token costs %s", got)
	}
	if lines := w.logs.TakeAll(); len(lines) != 1 {
		t.Errorf("logged %v", lines)
	}
	if _, err := openFile(w.path, zap.NewNop()); err == nil || !strings.Contains(err.Error(), "larger than 33554432 bytes") {
		t.Errorf("got %v", err)
	}
}

// A file that is not there when the configuration is loaded is an error of the configuration.
func TestAPriceFileMustBeThereAtFirst(t *testing.T) {
	if _, err := openFile(filepath.Join(t.TempDir(), "none"), zap.NewNop()); err == nil {
		t.Error("no error")
	}
}
