package status

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/price"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/usage"
)

func record() *usage.Record {
	return &usage.Record{
		Upstream: "east", Model: "claude", UpstreamModel: "anthropic.claude", User: "alice", Stream: true, Status: 200, Start: time.Now(),
		Tries: []usage.Try{{Upstream: "west", Model: "claude", Start: time.Now(), Status: 503, Err: &chat.Error{Kind: chat.ErrOverloaded, UpstreamStatus: 503, Type: "Busy", Message: "a secret"}}, {Upstream: "east", Status: 200}},
		Usage: chat.Usage{Known: true, Input: 10, Output: 20, CacheRead: 3, CacheWrite: 4}, Cost: price.Dollar / 4, Priced: true, FirstByte: 2 * time.Second, Duration: 3 * time.Second,
	}
}

func boardOf(upstreams ...Upstream) *Board {
	b := New()
	b.Follow(&Source{Version: "v1", Calls: func() (int64, int64) { return 3, 2 }, Upstreams: func() []Upstream { return upstreams }})
	return b
}

func TestReport(t *testing.T) {
	expires := time.Unix(1800000000, 0)
	b := boardOf(Upstream{Name: "west", Kind: "bedrock", FailingModels: []string{"claude"}}, Upstream{Name: "east", Kind: "bedrock", Healthy: true, Expires: expires})
	for range 3 {
		b.Observe(record())
	}
	free := record()
	free.User, free.Priced, free.Cost, free.UpstreamModel = "", false, 0, "amazon.nova"
	b.Observe(free)
	failed := &usage.Record{Model: "nowhere", Status: 404, Err: &chat.Error{Kind: chat.ErrNotFound}, User: "alice", Start: time.Now()}
	b.Observe(failed)
	r := b.Report()
	if r.Version != "v1" || r.InFlight.Requests != 3 || r.InFlight.Streams != 2 || len(r.Upstreams) != 2 {
		t.Fatalf("got %+v", r)
	}
	east, west := r.Upstreams[0], r.Upstreams[1]
	if !east.Healthy || east.CallsPerMinute != 4 || *east.FirstTokenP50 != 2 || *east.FirstTokenP95 != 2 || east.LastError != nil || !east.CredentialsExpires.Equal(expires) {
		t.Errorf("got %+v", east)
	}
	if e := west.LastError; west.Healthy || west.FailingModels[0] != "claude" || west.CallsPerMinute != 0 || west.FirstTokenP50 != nil || e == nil || e.Cause != "overloaded" || e.Status != 503 || e.Error != "Busy" || e.Model != "claude" {
		t.Errorf("got %+v", west)
	}
	if strings.Contains(string(b.JSON()), "secret") {
		t.Error("an upstream's own words are shown")
	}
	show := func(uses []Use) string {
		var s []string
		for _, u := range uses {
			cost := "none"
			if u.Cost != nil {
				cost = fmt.Sprint(*u.Cost)
			}
			s = append(s, fmt.Sprint(u.Upstream, "/", u.Name, " ", u.Calls, " ", u.Failed, " ", u.Input, " ", u.Output, " ", u.CacheRead, " ", u.CacheWrite, " ", cost, " ", u.Unpriced))
		}
		return strings.Join(s, ", ")
	}
	if got, want := show(r.Models), "east/anthropic.claude 3 0 30 60 9 12 0.75 0, east/amazon.nova 1 0 10 20 3 4 none 1, /nowhere 1 1 0 0 0 0 none 0"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := show(r.Users), "/alice 4 1 30 60 9 12 0.75 0, / 1 0 10 20 3 4 none 1"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestWhatAClientLeftIsNoErrorOfTheUpstream(t *testing.T) {
	b := boardOf(Upstream{Name: "east", Healthy: true})
	r := record()
	r.Tries, r.Status, r.Err = nil, 499, &chat.Error{Status: 499}
	b.Observe(r)
	if e := b.Report().Upstreams[0].LastError; e != nil {
		t.Errorf("got %+v", e)
	}
	r = record()
	r.Err = &chat.Error{Kind: chat.ErrUpstream, Code: "stream_broken"}
	b.Observe(r)
	if e := b.Report().Upstreams[0].LastError; e == nil || e.Cause != "stream_broken" {
		t.Errorf("got %+v", e)
	}
}

// Names are clients' words, and users may be many: the largest are named, the rest is summed, and nothing is lost.
func TestTheRestIsSummed(t *testing.T) {
	b := boardOf()
	const calls = 1500
	for i := range calls {
		r := record()
		r.User, r.UpstreamModel, r.Cost = fmt.Sprint("user ", i), strings.Repeat("m", 500)+fmt.Sprint(i), price.Amount(i)*price.Dollar
		b.Observe(r)
	}
	report := b.Report()
	for what, uses := range map[string][]Use{"models": report.Models, "users": report.Users} {
		total, cost := int64(0), 0.0
		for _, u := range uses {
			total += u.Calls
			cost += *u.Cost
			if len(u.Name) > maxName+len("…") {
				t.Errorf("a name has %d bytes", len(u.Name))
			}
		}
		if total != calls || cost != calls*(calls-1)/2 {
			t.Errorf("%s: %d calls, %v dollars", what, total, cost)
		}
		if rest := uses[len(uses)-1]; what == "users" && (len(uses) != maxRows+1 || rest.Name != "" || rest.Rest != maxKept-maxRows+1 || uses[0].Name != fmt.Sprint("user ", maxKept-1)) {
			t.Errorf("%s: %d rows, the first %+v, the last %+v", what, len(uses), uses[0], rest)
		}
	}
}

func TestRecent(t *testing.T) {
	u := new(recent)
	now := time.Unix(1_800_000_000, 0)
	for i := range 100 {
		u.call(now.Add(time.Duration(i) * time.Second))
		u.call(now.Add(time.Duration(i) * time.Second))
	}
	if n := u.perMinute(now.Add(99 * time.Second)); n != 120 {
		t.Errorf("%d calls a minute", n)
	}
	if n := u.perMinute(now.Add(129 * time.Second)); n != 60 {
		t.Errorf("half a minute later %d", n)
	}
	if n := u.perMinute(now.Add(time.Hour)); n != 0 {
		t.Errorf("an hour later %d", n)
	}
	for i := range 2 * firstWords {
		u.first[(u.firsts.Add(1)-1)%firstWords].Store(int64(i+1-firstWords) * int64(time.Millisecond))
	}
	if p50, p95 := u.firstToken(); p50 != 128*time.Millisecond || p95 != 244*time.Millisecond {
		t.Errorf("%s, %s", p50, p95)
	}
}

func TestCostsThatDoNotFit(t *testing.T) {
	u := new(used)
	r := record()
	r.Cost = math.MaxInt64 - 1
	u.add(r)
	u.add(r)
	if got := u.use("", "").amount; got != math.MaxInt64 {
		t.Errorf("got %s", got)
	}
}

// Where somebody can look, every call is counted.
func TestCountingAllocatesNothing(t *testing.T) {
	b, r := New(), record()
	r.Tries = r.Tries[1:]
	b.Observe(r)
	if n := testing.AllocsPerRun(100, func() { b.Observe(r) }); n != 0 {
		t.Errorf("%.0f allocations", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	board, r := New(), record()
	r.Tries = r.Tries[1:]
	b.ReportAllocs()
	for b.Loop() {
		board.Observe(r)
	}
}
