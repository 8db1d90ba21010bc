// Package files is the domain of the Files API: what a kept file is, where files may be kept (Store), and how their text
// is put before a chat (Context). It knows neither HTTP nor Caddy nor any one store.
package files

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// File is what is known of a kept file besides its bytes. It never changes once the file is kept.
type File struct {
	// ID is "file-" and 32 lower-case hex digits; see NewID.
	ID string `json:"id"`
	// Bytes is the exact size of the content.
	Bytes int64 `json:"bytes"`
	// CreatedAt is in UTC and says when the upload began.
	CreatedAt time.Time `json:"created_at"`
	// ExpiresAt is zero for a file that never expires. From that moment on, readers see no such file.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Filename is the client's own name for it, cleaned by CleanName.
	Filename string `json:"filename"`
	// Purpose is one of Purposes.
	Purpose string `json:"purpose"`
	// MediaType is lower-case, and without parameters except charset.
	MediaType string `json:"media_type"`
	// Owner is who uploaded it; empty in a shared space.
	Owner string `json:"owner,omitempty"`
	// SHA256 is the content's hash in hex: the ETag's value and the key of the cache of extracted text.
	SHA256 string `json:"sha256"`
}

// Expired reports whether readers must no longer see f at the given time.
func (f File) Expired(now time.Time) bool {
	return !f.ExpiresAt.IsZero() && !now.Before(f.ExpiresAt)
}

// Purposes are the values OpenAI's API takes for an upload's purpose
// (https://platform.openai.com/docs/api-reference/files/create).
var Purposes = []string{"assistants", "batch", "fine-tune", "vision", "user_data", "evals"}

// ValidPurpose reports whether p is one of Purposes.
func ValidPurpose(p string) bool { return slices.Contains(Purposes, p) }

// Bounds of expires_after[seconds] in OpenAI's API.
const (
	MinExpiry = time.Hour
	MaxExpiry = 30 * 24 * time.Hour
)

const (
	idPrefix  = "file-"
	idDigits  = 32
	timeBytes = 6
)

// NewID makes an id whose first 12 digits are now in milliseconds and whose other 20 are random (80 bits). Ids made so
// sort by age, which lets a store list in order, and go on after an id that is gone, without an index.
func NewID(now time.Time) string {
	var b [idDigits / 2]byte
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli())) //nolint:gosec // not before 1970
	copy(b[:timeBytes], ms[8-timeBytes:])
	// crypto/rand.Read never fails; it ends the process instead.
	_, _ = rand.Read(b[timeBytes:])
	return idPrefix + hex.EncodeToString(b[:])
}

// ValidID reports whether id has the form of NewID's. Other ids are never looked up: they belong to someone else's
// Files API.
func ValidID(id string) bool {
	digits, ok := strings.CutPrefix(id, idPrefix)
	if !ok || len(digits) != idDigits {
		return false
	}
	for i := range len(digits) {
		c := digits[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// maxName bounds a file name in bytes. It is far above what file systems take, so that names are kept as they came.
const maxName = 1024

// CleanName makes a client's file name safe to keep, to show to a model and to put in a header: the last element of a
// path in either system's spelling, valid UTF-8, without control and direction-changing characters, at most 1024 bytes
// with its extension kept. It is empty when nothing is left.
func CleanName(name string) string {
	name = strings.ToValidUTF8(name, "\uFFFD")
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		// Line and paragraph separators end a line in some readers; Bidi_Control can disguise an extension.
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r) {
			return '_'
		}
		return r
	}, name)
	name = strings.TrimSpace(name)
	if name == "." || name == ".." {
		return ""
	}
	if len(name) <= maxName {
		return name
	}
	ext := path.Ext(name)
	if len(ext) > 32 {
		ext = ""
	}
	return cutRunes(name, maxName-len(ext)) + ext
}

// cutRunes is s cut to at most n bytes without splitting a character.
func cutRunes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// FormatSize writes a size as people read it: 500B, 1.2KB, 3.4MB; a KB is 1024 bytes.
func FormatSize(n int64) string {
	const unit = 1024
	if n < unit {
		return strconv.FormatInt(n, 10) + "B"
	}
	v, exp := float64(n)/unit, 0
	// 1023.95 would be printed as 1024.0.
	for v >= unit-0.05 && exp < 3 {
		v /= unit
		exp++
	}
	return fmt.Sprintf("%.1f%cB", v, "KMGT"[exp])
}
