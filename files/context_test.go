package files_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/files/extract"
	"github.com/open-bedrock/caddy-bedrock-gateway/files/extract/budget"
)

// shelf is a store of files made by the test. It counts how often content is opened.
type shelf struct {
	files.Store
	kept   map[string]files.File
	bodies map[string]string
	opened atomic.Int32
	broken error
}

func newShelf() *shelf {
	return &shelf{kept: make(map[string]files.File), bodies: make(map[string]string)}
}

// add keeps a file; n makes its id.
func (s *shelf) add(n int, name, mediaType, body string) string {
	id := fmt.Sprintf("file-%032x", n)
	s.kept[id] = files.File{
		ID: id, Bytes: int64(len(body)), Filename: name, MediaType: mediaType, Owner: "me", SHA256: fmt.Sprintf("%x", body),
		CreatedAt: time.Date(2024, 12, 9, 14, 23, 1, 999, time.UTC),
	}
	s.bodies[id] = body
	return id
}

func (s *shelf) Get(_ context.Context, owner, id string) (files.File, error) {
	f, ok := s.kept[id]
	if !ok || f.Owner != owner {
		return files.File{}, files.ErrNotFound
	}
	return f, nil
}

func (s *shelf) Open(_ context.Context, f files.File, _, _ int64) (io.ReadCloser, error) {
	s.opened.Add(1)
	r := io.Reader(strings.NewReader(s.bodies[f.ID]))
	if s.broken != nil {
		r = io.MultiReader(io.LimitReader(r, 3), errReader{s.broken})
	}
	return io.NopCloser(r), nil
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

// The README's two examples, side by side.
func TestContextBlock(t *testing.T) {
	s := newShelf()
	csv := "Date,Product,Sales,Revenue\n2024-01-01,Widget A,150,$1500.00\n2024-01-02,Widget B,200,$2000.00\n"
	csv += strings.Repeat("2024-01-03,Widget C,1,$1.00\n", 41)
	a := s.add(1, "sales_data.csv", "text/csv; charset=utf-8", csv)
	b := s.add(2, "config.json", "application/json", `{"database":{"host":"localhost","port":5432},"features":["auth","logging"]}`)
	got, err := files.Context(t.Context(), s, "me", []string{a, b, a}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := `=== UPLOADED FILES CONTEXT ===

📄 **File: sales_data.csv** (text/csv, 1.2KB)
Created: 2024-12-09T14:23:01Z

**Processed Content:**
` + csv + `
📄 **File: config.json** (application/json, 75B)
Created: 2024-12-09T14:23:01Z

**Processed Content:**
{
  "database": {
    "host": "localhost",
    "port": 5432
  },
  "features": ["auth", "logging"]
}

=== END OF FILES CONTEXT ===`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got, err := files.Context(t.Context(), s, "me", nil, 0, nil); got != "" || err != nil {
		t.Errorf("no ids: %q, %v", got, err)
	}
}

func TestContextBudget(t *testing.T) {
	s := newShelf()
	a := s.add(1, "a.txt", "text/plain", strings.Repeat("é", 50))
	b := s.add(2, "b.txt", "text/plain", strings.Repeat("b", 50))
	c := s.add(3, "c.txt", "text/plain", "c")
	for _, x := range []struct {
		budget    int64
		ids       []string
		want, not []string
	}{
		{151, []string{a, b, c}, []string{strings.Repeat("é", 50) + "\n\n", strings.Repeat("b", 50) + "\n\n", "\nc\n\n="}, []string{"truncated", "not shown"}},
		{150, []string{a, b, c}, []string{strings.Repeat("b", 50) + "\n\n", "Content:**\n[not shown: the files before it fill the context limit]\n"}, []string{"truncated"}},
		{120, []string{a, b}, []string{"\n" + strings.Repeat("b", 20) + "\n[truncated: the first 20B of this file's text are shown]\n\n="}, []string{"not shown"}},
		// Never half a character.
		{51, []string{a}, []string{"\n" + strings.Repeat("é", 25) + "\n[truncated: the first 50B of this file's text are shown]\n\n="}, nil},
		// The file's order is the client's.
		{151, []string{c, a}, []string{"c.txt"}, nil},
	} {
		got, err := files.Context(t.Context(), s, "me", x.ids, x.budget, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range x.want {
			if !strings.Contains(got, w) {
				t.Errorf("budget %d: %q is not in\n%s", x.budget, w, got)
			}
		}
		for _, w := range x.not {
			if strings.Contains(got, w) {
				t.Errorf("budget %d: %q is in\n%s", x.budget, w, got)
			}
		}
	}
	if got, _ := files.Context(t.Context(), s, "me", []string{c, a}, 0, nil); strings.Index(got, "c.txt") > strings.Index(got, "a.txt") {
		t.Error("files are not in the client's order")
	}
}

func TestContextErrorsNameTheFile(t *testing.T) {
	s := newShelf()
	good := s.add(1, "a.txt", "text/plain", "fine")
	noise := s.add(2, "a.bin", "application/octet-stream", "\x00\x01\x02\xff\xfe\x00")
	missing := "file-" + strings.Repeat("f", 32)
	for _, c := range []struct {
		name, owner string
		ids         []string
		at          string
		want        error
	}{
		{"missing", "me", []string{good, missing}, missing, files.ErrNotFound},
		{"the first missing one", "me", []string{missing, "file-x"}, missing, files.ErrNotFound},
		{"another's", "you", []string{good}, good, files.ErrNotFound},
		{"of another form", "me", []string{"file-abc123"}, "file-abc123", files.ErrNotFound},
		{"not a text", "me", []string{good, noise}, noise, files.ErrUnreadable},
	} {
		_, err := files.Context(t.Context(), s, c.owner, c.ids, 0, nil)
		var fe *files.FileError
		if !errors.As(err, &fe) || fe.ID != c.at || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.at) {
			t.Errorf("%s: got %v, want %v at %s", c.name, err, c.want, c.at)
		}
	}
	var many []string
	for i := range 101 {
		many = append(many, s.add(100+i, "m.txt", "text/plain", "m"))
	}
	if _, err := files.Context(t.Context(), s, "me", many, 0, nil); !errors.Is(err, files.ErrTooLarge) {
		t.Errorf("101 files: %v", err)
	}
}

// A store that fails while content is read is the store's failure, to be tried again; not a bad file, and never text.
func TestContextStoreFails(t *testing.T) {
	s := newShelf()
	id := s.add(1, "broken.json", "application/json", `{"never":"seen before"}`)
	s.broken = fmt.Errorf("%w: reset", files.ErrUnavailable)
	if got, err := files.Context(t.Context(), s, "me", []string{id}, 0, nil); !errors.Is(err, files.ErrUnavailable) || errors.Is(err, files.ErrUnreadable) {
		t.Errorf("got %q, %v", got, err)
	}
	s.broken = nil
	if got, err := files.Context(t.Context(), s, "me", []string{id}, 0, nil); err != nil || !strings.Contains(got, "seen before") {
		t.Errorf("afterwards: %q, %v", got, err)
	}
}

func TestContextExtractsOnce(t *testing.T) {
	s := newShelf()
	a := s.add(1, "a.txt", "text/plain", "the same content of two files")
	b := s.add(2, "b.txt", "text/plain", "the same content of two files")
	for range 3 {
		if _, err := files.Context(t.Context(), s, "me", []string{a, b}, 0, nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.opened.Load(); n != 1 {
		t.Errorf("content was opened %d times", n)
	}
	// The cache does not let anyone past the owner check.
	if _, err := files.Context(t.Context(), s, "you", []string{a}, 0, nil); !errors.Is(err, files.ErrNotFound) {
		t.Errorf("another owner: %v", err)
	}
}

func TestLoad(t *testing.T) {
	s := newShelf()
	id := s.add(1, "a.pdf", "application/pdf", "%PDF-")
	f, b, err := files.Load(t.Context(), s, "me", id, 5)
	if err != nil || string(b) != "%PDF-" || f.Filename != "a.pdf" {
		t.Errorf("got %+v, %q, %v", f, b, err)
	}
	if _, _, err := files.Load(t.Context(), s, "me", id, 4); !errors.Is(err, files.ErrTooLarge) || !strings.Contains(err.Error(), id) {
		t.Errorf("over the limit: %v", err)
	}
	if _, _, err := files.Load(t.Context(), s, "you", id, 5); !errors.Is(err, files.ErrNotFound) {
		t.Errorf("another owner: %v", err)
	}
}

// bomb is a DOCX of one tag whose attributes do not end.
func bomb(t *testing.T, seed string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("word/document.xml")
	if err == nil {
		_, err = io.WriteString(w, "<w:p "+strings.Repeat(seed+`="" `, 100_000))
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A file that cost much and has no text is not tried again: each chat that named it once cost as much as the first.
func TestContextFailsOnce(t *testing.T) {
	s := newShelf()
	id := s.add(1, "bomb.docx", "", bomb(t, "failsonce"))
	var first error
	for i := range 3 {
		_, err := files.Context(t.Context(), s, "me", []string{id}, 0, nil)
		if !errors.Is(err, files.ErrUnreadable) || !strings.Contains(err.Error(), "word/document.xml") || !strings.Contains(err.Error(), "a tag of more than 256 KiB") {
			t.Fatalf("the error must say what was too large: %v", err)
		}
		if i == 0 {
			first = err
		} else if err.Error() != first.Error() {
			t.Errorf("then %v", err)
		}
	}
	if n := s.opened.Load(); n != 1 {
		t.Errorf("content was opened %d times", n)
	}
}

// Eight chats that name the same bomb at once cost as much as one.
func TestContextAtOnce(t *testing.T) {
	s := newShelf()
	id := s.add(1, "bomb.docx", "", bomb(t, "atonce"))
	var g errgroup.Group
	for range 8 {
		g.Go(func() error {
			_, err := files.Context(t.Context(), s, "me", []string{id}, 0, nil)
			if !errors.Is(err, files.ErrUnreadable) {
				return fmt.Errorf("got %w", err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	if n := int(s.opened.Load()); n > max(2, runtime.GOMAXPROCS(0)) {
		t.Errorf("content was opened %d times", n)
	}
}

// The files of a request share what it may cost; a file that did not get its share is fine in another request.
func TestContextRequestBudget(t *testing.T) {
	s := newShelf()
	id := s.add(1, "a.txt", "text/plain", "within another request's budget")
	var work extract.Request
	_ = budget.New(t.Context(), &work, budget.MaxRequestSteps+1, 0).Step(budget.MaxRequestSteps)
	if _, err := files.Context(t.Context(), s, "me", []string{id}, 0, &work); !errors.Is(err, files.ErrUnreadable) || !strings.Contains(err.Error(), "name fewer of them") {
		t.Errorf("after the budget: %v", err)
	}
	if _, err := files.Context(t.Context(), s, "me", []string{id}, 0, nil); err != nil {
		t.Errorf("in another request: %v", err)
	}
}
