package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// maxKeyLen is the longest key that is hashed, in bytes: anybody may send one.
const maxKeyLen = 8 << 10

// digest is the SHA-256 of a key. Keys are found by their digests, and the keys themselves are not kept in memory. A
// lookup needs no constant time: whoever sends a key does not choose its digest.
type digest [sha256.Size]byte

// grant is what a key is good for.
type grant struct {
	user string
	*rights
}

// rights are what keys may have in common.
type rights struct {
	models  string // patterns separated by spaces
	tags    string // separated by spaces
	expires int64  // Unix seconds from which the key is good no more; 0: never
}

// expired reports whether the key is good no more.
func (r *rights) expired(now time.Time) bool { return r.expires != 0 && now.Unix() >= r.expires }

// keys are the valid keys and those that have expired.
type keys map[digest]grant

// add adds a key, or returns an error if it is there: its user would depend on the order.
func (k keys) add(d digest, g grant) error {
	if other, ok := k[d]; ok {
		return fmt.Errorf("users '%s' and '%s' have the same key", other.user, g.user)
	}
	k[d] = g
	return nil
}

// find returns what the key is good for, and whether there is such a key.
func (k keys) find(key string) (grant, bool) {
	if len(key) > maxKeyLen {
		return grant{}, false
	}
	g, ok := k[sha256.Sum256([]byte(key))]
	return g, ok
}

// digestOf returns the digest of a configured key, or the digest that follows
// "sha256:".
func digestOf(key string) (digest, error) {
	hexDigest, isDigest := strings.CutPrefix(key, "sha256:")
	if !isDigest {
		switch {
		case key == "":
			return digest{}, fmt.Errorf("the key is empty")
		case len(key) > maxKeyLen:
			return digest{}, fmt.Errorf("the key is longer than %d bytes", maxKeyLen)
		case strings.TrimSpace(key) != key:
			return digest{}, fmt.Errorf("the key starts or ends with white space, which no header can carry")
		}
		return sha256.Sum256([]byte(key)), nil
	}
	var d digest
	if len(hexDigest) != hex.EncodedLen(len(d)) {
		return digest{}, fmt.Errorf("sha256: must be followed by %d hex digits", hex.EncodedLen(len(d)))
	}
	if _, err := hex.Decode(d[:], []byte(hexDigest)); err != nil {
		// The error would quote a byte of what may be a key.
		return digest{}, fmt.Errorf("sha256: must be followed by %d hex digits", hex.EncodedLen(len(d)))
	}
	return d, nil
}

// list returns words as a placeholder has them, separated by spaces.
func list(what string, words []string) (string, error) {
	for _, w := range words {
		if w == "" || strings.ContainsAny(w, " \t\r\n") {
			return "", fmt.Errorf("%s: one is empty or has a space", what)
		}
	}
	return strings.Clone(strings.Join(words, " ")), nil // no part of a line that has a key
}

// expiry returns the Unix second from which a key is good no more: of a date the end of that day in UTC, or the very moment
// of a time as RFC 3339 has it. 0 stands for "".
func expiry(date string) (int64, error) {
	if date == "" {
		return 0, nil
	}
	if day, err := time.Parse(time.DateOnly, date); err == nil {
		return day.AddDate(0, 0, 1).Unix(), nil
	}
	at, err := time.Parse(time.RFC3339, date)
	if err != nil {
		return 0, fmt.Errorf("expires must be a date such as 2027-01-31, or a time such as 2027-01-31T18:00:00Z")
	}
	return at.Unix(), nil
}
