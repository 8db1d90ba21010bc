package bedrock

import (
	"sync"
	"sync/atomic"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

// maxFacts bounds the models that are remembered, and maxID the names of those: they are the clients' words.
const (
	maxFacts = 1024
	maxID    = 256
)

// modelFacts remembers what is known of models: a call asks several times, and each is a search through tables by parts of the
// name, which was 5 % of what the gateway itself does for a call. Reading takes no lock.
type modelFacts struct {
	known sync.Map // id → *model.Facts
	count atomic.Int32
}

// of returns model.Lookup(id).
func (m *modelFacts) of(id string) model.Facts {
	if f, ok := m.known.Load(id); ok {
		return *f.(*model.Facts) //nolint:forcetypeassert // nothing else is in there
	}
	f := model.Lookup(id)
	if len(id) <= maxID && m.count.Load() < maxFacts {
		if _, known := m.known.LoadOrStore(id, &f); !known {
			m.count.Add(1)
		}
	}
	return f
}
