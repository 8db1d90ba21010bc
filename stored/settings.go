// Package stored is what the gateway keeps of replies on the Responses API: the response and its conversation, so that a
// client may go on from its id, and which upstream keeps an id. Where they are kept is package files' affair.
package stored

import (
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/internal/directive"
)

// Keeping are the gateway's settings for responses that it keeps.
type Keeping struct {
	// What is kept of replies on the Responses API, so that clients may go on from
	// a response's id. They are kept where files are; with `files_off` nothing is.
	// Default: kept for a day and in 1 GB with files in a directory, for 30 days
	// with files in a bucket.
	StoredResponses *Bounds `json:"stored_responses,omitempty"`

	objects files.Objects // nil: nothing can be kept
	ttl     time.Duration
}

// Bounds say how long and how much is kept.
type Bounds struct {
	// Keeps no response: replies say `"store":false`. Default: `false`.
	Off bool `json:"off,omitempty"`

	// How long a response is kept, at least `1s`. Default: `24h` with files in a
	// directory, `30d` with files in a bucket.
	TTL caddy.Duration `json:"ttl,omitempty"`

	// How many bytes the responses of all callers may take; the oldest go first.
	// Default: 1 GB with files in a directory, no bound with files in a bucket.
	MaxSize int64 `json:"max_size,omitempty"`
}

// Words returns the sub-directives of bedrock_gateway that k reads:
//
//	stored_responses off
//	stored_responses {
//		ttl      <duration>
//		max_size <size>
//	}
func (k *Keeping) Words() directive.Words {
	return directive.Words{"stored_responses": {Read: k.UnmarshalCaddyfile}}
}

// UnmarshalCaddyfile reads stored_responses off, or stored_responses { ... }, d standing on the word.
func (k *Keeping) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	start := d.Token()
	b := new(Bounds)
	k.StoredResponses = b
	if d.CountRemainingArgs() > 0 {
		b.Off = true
		_, err := directive.OneOf(d, "off")
		return err
	}
	seen, err := directive.Words{
		"ttl": {Read: func(d *caddyfile.Dispenser) error {
			args, err := directive.Args(d, 1, 1)
			if err == nil {
				b.TTL, err = directive.Window(d, "ttl", args[0])
			}
			return err
		}},
		"max_size": directive.Bytes(&b.MaxSize),
	}.Block(d)
	if err == nil && len(seen) == 0 {
		return directive.At(start).Errf("stored_responses says nothing: write off, or a block with ttl or max_size")
	}
	return err
}

// Provision takes the store of files, nil where there is none, and sets its bounds.
func (k *Keeping) Provision(store files.Store) error {
	var b Bounds
	if k.StoredResponses != nil {
		b = *k.StoredResponses
	}
	switch {
	case b.Off && (b.TTL != 0 || b.MaxSize != 0):
		return errors.New("stored_responses are both off and bounded")
	case b.TTL != 0 && time.Duration(b.TTL) < time.Second:
		return errors.New("stored_responses: ttl must be at least 1s")
	case b.MaxSize < 0:
		return fmt.Errorf("stored_responses: max_size must not be negative: %d", b.MaxSize)
	}
	objects, ok := store.(files.Objects)
	if !ok {
		if k.StoredResponses != nil && !b.Off {
			return errors.New("stored_responses need a place: files are off, or their store keeps no responses")
		}
		return nil
	}
	bounds := objects.ObjectDefaults()
	if b.TTL != 0 {
		bounds.TTL = time.Duration(b.TTL)
	}
	if b.MaxSize != 0 {
		bounds.MaxSize = b.MaxSize
	}
	objects.BoundObjects(files.KindResponse, bounds)
	objects.BoundObjects(files.KindKept, files.ObjectBounds{TTL: files.KeptTTL})
	k.objects, k.ttl = objects, bounds.TTL
	return nil
}

// Objects returns where things are kept; nil if nothing can be, as with files off.
func (k *Keeping) Objects() files.Objects { return k.objects }

// KeepsResponses reports whether responses are kept. With `stored_responses off` it still is written down which upstream
// keeps an id, which is no content.
func (k *Keeping) KeepsResponses() bool {
	return k.objects != nil && (k.StoredResponses == nil || !k.StoredResponses.Off)
}

// Records returns the store of records, each of maxSize bytes at most, and within the limits that full knows; nil if nothing can
// be kept.
func (k *Keeping) Records(maxSize int64, full func(model, owner string, size int64) string, log *zap.Logger) (*Store, error) {
	if k.objects == nil {
		return nil, nil
	}
	return New(Config{Objects: k.objects, Off: !k.KeepsResponses(), TTL: k.ttl, MaxSize: maxSize, Full: full, Logger: log})
}

// TTL returns how long a response is kept.
func (k *Keeping) TTL() time.Duration { return k.ttl }
