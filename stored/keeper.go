package stored

import (
	"context"
	"sync"
)

// keepers remembers which upstreams keep the ids that were asked about: a request of OpenAI's own clients refers to every item of
// its conversation, so that most are asked about again and again. What an id stands for never changes. It is safe for
// concurrent use.
type keepers struct {
	mu         sync.Mutex
	young, old map[keeperKey]*Kept
}

type keeperKey struct{ owner, id string }

// maxKeepers bounds each of the two generations.
const maxKeepers = 16 << 10

// atOnce is how many ids are asked about at the same time.
const atOnce = 8

func (k *keepers) get(owner, id string) *Kept {
	k.mu.Lock()
	defer k.mu.Unlock()
	key := keeperKey{owner, id}
	if v := k.young[key]; v != nil {
		return v
	}
	v := k.old[key]
	if v != nil {
		k.add(key, v)
	}
	return v
}

func (k *keepers) put(v *Kept) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.add(keeperKey{v.Owner, v.ID}, v)
}

func (k *keepers) add(key keeperKey, v *Kept) {
	if k.young == nil || len(k.young) >= maxKeepers {
		k.young, k.old = map[keeperKey]*Kept{}, k.young
	}
	k.young[key] = v
}

func (k *keepers) remove(owner, id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.young, keeperKey{owner, id})
	delete(k.old, keeperKey{owner, id})
}

// keeper returns what is known of an id that an upstream keeps for the owner; nil if nothing is.
func (s *Store) keeper(ctx context.Context, owner, id string) (*Kept, error) {
	if s == nil {
		return nil, nil
	}
	if k := s.keepers.get(owner, id); k != nil {
		return k, nil
	}
	k, err := s.LoadKept(ctx, owner, id)
	switch {
	case err == nil:
		s.keepers.put(k)
		return k, nil
	case s.absent(err, id):
		return nil, nil
	}
	return nil, readError(err)
}

// learn looks for the upstreams of all references at once that can be no items of the gateway's own.
func (s *Store) learn(ctx context.Context, owner string, references []reference) error {
	if s == nil {
		return nil
	}
	var (
		group sync.WaitGroup
		slots = make(chan struct{}, atOnce)
		once  sync.Once
		first error
	)
	for i := range references {
		id := references[i].id
		if _, ours := OfItem(id); ours || s.keepers.get(owner, id) != nil {
			continue
		}
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			if _, err := s.keeper(ctx, owner, id); err != nil {
				once.Do(func() { first = err })
			}
		})
	}
	group.Wait()
	return first
}
