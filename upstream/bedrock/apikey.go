package bedrock

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"golang.org/x/net/http/httpguts"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// apiKey is a Bedrock API key. A key that comes from a file is read again when the file changes: short-term keys last
// twelve hours at most (https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html), a configuration longer. Safe
// for concurrent use; reading the key takes no lock. A nil apiKey is no key.
type apiKey struct {
	template string   // the configured text, placeholders included
	files    []string // the files that the template names
	logger   *zap.Logger
	held     atomic.Pointer[heldKey]
	looked   atomic.Int64 // when the files were looked at, Unix nanoseconds
}

type heldKey struct {
	text          string
	authorization []string // the header's value
	stamps        []stamp  // of the files that text was read from
}

// stamp is the state of a file.
type stamp struct {
	changed time.Time
	size    int64
}

// lookEvery is the least time between two looks at a key's files.
const lookEvery = time.Second

var filePlaceholder = regexp.MustCompile(`\{file\.([^{}]+)\}`)

// newAPIKey resolves the template. An empty one is no key.
func newAPIKey(template string, logger *zap.Logger) (*apiKey, error) {
	if template == "" {
		return nil, nil
	}
	k := &apiKey{template: template, logger: logger}
	for _, m := range filePlaceholder.FindAllStringSubmatch(template, -1) {
		k.files = append(k.files, m[1])
	}
	k.looked.Store(time.Now().UnixNano())
	_, err := k.read()
	return k, err
}

// read resolves the template and reports whether the key is another one than before. After an error the key is the old
// one.
func (k *apiKey) read() (changed bool, err error) {
	stamps := k.stamps() // before the text, so that a change between the two is seen at the next look
	text, err := caddy.NewReplacer().ReplaceOrErr(k.template, true, true)
	if err != nil {
		return false, err
	}
	if text = strings.TrimSpace(text); text == "" {
		return false, errors.New("is empty")
	}
	if !httpguts.ValidHeaderFieldValue(text) {
		return false, errors.New("has characters that no header can carry, such as a line break")
	}
	old := k.held.Load()
	k.held.Store(&heldKey{text: text, authorization: []string{"Bearer " + text}, stamps: stamps})
	return old == nil || old.text != text, nil
}

func (k *apiKey) stamps() []stamp {
	if len(k.files) == 0 {
		return nil
	}
	stamps := make([]stamp, len(k.files))
	for i, name := range k.files {
		if info, err := os.Stat(name); err == nil {
			stamps[i] = stamp{changed: info.ModTime(), size: info.Size()}
		}
	}
	return stamps
}

// current returns the key as its files have it now. Files are looked at once a second at most, by one caller; the others
// go on with the key at hand.
func (k *apiKey) current() *heldKey {
	if len(k.files) == 0 {
		return k.held.Load()
	}
	last, now := k.looked.Load(), time.Now().UnixNano()
	if now-last >= int64(lookEvery) && k.looked.CompareAndSwap(last, now) && !slices.Equal(k.stamps(), k.held.Load().stamps) {
		k.reread()
	}
	return k.held.Load()
}

// reread reads the files at once, such as after a refusal, and reports whether they have another key.
func (k *apiKey) reread() bool {
	if len(k.files) == 0 {
		return false
	}
	changed, err := k.read()
	switch {
	case err != nil:
		k.logger.Warn("the changed file of api_key cannot be used; the key read before stays", zap.Error(fmt.Errorf("api_key: %w", err)))
		// Its stamps are noted, so that the same state is not read and logged every second.
		held := *k.held.Load()
		held.stamps = k.stamps()
		k.held.Store(&held)
	case changed:
		k.logger.Info("api_key was read again")
	}
	return changed
}

// expiredKey puts what to do into the error of a call whose API key has expired. Bedrock says so by the error's name or in
// the words of an AccessDeniedException.
func expiredKey(e *chat.Error) {
	if e.Kind != chat.ErrPermission {
		return
	}
	said := e.Type
	if e.Cause != nil {
		said += " " + e.Cause.Error()
	}
	if strings.Contains(strings.ToLower(said), "expired") {
		e.Message = "the gateway's Bedrock API key has expired; its operator must replace it"
	}
}
