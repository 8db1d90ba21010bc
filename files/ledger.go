package files

import (
	"sync"
)

// Ledger is for stores: the bounds of each kind of objects, and how much is held. It is as exact as a listing with the
// puts and deletes of this process since. Its zero value is empty. It is safe for concurrent use.
type Ledger struct {
	mu    sync.Mutex
	kinds map[string]*account
}

// account is what is held of one kind.
type account struct {
	bounds  ObjectBounds
	bytes   int64
	objects int64
	owners  map[string]*Holding // by OwnerKey
}

// Holding is what one owner's objects hold.
type Holding struct {
	Owner string
	Known bool // Owner is the owner's name; else it was not met yet
	Bytes int64
}

// maxOwners bounds the owners that are told apart; those of further ones are in the sums alone.
const maxOwners = 100_000

// account returns the kind's account. The lock is held.
func (l *Ledger) account(kind string) *account {
	a := l.kinds[kind]
	if a == nil {
		if l.kinds == nil {
			l.kinds = map[string]*account{}
		}
		a = &account{bounds: ObjectBounds{TTL: KeptTTL}, owners: map[string]*Holding{}}
		l.kinds[kind] = a
	}
	return a
}

func (a *account) owner(key string) *Holding {
	o := a.owners[key]
	if o == nil {
		o = new(Holding)
		if len(a.owners) < maxOwners {
			a.owners[key] = o
		}
	}
	return o
}

// Bound sets a kind's bounds.
func (l *Ledger) Bound(kind string, b ObjectBounds) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.account(kind).bounds = b
}

// Bounds returns a kind's bounds.
func (l *Ledger) Bounds(kind string) ObjectBounds {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.account(kind).bounds
}

// Add counts an object that was put, or with a negative size one that was deleted. It reports whether more is held now
// than the kind's bound.
func (l *Ledger) Add(kind, owner string, size int64) (over bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(kind)
	o := a.owner(OwnerKey(owner))
	o.Owner, o.Known = owner, true
	o.Bytes = max(o.Bytes+size, 0)
	a.bytes = max(a.bytes+size, 0)
	if size < 0 {
		a.objects = max(a.objects-1, 0)
	} else {
		a.objects++
	}
	return a.bounds.MaxSize > 0 && a.bytes > a.bounds.MaxSize
}

// Known returns an owner's name, if it was met.
func (l *Ledger) Known(kind, key string) (owner string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if o := l.account(kind).owners[key]; o != nil {
		return o.Owner, o.Known
	}
	return "", false
}

// Counted replaces what is known of the tally's kind by what the listing found.
func (l *Ledger) Counted(t *Tally) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(t.kind)
	a.owners, a.bytes, a.objects = make(map[string]*Holding, len(t.held)), t.bytes, t.objects
	for key, h := range t.held {
		if h.Bytes > 0 {
			*a.owner(key) = h
		}
	}
}

// Usage is what ObjectUsage answers.
func (l *Ledger) Usage(kind string) ObjectUsage {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(kind)
	return ObjectUsage{Bytes: a.bytes, Objects: a.objects}
}

// Owners is what OwnersUsage answers.
func (l *Ledger) Owners(kind string) map[string]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(kind)
	all := make(map[string]int64, len(a.owners))
	for _, o := range a.owners {
		if o.Known {
			all[o.Owner] = o.Bytes
		}
	}
	return all
}

// Owner is what OwnerUsage answers.
func (l *Ledger) Owner(kind, owner string) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if o := l.account(kind).owners[OwnerKey(owner)]; o != nil {
		return o.Bytes
	}
	return 0
}
