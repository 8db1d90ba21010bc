package auth

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"
)

const (
	// maxKeyLen is the longest key that is hashed, in bytes: anybody may send one.
	maxKeyLen = 8 << 10

	// minFileKey is the shortest key of a keys file, in characters. A file that is read while it is being written may end
	// within a key, whose beginning must not let anybody in.
	minFileKey = 16

	// maxKeysFile bounds the keys file, in bytes.
	maxKeysFile = 8 << 20

	// checkEvery is how often the keys file is checked for changes.
	checkEvery = time.Second

	// settled is the age from which a file's modification time identifies its version: two
	// writes within one tick of the clock can leave the same time and size. It is also the age from which a last line without
	// a line break is taken for whole, as in a Kubernetes secret, and not for one that is still being written.
	settled = 2 * time.Second
)

// digest is the SHA-256 of a key. Keys are compared by their digests: these have one
// length, and the keys themselves are not kept in memory.
type digest [sha256.Size]byte

// entry is one valid key.
type entry struct {
	digest digest
	user   string
	models string // patterns separated by spaces
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

// distinct returns an error if two entries have the same key: its user would
// depend on their order.
func distinct(entries []entry) error {
	users := make(map[digest]string, len(entries))
	for _, e := range entries {
		if other, ok := users[e.digest]; ok {
			return fmt.Errorf("users '%s' and '%s' have the same key", other, e.user)
		}
		users[e.digest] = e.user
	}
	return nil
}

// find returns the entry that has the key, and whether there is one. It takes
// the same time whichever entry it is, and if there is none.
func find(entries []entry, key string) (entry, bool) {
	if len(key) > maxKeyLen {
		return entry{}, false
	}
	given := digest(sha256.Sum256([]byte(key)))
	found := -1
	for i := range entries {
		equal := subtle.ConstantTimeCompare(given[:], entries[i].digest[:])
		found = subtle.ConstantTimeSelect(equal, i, found)
	}
	if found < 0 {
		return entry{}, false
	}
	return entries[found], true
}

// keysFile is a file of keys that is read again when it changes. It is safe for
// concurrent use.
type keysFile struct {
	path       string
	configured []entry // come first
	log        *zap.Logger
	now        func() time.Time

	current   atomic.Pointer[[]entry]
	nextCheck atomic.Int64 // Unix nanoseconds

	// mu is held by the one request that checks the file; the others use the
	// current keys.
	mu     sync.Mutex
	seen   os.FileInfo
	readAt time.Time
	sum    digest // of the content that was read last, valid or not
}

// openKeysFile reads the file at path. Its keys are added to the configured
// ones.
func openKeysFile(path string, configured []entry, log *zap.Logger) (*keysFile, error) {
	f := &keysFile{path: path, configured: configured, log: log, now: time.Now}
	if _, err := f.read(); err != nil {
		return nil, fmt.Errorf("keys_file: %w", err)
	}
	f.nextCheck.Store(f.now().Add(checkEvery).UnixNano())
	return f, nil
}

// entries returns the valid keys, from a file that is at most checkEvery old.
func (f *keysFile) entries() []entry {
	if f.now().UnixNano() >= f.nextCheck.Load() && f.mu.TryLock() {
		f.refresh()
		f.mu.Unlock()
	}
	return *f.current.Load()
}

// refresh reads the file again if it changed. Errors are logged once for each
// version of the file.
func (f *keysFile) refresh() {
	now := f.now()
	f.nextCheck.Store(now.Add(checkEvery).UnixNano())
	info, err := os.Stat(f.path)
	var changed bool
	switch {
	case err == nil && f.unchanged(info):
		return
	case err == nil:
		changed, err = f.read()
	case f.seen == nil:
		return // logged already
	default:
		f.seen, f.sum = nil, digest{}
	}
	switch {
	case err != nil:
		f.log.Error("keys_file was not read again; the keys are those of before", zap.String("path", f.path), zap.Error(err))
	case changed:
		f.log.Info("keys_file read again", zap.String("path", f.path), zap.Int("keys", len(*f.current.Load())))
	}
}

// unchanged reports whether info is of the version that was read last.
func (f *keysFile) unchanged(info os.FileInfo) bool {
	return f.seen != nil && os.SameFile(f.seen, info) &&
		f.seen.ModTime().Equal(info.ModTime()) && f.seen.Size() == info.Size() &&
		f.readAt.Sub(info.ModTime()) > settled
}

// read makes the file's keys the current ones, and reports whether the file's
// content has changed since it was read last.
func (f *keysFile) read() (changed bool, err error) {
	file, err := os.Open(f.path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return false, err
	}
	f.seen, f.readAt = info, f.now()
	data, err := io.ReadAll(io.LimitReader(file, maxKeysFile+1))
	if err != nil {
		return false, err
	}
	if len(data) > maxKeysFile {
		return false, fmt.Errorf("%s: larger than %d bytes", f.path, maxKeysFile)
	}
	if age := f.readAt.Sub(info.ModTime()); age.Abs() <= settled {
		data = data[:bytes.LastIndexByte(data, '\n')+1]
	}
	sum := digest(sha256.Sum256(data))
	if sum == f.sum {
		return false, nil
	}
	f.sum = sum
	entries, err := parseKeys(data)
	if err != nil {
		return false, fmt.Errorf("%s: %w", f.path, err)
	}
	all := append(slices.Clip(f.configured), entries...)
	if err := distinct(all); err != nil {
		return false, fmt.Errorf("%s: %w", f.path, err)
	}
	f.current.Store(&all)
	return true, nil
}

// parseKeys reads lines of "user_id key". Errors name the line, never its
// content.
func parseKeys(data []byte) ([]entry, error) {
	var entries []entry
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 2*maxKeyLen)
	n := 0
	for lines.Scan() {
		n++
		line := strings.TrimSpace(lines.Text())
		if n == 1 {
			line = strings.TrimPrefix(line, "\ufeff") // as Windows editors write it
		}
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) != 2 {
			return nil, fmt.Errorf("line %d: must be 'user_id key'", n)
		}
		if !strings.HasPrefix(fields[1], "sha256:") && utf8.RuneCountInString(fields[1]) < minFileKey {
			return nil, fmt.Errorf("line %d: the key has fewer than %d characters", n, minFileKey)
		}
		d, err := digestOf(fields[1])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		entries = append(entries, entry{digest: d, user: fields[0]})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", n+1, err)
	}
	return entries, nil
}
