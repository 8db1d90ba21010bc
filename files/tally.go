package files

import (
	"container/heap"
	"errors"
	"time"
)

// Listed is an object in a listing.
type Listed struct {
	Name  string // a path, or a key
	Owner string // the owner's key
	Size  int64
	At    time.Time // when it was put
}

// Tally is for stores: what a sweep that lists all objects of one kind finds. It belongs to one goroutine.
type Tally struct {
	ledger  *Ledger
	kind    string
	bounds  ObjectBounds
	now     time.Time
	held    map[string]Holding // by OwnerKey
	bytes   int64
	objects int64
	oldest  oldest
}

// Tally begins a listing.
func (l *Ledger) Tally(kind string) *Tally {
	return &Tally{ledger: l, kind: kind, bounds: l.Bounds(kind), now: time.Now(), held: map[string]Holding{}}
}

// Dead reports whether an object has expired, or is none. It is read by head if it may have expired, or if it can tell an
// owner's name that is not known yet.
func (t *Tally) Dead(l Listed, head func() (Object, error)) bool {
	h, ok := t.held[l.Owner]
	if !ok {
		h.Owner, h.Known = t.ledger.Known(t.kind, l.Owner)
		t.held[l.Owner] = h
	}
	age := t.now.Sub(l.At)
	if age < t.bounds.TTL && h.Known {
		return false
	}
	o, err := head()
	if err != nil {
		// A store that cannot read it now has no damaged object.
		return errors.Is(err, ErrDamaged) && age > AbandonedAfter
	}
	h.Owner, h.Known = o.Owner, true
	t.held[l.Owner] = h
	return o.Expired(t.now)
}

// Add counts an object that stays.
func (t *Tally) Add(l Listed) {
	h := t.held[l.Owner]
	h.Bytes += l.Size
	t.held[l.Owner] = h
	t.bytes += l.Size
	t.objects++
	if t.bounds.MaxSize > 0 {
		t.oldest.add(l)
	}
}

// MakeRoom removes the oldest objects where more is held than may be, until a twentieth of what may be is free again: else
// each object that is put would begin a sweep. More says that further ones have to go than were remembered.
func (t *Tally) MakeRoom(remove func(name string) error) (removed int, more bool, err error) {
	limit := t.bounds.MaxSize
	if limit == 0 || t.bytes <= limit {
		return 0, false, nil
	}
	for _, l := range t.oldest.take() {
		if t.bytes <= limit-limit/20 {
			return removed, false, nil
		}
		if err := remove(l.Name); err != nil {
			return removed, false, err
		}
		removed++
		h := t.held[l.Owner]
		h.Bytes -= l.Size
		t.held[l.Owner] = h
		t.bytes -= l.Size
		t.objects--
	}
	return removed, t.bytes > limit, nil
}

// maxOldest bounds what oldest remembers: a sweep that has more to remove begins again.
const maxOldest = 10_000

// oldest are the oldest objects of a listing of any length, the youngest of them first.
type oldest []Listed

func (o *oldest) add(l Listed) {
	if len(*o) == maxOldest {
		if !l.At.Before((*o)[0].At) {
			return
		}
		heap.Pop(o)
	}
	heap.Push(o, l)
}

// take returns them, the oldest first, and forgets them.
func (o *oldest) take() []Listed {
	all := make([]Listed, len(*o))
	for i := len(all) - 1; i >= 0; i-- {
		all[i] = heap.Pop(o).(Listed) //nolint:errcheck // the heap holds nothing else
	}
	return all
}

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (o oldest) Len() int           { return len(o) }
func (o oldest) Less(i, j int) bool { return o[i].At.After(o[j].At) }
func (o oldest) Swap(i, j int)      { o[i], o[j] = o[j], o[i] }
func (o *oldest) Push(x any)        { *o = append(*o, x.(Listed)) } //nolint:errcheck // only add pushes
func (o *oldest) Pop() any {
	old := *o
	last := old[len(old)-1]
	*o = old[:len(old)-1]
	return last
}
