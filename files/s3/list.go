package s3

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
)

// maxKeys is the most keys S3 lists in one answer.
const maxKeys = 1000

// lister walks the keys below a prefix in their order. It holds one answer of S3's at a time.
type lister struct {
	s       *Store
	in      s3.ListObjectsV2Input
	objects []types.Object
	more    bool
}

func (s *Store) walk(prefix, after string, pageSize int) *lister {
	in := s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &prefix, MaxKeys: aws.Int32(int32(min(pageSize, maxKeys)))} //nolint:gosec // at most 1000
	if after != "" {
		in.StartAfter = &after
	}
	return &lister{s: s, in: in, more: true}
}

// next is the next object; nil at the end.
func (l *lister) next(ctx context.Context) (*types.Object, error) {
	for len(l.objects) == 0 {
		if !l.more {
			return nil, nil
		}
		out, err := l.s.list(ctx, &l.in)
		if err != nil {
			return nil, l.s.unavailable(ctx, "listing", err)
		}
		l.objects, l.more = out.Contents, aws.ToBool(out.IsTruncated)
		l.in.ContinuationToken = out.NextContinuationToken
		if l.more && aws.ToString(out.NextContinuationToken) == "" {
			return nil, l.s.unavailable(ctx, "listing", errors.New("an incomplete answer without a token to go on"))
		}
	}
	o := &l.objects[0]
	l.objects = l.objects[1:]
	return o, nil
}

// List implements files.Store. The newest first is the keys' own order; the oldest first has to walk all files that are
// not asked for, one request per 1,000, keeping only the page.
func (s *Store) List(ctx context.Context, owner string, q files.Query) (files.Page, error) {
	prefix := s.prefix + indexDir + files.OwnerKey(owner) + "/"
	after, pageSize := "", q.Limit+1
	if q.After != "" && !q.Ascending {
		// '0' follows '/': behind all keys of that file, before those of the next.
		after = strings.TrimSuffix(s.indexPrefix(owner, q.After), "/") + "0"
	}
	if q.Ascending || q.Purpose != "" {
		pageSize = maxKeys
	}
	keys := s.walk(prefix, after, pageSize)
	var found []entry
	more := false
	for {
		o, err := keys.next(ctx)
		if err != nil {
			return files.Page{}, err
		}
		if o == nil {
			break
		}
		f, partial, ok := s.parseIndexKey(aws.ToString(o.Key), owner)
		if !ok || f.Expired(time.Now()) || q.Purpose != "" && f.Purpose != q.Purpose {
			continue
		}
		if q.Ascending && f.ID <= q.After {
			break // all further ones are older still
		}
		e := entry{f, aws.ToString(o.Key), partial}
		if len(found) < q.Limit {
			found = append(found, e)
			continue
		}
		more = true
		if !q.Ascending {
			break
		}
		// From the newest on, the page is what was seen last.
		found = append(found[1:], e)
	}
	if q.Ascending {
		slices.Reverse(found)
	}
	return s.page(ctx, found, more)
}

// entry is a file in a listing.
type entry struct {
	file    files.File
	key     string
	partial bool
}

// page completes the entries whose names did not fit into their keys.
func (s *Store) page(ctx context.Context, found []entry, more bool) (files.Page, error) {
	page := files.Page{Files: make([]files.File, 0, len(found)), More: more}
	for _, e := range found {
		if e.partial {
			name, err := s.longName(ctx, e.key)
			if errors.Is(err, files.ErrNotFound) {
				continue // deleted in the meantime
			}
			if err != nil {
				return files.Page{}, err
			}
			e.file.Filename = name
		}
		page.Files = append(page.Files, e.file)
	}
	return page, nil
}
