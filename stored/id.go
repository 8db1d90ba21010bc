package stored

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
)

const (
	idPrefix = "resp_"
	idDigits = 32
)

// NewID returns the part of a response's id behind resp_: 128 random bits in hex. Where nobody authenticates, that is all that
// protects the response, so it is never made of what a log or a header shows.
func NewID() string {
	var random [idDigits / 2]byte
	// crypto/rand.Read never fails; it ends the process instead.
	_, _ = rand.Read(random[:])
	var digits [idDigits]byte
	hex.Encode(digits[:], random[:])
	return string(digits[:])
}

// ResponseID returns the id of the response that NewID named.
func ResponseID(core string) string { return idPrefix + core }

// Ours reports whether an id has the form of a response that the gateway itself makes. OpenAI's are longer.
func Ours(id string) bool {
	core, ok := strings.CutPrefix(id, idPrefix)
	return ok && len(core) == idDigits && isHex(core)
}

// OfItem returns the id of the response in whose record an item is found, by the item's own id: <kind>_<32 hex>_<place>, of an
// item of the output its index, of one of the input an i and its index. ok is false for ids of any other form.
func OfItem(id string) (response string, ok bool) {
	kind, rest, found := strings.Cut(id, "_")
	if !found || kind == "" || len(kind) > 4 || !all(kind, 'a', 'z') || len(rest) < idDigits+2 || rest[idDigits] != '_' || !isHex(rest[:idDigits]) {
		return "", false
	}
	place := strings.TrimPrefix(rest[idDigits+1:], "i")
	if place == "" || len(place) > 7 || !all(place, '0', '9') {
		return "", false
	}
	return idPrefix + rest[:idDigits], true
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func all(s string, from, to byte) bool {
	for i := range len(s) {
		if s[i] < from || s[i] > to {
			return false
		}
	}
	return true
}
