package limit

import (
	"fmt"
	"math"
	"sync"
	"testing"
	"time"
)

// bench is Limits with a clock of its own.
type bench struct {
	*Limits
	t *testing.T
	n time.Time
}

func newBench(t *testing.T, rules ...*Rule) *bench {
	b := &bench{Limits: New(rules), t: t, n: time.Date(2026, 11, 30, 23, 59, 0, 0, time.UTC)}
	b.clock = func() time.Time { return b.n }
	return b
}

func (b *bench) ask(a Ask) (*Lease, *Refusal) {
	if a.Key == nil {
		a.Key = func(string) string { return "" }
	}
	return b.Begin(&a)
}

// fits asks for a call and settles it, and reports whether it might begin.
func (b *bench) fits(a Ask, used int64) bool {
	lease, refused := b.ask(a)
	lease.Settle(Amounts{Tokens: used})
	return refused == nil
}

func TestRequestsSlide(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", Requests: &Quota{Amount: 10, Window: 10 * time.Second}})
	for i := range 10 {
		if !b.fits(Ask{}, 0) {
			t.Fatalf("request %d was refused", i+1)
		}
	}
	_, refused := b.ask(Ask{})
	if refused == nil || refused.Wait != time.Second || refused.Requests != (Report{Limit: 10, Remaining: 0, Reset: 10 * time.Second}) {
		t.Fatalf("got %+v", refused)
	}
	b.n = b.n.Add(refused.Wait)
	if !b.fits(Ask{}, 0) || b.fits(Ask{}, 0) {
		t.Error("one more request fits after the wait, and no other")
	}
}

// A day and a month are UTC's, whatever was used before.
func TestPeriods(t *testing.T) {
	b := newBench(t, &Rule{Name: "d", Requests: &Quota{Amount: 2, Period: Day}, Tokens: &Quota{Amount: 1000, Period: Month}})
	if !b.fits(Ask{Input: 10}, 990) || !b.fits(Ask{Input: 1, Most: 1}, 10) {
		t.Fatal("two requests were refused")
	}
	_, refused := b.ask(Ask{Input: 1})
	if refused == nil || refused.What != "requests" || refused.Wait != time.Minute {
		t.Fatalf("got %+v", refused)
	}
	b.n = b.n.Add(time.Minute) // December
	if !b.fits(Ask{Input: 1}, 5) {
		t.Error("a new day's request was refused")
	}
}

// Reserved is the input and at most a tenth of the limit for the output; the rest is debt, which is no more than a window.
func TestTokens(t *testing.T) {
	b := newBench(t, &Rule{Name: "t", Tokens: &Quota{Amount: 1000, Window: time.Minute}})
	remaining := func(want int64) {
		t.Helper()
		if _, tokens := b.rules[0].store.entry("").report(b.rules[0], b.now()); tokens.Remaining != want {
			t.Errorf("%d tokens remain, not %d", tokens.Remaining, want)
		}
	}
	lease, _ := b.ask(Ask{Input: 50, Most: 100_000})
	remaining(850) // a tenth of the limit for the output
	lease.Settle(Amounts{Tokens: 60})
	remaining(940)
	lease.Settle(Amounts{Tokens: 1000}) // twice: nothing happens
	remaining(940)
	lease, _ = b.ask(Ask{Input: 40, Most: 10})
	remaining(890)
	lease.Settle(Amounts{Tokens: 40})
	remaining(900)
	lease, _ = b.ask(Ask{Input: 800})
	remaining(0)
	lease.Settle(Amounts{Tokens: 50_000})
	_, refused := b.ask(Ask{Input: 1, Most: 1})
	if refused == nil || refused.Wait < time.Minute || refused.Wait > time.Minute+time.Second {
		t.Fatalf("a debt is refused for a window at most: %+v", refused)
	}
	if _, refused := b.ask(Ask{Input: 1001}); refused == nil || refused.TooLarge != 1001 || refused.Wait != 0 {
		t.Errorf("what can never fit is told so: %+v", refused)
	}
}

// Small requests in between must not keep a large one out for good.
func TestLargeRequestsDoNotStarve(t *testing.T) {
	b := newBench(t, &Rule{Name: "t", Tokens: &Quota{Amount: 1000, Window: time.Minute}})
	large := 0
	for range 600 { // ten minutes of more small requests than fit
		b.n = b.n.Add(time.Second)
		for range 3 {
			b.fits(Ask{Input: 10, Most: 1}, 11)
		}
		if b.fits(Ask{Input: 900, Most: 1}, 900) {
			large++
		}
	}
	if large == 0 {
		t.Error("no large request fitted")
	}
}

// Over the whole run no more is used than the limit lets, debt included.
func TestLongRun(t *testing.T) {
	const amount, windows = 10_000, 100
	b := newBench(t, &Rule{Name: "t", Tokens: &Quota{Amount: amount, Window: time.Minute}})
	used := int64(0)
	for range windows * 60 {
		b.n = b.n.Add(time.Second)
		for range 4 {
			if lease, refused := b.ask(Ask{Input: 20, Most: 500}); refused == nil {
				lease.Settle(Amounts{Tokens: 320})
				used += 320
			}
		}
	}
	if over := float64(used)/(amount*(windows+1)) - 1; math.Abs(over) > 0.02 {
		t.Errorf("%d tokens were used: %+.1f %%", used, over*100)
	}
}

func TestConcurrent(t *testing.T) {
	b := newBench(t, &Rule{Name: "c", Concurrent: 2, Requests: &Quota{Amount: 3, Window: time.Hour}})
	one, _ := b.ask(Ask{})
	two, _ := b.ask(Ask{})
	if _, refused := b.ask(Ask{}); refused == nil || refused.What != "concurrent requests" || refused.Wait == 0 {
		t.Errorf("got %+v", refused)
	}
	one.Settle(Amounts{Tokens: 0})
	three, refused := b.ask(Ask{})
	if refused != nil {
		t.Errorf("got %+v", refused) // the refused one must not have used up a request
	}
	two.Settle(Amounts{Tokens: 0})
	three.Settle(Amounts{Tokens: 0})
}

// A call that one limit refuses takes nothing from the others.
func TestAllOrNothing(t *testing.T) {
	free := &Rule{Name: "free", Requests: &Quota{Amount: 5, Window: time.Hour}, Tokens: &Quota{Amount: 100_000, Period: Day}, Concurrent: 5}
	b := newBench(t, free, &Rule{Name: "tight", Requests: &Quota{Amount: 1, Window: time.Hour}})
	if !b.fits(Ask{Input: 10}, 10) {
		t.Fatal("refused")
	}
	for range 20 {
		if _, refused := b.ask(Ask{Input: 10}); refused == nil || refused.Limit != "tight" {
			t.Fatalf("got %+v", refused)
		}
	}
	e := b.rules[0].store.entry("")
	requests, tokens := e.report(free, b.now())
	if e.running != 0 || requests.Remaining != 4 || tokens.Remaining != 99_990 {
		t.Errorf("%d run, %d requests and %d tokens remain", e.running, requests.Remaining, tokens.Remaining)
	}
}

func TestKeysAndModels(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", Key: "{user}", Models: []func(string) bool{func(m string) bool { return m == "big" }}, Requests: &Quota{Amount: 1, Window: time.Hour}})
	as := func(user, model string) bool {
		return b.fits(Ask{Model: model, Key: func(string) string { return user }}, 0)
	}
	if !as("a", "big") || as("a", "big") || !as("b", "big") || !as("a", "small") {
		t.Error("each user has one request to the big model")
	}
}

// The longest idle keys are forgotten.
func TestKeysAreBounded(t *testing.T) {
	var s store
	for i := range 3 * maxKeys {
		s.entry(fmt.Sprint(i))
	}
	n := 0
	for i := range s.shards {
		n += len(s.shards[i].entries)
		if s.shards[i].recent.Len() != len(s.shards[i].entries) {
			t.Error("the list and the map differ")
		}
	}
	if n > maxKeys {
		t.Errorf("%d keys", n)
	}
}

func TestConcurrentUse(t *testing.T) {
	l := New([]*Rule{{Name: "r", Requests: &Quota{Amount: 500, Window: time.Hour}, Tokens: &Quota{Amount: 1 << 40, Period: Month}, Concurrent: 1000}})
	var wg sync.WaitGroup
	var mu sync.Mutex
	began := 0
	for range 16 {
		wg.Go(func() {
			for range 100 {
				lease, refused := l.Begin(&Ask{Input: 1, Key: func(string) string { return "" }})
				if refused == nil {
					mu.Lock()
					began++
					mu.Unlock()
				}
				lease.Settle(Amounts{Tokens: 2})
			}
		})
	}
	wg.Wait()
	if began != 500 {
		t.Errorf("%d requests began, not 500", began)
	}
}

// A limit costs a request a microsecond at most.
func BenchmarkLimit(b *testing.B) {
	l := New([]*Rule{{Name: "r", Key: "k", Requests: &Quota{Amount: 1 << 40, Window: time.Hour}, Tokens: &Quota{Amount: 1 << 40, Window: time.Hour}, Concurrent: 1000}})
	a := &Ask{Input: 100, Key: func(string) string { return "somebody" }}
	b.ReportAllocs()
	for b.Loop() {
		lease, _ := l.Begin(a)
		lease.Reports()
		lease.Settle(Amounts{Tokens: 200})
	}
}

// Cost is counted beside tokens: what one refuses the other has not taken.
func TestCost(t *testing.T) {
	r := &Rule{Name: "c", Requests: &Quota{Amount: 100, Period: Day}, Tokens: &Quota{Amount: 1000, Window: time.Hour}, Cost: &Quota{Amount: 5e9, Period: Month}}
	b := newBench(t, r)
	lease, _ := b.ask(Ask{Input: 50, Most: 50, InputCost: 1e9, MostCost: 3e9}) // of what it may cost a tenth of the limit is reserved
	lease.Settle(Amounts{Tokens: 50, Cost: 4_999_999_999})
	_, refused := b.ask(Ask{Input: 50, Most: 50, InputCost: 2})
	if refused == nil || refused.What != OfCost || refused.Amount != 5e9 || refused.Wait != time.Minute || refused.Tokens.Remaining != 950 || refused.Requests.Remaining != 99 {
		t.Errorf("got %+v", refused)
	}
	lease, refused = b.ask(Ask{Input: 50, Most: 50, InputCost: 1})
	if refused != nil {
		t.Errorf("a billionth is left: got %+v", refused)
	}
	lease.Settle(Amounts{})
	if _, refused := b.ask(Ask{InputCost: 5e9 + 1}); refused == nil || refused.TooLarge != 5e9+1 || refused.Message() != "the request is too large for the limit 'c': it costs about $5.000000001 for its input alone, and the limit is $5 per month" {
		t.Errorf("got %+v", refused)
	}
	if _, refused := b.ask(Ask{Unpriced: "m"}); refused == nil || refused.Unpriced != "m" {
		t.Errorf("got %+v", refused)
	}
	r.Unpriced = true
	if _, refused := b.ask(Ask{Unpriced: "m"}); refused != nil {
		t.Errorf("got %+v", refused)
	}
}
