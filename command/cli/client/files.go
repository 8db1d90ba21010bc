package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/failure"
)

// File is a file that the gateway keeps.
type File struct {
	ID        string `json:"id"`
	Bytes     int64  `json:"bytes"`
	CreatedAt int64  `json:"created_at"`
	ExpiresAt int64  `json:"expires_at,omitempty"`
	Filename  string `json:"filename"`
	Purpose   string `json:"purpose"`

	Raw json.RawMessage `json:"-"` // the gateway's own object
}

// Progress is told how many bytes of how many were transferred; a total of -1 is not known.
type Progress func(done, total int64)

// Upload sends a file, which is read once and never held in memory.
func (c *Client) Upload(ctx context.Context, path, purpose string, progress Progress) (*File, error) {
	f, err := os.Open(path) //nolint:gosec // the user names it
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s is a directory; name its files", path)
	}
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() { w.CloseWithError(writeForm(form, f, filepath.Base(path), purpose, info.Size(), progress)) }()
	defer r.Close() //nolint:errcheck // ends the goroutine if the request ended first
	res, err := c.do(ctx, http.MethodPost, "/v1/files", r, http.Header{"Content-Type": {form.FormDataContentType()}})
	if err != nil {
		return nil, fmt.Errorf("uploading %s: %w", path, withoutFiles(err))
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	kept := new(File)
	kept.Raw, err = c.decode(res, kept)
	return kept, err
}

func writeForm(form *multipart.Writer, f io.Reader, name, purpose string, size int64, progress Progress) error {
	if err := form.WriteField("purpose", purpose); err != nil {
		return err
	}
	w, err := form.CreateFormFile("file", name)
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, &counted{Reader: f, total: size, progress: progress}); err != nil {
		return err
	}
	return form.Close()
}

// counted tells how much was read.
type counted struct {
	io.Reader
	done, total int64
	progress    Progress
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.done += int64(n)
	if c.progress != nil {
		c.progress(c.done, c.total)
	}
	return n, err
}

// withoutFiles says what a 404 means here: there is no such file, or nothing that keeps files.
func withoutFiles(err error) error {
	e, ok := errors.AsType[*Error](err)
	switch {
	case !ok || e.Status != http.StatusNotFound:
	case strings.Contains(e.Message, "File"):
		return &failure.Error{Code: failure.Refused, Cause: e, Next: "'caddy bedrock files list' has the ids"}
	default:
		return &failure.Error{Code: failure.Refused, Cause: errors.New("this gateway keeps no files"), Next: "its operator switches them on with the word 'files' in the Caddyfile"}
	}
	return err
}

// Files returns the files that the caller may see, newest first, of a purpose or of all.
func (c *Client) Files(ctx context.Context, purpose string) ([]File, error) {
	var all []File
	query := url.Values{"limit": {"10000"}}
	if purpose != "" {
		query.Set("purpose", purpose)
	}
	for {
		var page struct {
			Data    []json.RawMessage `json:"data"`
			HasMore bool              `json:"has_more"`
		}
		if _, err := c.getJSON(ctx, "/v1/files?"+query.Encode(), &page); err != nil {
			return nil, withoutFiles(err)
		}
		for _, raw := range page.Data {
			f := File{Raw: raw}
			if err := json.Unmarshal(raw, &f); err != nil {
				return nil, fmt.Errorf("the listing has an entry that is no file: %w", err)
			}
			all = append(all, f)
		}
		if !page.HasMore || len(page.Data) == 0 {
			return all, nil
		}
		query.Set("after", all[len(all)-1].ID)
	}
}

// File returns what is known of a file.
func (c *Client) File(ctx context.Context, id string) (*File, error) {
	f := new(File)
	var err error
	f.Raw, err = c.getJSON(ctx, "/v1/files/"+url.PathEscape(id), f)
	return f, withoutFiles(err)
}

// Download writes a file's content.
func (c *Client) Download(ctx context.Context, id string, w io.Writer, progress Progress) error {
	res, err := c.do(ctx, http.MethodGet, "/v1/files/"+url.PathEscape(id)+"/content", nil, nil)
	if err != nil {
		return withoutFiles(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	_, err = io.Copy(w, &counted{Reader: res.Body, total: res.ContentLength, progress: progress})
	return err
}

// DeleteFile deletes a file, and returns the answer as it came.
func (c *Client) DeleteFile(ctx context.Context, id string) ([]byte, error) {
	res, err := c.do(ctx, http.MethodDelete, "/v1/files/"+url.PathEscape(id), nil, nil)
	if err != nil {
		return nil, withoutFiles(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	return c.decode(res, nil)
}
