package files

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// MaxObject is the largest object that a store takes, in bytes. It is above what max_body lets a conversation grow to.
const MaxObject = 64 << 20

// objectHead is the line of JSON before an object's body.
type objectHead struct {
	Owner   string `json:"owner"`
	Kind    string `json:"kind"`
	ID      string `json:"id"`
	Expires int64  `json:"expires"` // milliseconds
	Bytes   int    `json:"bytes"`
}

// maxObjectHead is how far the line's end is looked for, in bytes. An owner's name came in a request's header.
const maxObjectHead = 1 << 20

// ErrDamaged is an object that is not what was put.
var ErrDamaged = errors.New("the object is damaged")

// EncodeObject is for stores: an object as one piece of bytes, which says whose it is and until when.
func EncodeObject(o Object) ([]byte, error) {
	if len(o.Body) > MaxObject {
		return nil, fmt.Errorf("%w: more than %s", ErrTooLarge, FormatSize(MaxObject))
	}
	head, err := json.Marshal(objectHead{o.Owner, o.Kind, o.ID, o.ExpiresAt.UnixMilli(), len(o.Body)})
	if err != nil {
		return nil, fmt.Errorf("encoding an object: %w", err)
	}
	if len(head) > maxObjectHead {
		return nil, fmt.Errorf("%w: the owner's name", ErrTooLarge)
	}
	b := make([]byte, 0, len(head)+1+len(o.Body))
	b = append(b, head...)
	b = append(b, '\n')
	return append(b, o.Body...), nil
}

// DecodeObject reads what EncodeObject wrote. Its body is a part of b.
func DecodeObject(b []byte) (Object, error) {
	o, size, rest, err := decodeHead(b)
	if err != nil {
		return Object{}, err
	}
	if len(rest) != size {
		return Object{}, fmt.Errorf("%w: it has %d bytes, not %d", ErrDamaged, len(rest), size)
	}
	o.Body = rest
	return o, nil
}

// ObjectHead is for sweeps: an object without its body, from a beginning of its bytes.
func ObjectHead(b []byte) (Object, error) {
	o, _, _, err := decodeHead(b)
	return o, err
}

func decodeHead(b []byte) (o Object, size int, rest []byte, err error) {
	end := bytes.IndexByte(b[:min(len(b), maxObjectHead+1)], '\n')
	if end < 0 {
		return o, 0, nil, fmt.Errorf("%w: it has no head", ErrDamaged)
	}
	var h objectHead
	if err := json.Unmarshal(b[:end], &h); err != nil {
		return o, 0, nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return Object{Owner: h.Owner, Kind: h.Kind, ID: h.ID, ExpiresAt: time.UnixMilli(h.Expires).UTC()}, h.Bytes, b[end+1:], nil
}

// OwnerKey is the name that stands for an owner in paths and keys: an owner's name may be anything, and must not let one
// reach into another's.
func OwnerKey(owner string) string {
	sum := sha256.Sum256([]byte(owner))
	return hex.EncodeToString(sum[:16])
}

// ValidKind reports whether kind may name a kind of objects.
func ValidKind(kind string) bool {
	for i := range len(kind) {
		if kind[i] < 'a' || kind[i] > 'z' {
			return false
		}
	}
	return kind != "" && len(kind) <= 32
}

// ObjectName is the name of an id in paths and keys. Ids as providers make them are their own names, but not those that a
// file system may take for each other, or for a path: they are hashed.
func ObjectName(id string) string {
	plain := len(id) <= 128
	underscores := 0 // no name of a device, such as con, has one
	for i := 0; plain && i < len(id); i++ {
		switch c := id[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-':
		case c == '_':
			underscores++
		default:
			plain = false
		}
	}
	if plain && underscores > 0 {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "sha256-" + hex.EncodeToString(sum[:])
}
