package limit

import (
	"container/list"
	"hash/maphash"
	"sync"
	"time"
)

// The store is in shards, so that calls of different keys seldom wait for each other. maxKeys bounds the keys of one
// limit; of more, the longest idle are forgotten.
const (
	shards  = 16
	maxKeys = 100_000
)

var seed = maphash.MakeSeed()

// store keeps what was used of a limit, by key. Its zero value is empty.
type store struct {
	shards [shards]shard
}

// Destruct is called when no configuration has the limit any more.
func (s *store) Destruct() error { return nil }

type shard struct {
	mu      sync.Mutex
	entries map[string]*list.Element // of *entry
	recent  list.List                // the latest used first
}

// entry is what was used of one limit by one key.
type entry struct {
	key string

	mu       sync.Mutex
	requests used
	tokens   used
	cost     used
	running  int64
}

// entry returns the entry of a key.
func (s *store) entry(key string) *entry {
	sh := &s.shards[maphash.String(seed, key)%shards]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if el, ok := sh.entries[key]; ok {
		sh.recent.MoveToFront(el)
		return el.Value.(*entry)
	}
	if sh.entries == nil {
		sh.entries = map[string]*list.Element{}
	}
	if len(sh.entries) >= maxKeys/shards {
		oldest := sh.recent.Back()
		delete(sh.entries, oldest.Value.(*entry).key)
		sh.recent.Remove(oldest)
	}
	e := &entry{key: key}
	sh.entries[key] = sh.recent.PushFront(e)
	return e
}

// concurrentWait is when a call that found too many running may try again: nobody knows when one of them ends.
const concurrentWait = time.Second

// begin takes what the call is about to use of the rule, or returns why it may not.
func (e *entry) begin(r *Rule, a *Ask, now instant) (hold, *Refusal) {
	h := hold{rule: r, entry: e}
	e.mu.Lock()
	defer e.mu.Unlock()
	h.reserved = r.reserve(a)
	if r.Concurrent > 0 && e.running >= r.Concurrent {
		return h, e.refuse(r, OfConcurrent, concurrentWait, now)
	}
	if q := r.Requests; q != nil {
		if wait, ok := e.requests.take(q, 1, now); !ok {
			return h, e.refuse(r, OfRequests, wait, now)
		}
		if q.Period != Sliding { // a request is used at once
			e.requests.settle(q, 1, 1, e.requests.period, now)
		}
	}
	for _, one := range [...]struct {
		what What
		q    *Quota
		u    *used
		n    int64
	}{{OfTokens, r.Tokens, &e.tokens, h.reserved.Tokens}, {OfCost, r.Cost, &e.cost, h.reserved.Cost}} {
		if one.q == nil {
			continue
		}
		wait, ok := one.u.take(one.q, one.n, now)
		if ok {
			continue
		}
		if r.Requests != nil {
			e.requests.undo(r.Requests, now)
		}
		if one.what == OfCost && r.Tokens != nil {
			e.tokens.settle(r.Tokens, h.reserved.Tokens, 0, e.tokens.period, now)
		}
		return h, e.refuse(r, one.what, wait, now)
	}
	h.periods = Amounts{Tokens: int64(e.tokens.period), Cost: int64(e.cost.period)}
	e.running++
	return h, nil
}

func (e *entry) refuse(r *Rule, what What, wait time.Duration, now instant) *Refusal {
	requests, tokens := e.reports(r, now)
	return r.refusal(what, wait, requests, tokens)
}

// settle ends what the call has taken, by what it used.
func (h *hold) settle(used Amounts, now instant) {
	h.entry.mu.Lock()
	defer h.entry.mu.Unlock()
	h.entry.running--
	if q := h.rule.Tokens; q != nil {
		h.entry.tokens.settle(q, h.reserved.Tokens, used.Tokens, int(h.periods.Tokens), now)
	}
	if q := h.rule.Cost; q != nil {
		h.entry.cost.settle(q, h.reserved.Cost, used.Cost, int(h.periods.Cost), now)
	}
}

// report returns the state of the rule's quotas.
func (e *entry) report(r *Rule, now instant) (requests, tokens Report) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.reports(r, now)
}

func (e *entry) reports(r *Rule, now instant) (requests, tokens Report) {
	if r.Requests != nil {
		requests = e.requests.report(r.Requests, now)
	}
	if r.Tokens != nil {
		tokens = e.tokens.report(r.Tokens, now)
	}
	return requests, tokens
}
