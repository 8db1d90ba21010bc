package local

import (
	"errors"
	"sync"

	"go.uber.org/zap"
)

// errDamaged is wrapped by the error for metadata that cannot be read. The other files of its owner are none the worse.
var errDamaged = errors.New("metadata is damaged")

// maxDamaged bounds how many names are remembered; more are counted no further.
const maxDamaged = 1000

// damaged are the metadata files that could not be read since the configuration was loaded. It is safe for concurrent use.
type damaged struct {
	mu    sync.Mutex
	names map[string]bool
}

// note remembers a damaged file, and logs it the first time.
func (d *damaged) note(log *zap.Logger, name string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.names[name] || len(d.names) == maxDamaged {
		return
	}
	if d.names == nil {
		d.names = map[string]bool{}
	}
	d.names[name] = true
	log.Error("files: damaged metadata is skipped; restore the file from a backup, or remove it together with its content",
		zap.String("path", name), zap.Error(err))
}

// count returns how many there are.
func (d *damaged) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.names)
}
