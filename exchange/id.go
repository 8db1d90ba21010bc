package exchange

import "math/rand/v2"

const alphanumerics = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// NewID returns 24 random alphanumerics: the core of a request's id and of its reply's. It names, it guards nothing.
func NewID() string {
	var b [24]byte
	for i := 0; i < len(b); i += 8 {
		for n, j := rand.Uint64(), 0; j < 8; j++ { //nolint:gosec // a name, not a secret
			b[i+j] = alphanumerics[n%62]
			n /= 62
		}
	}
	return string(b[:])
}

// RequestID returns the request's id as clients and logs see it.
func RequestID(id string) string { return "req_" + id }
