package s3

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
)

const (
	// maxPasses bounds how often a sweep lists a kind again because it had more to remove than it could remember.
	maxPasses = 20
	// maxHeads bounds the heads that one pass reads, in a request each: the next sweep reads further ones.
	maxHeads = 10_000
	// headBytes is how much of an object is read for its head.
	headBytes = "bytes=0-4095"
)

// sweepObjectsAlone is sweepObjects when no other sweep of them is under way in this process: of two counts, the older one
// must not come last.
func (s *Store) sweepObjectsAlone(ctx context.Context) (int, error) {
	select {
	case s.objects.counting <- struct{}{}:
		defer func() { <-s.objects.counting }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	return s.sweepObjects(ctx)
}

// sweepObjects removes expired objects, and the oldest of those that are too many, and counts what stays.
func (s *Store) sweepObjects(ctx context.Context) (int, error) {
	removed := 0
	for _, kind := range []string{files.KindResponse, files.KindKept} {
		for range maxPasses {
			n, more, err := s.sweepKind(ctx, kind)
			if removed += n; err != nil {
				return removed, err
			}
			if !more {
				break
			}
		}
	}
	return removed, nil
}

// sweepKind is one pass over a kind. More says that it did not remove enough.
func (s *Store) sweepKind(ctx context.Context, kind string) (removed int, more bool, err error) {
	t := s.objects.ledger.Tally(kind)
	heads := 0
	prefix := s.prefix + objectsDir + kind + "/"
	keys := s.walk(prefix, "", maxKeys)
	for {
		o, err := keys.next(ctx)
		if err != nil {
			return removed, false, err
		}
		if o == nil {
			break
		}
		key := aws.ToString(o.Key)
		owner, _, ok := strings.Cut(strings.TrimPrefix(key, prefix), "/")
		if !ok || len(owner) != ownerLen {
			continue // not ours
		}
		l := files.Listed{Name: key, Owner: owner, Size: aws.ToInt64(o.Size), At: aws.ToTime(o.LastModified)}
		dead := t.Dead(l, func() (files.Object, error) {
			if heads++; heads > maxHeads {
				return files.Object{}, errors.New("enough was read")
			}
			return s.objectHead(ctx, key)
		})
		if !dead {
			t.Add(l)
			continue
		}
		if err := s.deleteObject(ctx, key); err != nil {
			return removed, false, s.unavailable(ctx, "removing an expired object", err)
		}
		removed++
	}
	n, more, err := t.MakeRoom(func(key string) error {
		if err := s.deleteObject(ctx, key); err != nil {
			return s.unavailable(ctx, "removing an old object", err)
		}
		return nil
	})
	s.objects.ledger.Counted(t)
	return removed + n, more, err
}

// objectHead reads whose an object is, and until when.
func (s *Store) objectHead(ctx context.Context, key string) (files.Object, error) {
	within, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	span := headBytes
	b, err := s.get(within, &s3.GetObjectInput{Bucket: &s.bucket, Key: &key, Range: &span}, 2*files.MaxObject)
	if err != nil {
		return files.Object{}, err
	}
	o, err := files.ObjectHead(b)
	if err == nil || len(b) < 4096 {
		return o, err
	}
	// An owner with a very long name.
	if b, err = s.readKey(ctx, key); err != nil {
		return files.Object{}, err
	}
	return files.ObjectHead(b)
}
