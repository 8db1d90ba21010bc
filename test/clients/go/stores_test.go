package clients

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

const table = "Date,Product,Sales\n2026-01-02,Überraschung,17\n"

// eachStore runs f once a store.
func eachStore(t *testing.T, f func(t *testing.T, c *openai.Client)) {
	t.Helper()
	for store, url := range map[string]string{"local": os.Getenv("GATEWAY_URL"), "s3": os.Getenv("S3_URL_A")} {
		t.Run(store, func(t *testing.T) { f(t, connect(option.WithBaseURL(url))) })
	}
}

// upload makes a file that goes with the test.
func upload(t *testing.T, c *openai.Client, p openai.FileNewParams) *openai.FileObject {
	t.Helper()
	f, err := c.Files.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	remove(t, c, f.ID)
	return f
}

// remove deletes a file at the test's end, if it is still there.
func remove(t *testing.T, c *openai.Client, id string) {
	t.Helper()
	t.Cleanup(func() {
		if _, err := c.Files.Delete(context.Background(), id); err != nil && !notFound(err) {
			t.Errorf("delete: %v", err)
		}
	})
}

func notFound(err error) bool {
	e, ok := errors.AsType[*openai.Error](err)
	return ok && e.StatusCode == http.StatusNotFound
}

func TestStoreTakesAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "Verkäufe (März) 100%.csv")
	if err := os.WriteFile(path, []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
	eachStore(t, func(t *testing.T, c *openai.Client) {
		opened, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer opened.Close()
		for name, file := range map[string]io.Reader{
			filepath.Base(path): opened,
			"anonymous_file":    bytes.NewReader([]byte(table)), // what the client calls it
			"a b.csv":           openai.File(strings.NewReader(table), "a b.csv", "application/octet-stream"),
			"数据.csv":            openai.File(bytes.NewReader([]byte(table)), "数据.csv", "text/csv"),
		} {
			t.Run(name, func(t *testing.T) {
				f := upload(t, c, openai.FileNewParams{
					File: file, Purpose: openai.FilePurposeAssistants, ExpiresAfter: openai.FileNewParamsExpiresAfter{Seconds: 7200},
				})
				if f.Filename != name || f.Bytes != int64(len(table)) || f.ExpiresAt != f.CreatedAt+7200 {
					t.Errorf("made %s", f.RawJSON())
				}
				if got, err := c.Files.Get(t.Context(), f.ID); err != nil || got.RawJSON() != f.RawJSON() {
					t.Errorf("get: %v, %v", got, err)
				}
				if b, err := content(t, c, f.ID); err != nil || string(b) != table {
					t.Errorf("content %q, %v", b, err)
				}
				if gone, err := c.Files.Delete(t.Context(), f.ID); err != nil || !gone.Deleted || gone.ID != f.ID {
					t.Errorf("delete: %v, %v", gone, err)
				}
				_, getErr := c.Files.Get(t.Context(), f.ID)
				_, contentErr := content(t, c, f.ID)
				_, deleteErr := c.Files.Delete(t.Context(), f.ID)
				if !notFound(getErr) || !notFound(contentErr) || !notFound(deleteErr) {
					t.Errorf("after it was deleted: %v; %v; %v", getErr, contentErr, deleteErr)
				}
			})
		}
	})
}

func content(t *testing.T, c *openai.Client, id string, options ...option.RequestOption) ([]byte, error) {
	t.Helper()
	r, err := c.Files.Content(t.Context(), id, options...)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	return io.ReadAll(r.Body)
}

func TestStoreKeepsALargeFile(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef"), 12<<16) // above two of S3's parts
	eachStore(t, func(t *testing.T, c *openai.Client) {
		f := upload(t, c, openai.FileNewParams{File: openai.File(bytes.NewReader(data), "large.bin", "application/octet-stream"), Purpose: openai.FilePurposeUserData})
		b, err := content(t, c, f.ID)
		if err != nil || sha256.Sum256(b) != sha256.Sum256(data) {
			t.Errorf("%d bytes, %v", len(b), err)
		}
		b, err = content(t, c, f.ID, option.WithHeader("Range", "bytes=6000005-6000015"))
		if err != nil || !bytes.Equal(b, data[6_000_005:6_000_016]) {
			t.Errorf("a range: %q, %v", b, err)
		}
	})
}

func TestStoreListsPageByPage(t *testing.T) {
	const count = 251
	eachStore(t, func(t *testing.T, c *openai.Client) {
		ids := make([]string, count)
		var wg sync.WaitGroup
		free := make(chan struct{}, 8)
		for n := range count {
			free <- struct{}{}
			wg.Go(func() {
				defer func() { <-free }()
				f, err := c.Files.New(t.Context(), openai.FileNewParams{
					File: openai.File(strings.NewReader("x"), fmt.Sprintf("%d.txt", n), "text/plain"), Purpose: openai.FilePurposeBatch,
				})
				if err != nil {
					t.Errorf("upload %d: %v", n, err)
					return
				}
				ids[n] = f.ID
				remove(t, c, f.ID)
			})
		}
		wg.Wait()
		if t.Failed() {
			return
		}
		made := slices.Sorted(slices.Values(ids))
		var oldest []string
		for _, l := range []struct {
			name   string
			params openai.FileListParams
		}{
			{"oldest first", openai.FileListParams{Order: openai.FileListParamsOrderAsc, Limit: openai.Int(60)}},
			{"newest first", openai.FileListParams{Order: openai.FileListParamsOrderDesc, Limit: openai.Int(100)}},
			{"one purpose", openai.FileListParams{Purpose: openai.String("batch"), Limit: openai.Int(125)}},
			{"by default", openai.FileListParams{}},
		} {
			var listed []string
			pages := c.Files.ListAutoPaging(t.Context(), l.params)
			for pages.Next() {
				if id := pages.Current().ID; slices.Contains(made, id) {
					listed = append(listed, id)
				}
			}
			if l.name == "oldest first" {
				oldest = listed
				if !slices.Equal(slices.Sorted(slices.Values(listed)), made) {
					t.Errorf("%d files are listed of %d", len(listed), count)
				}
			} else {
				slices.Reverse(listed)
			}
			if pages.Err() != nil || !slices.Equal(listed, oldest) {
				t.Errorf("%s: %d files, not the same as before; %v", l.name, len(listed), pages.Err())
			}
		}
	})
}
