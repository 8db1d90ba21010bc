package limit

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

const (
	// maxWait is how long a request waits for the store. Then its limits are counted in this process, or it is refused.
	maxWait = 50 * time.Millisecond
	// storeTime is how long an answer is waited for that no request waits for any more.
	storeTime = 5 * time.Second
	// A store that failed so many times in a row, over so long, is left alone until it answers again. A moment in which this
	// process had no CPU time is no outage.
	awayAfter = 3
	awayTime  = 250 * time.Millisecond
	// reachEvery is how often a store that is away is asked whether it is back.
	reachEvery = 250 * time.Millisecond
	// renewEvery is how often leases are renewed: twice may fail.
	renewEvery = LeaseTime / 3
	// closeTime is how long a store that is not used any more waits for what is under way.
	closeTime = 2 * time.Second
	// maxOwed bounds the settlements that wait for a store to be back.
	maxOwed = 10_000
	// settlers bounds the settlements that are under way.
	settlers = 256
)

// StoreStats count what became of requests to a store. They only grow.
type StoreStats struct {
	Failures atomic.Int64 // requests to the store that failed or took too long
	Local    atomic.Int64 // calls that were counted in this process in its place
	Denied   atomic.Int64 // calls that were refused in its place
	Lost     atomic.Int64 // settlements that did not reach it
}

// Stores count for all stores of this process, so that a reload that takes out a store loses no count.
var Stores StoreStats

// Shared is a store, and what is known of it: whether it answers, what calls hold, what it has not been told yet. It
// outlives a reload that leaves the store as it is.
type Shared struct {
	Stats StoreStats

	store  Store
	log    *zap.Logger
	id     string // of this process, within leases
	leases atomic.Int64

	away   atomic.Bool
	failed atomic.Int32 // in a row

	failing atomic.Int64 // when the first of them was, in nanoseconds since epoch; 0 where there is none

	mu    sync.Mutex
	held  map[*sharedLease]struct{}
	owed  []Settlement
	since time.Time // the store is away

	ctx     context.Context // ends with the last configuration that has the store
	cancel  context.CancelFunc
	pending atomic.Int64 // settlements under way
	slots   chan struct{}
}

var errLate = fmt.Errorf("no answer within %v", maxWait)

// NewShared returns what Limits share over a store.
func NewShared(store Store, log *zap.Logger) *Shared {
	var id [6]byte
	_, _ = rand.Read(id[:])
	s := &Shared{store: store, log: log, id: hex.EncodeToString(id[:]), held: map[*sharedLease]struct{}{}, slots: make(chan struct{}, settlers)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	go s.keepRenewed()
	return s
}

// Destruct is called when no configuration has the store any more. It waits a little for settlements that are under way.
func (s *Shared) Destruct() error {
	s.cancel()
	for end := time.Now().Add(closeTime); s.pending.Load() > 0 && time.Now().Before(end); {
		time.Sleep(maxWait / 10)
	}
	s.store.Close()
	return nil
}

// sharedLease is what a call has taken from the store.
type sharedLease struct {
	takes            []Take
	requests, tokens Report
}

// newLease returns a name that no other lease of any gateway has.
func (s *Shared) newLease() string { return s.id + "-" + strconv.FormatInt(s.leases.Add(1), 36) }

// begin takes from all counts or from none. ok is false where the store does not say.
func (s *Shared) begin(takes []Take) (l *sharedLease, refused *Refusal, ok bool) {
	if s.away.Load() {
		return nil, nil, false
	}
	const waiting, answered, given = 0, 1, 2
	var state atomic.Int32
	answer := make(chan []Outcome, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), storeTime)
		defer cancel()
		outcomes, err := s.store.Begin(ctx, takes)
		if state.CompareAndSwap(waiting, answered) {
			s.note(err, takes[0].Count)
			answer <- outcomes // nil where it failed
			if err == nil {
				return
			}
		}
		s.giveBack(takes, outcomes)
	}()
	late := time.NewTimer(maxWait)
	defer late.Stop()
	var outcomes []Outcome
	select {
	case outcomes = <-answer:
	case <-late.C:
		if state.CompareAndSwap(waiting, given) {
			s.note(errLate, takes[0].Count)
			return nil, nil, false
		}
		outcomes = <-answer
	}
	if outcomes == nil {
		return nil, nil, false
	}
	l = &sharedLease{takes: takes}
	for i := range outcomes {
		o := &outcomes[i]
		takes[i].Periods = o.Periods
		if o.Refused != "" && refused == nil {
			refused = takes[i].Rule.refusal(o.Refused, o.Wait, o.Requests, o.Tokens)
		}
		l.requests, l.tokens = tighter(l.requests, o.Requests), tighter(l.tokens, o.Tokens)
	}
	if refused != nil {
		s.background(func() { s.giveBack(takes, outcomes) })
		return nil, refused, true
	}
	s.mu.Lock()
	s.held[l] = struct{}{}
	s.mu.Unlock()
	return l, nil, true
}

// giveBack undoes the takes of a call that does not begin. outcomes is nil where they are not known: then a lease is given
// back if there is one, once the store answers.
func (s *Shared) giveBack(takes []Take, outcomes []Outcome) {
	var undo []Settlement
	for i := range takes {
		switch {
		case outcomes == nil && takes[i].Lease != "":
			undo = append(undo, Settlement{Take: takes[i], Undo: true, Again: true})
		case outcomes != nil && outcomes[i].Refused == "":
			t := takes[i]
			t.Periods = outcomes[i].Periods
			undo = append(undo, Settlement{Take: t, Undo: true})
		}
	}
	s.tell(undo)
}

// settle ends a lease in the background.
func (s *Shared) settle(l *sharedLease, used Amounts) {
	s.mu.Lock()
	delete(s.held, l)
	s.mu.Unlock()
	settlements := make([]Settlement, 0, len(l.takes))
	for i := range l.takes {
		if l.takes[i].Lease != "" {
			settlements = append(settlements, Settlement{Take: l.takes[i], Used: used})
		}
	}
	if len(settlements) > 0 {
		s.background(func() { s.tell(settlements) })
	}
}

// background runs f, of which so many run at once; what is above that waits, and no request with it.
func (s *Shared) background(f func()) {
	s.pending.Add(1)
	go func() {
		defer s.pending.Add(-1)
		s.slots <- struct{}{}
		defer func() { <-s.slots }()
		f()
	}()
}

// tell settles with the store, or remembers what it owes where the store does not answer.
func (s *Shared) tell(settlements []Settlement) {
	if len(settlements) == 0 {
		return
	}
	if !s.away.Load() {
		ctx, cancel := context.WithTimeout(context.Background(), storeTime)
		defer cancel()
		err := s.store.Settle(ctx, settlements)
		if err == nil {
			return
		}
		if !settlements[0].Again { // what has failed before is not counted twice
			s.note(err, settlements[0].Count)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range settlements {
		if one.Lease == "" || len(s.owed) >= maxOwed {
			s.Stats.Lost.Add(1)
			Stores.Lost.Add(1)
			continue
		}
		one.Again = true
		s.owed = append(s.owed, one)
	}
}

// note remembers whether the store answered. A store that did not several times in a row is away, which is logged once.
func (s *Shared) note(err error, count string) {
	if err == nil {
		if s.failed.Load() != 0 {
			s.failed.Store(0)
			s.failing.Store(0)
		}
		return
	}
	s.Stats.Failures.Add(1)
	Stores.Failures.Add(1)
	s.log.Debug("the store of limits failed", zap.Error(err))
	now := int64(time.Since(epoch)) + 1
	s.failing.CompareAndSwap(0, now)
	if s.failed.Add(1) < awayAfter || now-s.failing.Load() < int64(awayTime) || s.ctx.Err() != nil || !s.away.CompareAndSwap(false, true) {
		return
	}
	s.log.Error("the store of limits does not answer; limits are counted in this process, or requests refused, until it does", zap.Error(err))
	s.mu.Lock()
	s.since = time.Now()
	s.mu.Unlock()
	go s.awaitReturn(count)
}

// awaitReturn asks a store that is away until it answers in time.
func (s *Shared) awaitReturn(count string) {
	for {
		ctx, cancel := context.WithTimeout(s.ctx, maxWait)
		err := s.store.Reach(ctx, count)
		cancel()
		if err == nil {
			break
		}
		select {
		case <-s.ctx.Done():
			return
		case <-time.After(reachEvery):
		}
	}
	s.failed.Store(0)
	s.failing.Store(0)
	s.mu.Lock()
	owed, since := len(s.owed), s.since
	s.mu.Unlock()
	s.away.Store(false)
	s.log.Info("the store of limits answers again", zap.Duration("away", time.Since(since)), zap.Int("owed", owed))
	s.payOwed()
}

// payOwed tells the store what it could not be told.
func (s *Shared) payOwed() {
	s.mu.Lock()
	owed := s.owed
	s.owed = nil
	s.mu.Unlock()
	for len(owed) > 0 {
		n := min(len(owed), settlers)
		s.tell(owed[:n])
		owed = owed[n:]
	}
}

// keepRenewed renews what calls hold, as long as they run, and tells what failed to be told.
func (s *Shared) keepRenewed() {
	ticker := time.NewTicker(renewEvery)
	defer ticker.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-ticker.C:
			if !s.away.Load() {
				s.renew()
				s.payOwed()
			}
		}
	}
}

func (s *Shared) renew() {
	var takes []Take
	s.mu.Lock()
	for l := range s.held {
		for i := range l.takes {
			if l.takes[i].Lease != "" {
				takes = append(takes, l.takes[i])
			}
		}
	}
	s.mu.Unlock()
	for len(takes) > 0 {
		n := min(len(takes), settlers)
		ctx, cancel := context.WithTimeout(s.ctx, storeTime)
		err := s.store.Renew(ctx, takes[:n])
		cancel()
		if s.note(err, takes[0].Count); err != nil {
			return
		}
		takes = takes[n:]
	}
}
