package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
)

// Entry is a key of a keys file, for commands that list and edit it. The key itself is not in it.
type Entry struct {
	Line    int    // of the file, from 1
	User    string // whose key it is
	ID      string // the beginning of the key's digest
	Models  []string
	Tags    []string
	Expires time.Time // from which the key is good no more; zero: never
}

// entryID is the length of an Entry's ID: long enough to tell a company's keys apart.
const entryID = 8

// ParseFile returns the keys of a keys file as the gateway reads it. Errors name the line, never its content.
func ParseFile(data []byte) ([]Entry, error) {
	var entries []Entry
	all := keys{}
	err := scanKeys(data, func(n int, d digest, g grant) error {
		e := Entry{Line: n, User: g.user, ID: hex.EncodeToString(d[:])[:entryID], Models: strings.Fields(g.models), Tags: strings.Fields(g.tags)}
		if g.expires != 0 {
			e.Expires = time.Unix(g.expires, 0).UTC()
		}
		entries = append(entries, e)
		return all.add(d, g)
	})
	return entries, err
}

// Expiry returns the time from which a key is good no more whose configuration says expires; zero for "", which never does.
func Expiry(expires string) (time.Time, error) {
	at, err := expiry(expires)
	if err != nil || at == 0 {
		return time.Time{}, err
	}
	return time.Unix(at, 0).UTC(), nil
}

// Hashed returns a key as a keys file keeps it.
func Hashed(key string) string {
	d := sha256.Sum256([]byte(key))
	return "sha256:" + hex.EncodeToString(d[:])
}
