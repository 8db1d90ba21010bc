package redis

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/open-bedrock/caddy-bedrock-gateway/limit"
)

// open returns a store on a real server, or on a cluster; test/redis/run starts one and says where.
func open(t *testing.T) limit.Store {
	t.Helper()
	address := os.Getenv("LIMITS_REDIS_URL")
	if address == "" {
		t.Skip("no Redis: run test/redis/run, or set LIMITS_REDIS_URL, and LIMITS_REDIS_CLUSTER=1 for a cluster")
	}
	s := &Store{URL: address, Cluster: os.Getenv("LIMITS_REDIS_CLUSTER") != ""}
	if err := s.Provision(caddy.Context{}); err != nil {
		t.Fatal(err)
	}
	opened := s.Open()
	t.Cleanup(opened.Close)
	return opened
}

// bench takes from counts of its own.
type bench struct {
	limit.Store
	t     *testing.T
	count string
}

func newBench(t *testing.T) *bench { return &bench{Store: open(t), t: t, count: rand.Text()} }

func (b *bench) take(r *limit.Rule, lease string, tokens int64) (limit.Outcome, limit.Take) {
	b.t.Helper()
	t := limit.Take{Rule: r, Count: b.count + r.Name, Lease: lease, Reserved: limit.Amounts{Tokens: tokens}}
	o, err := b.Begin(b.t.Context(), []limit.Take{t})
	if err != nil {
		b.t.Fatal(err)
	}
	t.Periods = o[0].Periods
	return o[0], t
}

func (b *bench) settle(s limit.Settlement) {
	b.t.Helper()
	if err := b.Settle(b.t.Context(), []limit.Settlement{s}); err != nil {
		b.t.Fatal(err)
	}
}

// near reports whether a time is what it should be, give or take what the test takes.
func near(got, want time.Duration) bool { return (got - want).Abs() < 2*time.Second }

func TestRequestsSlide(t *testing.T) {
	b := newBench(t)
	r := &limit.Rule{Name: "r", Requests: &limit.Quota{Amount: 10, Window: 100 * time.Second}}
	for i := range 10 {
		if o, _ := b.take(r, "", 0); o.Refused != "" || o.Requests.Limit != 10 || o.Requests.Remaining != int64(9-i) {
			t.Fatalf("request %d: got %+v", i+1, o)
		}
	}
	o, _ := b.take(r, "", 0)
	if o.Refused != limit.OfRequests || !near(o.Wait, 10*time.Second) || o.Requests.Remaining != 0 || !near(o.Requests.Reset, 100*time.Second) {
		t.Errorf("got %+v", o)
	}
	b.settle(limit.Settlement{Take: limit.Take{Rule: r, Count: b.count + "r"}, Undo: true})
	if o, _ := b.take(r, "", 0); o.Refused != "" {
		t.Errorf("one that was given back: got %+v", o)
	}
}

// Reserved tokens are replaced by those used; the rest is debt, which is no more than a window.
func TestTokensSlide(t *testing.T) {
	b := newBench(t)
	r := &limit.Rule{Name: "t", Tokens: &limit.Quota{Amount: 1000, Window: time.Hour}}
	o, take := b.take(r, "a", 150)
	if o.Refused != "" || o.Tokens.Remaining < 849 || o.Tokens.Remaining > 851 {
		t.Errorf("got %+v", o)
	}
	b.settle(limit.Settlement{Take: take, Used: limit.Amounts{Tokens: 60}})
	if o, take = b.take(r, "b", 800); o.Refused != "" || o.Tokens.Remaining < 139 || o.Tokens.Remaining > 141 {
		t.Errorf("got %+v", o)
	}
	b.settle(limit.Settlement{Take: take, Used: limit.Amounts{Tokens: 50_000}})
	b.settle(limit.Settlement{Take: take, Used: limit.Amounts{Tokens: 50_000}, Again: true}) // a second time: nothing happens
	if o, _ = b.take(r, "c", 1); o.Refused != limit.OfTokens || !near(o.Wait, time.Hour+4*time.Second) {
		t.Errorf("a debt is refused for a window at most: got %+v", o)
	}
}

func TestPeriods(t *testing.T) {
	b := newBench(t)
	r := &limit.Rule{Name: "p", Requests: &limit.Quota{Amount: 2, Period: limit.Day}, Tokens: &limit.Quota{Amount: 1000, Period: limit.Month}}
	_, next := limit.Month.Number(time.Now().UTC())
	o, take := b.take(r, "a", 100)
	if o.Refused != "" || o.Requests.Remaining != 1 || o.Tokens.Remaining != 900 || !near(o.Tokens.Reset, time.Until(next)) {
		t.Errorf("got %+v", o)
	}
	b.settle(limit.Settlement{Take: take, Used: limit.Amounts{Tokens: 990}})
	if o, take = b.take(r, "b", 5); o.Refused != "" || o.Tokens.Remaining != 5 {
		t.Errorf("got %+v", o)
	}
	b.settle(limit.Settlement{Take: take, Used: limit.Amounts{Tokens: 0}, Undo: true})
	if o, _ = b.take(r, "c", 11); o.Refused != limit.OfTokens || !near(o.Wait, time.Until(next)) {
		t.Errorf("got %+v", o)
	}
	o, _ = b.take(r, "d", 10)
	if o.Refused != "" || o.Tokens.Remaining != 0 {
		t.Errorf("got %+v", o)
	}
	if o, _ = b.take(r, "e", 0); o.Refused != limit.OfRequests {
		t.Errorf("got %+v", o)
	}
}

// Cost is counted beside tokens: what one refuses the other has not taken.
func TestCost(t *testing.T) {
	b := newBench(t)
	r := &limit.Rule{Name: "cost", Tokens: &limit.Quota{Amount: 1000, Period: limit.Day}, Cost: &limit.Quota{Amount: 5_000_000_000, Period: limit.Month}}
	begin := func(lease string, tokens, cost int64) (limit.Outcome, limit.Take) {
		t.Helper()
		take := limit.Take{Rule: r, Count: b.count, Lease: lease, Reserved: limit.Amounts{Tokens: tokens, Cost: cost}}
		o, err := b.Begin(t.Context(), []limit.Take{take})
		if err != nil {
			t.Fatal(err)
		}
		take.Periods = o[0].Periods
		return o[0], take
	}
	_, one := begin("one", 100, 500_000_000)
	b.settle(limit.Settlement{Take: one, Used: limit.Amounts{Tokens: 50, Cost: 4_999_999_999}})
	if o, _ := begin("two", 100, 2); o.Refused != limit.OfCost || o.Tokens.Remaining != 950 {
		t.Errorf("a billionth is left of five dollars: got %+v", o)
	}
	o, three := begin("three", 100, 1)
	if o.Refused != "" || o.Tokens.Remaining != 850 {
		t.Errorf("got %+v", o)
	}
	b.settle(limit.Settlement{Take: three, Undo: true})
	if o, _ := begin("four", 100, 1); o.Refused != "" || o.Tokens.Remaining != 850 {
		t.Errorf("got %+v", o)
	}
}

// What is held ends by itself where nobody renews it.
func TestLeases(t *testing.T) {
	b := newBench(t)
	length := leaseTime
	leaseTime = "300"
	t.Cleanup(func() { leaseTime = length })
	r := &limit.Rule{Name: "c", Concurrent: 2, Tokens: &limit.Quota{Amount: 1000, Period: limit.Day}}
	_, one := b.take(r, "one", 100)
	_, two := b.take(r, "two", 100)
	if o, _ := b.take(r, "three", 100); o.Refused != limit.OfConcurrent || o.Wait == 0 || o.Tokens.Remaining != 800 {
		t.Errorf("got %+v", o)
	}
	for range 10 { // longer than a lease
		time.Sleep(100 * time.Millisecond)
		if err := b.Renew(t.Context(), []limit.Take{one}); err != nil {
			t.Fatal(err)
		}
	}
	o, four := b.take(r, "four", 100)
	if o.Refused != "" || o.Tokens.Remaining != 800 {
		t.Errorf("the lease that was not renewed is held: got %+v", o)
	}
	// One that ended while its call ran is taken again.
	time.Sleep(time.Second)
	if err := b.Renew(t.Context(), []limit.Take{one, four}); err != nil {
		t.Fatal(err)
	}
	if o, _ := b.take(r, "five", 100); o.Refused != limit.OfConcurrent || o.Tokens.Remaining != 800 {
		t.Errorf("got %+v", o)
	}
	for _, take := range []limit.Take{one, two, four} {
		b.settle(limit.Settlement{Take: take, Used: limit.Amounts{Tokens: 50}})
	}
	if o, _ := b.take(r, "six", 100); o.Refused != "" || o.Tokens.Remaining != 750 {
		t.Errorf("got %+v", o)
	}
}

// Scripts are steps: whoever comes at once, no more is taken than there is.
func TestManyAtOnce(t *testing.T) {
	b := newBench(t)
	r := &limit.Rule{Name: "m", Requests: &limit.Quota{Amount: 500, Window: time.Hour}, Tokens: &limit.Quota{Amount: 1 << 40, Period: limit.Month}, Concurrent: 1000}
	var wg sync.WaitGroup
	var mu sync.Mutex
	began := 0
	for w := range 32 {
		wg.Go(func() {
			for i := range 50 {
				take := limit.Take{Rule: r, Count: b.count, Lease: strings.Repeat("x", w) + string(rune('a'+i)), Reserved: limit.Amounts{Tokens: 5}}
				o, err := b.Begin(context.Background(), []limit.Take{take})
				if err != nil {
					t.Error(err)
					return
				}
				if o[0].Refused == "" {
					mu.Lock()
					began++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if began != 500 {
		t.Errorf("%d requests began, not 500", began)
	}
}

// All counts of a call are asked at once, on whatever node of a cluster they are.
func TestCountsOfOneCall(t *testing.T) {
	b := newBench(t)
	var takes []limit.Take
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		takes = append(takes, limit.Take{Rule: &limit.Rule{Name: name, Requests: &limit.Quota{Amount: 1, Window: time.Hour}}, Count: b.count + name})
	}
	for _, want := range []limit.What{"", limit.OfRequests} {
		outcomes, err := b.Begin(t.Context(), takes)
		if err != nil || len(outcomes) != len(takes) {
			t.Fatal(outcomes, err)
		}
		for i, o := range outcomes {
			if o.Refused != want {
				t.Errorf("%s: got %+v", takes[i].Count, o)
			}
		}
	}
	if err := b.Reach(t.Context(), b.count+"a"); err != nil {
		t.Error(err)
	}
}

func TestAddresses(t *testing.T) {
	t.Setenv("LIMITS_TEST_PASSWORD", "p@ss:w/rd {%2F}+?#")
	t.Setenv("LIMITS_TEST_URL", "rediss://someone:p%40ss@cache.example.com:6380/3?addr=other:7000")
	for address, want := range map[string]struct {
		hosts, user, password string
		db                    int
		tls                   bool
	}{
		"redis://10.0.0.5":                          {"10.0.0.5:6379", "", "", 0, false},
		"redis://:{env.LIMITS_TEST_PASSWORD}@h:1/2": {"h:1", "", "p@ss:w/rd {%2F}+?#", 2, false},
		"rediss://u:{env.LIMITS_TEST_PASSWORD}@h":   {"h:6379", "u", "p@ss:w/rd {%2F}+?#", 0, true},
		"redis://u:a%20b@h":                         {"h:6379", "u", "a b", 0, false},
		"{env.LIMITS_TEST_URL}":                     {"cache.example.com:6380 other:7000", "someone", "p@ss", 3, true},
	} {
		s := &Store{URL: address}
		err := s.Provision(caddy.Context{})
		if want.hosts == "" {
			if err == nil || strings.Contains(err.Error(), "p@ss") {
				t.Errorf("%s: got %v", address, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		o := s.option
		if strings.Join(o.InitAddress, " ") != want.hosts || o.Username != want.user || o.Password != want.password || o.SelectDB != want.db || (o.TLSConfig != nil) != want.tls {
			t.Errorf("%s: got %v %q %q %d %v", address, o.InitAddress, o.Username, o.Password, o.SelectDB, o.TLSConfig)
		}
		if strings.Contains(s.Identity(), "p@ss") {
			t.Errorf("the identity has the password: %s", s.Identity())
		}
	}
	for _, bad := range []*Store{{URL: "http://h"}, {URL: "redis://u:sec ret@h"}, {URL: "{env.LIMITS_TEST_NOTHING}"}, {URL: "redis://h", StoreSettings: limit.StoreSettings{OnError: "ignore"}}} {
		if err := bad.Provision(caddy.Context{}); err == nil || strings.Contains(err.Error(), "sec ret") {
			t.Errorf("%+v: got %v", bad, err)
		}
	}
}

func TestWords(t *testing.T) {
	var s Store
	if err := s.UnmarshalCaddyfile(caddyfile.NewTestDispenser("redis redis://h {\n cluster\n on_error deny\n}")); err != nil || !s.Cluster || !s.Denies() || s.URL != "redis://h" {
		t.Errorf("got %+v, %v", s, err)
	}
}
