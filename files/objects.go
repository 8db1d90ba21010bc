package files

import (
	"context"
	"errors"
	"time"
)

// ErrExists is an object that was to be put only if there was none of its owner, kind and id.
var ErrExists = errors.New("the object exists")

// The kinds of objects that the gateway keeps. Each has its own bounds.
const (
	// KindResponse is a stored response: content, which ttl and max_size bound.
	KindResponse = "response"
	// KindKept says which upstream keeps an id. It holds no content, and max_size does not count it.
	KindKept = "kept"
)

// KeptTTL is how long it is known which upstream keeps an id. OpenAI keeps responses for 30 days
// (https://developers.openai.com/api/docs/guides/conversation-state).
const KeptTTL = 30 * 24 * time.Hour

// Object is a small record that the gateway itself keeps. The Files API never shows one.
type Object struct {
	Owner string
	Kind  string // letters of a to z
	ID    string
	Body  []byte
	// ExpiresAt is when readers stop to see the object. It is always set.
	ExpiresAt time.Time
}

// Expired reports whether the object is to be treated as absent at now.
func (o Object) Expired(now time.Time) bool { return !now.Before(o.ExpiresAt) }

// Objects is a second, small face of a Store, which a store need not have. What holds for files holds for objects: an
// object is seen whole or not at all, also by other processes on the same disk or bucket, and when PutObject has
// returned nil neither a kill nor a power cut loses it. Sweep removes expired ones too.
type Objects interface {
	// PutObject keeps o, in place of what was kept under its owner, kind and id. With ifAbsent it answers ErrExists where
	// there is one that has not expired. It answers ErrUnavailable where the store is away, full or read-only.
	//
	// It returns soon after ctx has ended; the object then may or may not be there.
	PutObject(ctx context.Context, o Object, ifAbsent bool) error
	// GetObject returns an object. ErrNotFound is an id that is not there, has expired or is another owner's.
	GetObject(ctx context.Context, owner, kind, id string) (Object, error)
	// DeleteObject removes an object. It is gone for every reader when DeleteObject returns nil.
	DeleteObject(ctx context.Context, owner, kind, id string) error

	// ObjectDefaults are the bounds of stored responses in this store where none are configured.
	ObjectDefaults() ObjectBounds
	// BoundObjects sets the bounds of a kind. It is called when the configuration is loaded.
	BoundObjects(kind string, b ObjectBounds)
	// ObjectUsage is what is known of the kind's objects without asking the store: those counted when it was swept last,
	// and what this process has put and deleted since.
	ObjectUsage(kind string) ObjectUsage
	// OwnerUsage is how many bytes the owner's objects of the kind hold, as ObjectUsage knows it.
	OwnerUsage(kind, owner string) int64
	// OwnersUsage is OwnerUsage of all owners whose names this process knows.
	OwnersUsage(kind string) map[string]int64
}

// ObjectBounds are the bounds of one kind of objects.
type ObjectBounds struct {
	// TTL is how long such objects are kept: what is younger needs no second look when expired ones are looked for. An
	// object's own ExpiresAt decides.
	TTL time.Duration
	// MaxSize is how many bytes the objects of all owners may hold; the oldest go first. Zero is no bound.
	MaxSize int64
}

// ObjectUsage is how much the objects of a kind hold.
type ObjectUsage struct {
	// Bytes is the sum over all owners.
	Bytes int64
	// Objects is their number.
	Objects int64
}
