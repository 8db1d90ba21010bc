package files

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/open-bedrock/caddy-bedrock-gateway/files/extract"
)

const (
	contextHead = "=== UPLOADED FILES CONTEXT ===\n\n"
	contextFoot = "=== END OF FILES CONTEXT ==="

	// maxContextFiles bounds the calls to the store that one chat can cause.
	maxContextFiles = 100
	// contextLookups is how many of them are made at once.
	contextLookups = 4
)

// FileError is an error about one of the files a client named.
type FileError struct {
	// ID is the id as the client gave it.
	ID  string
	Err error
}

func (e *FileError) Error() string { return fmt.Sprintf("file %q: %v", e.ID, e.Err) }

// Unwrap gives the cause: ErrNotFound, ErrUnreadable, ErrUnavailable, a context's error.
func (e *FileError) Unwrap() error { return e.Err }

// Context is the block that brings the files' text into a chat, in the order of ids, each file once:
//
//	=== UPLOADED FILES CONTEXT ===
//
//	📄 **File: sales_data.csv** (text/csv, 1.2KB)
//	Created: 2024-12-09T14:23:01Z
//
//	**Processed Content:**
//	Date,Product,Sales,Revenue
//	...
//
//	=== END OF FILES CONTEXT ===
//
// It has no newline at its end; a blank line belongs between it and the user's words. The files' text is at most limit
// bytes together (0: DefaultContextMax): where it was cut, a line says so. All ids are looked up before any content is
// read. What taking the text costs is charged to work, which all calls for one request share; nil stands for a request of
// these files alone. An error is a *FileError naming the first id at fault. No ids give an empty string.
func Context(ctx context.Context, s Store, owner string, ids []string, limit int64, work *extract.Request) (string, error) {
	if limit <= 0 {
		limit = DefaultContextMax
	}
	if work == nil {
		work = new(extract.Request)
	}
	found, err := LookUp(ctx, s, owner, ids)
	if err != nil || len(found) == 0 {
		return "", err
	}
	var b strings.Builder
	b.WriteString(contextHead)
	left := limit
	for _, f := range found {
		fmt.Fprintf(&b, "📄 **File: %s** (%s, %s)\nCreated: %s\n\n**Processed Content:**\n",
			f.Filename, bareType(f.MediaType), FormatSize(f.Bytes), f.CreatedAt.UTC().Format(time.RFC3339))
		t, err := text(ctx, s, f, limit, work)
		if err != nil {
			return "", &FileError{ID: f.ID, Err: err}
		}
		shown := cutRunes(t.text, int(min(left, int64(len(t.text)))))
		left -= int64(len(shown))
		b.WriteString(shown)
		switch {
		case len(shown) == len(t.text) && !t.truncated:
		case shown == "":
			b.WriteString("[not shown: the files before it fill the context limit]")
		default:
			fmt.Fprintf(&b, "\n[truncated: the first %s of this file's text are shown]", FormatSize(int64(len(shown))))
		}
		b.WriteString("\n\n")
	}
	b.WriteString(contextFoot)
	return b.String(), nil
}

// LookUp gets the metadata of ids, each once, in their order. An error is a *FileError naming the first id at fault.
func LookUp(ctx context.Context, s Store, owner string, ids []string) ([]File, error) {
	seen := make(map[string]bool, len(ids))
	unique := make([]string, 0, len(ids))
	for _, id := range ids {
		if seen[id] {
			continue
		}
		if len(unique) == maxContextFiles {
			return nil, &FileError{ID: id, Err: fmt.Errorf("%w: a chat takes at most %d files", ErrTooLarge, maxContextFiles)}
		}
		seen[id] = true
		unique = append(unique, id)
	}
	found := make([]File, len(unique))
	errs := make([]error, len(unique))
	var g errgroup.Group
	g.SetLimit(contextLookups)
	for i, id := range unique {
		g.Go(func() error {
			if !ValidID(id) {
				errs[i] = ErrNotFound
				return nil
			}
			found[i], errs[i] = s.Get(ctx, owner, id)
			return nil
		})
	}
	_ = g.Wait() // each has its own error, so that the first in the client's order is told
	for i, err := range errs {
		if err != nil {
			return nil, &FileError{ID: unique[i], Err: err}
		}
	}
	return found, nil
}

// Load reads a whole file, for upstreams that take documents and images as they are. A file above limit bytes is
// ErrTooLarge.
func Load(ctx context.Context, s Store, owner, id string, limit int64) (File, []byte, error) {
	if !ValidID(id) {
		return File{}, nil, &FileError{ID: id, Err: ErrNotFound}
	}
	f, err := s.Get(ctx, owner, id)
	if err != nil {
		return File{}, nil, &FileError{ID: id, Err: err}
	}
	if f.Bytes > limit {
		err = fmt.Errorf("%w: it has %s, at most %s can be sent to the model", ErrTooLarge, FormatSize(f.Bytes), FormatSize(limit))
		return f, nil, &FileError{ID: id, Err: err}
	}
	r, err := s.Open(ctx, f, 0, -1)
	if err != nil {
		return f, nil, &FileError{ID: id, Err: err}
	}
	defer func() { _ = r.Close() }()
	content := make([]byte, f.Bytes)
	if _, err := io.ReadFull(r, content); err != nil {
		return f, nil, &FileError{ID: id, Err: fmt.Errorf("%w: reading content: %w", ErrUnavailable, err)}
	}
	return f, content, nil
}

// bareType is a media type without parameters.
func bareType(t string) string {
	t, _, _ = strings.Cut(t, ";")
	return strings.TrimSpace(t)
}
