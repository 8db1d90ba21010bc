package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	algorithm   = "AWS4-HMAC-SHA256"
	terminator  = "aws4_request"
	dateFormat  = "20060102"
	stampFormat = dateFormat + "T150405Z"
)

// signingKey is the key of one day and one pair of keys, with what depends on
// nothing else. It is immutable but for its pool.
type signingKey struct {
	year   int
	day    int // of the year, UTC
	access string
	secret string

	scope      string    // date/region/service/aws4_request
	workspaces sync.Pool // of *workspace, whose mac has this key
}

// keyFor returns the signing key of the credentials on the day of now, which is
// in UTC. Two callers that both find the key outdated both derive it, which is
// cheaper than a lock for all the others.
func (s *Signer) keyFor(creds aws.Credentials, now time.Time) *signingKey {
	year, day := now.Year(), now.YearDay()
	k := s.key.Load()
	// Both secrets are the operator's own: no client can time this comparison.
	if k != nil && k.day == day && k.year == year &&
		k.access == creds.AccessKeyID && k.secret == creds.SecretAccessKey {
		return k
	}
	k = s.derive(creds, now)
	s.key.Store(k)
	return k
}

func (s *Signer) derive(creds aws.Credentials, now time.Time) *signingKey {
	date := now.Format(dateFormat)
	key := []byte("AWS4" + creds.SecretAccessKey)
	for _, part := range []string{date, s.region, s.service, terminator} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	k := &signingKey{
		year:   now.Year(),
		day:    now.YearDay(),
		access: creds.AccessKeyID,
		secret: creds.SecretAccessKey,
		scope:  date + "/" + s.region + "/" + s.service + "/" + terminator,
	}
	k.workspaces.New = func() any {
		return &workspace{mac: hmac.New(sha256.New, key)}
	}
	return k
}

// workspace is the memory of one signing.
type workspace struct {
	mac       hash.Hash // keyed with the signing key
	stamp     []byte    // time of signing, as in X-Amz-Date
	headers   []header  // to be signed
	names     []byte    // their names in lower case
	signed    []byte    // the sorted names, joined by semicolons
	canonical []byte    // the canonical request
	text      []byte    // the string to sign, then the Authorization header
	sum       [sha256.Size]byte
}

func (k *signingKey) workspace() *workspace {
	return k.workspaces.Get().(*workspace) //nolint:errcheck // the pool holds nothing else
}

// release returns a workspace back. It keeps no header value alive: a session
// token in an idle pool would outlive its request.
func (k *signingKey) release(w *workspace) {
	clear(w.headers)
	if cap(w.canonical) <= maxKept {
		clear(w.canonical)
		k.workspaces.Put(w)
	}
}

// maxKept bounds the canonical request whose memory is kept, in bytes.
const maxKept = 64 << 10

// authorize returns the Authorization header for the canonical request.
func (w *workspace) authorize(k *signingKey) string {
	w.sum = sha256.Sum256(w.canonical)
	b := append(w.text[:0], algorithm+"\n"...)
	b = append(b, w.stamp...)
	b = append(b, '\n')
	b = append(b, k.scope...)
	b = append(b, '\n')
	b = hex.AppendEncode(b, w.sum[:])

	w.mac.Reset()
	w.mac.Write(b)
	signature := w.mac.Sum(w.sum[:0])

	b = append(b[:0], algorithm+" Credential="...)
	b = append(b, k.access...)
	b = append(b, '/')
	b = append(b, k.scope...)
	b = append(b, ", SignedHeaders="...)
	b = append(b, w.signed...)
	b = append(b, ", Signature="...)
	b = hex.AppendEncode(b, signature)
	w.text = b
	return string(b)
}
