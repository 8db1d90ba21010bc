package limit

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// fakeStore answers as it is told, after a while.
type fakeStore struct {
	mu      sync.Mutex
	err     error
	after   time.Duration
	refuse  string // the limit that has no room
	asked   int
	settled []Settlement
	renewed []Take
	closed  bool
}

func (f *fakeStore) answer(ctx context.Context) error {
	f.mu.Lock()
	err, after := f.err, f.after
	f.mu.Unlock()
	select {
	case <-time.After(after):
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *fakeStore) Begin(ctx context.Context, takes []Take) ([]Outcome, error) {
	f.mu.Lock()
	f.asked++
	f.mu.Unlock()
	if err := f.answer(ctx); err != nil {
		return nil, err
	}
	outcomes := make([]Outcome, len(takes))
	for i := range takes {
		outcomes[i] = Outcome{Requests: Report{Limit: 10, Remaining: int64(5 + i)}, Periods: Amounts{Tokens: 7}}
		if takes[i].Rule.Name == f.refuse {
			outcomes[i].Refused, outcomes[i].Wait = OfRequests, time.Second
		}
	}
	return outcomes, nil
}

func (f *fakeStore) Settle(ctx context.Context, s []Settlement) error {
	if err := f.answer(ctx); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settled = append(f.settled, s...)
	return nil
}

func (f *fakeStore) Renew(ctx context.Context, takes []Take) error {
	if err := f.answer(ctx); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.renewed = append(f.renewed, takes...)
	return nil
}

func (f *fakeStore) Reach(ctx context.Context, _ string) error { return f.answer(ctx) }

func (f *fakeStore) Close() { f.closed = true }

func (f *fakeStore) set(err error, after time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err, f.after = err, after
}

// over runs a test with Limits over a fake store, in a bubble of its own time.
func over(t *testing.T, deny bool, f *fakeStore, rules []*Rule, test func(t *testing.T, l *Limits, logs *observer.ObservedLogs)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		real := epoch
		epoch = time.Now() // the bubble's
		defer func() { epoch = real }()
		core, logs := observer.New(zapcore.InfoLevel)
		l := New(rules)
		l.shared, l.deny = NewShared(f, zap.New(core)), deny
		test(t, l, logs)
		if err := l.shared.Destruct(); err != nil || !f.closed {
			t.Errorf("closed %v, %v", f.closed, err)
		}
		synctest.Wait()
	})
}

func ask() *Ask { return &Ask{Input: 10, Most: 20, Key: func(string) string { return "somebody" }} }

func tokenRule(name string) *Rule {
	return &Rule{Name: name, Requests: &Quota{Amount: 2, Window: time.Hour}, Tokens: &Quota{Amount: 1000, Period: Day}}
}

func TestTheStoreCounts(t *testing.T) {
	f := &fakeStore{}
	over(t, false, f, []*Rule{tokenRule("one"), {Name: "two", Requests: &Quota{Amount: 1, Window: time.Hour}}}, func(t *testing.T, l *Limits, _ *observer.ObservedLogs) {
		lease, refused := l.Begin(ask())
		if refused != nil {
			t.Fatal(refused)
		}
		if requests, tokens := lease.Reports(); requests.Remaining != 5 || tokens.Limit != 0 {
			t.Errorf("got %+v, %+v", requests, tokens)
		}
		time.Sleep(LeaseTime)
		lease.Settle(Amounts{Tokens: 12})
		synctest.Wait()
		// What has no tokens and no calls at once needs no settlement.
		if len(f.settled) != 1 || f.settled[0].Used.Tokens != 12 || f.settled[0].Reserved.Tokens != 30 || f.settled[0].Periods.Tokens != 7 || f.settled[0].Lease == "" || f.settled[0].Undo || f.settled[0].Again {
			t.Errorf("settled %+v", f.settled)
		}
		if len(f.renewed) < 2 || f.renewed[0].Lease != f.settled[0].Lease || f.renewed[0].Count != f.settled[0].Count {
			t.Errorf("renewed %+v", f.renewed)
		}
		n := len(f.renewed)
		time.Sleep(LeaseTime)
		if len(f.renewed) != n {
			t.Error("what is settled was renewed")
		}
	})
}

// A call that one limit refuses takes nothing from the others.
func TestTheStoreIsGivenBackWhatARefusedCallTook(t *testing.T) {
	f := &fakeStore{refuse: "two"}
	over(t, false, f, []*Rule{tokenRule("one"), tokenRule("two"), tokenRule("three")}, func(t *testing.T, l *Limits, _ *observer.ObservedLogs) {
		if _, refused := l.Begin(ask()); refused == nil || refused.Limit != "two" || refused.What != OfRequests || refused.Amount != 2 || refused.Window != "1h0m0s" || refused.Wait != time.Second {
			t.Fatalf("got %+v", refused)
		}
		synctest.Wait()
		if len(f.settled) != 2 || f.settled[0].Rule.Name != "one" || f.settled[1].Rule.Name != "three" || !f.settled[0].Undo || f.settled[0].Used.Tokens != 0 {
			t.Errorf("settled %+v", f.settled)
		}
	})
}

// A request waits 50 ms for the store at most; then its limits are counted here. A store that let three wait, over a quarter of
// a second, is left alone until it answers in time, which is logged once, and is told then what it was not told.
func TestTheStoreIsAway(t *testing.T) {
	for name, failure := range map[string]struct {
		err   error
		after time.Duration
		waits time.Duration
		tries int // until it is left alone
	}{
		"refuses":         {errors.New("connection refused"), 0, 0, 4},
		"does not answer": {nil, time.Hour, maxWait, 3},
		"is slow":         {nil, maxWait + time.Millisecond, maxWait, 3},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fakeStore{}
			over(t, false, f, []*Rule{tokenRule("one")}, func(t *testing.T, l *Limits, logs *observer.ObservedLogs) {
				before, _ := l.Begin(ask())
				f.set(failure.err, failure.after)
				let := 0
				for i := range 10 {
					start := time.Now()
					lease, refused := l.Begin(ask())
					waited := time.Since(start)
					if want := failure.waits; i < failure.tries && waited != want || i >= failure.tries && waited != 0 {
						t.Errorf("request %d waited %v", i+1, waited)
					}
					if refused == nil {
						let++
						lease.Settle(Amounts{Tokens: 10})
					} else if refused.Limit != "one" || refused.Unknown {
						t.Errorf("got %+v", refused)
					}
					time.Sleep(100 * time.Millisecond)
					synctest.Wait()
				}
				if let != 2 {
					t.Errorf("%d requests fitted into a limit of 2 in this process", let)
				}
				if asked := f.asked; asked != 1+failure.tries {
					t.Errorf("the store was asked %d times", asked)
				}
				before.Settle(Amounts{Tokens: 500})
				time.Sleep(time.Minute)
				if errors, all := logs.FilterLevelExact(zapcore.ErrorLevel).Len(), logs.Len(); errors != 1 || all != 1 {
					t.Errorf("%d lines logged, %d of them errors", all, errors)
				}
				if s := &l.shared.Stats; s.Local.Load() != 10 || s.Failures.Load() < awayAfter {
					t.Errorf("counted %d in this process, %d failures", s.Local.Load(), s.Failures.Load())
				}
				f.set(nil, 0)
				time.Sleep(2 * reachEvery)
				synctest.Wait()
				if n := logs.FilterMessage("the store of limits answers again").Len(); n != 1 {
					t.Errorf("its return was logged %d times", n)
				}
				if _, refused := l.Begin(ask()); refused != nil {
					t.Errorf("the store is back: got %+v", refused)
				}
				synctest.Wait()
				i := slices.IndexFunc(f.settled, func(s Settlement) bool { return s.Used.Tokens == 500 })
				if i < 0 || !f.settled[i].Again {
					t.Errorf("it was told %+v", f.settled)
				}
				// What the requests that waited in vain may have taken is given back.
				undone := 0
				for _, s := range f.settled {
					if s.Undo && s.Used.Tokens == 0 && s.Lease != "" {
						undone++
					}
				}
				if undone != failure.tries {
					t.Errorf("%d takes were given back, want %d", undone, failure.tries)
				}
			})
		})
	}
}

func TestTheStoreIsAwayAndRequestsAreDenied(t *testing.T) {
	f := &fakeStore{err: errors.New("connection refused")}
	other := &Rule{Name: "other", Models: []func(string) bool{func(string) bool { return false }}, Concurrent: 1}
	over(t, true, f, []*Rule{other, tokenRule("one")}, func(t *testing.T, l *Limits, _ *observer.ObservedLogs) {
		for range 5 {
			if _, refused := l.Begin(ask()); refused == nil || !refused.Unknown || refused.Limit != "one" || refused.Wait == 0 {
				t.Errorf("got %+v", refused)
			}
			synctest.Wait()
		}
		if n := l.shared.Stats.Denied.Load(); n != 5 {
			t.Errorf("%d denied", n)
		}
	})
}

// A settlement that fails once is made again.
func TestASettlementThatFailed(t *testing.T) {
	f := &fakeStore{}
	over(t, false, f, []*Rule{tokenRule("one")}, func(t *testing.T, l *Limits, _ *observer.ObservedLogs) {
		lease, _ := l.Begin(ask())
		f.set(errors.New("connection reset"), 0)
		lease.Settle(Amounts{Tokens: 9})
		synctest.Wait()
		f.set(nil, 0)
		time.Sleep(renewEvery)
		synctest.Wait()
		if len(f.settled) != 1 || f.settled[0].Used.Tokens != 9 || !f.settled[0].Again {
			t.Errorf("settled %+v", f.settled)
		}
	})
}

// One late answer is no outage.
func TestOneLateAnswer(t *testing.T) {
	f := &fakeStore{}
	over(t, false, f, []*Rule{tokenRule("one")}, func(t *testing.T, l *Limits, logs *observer.ObservedLogs) {
		for range 5 {
			for _, after := range []time.Duration{2 * maxWait, 2 * maxWait, 0} {
				f.set(nil, after)
				lease, _ := l.Begin(ask())
				lease.Settle(Amounts{Tokens: 1})
				time.Sleep(time.Second)
			}
		}
		if logs.Len() != 0 || l.shared.away.Load() {
			t.Errorf("logged %v", logs.All())
		}
	})
}
