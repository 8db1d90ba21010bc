package s3

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	tmtypes "github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/credentials"
	"github.com/open-bedrock/caddy-bedrock-gateway/files"
)

func newRetryer(attempts int) aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.MaxBackoff = maxBackoff
	})
}

// Put implements files.Store. The content goes to S3 in parts as it comes in; the index object makes it a file.
func (s *Store) Put(ctx context.Context, u files.Upload) (files.File, error) {
	select {
	case s.uploads <- struct{}{}:
		defer func() { <-s.uploads }()
	case <-ctx.Done():
		return files.File{}, ctx.Err()
	}
	created := time.Now().UTC().Truncate(time.Millisecond)
	id := files.NewID(created)
	content := s.contentKey(u.Owner, id)
	meter := files.NewMeter(u.Body, s.options.MaxSize)
	in := &transfermanager.UploadObjectInput{Bucket: &s.bucket, Key: &content, Body: meter}
	if s.kmsKey != "" {
		in.ServerSideEncryption = tmtypes.ServerSideEncryptionAwsKms
		in.SSEKMSKeyID = s.kmsKeyID()
	}
	_, err := s.transfer.UploadObject(ctx, in)
	if meter.Size() >= partSize {
		s.dropTwins(ctx, content)
	}
	if err != nil {
		// An answer that was lost may have been a yes.
		s.undo(ctx, content)
		if e := meter.Err(); e != nil && !errors.Is(e, io.EOF) {
			return files.File{}, e
		}
		return files.File{}, s.unavailable(ctx, "uploading content", err)
	}
	f, err := u.Finish(id, created, meter)
	if err != nil {
		s.undo(ctx, content)
		return files.File{}, err
	}
	f.ExpiresAt = f.ExpiresAt.Truncate(time.Millisecond)
	if time.Since(created) > abandonedAfter/2 {
		// A sweep may already be taking the content for abandoned.
		s.undo(ctx, content)
		return files.File{}, fmt.Errorf("%w: the upload took too long", files.ErrUnavailable)
	}
	key := s.indexKey(f)
	if err := s.putIndex(ctx, key, f); err != nil {
		s.undo(ctx, key, content)
		return files.File{}, s.unavailable(ctx, "writing metadata", err)
	}
	return f, nil
}

func (s *Store) putIndex(ctx context.Context, key string, f files.File) error {
	meta, err := json.Marshal(f)
	if err != nil {
		return err
	}
	in := &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &key, Body: bytes.NewReader(meta), ContentType: aws.String("application/json"),
	}
	s.encrypt(in)
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	_, err = s.client.PutObject(ctx, in)
	return err
}

// kmsKeyID is nil for the account's default key, which must not be named.
func (s *Store) kmsKeyID() *string {
	if s.kmsKey == "aws/s3" {
		return nil
	}
	return &s.kmsKey
}

// dropTwins gives up the multipart uploads of a key that were begun by a call whose answer was lost: the SDK began
// another one then, and nobody knows of the first.
func (s *Store) dropTwins(ctx context.Context, key string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	if err := s.giveUpParts(ctx, key, 0); err != nil {
		s.log.Warn("files s3: unfinished uploads are left to a sweep", zap.String("key", key), zap.Error(err))
	}
}

// undo removes objects, in their order, although ctx may have ended. Where S3 does not answer, it goes on trying when it
// has returned: the client is to be told in seconds.
func (s *Store) undo(ctx context.Context, keys ...string) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
		defer cancel()
		for _, key := range keys {
			if err := s.deleteObject(ctx, key); err != nil {
				s.log.Warn("files s3: an object is left to a sweep", zap.String("key", key), zap.Error(err))
				return
			}
		}
	}()
	select {
	case <-done:
	case <-time.After(undoTime):
	}
}

// deleteObject removes an object; one that is not there is removed already.
func (s *Store) deleteObject(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	_, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: &key}, func(o *s3.Options) {
		o.Retryer = newRetryer(cleanupAttempts)
	})
	if isMissing(err) {
		return nil
	}
	return err
}

// isMissing reports whether err is S3's answer for an object that is not there.
func isMissing(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && (api.ErrorCode() == "NoSuchKey" || api.ErrorCode() == "NotFound")
}

// Get implements files.Store.
func (s *Store) Get(ctx context.Context, owner, id string) (files.File, error) {
	f, _, err := s.find(ctx, owner, id)
	return f, err
}

// find gets a file's metadata and the key it is under.
func (s *Store) find(ctx context.Context, owner, id string) (files.File, string, error) {
	if !files.ValidID(id) {
		return files.File{}, "", files.ErrNotFound
	}
	prefix := s.indexPrefix(owner, id)
	out, err := s.list(ctx, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &prefix, MaxKeys: aws.Int32(1)})
	if err != nil {
		return files.File{}, "", s.unavailable(ctx, "reading metadata", err)
	}
	if len(out.Contents) == 0 {
		return files.File{}, "", files.ErrNotFound
	}
	key := aws.ToString(out.Contents[0].Key)
	f, partial, ok := s.parseIndexKey(key, owner)
	if !ok {
		return files.File{}, "", fmt.Errorf("%w: metadata is damaged", files.ErrUnavailable)
	}
	if f.Expired(time.Now()) {
		return files.File{}, "", files.ErrNotFound
	}
	if partial {
		if f.Filename, err = s.longName(ctx, key); err != nil {
			return files.File{}, "", err
		}
	}
	return f, key, nil
}

// longName reads a file name that did not fit into the key.
func (s *Store) longName(ctx context.Context, key string) (string, error) {
	within, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	out, err := s.client.GetObject(within, &s3.GetObjectInput{Bucket: &s.bucket, Key: &key})
	if isMissing(err) {
		return "", files.ErrNotFound
	}
	if err != nil {
		return "", s.unavailable(ctx, "reading metadata", err)
	}
	defer func() { _ = out.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(out.Body, maxMeta))
	if err != nil {
		return "", s.unavailable(ctx, "reading metadata", err)
	}
	var f files.File
	if err := json.Unmarshal(b, &f); err != nil {
		return "", fmt.Errorf("%w: metadata is damaged: %w", files.ErrUnavailable, err)
	}
	return f.Filename, nil
}

// maxMeta is far above the largest metadata, in bytes.
const maxMeta = 64 << 10

// Delete implements files.Store.
func (s *Store) Delete(ctx context.Context, owner, id string) error {
	_, key, err := s.find(ctx, owner, id)
	if err != nil {
		return err
	}
	if err := s.deleteObject(ctx, key); err != nil {
		return s.unavailable(ctx, "deleting", err)
	}
	// The file is gone for everybody; content that stays is a sweep's.
	s.undo(ctx, s.contentKey(owner, id))
	return nil
}

// Check implements files.Store.
func (s *Store) Check(ctx context.Context) (files.Health, error) {
	h := files.Health{Store: "s3", Bucket: s.bucket, Region: s.provider.Region()}
	prefix := s.prefix + indexDir
	in := s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &prefix, MaxKeys: aws.Int32(1)}
	_, err := s.list(ctx, &in, func(o *s3.Options) { o.Retryer = newRetryer(checkAttempts) })
	if err == nil {
		h.CredentialsValid = true
		return h, nil
	}
	// Without credentials S3 was not even asked: the answer is then STS's, or the SSO portal's.
	_, none := errors.AsType[*credentials.Error](err)
	if api, ok := errors.AsType[smithy.APIError](err); ok && !none {
		switch api.ErrorCode() {
		case "NoSuchBucket", "AccessDenied", "PermanentRedirect", "SlowDown", "InternalError", "ServiceUnavailable":
			// The answer of a server that knows who is asking.
			h.CredentialsValid = true
		}
	}
	return h, s.unavailable(ctx, "listing the bucket", err)
}

// unavailable wraps S3's error; when the caller is gone, that is the reason.
func (s *Store) unavailable(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", doing, ctx.Err())
	}
	return fmt.Errorf("%w: s3: %s: %w", files.ErrUnavailable, doing, err)
}
