package files

import (
	"context"
	"errors"
	"io"
	"time"
)

// What a store, or the domain around it, answers besides success. Stores wrap them, so use errors.Is.
var (
	// ErrNotFound is an id that is not there, has expired, or belongs to another owner: the three look the same.
	ErrNotFound = errors.New("no such file")
	// ErrTooLarge is content above the size allowed.
	ErrTooLarge = errors.New("file too large")
	// ErrUnavailable is a store that cannot answer now: unreachable, refused, full. Trying later may help.
	ErrUnavailable = errors.New("file store unavailable")
	// ErrBusy is a process that takes the text out of too many files at once. Trying later may help.
	ErrBusy = errors.New("too many files are being read")
	// ErrUnreadable is a file whose text cannot be had: an unknown type, malformed, or past extraction's bounds.
	ErrUnreadable = errors.New("file content cannot be read as text")
)

// Store keeps files. It is safe for concurrent use, also by several processes on the same disk or bucket: a file is
// seen whole or not at all, and what an interrupted Put or Delete left behind is never seen and is removed by Sweep.
//
// A store is a Caddy module in the namespace http.handlers.bedrock_gateway.files.
type Store interface {
	// Put keeps u.Body, read to its end, as a new file. Any error, the body's and Describe's included, is returned
	// wrapped and leaves nothing behind, also when ctx has ended.
	Put(ctx context.Context, u Upload) (File, error)
	// Get is a file's metadata.
	Get(ctx context.Context, owner, id string) (File, error)
	// Open reads length bytes of content from offset on; a negative length reads to the end. The caller closes it. A
	// read that ends early ends with an error other than io.EOF.
	Open(ctx context.Context, f File, offset, length int64) (io.ReadCloser, error)
	// List is one page of the owner's files.
	List(ctx context.Context, owner string, q Query) (Page, error)
	// Delete removes a file. It is gone for every reader when Delete returns.
	Delete(ctx context.Context, owner, id string) error
	// Sweep removes expired files and the leftovers of interrupted uploads, and says how many. It may run in many
	// processes at once.
	Sweep(ctx context.Context) (int, error)
	// Check says whether the store can be used, at the price of a call to it.
	Check(ctx context.Context) (Health, error)
	// Options are the settings every store has.
	Options() Options
}

// Upload is one file on its way into a store.
type Upload struct {
	Owner string
	// Body is the content; its size need not be known.
	Body io.Reader
	// Describe is called once, after Body's end: in a multipart upload the fields may stand after the file. Its error
	// ends the upload.
	Describe func() (Description, error)
}

// Description is what a client says of its file.
type Description struct {
	Filename  string
	Purpose   string
	MediaType string
	// ExpiresAfter counts from the file's CreatedAt; zero keeps it until it is deleted.
	ExpiresAfter time.Duration
}

// Finish is for stores: the record of an upload that was read to its end through m.
func (u Upload) Finish(id string, created time.Time, m *Meter) (File, error) {
	d, err := u.Describe()
	if err != nil {
		return File{}, err
	}
	f := File{
		ID: id, Bytes: m.Size(), CreatedAt: created.UTC(), Filename: d.Filename, Purpose: d.Purpose,
		MediaType: d.MediaType, Owner: u.Owner, SHA256: m.SHA256(),
	}
	if d.ExpiresAfter > 0 {
		f.ExpiresAt = f.CreatedAt.Add(d.ExpiresAfter)
	}
	return f, nil
}

// Query selects a page of files.
type Query struct {
	// After is the id the page begins behind; it need not exist any more. Empty: from the start.
	After string
	// Limit is how many files at most; above 0.
	Limit int
	// Ascending lists the oldest first; the default is the newest first.
	Ascending bool
	// Purpose keeps only files of that purpose; empty: all.
	Purpose string
}

// Page is a part of a listing.
type Page struct {
	Files []File
	// More says whether a file that matches the query follows.
	More bool
}

// Health is what the health endpoint says of a store.
type Health struct {
	// Store is the kind: "local", "s3".
	Store string
	// Bucket is set when a bucket is configured.
	Bucket string
	// Region is the bucket's, as configured.
	Region string
	// CredentialsValid says that the store accepted the credentials in this very check.
	CredentialsValid bool
	// Damaged is how many files were skipped because what is kept about them cannot be read.
	Damaged int
}

// Options are the settings every store has.
type Options struct {
	// MaxSize is the largest file taken, in bytes.
	MaxSize int64
	// Owner is a Caddy placeholder, resolved for each request; empty: all callers share one space.
	Owner string
	// ContextMax bounds the text that Context puts before a chat, in bytes.
	ContextMax int64
}

// Defaults of Options.
const (
	DefaultMaxSize    = 512 << 20
	DefaultOwner      = "{http.auth.user.id}"
	DefaultContextMax = 1 << 20
)
