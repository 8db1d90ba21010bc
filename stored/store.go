package stored

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"
	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// Patience is how long a reply that is whole waits for the store.
const Patience = time.Second

// ErrTooLarge is a conversation that has grown past what is kept of one.
var ErrTooLarge = errors.New("the conversation is larger than max_body")

// ErrLimit is a reply for which a limit leaves no room.
var ErrLimit = errors.New("no room for it")

// ErrNoMemory is a conversation that is not packed, because requests hold as much memory as they may.
var ErrNoMemory = errors.New("requests under way hold as much memory as max_buffered allows")

// errDamaged is a record that cannot be read.
var errDamaged = errors.New("the record cannot be read")

// Config is what a Store works with.
type Config struct {
	Objects files.Objects
	// Off: no response is kept; which upstream keeps one still is.
	Off bool
	TTL time.Duration
	// MaxSize bounds a record, in bytes before it is packed.
	MaxSize int64
	// Full returns the name of a limit that leaves no room for a packed record of so many bytes; "" if there is none. It may be
	// nil.
	Full   func(model, owner string, size int64) string
	Logger *zap.Logger // nil: nothing is logged
}

// Store keeps records. It is safe for concurrent use.
type Store struct {
	Config
	objects files.Objects
	pack    *zstd.Encoder
	unpack  *zstd.Decoder
	outage  outage
	keepers keepers
}

// headroom is what a record has besides the conversation and the reply.
const headroom = 64 << 10

// What packing holds of memory: so many records are packed at once, each with a little more than the window.
const (
	packers = 8
	window  = 1 << 20
)

// New returns a Store.
func New(c Config) (*Store, error) {
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	pack, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(true),
		zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(window), zstd.WithEncoderConcurrency(min(runtime.GOMAXPROCS(0), packers)))
	if err != nil {
		return nil, err
	}
	unpack, err := zstd.NewReader(nil, zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(uint64(c.MaxSize)+headroom))
	if err != nil {
		return nil, err
	}
	return &Store{Config: c, objects: c.Objects, pack: pack, unpack: unpack}, nil
}

// Keeps reports whether responses are kept.
func (s *Store) Keeps() bool { return s != nil && !s.Off }

// Draft is a record before its response is known: the conversation, packed, so that a stream holds no more of it. A small one is
// packed together with the reply.
type Draft struct {
	packed []byte // nil: plain is still to be packed
	plain  []byte
	size   int64
	gone   int64 // bytes that packed was made of
}

// Small is the size of a conversation, in bytes, that is quickly packed.
const Small = 32 << 10

// Size is how many bytes it takes.
func (d *Draft) Size() int { return len(d.packed) + len(d.plain) }

// Draft packs the conversation of the response that NewID named core: the items before this turn, a JSON array or nil, and the
// turn's own input, a list of items or a string. Items without an id get one.
func (s *Store) Draft(core string, before, input json.Value) (Draft, error) {
	size := int64(len(before) + len(input))
	if size > s.MaxSize {
		return Draft{}, ErrTooLarge
	}
	plain := appendConversation(make([]byte, 0, len(before)+len(input)+len(input)/8+256), core, before, input)
	if size <= Small {
		return Draft{plain: plain, size: size}, nil
	}
	if int64(len(plain)) > s.MaxSize+headroom { // items got ids
		return Draft{}, ErrTooLarge
	}
	return Draft{packed: s.pack.EncodeAll(plain, nil), size: size, gone: int64(len(plain))}, nil
}

// Save keeps a record, whose Before and Input are the draft's. It takes a second at most.
func (s *Store) Save(ctx context.Context, r *Record, d Draft) error {
	if d.size+int64(len(r.Response)) > s.MaxSize {
		return ErrTooLarge
	}
	plain := appendReply(slices.Grow(d.plain, len(r.Response)+256), r)
	if d.gone+int64(len(plain)) > s.MaxSize+headroom { // Load's bound
		return ErrTooLarge
	}
	body := s.pack.EncodeAll(plain, d.packed)
	if s.Full != nil {
		if name := s.Full(r.Model, r.Owner, int64(len(body))); name != "" {
			return fmt.Errorf("%w within the limit '%s'", ErrLimit, name)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	return s.objects.PutObject(ctx, files.Object{
		Owner: r.Owner, Kind: files.KindResponse, ID: r.ID, Body: body, ExpiresAt: time.Now().Add(s.TTL),
	}, true)
}

// Load returns the owner's record of a response; files.ErrNotFound if there is none.
func (s *Store) Load(ctx context.Context, owner, id string) (*Record, error) {
	if !Ours(id) {
		return nil, files.ErrNotFound
	}
	o, err := s.objects.GetObject(ctx, owner, files.KindResponse, id)
	if err != nil {
		return nil, err
	}
	plain, err := s.unpack.DecodeAll(o.Body, nil)
	if err != nil {
		if errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) {
			return nil, ErrTooLarge
		}
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	r, err := decode(plain)
	if err != nil {
		return nil, err
	}
	if r.ID != id || r.Owner != files.OwnerKey(owner) {
		return nil, files.ErrNotFound
	}
	r.Owner = owner
	return r, nil
}

// Delete removes the owner's record of a response; files.ErrNotFound if there is none.
func (s *Store) Delete(ctx context.Context, owner, id string) error {
	if !Ours(id) {
		return files.ErrNotFound
	}
	return s.objects.DeleteObject(ctx, owner, files.KindResponse, id)
}
