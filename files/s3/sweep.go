package s3

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// abandonedAfter is the age from which content without an index object and unfinished multipart uploads are nobody's:
// they are paid for and unseen. S3 dates an object that was sent in parts by the beginning of its upload
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html), so that the content of a slow upload is old
// on the day it is made: this has to be far above files.AbandonedAfter, and Put keeps to half of it.
const abandonedAfter = 24 * time.Hour

// Sweep implements files.Store. It walks the index and the content side by side, since both sort alike: expired files
// go, and content without an index object once it is old. Removing what another gateway has just removed is no error.
func (s *Store) Sweep(ctx context.Context) (int, error) {
	removed := 0
	index, content := s.walk(s.prefix+indexDir, "", maxKeys), s.walk(s.prefix+contentDir, "", maxKeys)
	entry, err := index.next(ctx)
	for err == nil {
		var o *types.Object
		if o, err = content.next(ctx); err != nil || o == nil {
			break
		}
		key := aws.ToString(o.Key)
		place := strings.TrimPrefix(key, s.prefix+contentDir)
		var gone int
		for entry != nil && s.place(entry) < place {
			gone, err = s.sweepEntry(ctx, entry)
			removed += gone
			if err == nil {
				entry, err = index.next(ctx)
			}
			if err != nil {
				return removed, err
			}
		}
		if entry != nil && s.place(entry) == place {
			continue // its turn comes with the next content
		}
		if time.Since(aws.ToTime(o.LastModified)) < abandonedAfter {
			continue
		}
		gone, err = s.sweepOrphan(ctx, key, place)
		removed += gone
	}
	for err == nil && entry != nil {
		var gone int
		if gone, err = s.sweepEntry(ctx, entry); err == nil {
			entry, err = index.next(ctx)
		}
		removed += gone
	}
	n, objectsErr := s.sweepObjectsAlone(ctx)
	return removed + n, errors.Join(err, s.sweepParts(ctx), objectsErr)
}

// place is <owner>/<order> of an index object.
func (s *Store) place(o *types.Object) string {
	rest := strings.TrimPrefix(aws.ToString(o.Key), s.prefix+indexDir)
	return rest[:min(len(rest), ownerLen+1+orderLen)]
}

// sweepEntry removes a file that has expired: the index object first, as Delete does.
func (s *Store) sweepEntry(ctx context.Context, o *types.Object) (int, error) {
	f, _, ok := s.parseIndexKey(aws.ToString(o.Key), "")
	if !ok || !f.Expired(time.Now()) {
		return 0, nil
	}
	for _, key := range []string{aws.ToString(o.Key), s.prefix + contentDir + s.place(o)} {
		if err := s.deleteObject(ctx, key); err != nil {
			return 0, s.unavailable(ctx, "removing an expired file", err)
		}
	}
	return 1, nil
}

// sweepOrphan removes old content that has no index object, after a last look.
func (s *Store) sweepOrphan(ctx context.Context, key, place string) (int, error) {
	if len(place) != ownerLen+1+orderLen {
		return 0, nil // not ours
	}
	left, err := s.walk(s.prefix+indexDir+place+"/", "", 1).next(ctx)
	if err != nil || left != nil {
		return 0, err
	}
	if err := s.deleteObject(ctx, key); err != nil {
		return 0, s.unavailable(ctx, "removing abandoned content", err)
	}
	return 1, nil
}

// sweepParts gives up multipart uploads of gateways that died.
func (s *Store) sweepParts(ctx context.Context) error {
	return s.giveUpParts(ctx, s.prefix+contentDir, abandonedAfter)
}

// giveUpParts gives up the unfinished multipart uploads of a certain age below a prefix. A server that has no such
// uploads has none to give up.
func (s *Store) giveUpParts(ctx context.Context, prefix string, age time.Duration) error {
	out, err := s.client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: &s.bucket, Prefix: &prefix})
	var api smithy.APIError
	if errors.As(err, &api) && (api.ErrorCode() == "NotImplemented" || api.ErrorCode() == "MethodNotAllowed") {
		return nil
	}
	if err != nil {
		return s.unavailable(ctx, "listing unfinished uploads", err)
	}
	for _, u := range out.Uploads {
		if age > 0 && time.Since(aws.ToTime(u.Initiated)) < age {
			continue
		}
		_, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.bucket, Key: u.Key, UploadId: u.UploadId})
		if err != nil && !(errors.As(err, &api) && api.ErrorCode() == "NoSuchUpload") {
			return s.unavailable(ctx, "giving up an unfinished upload", err)
		}
	}
	return nil
}
