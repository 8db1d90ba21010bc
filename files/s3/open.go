package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
)

// maxResumes is how often reading goes on after a broken connection without a byte in between.
const maxResumes = 5

// Open implements files.Store.
func (s *Store) Open(ctx context.Context, f files.File, offset, length int64) (io.ReadCloser, error) {
	if !files.ValidID(f.ID) {
		return nil, files.ErrNotFound
	}
	end := f.Bytes
	if length >= 0 {
		end = min(end, offset+length)
	}
	if offset >= end {
		return io.NopCloser(bytes.NewReader(nil)), nil
	}
	r := &reader{s: s, ctx: ctx, key: s.contentKey(f.Owner, f.ID), at: offset, end: end}
	err := r.open()
	if isMissing(err) {
		// Deleted since its metadata was read, or damaged: tell which.
		if _, err := s.Get(ctx, f.Owner, f.ID); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w: content is missing", files.ErrUnavailable)
	}
	if err != nil {
		return nil, s.unavailable(ctx, "opening content", err)
	}
	return r, nil
}

// reader reads a stretch of an object. The SDK retries requests, not answers that break off; reader asks for the rest.
type reader struct {
	s       *Store
	ctx     context.Context //nolint:containedctx // an io.Reader has nowhere else to take it from
	key     string
	at, end int64
	body    io.ReadCloser
	resumes int
}

func (r *reader) open() error {
	span := fmt.Sprintf("bytes=%d-%d", r.at, r.end-1)
	out, err := r.s.client.GetObject(r.ctx, &s3.GetObjectInput{Bucket: &r.s.bucket, Key: &r.key, Range: &span})
	if err != nil {
		return err
	}
	r.body = out.Body
	return nil
}

// Read implements io.Reader. It ends with io.EOF only at the stretch's end.
func (r *reader) Read(p []byte) (int, error) {
	for {
		if r.at == r.end {
			return 0, io.EOF
		}
		n, err := r.body.Read(p[:min(int64(len(p)), r.end-r.at)])
		r.at += int64(n)
		if n > 0 {
			r.resumes = 0
			// An error, if there is one, comes again with the next read.
			return n, nil
		}
		if err == nil {
			continue
		}
		_ = r.body.Close()
		if r.resumes++; r.resumes > maxResumes || r.ctx.Err() != nil {
			return 0, r.s.unavailable(r.ctx, "reading content", errors.Join(err, io.ErrUnexpectedEOF))
		}
		if err := r.open(); err != nil {
			return 0, r.s.unavailable(r.ctx, "reading content", err)
		}
	}
}

// Close implements io.Closer.
func (r *reader) Close() error { return r.body.Close() }
