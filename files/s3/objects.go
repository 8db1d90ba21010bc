package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
)

// An object of the gateway's own is one object in S3, <prefix>objects/<kind>/<owner>/<name>, beside the files' trees. S3
// shows what was put last to every reader from the moment it has answered.
const objectsDir = "objects/"

// defaultObjectTTL is how long a stored response is kept where that is not configured: as long as at OpenAI.
const defaultObjectTTL = 30 * 24 * time.Hour

// objectBackoff is the longest pause between two tries of a call that a reply waits for, about a second altogether.
const objectBackoff = 200 * time.Millisecond

// maxConflicts is how often a put is repeated that S3 could not decide, because another one was under way.
const maxConflicts = 3

// objects is what the store keeps of its objects in memory.
type objects struct {
	ledger files.Ledger
	// counting is held by the sweep that counts.
	counting chan struct{}
	// counted is true from the first object on that is put.
	counted atomic.Bool
}

// ObjectDefaults implements files.Objects.
func (*Store) ObjectDefaults() files.ObjectBounds { return files.ObjectBounds{TTL: defaultObjectTTL} }

// BoundObjects implements files.Objects.
func (s *Store) BoundObjects(kind string, b files.ObjectBounds) { s.objects.ledger.Bound(kind, b) }

// ObjectUsage implements files.Objects.
func (s *Store) ObjectUsage(kind string) files.ObjectUsage { return s.objects.ledger.Usage(kind) }

// OwnerUsage implements files.Objects.
func (s *Store) OwnerUsage(kind, owner string) int64 { return s.objects.ledger.Owner(kind, owner) }

// OwnersUsage implements files.Objects.
func (s *Store) OwnersUsage(kind string) map[string]int64 { return s.objects.ledger.Owners(kind) }

func (s *Store) objectKey(owner, kind, id string) string {
	return s.prefix + objectsDir + kind + "/" + files.OwnerKey(owner) + "/" + files.ObjectName(id)
}

// PutObject implements files.Objects.
func (s *Store) PutObject(ctx context.Context, o files.Object, ifAbsent bool) error {
	if !files.ValidKind(o.Kind) || o.ID == "" {
		return fmt.Errorf("putting an object: kind '%s', id '%s'", o.Kind, o.ID)
	}
	b, err := files.EncodeObject(o)
	if err != nil {
		return err
	}
	if err := s.putObject(ctx, s.objectKey(o.Owner, o.Kind, o.ID), b, ifAbsent); err != nil {
		return err
	}
	if over := s.objects.ledger.Add(o.Kind, o.Owner, int64(len(b))); over || !s.objects.counted.Swap(true) {
		s.recount(context.WithoutCancel(ctx))
	}
	return nil
}

func (s *Store) putObject(ctx context.Context, key string, b []byte, ifAbsent bool) error {
	for tries := 1; ; tries++ {
		err := s.put(ctx, key, b, ifAbsent)
		if err == nil {
			return nil
		}
		api, ok := errors.AsType[smithy.APIError](err)
		switch {
		case ok && ifAbsent && api.ErrorCode() == "PreconditionFailed":
		case ok && api.ErrorCode() == "ConditionalRequestConflict" && tries <= maxConflicts:
			// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html: to be tried again.
			continue
		default:
			return s.unavailable(ctx, "putting an object", err)
		}
		there, err := s.readKey(ctx, key)
		switch {
		case errors.Is(err, files.ErrNotFound): // deleted since
			if tries <= maxConflicts {
				continue
			}
			return files.ErrExists
		case err != nil:
			return err
		case bytes.Equal(there, b):
			return nil // the answer of an earlier try of this very put was lost
		}
		if old, err := files.ObjectHead(there); err != nil || !old.Expired(time.Now()) {
			return files.ErrExists
		}
		// What is there has expired.
		ifAbsent = false
	}
}

// put sends an object.
func (s *Store) put(ctx context.Context, key string, b []byte, ifAbsent bool) error {
	in := &s3.PutObjectInput{Bucket: &s.bucket, Key: &key, Body: bytes.NewReader(b)}
	if ifAbsent {
		in.IfNoneMatch = aws.String("*")
	}
	s.encrypt(in)
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	_, err := s.client.PutObject(ctx, in, hurried)
	return err
}

// hurried makes a call's tries come soon after each other.
func hurried(o *s3.Options) {
	o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.MaxBackoff = objectBackoff
	})
}

// encrypt asks for the key that is configured.
func (s *Store) encrypt(in *s3.PutObjectInput) {
	if s.kmsKey != "" {
		in.ServerSideEncryption = types.ServerSideEncryptionAwsKms
		in.SSEKMSKeyId = s.kmsKeyID()
	}
}

// GetObject implements files.Objects.
func (s *Store) GetObject(ctx context.Context, owner, kind, id string) (files.Object, error) {
	if !files.ValidKind(kind) || id == "" {
		return files.Object{}, files.ErrNotFound
	}
	b, err := s.readKey(ctx, s.objectKey(owner, kind, id))
	if err != nil {
		return files.Object{}, err
	}
	o, err := files.DecodeObject(b)
	if err != nil {
		return files.Object{}, fmt.Errorf("%w: s3: %w", files.ErrUnavailable, err)
	}
	if o.Owner != owner || o.Kind != kind || o.ID != id || o.Expired(time.Now()) {
		return files.Object{}, files.ErrNotFound
	}
	return o, nil
}

// readKey reads what is under a key, from its beginning again where the answer breaks off.
func (s *Store) readKey(ctx context.Context, key string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	for tries := 1; ; tries++ {
		b, err := s.get(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: &key}, 2*files.MaxObject)
		switch {
		case isMissing(err):
			return nil, files.ErrNotFound
		case err == nil:
			return b, nil
		case tries == attempts || ctx.Err() != nil || !errors.Is(err, errCut):
			return nil, s.unavailable(ctx, "reading an object", err)
		}
	}
}

// errCut is an answer that broke off.
var errCut = errors.New("the answer broke off")

func (s *Store) get(ctx context.Context, in *s3.GetObjectInput, limit int64) ([]byte, error) {
	out, err := s.client.GetObject(ctx, in, hurried)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(out.Body, limit))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errCut, err)
	}
	return b, nil
}

// DeleteObject implements files.Objects.
func (s *Store) DeleteObject(ctx context.Context, owner, kind, id string) error {
	o, err := s.GetObject(ctx, owner, kind, id)
	if err != nil {
		return err
	}
	if err := s.deleteObject(ctx, s.objectKey(owner, kind, id)); err != nil {
		return s.unavailable(ctx, "deleting an object", err)
	}
	if b, err := files.EncodeObject(o); err == nil {
		s.objects.ledger.Add(kind, owner, -int64(len(b)))
	}
	return nil
}

// recount counts the objects, and removes the oldest where they are too many, unless that is being done. Nobody waits for
// it.
func (s *Store) recount(ctx context.Context) {
	select {
	case s.objects.counting <- struct{}{}:
	default:
		return
	}
	go func() {
		defer func() { <-s.objects.counting }()
		if n, err := s.sweepObjects(ctx); err != nil {
			s.log.Warn("files s3: counting stored objects", zap.Error(err), zap.Int("removed", n))
		}
	}()
}

var _ files.Objects = (*Store)(nil)
