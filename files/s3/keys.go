package s3

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
)

// Every file is two objects:
//
//	<prefix>content/<owner>/<order>               the bytes
//	<prefix>index/<owner>/<order>/<metadata>      written last, removed first: while it is there, the file is
//
// The metadata stands in the key, because a listing returns keys and nothing else of ours: S3 has no listing with
// metadata, and a HEAD for each of 10,000 files would take minutes. One page of a listing is so one request per 1,000
// files, and one file's metadata is a listing of one. The metadata cannot stand on the content object, in its key or
// its headers, since both must be sent before the content, while purpose, size and hash are known only after it.
//
// <owner> is a hash: an owner's name may be anything, and a key must not let one reach into another's files.
// <order> is the id with every digit inverted. S3 lists in ascending order only, and what clients ask for is the newest
// first; that this way is the natural order of the keys. It also makes both trees sort alike, so that a sweep can walk
// them side by side.
// <metadata> is base64url, cut by slashes into pieces that also a server on a file system can store as names. What does
// not fit there, a long file name, is read from the index object, whose content is the whole metadata as JSON.
const (
	contentDir = "content/"
	indexDir   = "index/"

	ownerLen = 32
	orderLen = 32

	// maxKey is S3's bound on a key, maxPiece a file system's bound on a name with room to spare, in bytes.
	maxKey   = 1024
	maxPiece = 200
	// maxPrefix leaves room for all of a key but a long file name.
	maxPrefix = 256
)

// keyMeta is the metadata in a key. Its names are short as keys are; ID, CreatedAt and Owner are known without it.
type keyMeta struct {
	Bytes     int64  `json:"b"`
	Created   int64  `json:"c"` // milliseconds
	Expires   int64  `json:"e,omitempty"`
	SHA256    string `json:"h"` // base64url of the bytes
	Purpose   string `json:"p"`
	MediaType string `json:"t"`
	Filename  string `json:"n,omitempty"`
	// Partial says that Filename did not fit.
	Partial bool `json:"x,omitempty"`
}

// invert maps an id's digits to their order and back.
func invert(digits string) string {
	b := []byte(digits)
	const hexDigits = "0123456789abcdef"
	for i, c := range b {
		b[i] = hexDigits[15-strings.IndexByte(hexDigits, c)]
	}
	return string(b)
}

// orderOf is where a valid id stands.
func orderOf(id string) string { return invert(strings.TrimPrefix(id, "file-")) }

func (s *Store) contentKey(owner, id string) string {
	return s.prefix + contentDir + files.OwnerKey(owner) + "/" + orderOf(id)
}

// indexPrefix is what the key of a file's index object begins with, and no other's.
func (s *Store) indexPrefix(owner, id string) string {
	return s.prefix + indexDir + files.OwnerKey(owner) + "/" + orderOf(id) + "/"
}

// indexKey is the key of f's index object, with as much of the metadata as fits.
func (s *Store) indexKey(f files.File) string {
	hash, _ := hex.DecodeString(f.SHA256) // made by hex.EncodeToString
	m := keyMeta{
		Bytes: f.Bytes, Created: f.CreatedAt.UnixMilli(), SHA256: base64.RawURLEncoding.EncodeToString(hash),
		Purpose: f.Purpose, MediaType: f.MediaType, Filename: f.Filename,
	}
	if !f.ExpiresAt.IsZero() {
		m.Expires = f.ExpiresAt.UnixMilli()
	}
	start := s.indexPrefix(f.Owner, f.ID)
	key := start + pieces(m)
	if len(key) > maxKey {
		m.Filename, m.Partial = "", true
		key = start + pieces(m)
	}
	return key
}

func pieces(m keyMeta) string {
	b, _ := json.Marshal(m) // strings and numbers always marshal
	text := base64.RawURLEncoding.EncodeToString(b)
	var out strings.Builder
	for len(text) > maxPiece {
		out.WriteString(text[:maxPiece] + "/")
		text = text[maxPiece:]
	}
	out.WriteString(text)
	return out.String()
}

// parseIndexKey reads what indexKey wrote. A key that is not ours is not ok. Partial metadata lacks the file's name.
func (s *Store) parseIndexKey(key, owner string) (f files.File, partial, ok bool) {
	rest, ok := strings.CutPrefix(key, s.prefix+indexDir)
	if !ok || len(rest) <= ownerLen+1+orderLen || rest[ownerLen] != '/' || rest[ownerLen+1+orderLen] != '/' {
		return f, false, false
	}
	id, ok := idOf(rest[ownerLen+1:][:orderLen])
	if !ok {
		return f, false, false
	}
	b, err := base64.RawURLEncoding.DecodeString(strings.ReplaceAll(rest[ownerLen+1+orderLen+1:], "/", ""))
	if err != nil {
		return f, false, false
	}
	var m keyMeta
	if json.Unmarshal(b, &m) != nil {
		return f, false, false
	}
	hash, err := base64.RawURLEncoding.DecodeString(m.SHA256)
	if err != nil || len(hash) != sha256.Size || m.Bytes < 0 {
		return f, false, false
	}
	f = files.File{
		ID: id, Bytes: m.Bytes, CreatedAt: time.UnixMilli(m.Created).UTC(), Filename: m.Filename, Purpose: m.Purpose,
		MediaType: m.MediaType, Owner: owner, SHA256: hex.EncodeToString(hash),
	}
	if m.Expires != 0 {
		f.ExpiresAt = time.UnixMilli(m.Expires).UTC()
	}
	return f, m.Partial, true
}

// idOf is the id at an order.
func idOf(order string) (string, bool) {
	id := "file-" + order
	if !files.ValidID(id) {
		return "", false
	}
	return "file-" + invert(order), true
}
