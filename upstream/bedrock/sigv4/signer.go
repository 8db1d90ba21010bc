// Package sigv4 signs requests to AWS services other than S3 with Signature
// Version 4, as defined in
// https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html.
//
// It returns byte for byte the signatures of aws/signer/v4 in the AWS SDK for Go,
// but derives the signing key once a day instead of keeping a locked table of
// them, and builds the canonical request in reused memory. What it does not
// cover it leaves to the SDK's signer.
package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Canonical names of the headers that are set.
const (
	headerDate          = "X-Amz-Date"
	headerToken         = "X-Amz-Security-Token" //nolint:gosec // a header's name
	headerAuthorization = "Authorization"
)

var (
	errNoKeys = errors.New("sign request: credentials hold no access key or no secret")
	errNoHash = errors.New("sign request: no payload hash")
)

// Signer signs requests to one service in one region. It is safe for concurrent
// use.
//
// It keeps one signing key, that of the day and the credentials last used: each
// identity, one with its refreshed credentials, gets a Signer of its own.
type Signer struct {
	service, region string
	key             atomic.Pointer[signingKey]
}

// New returns a Signer for a service by its signing name, which is "bedrock" for
// both Bedrock and its runtime, and an AWS region.
func New(service, region string) *Signer {
	return &Signer{service: service, region: region}
}

// HashPayload returns the hash of a request's body as [Signer.Sign] takes it: the
// SHA-256 in lower-case hexadecimal. A request without a body has that of nil.
func HashPayload(body []byte) string {
	sum := sha256.Sum256(body)
	var b [2 * sha256.Size]byte
	hex.Encode(b[:], sum[:])
	return string(b[:])
}

// Sign sets the headers Authorization and X-Amz-Date of req and, if the
// credentials are temporary, X-Amz-Security-Token; one left from other
// credentials is removed.
//
// The signature covers the method, the path as it is sent (escaped once more, as
// all services but S3 want it), the query, the host, the content length, all
// headers present but those that are known to change on their way, and the
// payload hash. They must not be changed afterwards. As the SDK does, Sign puts
// the query of req.URL into canonical order and drops a default port from
// req.Host.
//
// now is the time of signing, which AWS accepts if it is within a few minutes of
// its own. Whether the credentials are expired is not looked at. An error names
// neither the request nor the credentials.
func (s *Signer) Sign(req *http.Request, payloadHash string, creds aws.Credentials, now time.Time) error {
	if !creds.HasKeys() {
		return errNoKeys
	}
	if payloadHash == "" {
		return errNoHash
	}
	key := s.keyFor(creds, now.UTC())
	w := key.workspace()
	defer key.release(w)

	w.stamp = now.UTC().AppendFormat(w.stamp[:0], stampFormat)
	values := make([]string, 3) // of the three headers
	values[0] = string(w.stamp)
	if req.Header == nil {
		req.Header = make(http.Header, len(values))
	}
	req.Header[headerDate] = values[0:1:1]
	if creds.SessionToken == "" {
		delete(req.Header, headerToken)
	} else {
		values[1] = creds.SessionToken
		req.Header[headerToken] = values[1:2:2]
	}

	if !w.canonicalize(req, payloadHash) {
		return s.signBySDK(req, payloadHash, creds, now)
	}
	values[2] = w.authorize(key)
	req.Header[headerAuthorization] = values[2:3:3]
	return nil
}

// signBySDK signs what this package does not cover. The SDK's signer is made
// anew because it goes on using a signing key when only the secret changed.
func (s *Signer) signBySDK(req *http.Request, payloadHash string, creds aws.Credentials, now time.Time) error {
	if err := v4.NewSigner().SignHTTP(req.Context(), creds, req, payloadHash, s.service, s.region, now); err != nil {
		return fmt.Errorf("sign request: %w", err)
	}
	return nil
}
