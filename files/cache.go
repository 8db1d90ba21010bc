package files

import (
	"container/list"
	"sync"
	"time"
)

// textCache keeps the texts used last, and the errors of files that have none, up to a number of bytes. Extraction of a document costs a thousand times a
// look-up, while entries are few and large: one mutex and a list serve that as well as a cache library would.
type textCache struct {
	mu    sync.Mutex
	max   int64
	used  int64
	order *list.List // of *textEntry, the one used last in front
	byKey map[textKey]*list.Element
}

// textKey names a text by its content and by all that shapes its extraction, never by file: two files of the same bytes
// share it, and it stays right over config reloads.
type textKey struct {
	sha256    string
	mediaType string
	extension string
	limit     int64
}

type textEntry struct {
	key       textKey
	text      string
	truncated bool
	err       error     // why there is no text
	until     time.Time // when it is to be tried again; zero: never
}

// entryOverhead is about what an entry costs besides its text, in bytes.
const entryOverhead = 512

func newTextCache(limit int64) *textCache {
	return &textCache{max: limit, order: list.New(), byKey: make(map[textKey]*list.Element)}
}

func (c *textCache) get(k textKey) (textEntry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byKey[k]
	if !ok {
		return textEntry{}, false
	}
	t := e.Value.(*textEntry) //nolint:errcheck // the list holds nothing else
	if !t.until.IsZero() && time.Now().After(t.until) {
		c.remove(e)
		return textEntry{}, false
	}
	c.order.MoveToFront(e)
	return *t, true
}

func (c *textCache) put(t textEntry) {
	cost := int64(len(t.text)) + entryOverhead
	// A text that would throw out most of the others is not worth it.
	if cost > c.max/4 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.byKey[t.key]; ok {
		return
	}
	c.byKey[t.key] = c.order.PushFront(&t)
	c.used += cost
	for c.used > c.max {
		c.remove(c.order.Back())
	}
}

func (c *textCache) remove(e *list.Element) {
	old := c.order.Remove(e).(*textEntry) //nolint:errcheck // the list holds nothing else
	delete(c.byKey, old.key)
	c.used -= int64(len(old.text)) + entryOverhead
}
