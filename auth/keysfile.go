package auth

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"
)

const (
	// minFileKey is the shortest key of a keys file, in characters. A file that is read while it is being written may end
	// within a key, whose beginning must not let anybody in.
	minFileKey = 16

	// maxKeysFile bounds the keys file, in bytes.
	maxKeysFile = 64 << 20

	// checkEvery is how often the keys file is checked for changes.
	checkEvery = time.Second

	// settled is the age from which a file's modification time identifies its version: two
	// writes within one tick of the clock can leave the same time and size. It is also the age from which a last line without
	// a line break is taken for whole, as in a Kubernetes secret, and not for one that is still being written.
	settled = 2 * time.Second
)

// keysFile is a file of keys that is read again when it changes. It is safe for
// concurrent use.
type keysFile struct {
	path       string
	configured keys // are added to those of the file
	log        *zap.Logger
	now        func() time.Time

	current   atomic.Pointer[keys]
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
func openKeysFile(path string, configured keys, log *zap.Logger) (*keysFile, error) {
	f := &keysFile{path: path, configured: configured, log: log, now: time.Now}
	if _, err := f.read(); err != nil {
		return nil, fmt.Errorf("keys_file: %w", err)
	}
	f.nextCheck.Store(f.now().Add(checkEvery).UnixNano())
	return f, nil
}

// keys returns the keys, from a file that is at most checkEvery old.
func (f *keysFile) keys() keys {
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
	all := maps.Clone(f.configured)
	if all == nil {
		all = keys{}
	}
	if err := parseKeys(data, all); err != nil {
		return false, fmt.Errorf("%s: %w", f.path, err)
	}
	f.current.Store(&all)
	return true, nil
}

// parseKeys adds the keys of lines of "user_id key [models=a,b*] [expires=2027-01-31] [tags=x,y]" to all. Errors name the
// line, never its content.
func parseKeys(data []byte, all keys) error {
	return scanKeys(data, func(_ int, d digest, g grant) error { return all.add(d, g) })
}

// scanKeys calls each with the number of each line that has a key, and with what stands in it.
func scanKeys(data []byte, each func(n int, d digest, g grant) error) error {
	shared := map[string]*rights{} // most lines of a file end alike
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
		d, g, err := parseKey(line, shared)
		if err == nil {
			err = each(n, d, g)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("line %d: %w", n+1, err)
	}
	return nil
}

// parseKey reads the key of one line.
func parseKey(line string, shared map[string]*rights) (digest, grant, error) {
	fields := strings.Fields(line)
	if len(fields) < 2 {
		return digest{}, grant{}, fmt.Errorf("must be 'user_id key'")
	}
	if !strings.HasPrefix(fields[1], "sha256:") && utf8.RuneCountInString(fields[1]) < minFileKey {
		return digest{}, grant{}, fmt.Errorf("the key has fewer than %d characters", minFileKey)
	}
	d, err := digestOf(fields[1])
	if err != nil {
		return digest{}, grant{}, err
	}
	options := strings.Join(fields[2:], " ")
	r := shared[options]
	if r == nil {
		if r, err = parseRights(fields[2:]); err != nil {
			return digest{}, grant{}, err
		}
		shared[options] = r
	}
	return d, grant{user: strings.Clone(fields[0]), rights: r}, nil // a part of the line would keep the key in memory
}

// parseRights reads what may follow the key.
func parseRights(options []string) (*rights, error) {
	r := &rights{}
	seen := map[string]bool{}
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		var err error
		switch {
		case name != "models" && name != "expires" && name != "tags":
			return nil, fmt.Errorf("must be 'user_id key', which models=, expires= and tags= may follow")
		case seen[name]:
			return nil, fmt.Errorf("%s= stands there twice", name)
		case value == "":
			return nil, fmt.Errorf("%s= has no value", name)
		case name == "expires":
			r.expires, err = expiry(value)
		case name == "models":
			r.models, err = list(name, strings.Split(value, ","))
		default:
			r.tags, err = list(name, strings.Split(value, ","))
		}
		if err != nil {
			return nil, err
		}
		seen[name] = true
	}
	return r, nil
}
