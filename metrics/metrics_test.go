package metrics

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/open-bedrock/caddy-bedrock-gateway/price"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/usage"
)

// gather returns the values of all metrics by name and labels; of a histogram its count and sum.
func gather(t *testing.T, m *Metrics) map[string]float64 {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	for range 2 { // as two sites of one configuration do
		if err := m.Register(r); err != nil {
			t.Fatal(err)
		}
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		for _, one := range f.GetMetric() {
			name := strings.TrimPrefix(f.GetName(), namespace+"_")
			for _, l := range one.GetLabel() {
				name += " " + l.GetName() + "=" + l.GetValue()
			}
			if h := one.GetHistogram(); h != nil {
				all[name+" count"], all[name+" sum"] = float64(h.GetSampleCount()), h.GetSampleSum()
				continue
			}
			all[name] = one.GetCounter().GetValue() + one.GetGauge().GetValue()
		}
	}
	return all
}

func expect(t *testing.T, got, want map[string]float64) {
	t.Helper()
	for name, n := range want {
		if v, ok := got[name]; !ok || v != n {
			t.Errorf("%s is %v (%v), want %v", name, v, ok, n)
		}
	}
}

// streamed is a call that took a second try, and was answered as a stream.
func streamed() *usage.Record {
	return &usage.Record{
		Route: "chat", Upstream: "east", Model: "claude", UpstreamModel: "us.anthropic.claude", Dialect: "openai", API: "converse", Stream: true, Status: 200,
		Tries: []usage.Try{
			{Upstream: "west", Model: "claude", Status: 503, Err: &chat.Error{Kind: chat.ErrOverloaded}},
			{Upstream: "west", Model: "claude", Status: 429, Err: &chat.Error{Kind: chat.ErrRateLimit}},
			{Upstream: "east", Model: "claude", Status: 200},
		},
		Usage: chat.Usage{Known: true, Input: 10, Output: 11, CacheRead: 3, CacheWrite: 2, Reasoning: 4, ReasoningKnown: true},
		Cost:  price.Dollar / 4, Priced: true,
		FirstByte: 2 * time.Second, Duration: 3 * time.Second,
		Dropped: []string{"seed", "anthropic_beta: interleaved"}, Healed: []string{"seed"},
	}
}

func TestObserve(t *testing.T) {
	m := New()
	m.Observe(streamed())
	m.Observe(streamed())
	broken := streamed()
	broken.Err, broken.Usage, broken.Priced = &chat.Error{Kind: chat.ErrUpstream, Code: "stream_broken"}, chat.Usage{}, false
	m.Observe(broken)
	m.Observe(&usage.Record{Route: "chat", Status: 404, Err: &chat.Error{Kind: chat.ErrNotFound}, Duration: time.Second})
	expect(t, gather(t, m), map[string]float64{
		"requests_total api=converse class=2xx dialect=openai route=chat upstream=east": 3,
		"requests_total api= class=4xx dialect= route=chat upstream=":                   1,
		"request_duration_seconds route=chat upstream=east count":                       3,
		"request_duration_seconds route=chat upstream=east sum":                         9,
		"time_to_first_token_seconds model=us.anthropic.claude upstream=east count":     3,
		"time_per_output_token_seconds model=us.anthropic.claude upstream=east count":   2,
		"time_per_output_token_seconds model=us.anthropic.claude upstream=east sum":     0.2,
		"tokens_total kind=input model=us.anthropic.claude upstream=east":               20,
		"tokens_total kind=output model=us.anthropic.claude upstream=east":              22,
		"tokens_total kind=cache_read model=us.anthropic.claude upstream=east":          6,
		"tokens_total kind=cache_write model=us.anthropic.claude upstream=east":         4,
		"tokens_total kind=reasoning model=us.anthropic.claude upstream=east":           8,
		"cost_dollars_total model=us.anthropic.claude upstream=east":                    0.5,
		"attempts_total outcome=overloaded upstream=west":                               3,
		"attempts_total outcome=rate_limit upstream=west":                               3,
		"attempts_total outcome=ok upstream=east":                                       3,
		"retries_total upstream=west":                                                   3,
		"fallbacks_total upstream=west":                                                 3,
		"broken_streams_total cause=stream_broken upstream=east":                        1,
		"dropped_parameters_total parameter=seed":                                       3,
		"dropped_parameters_total parameter=anthropic_beta":                             3,
		"healed_members_total member=seed":                                              3,
	})
}

// Clients choose the names of models and parameters, and an upstream may answer for any of them.
func TestLabelsAreBounded(t *testing.T) {
	m := New()
	stop := m.Follow(source(func(s *Source) { s.Models = []string{"late"} }))
	defer stop()
	for i := range 5000 {
		r := streamed()
		r.UpstreamModel, r.Dropped, r.Healed = fmt.Sprint("m", i), []string{fmt.Sprint("p", i)}, []string{fmt.Sprint("h", i)}
		r.Upstream, r.Route = fmt.Sprint("u", i%3), fmt.Sprint("r", i) // no configuration has so many, but it shall hold
		r.Tries[0].Upstream = r.Route
		m.Observe(r)
	}
	late := streamed()
	late.UpstreamModel = "late"
	m.Observe(late)
	long := streamed()
	long.UpstreamModel, long.Dropped = strings.Repeat("x", 2000), []string{strings.Repeat("x", 2000)}
	m.Observe(long)
	got, series := gather(t, m), map[string]int{}
	tokens := 0.0
	for name, v := range got {
		family, labels, _ := strings.Cut(name, " ")
		series[family]++
		if len(labels) > 300 {
			t.Errorf("%s has a label of the client's length", family)
		}
		if strings.HasPrefix(name, "tokens_total kind=input") {
			tokens += v
		}
	}
	for family, most := range map[string]int{"tokens_total": 5 * (maxModels + 8), "cost_dollars_total": maxModels + 8, "dropped_parameters_total": maxNames + 1, "healed_members_total": maxNames + 1, "requests_total": maxSeries + 1, "attempts_total": maxSeries + 4} {
		if series[family] > most || series[family] < most/2 {
			t.Errorf("%s has %d series, want about %d", family, series[family], most)
		}
	}
	if tokens != 5002*10 {
		t.Errorf("%v tokens are counted, want %v", tokens, 5002*10)
	}
	if got["tokens_total kind=input model=late upstream=east"] != 10 {
		t.Error("a model that the configuration names is not told apart")
	}
}

func TestAnAccountIsNoLabel(t *testing.T) {
	m := New()
	for range 3 {
		r := streamed()
		r.UpstreamModel = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc"
		m.Observe(r)
	}
	got := gather(t, m)
	expect(t, got, map[string]float64{"tokens_total kind=input model=abc upstream=east": 30, "cost_dollars_total model=abc upstream=east": 0.75})
	for name := range got {
		if strings.Contains(name, "123456789012") {
			t.Errorf("got %s", name)
		}
	}
}

func source(edit func(*Source)) *Source {
	zero := func() (int64, int64) { return 0, 0 }
	s := &Source{Calls: zero, Panics: func() int64 { return 0 }, Stored: zero, Credentials: zero, Store: func() Store { return Store{} }, Upstreams: func() []Upstream { return nil }, Limits: func() []Limit { return nil }}
	edit(s)
	return s
}

// Owners are as many as a configuration has users, or as many as clients please, with whatever names.
func TestWhatOwnersKeepIsBounded(t *testing.T) {
	m := New()
	owners := map[string]int64{"alice": 5000, "": 7, "\xff": 3000, strings.Repeat("x", 2000): 4000}
	for i := range 1000 {
		owners[fmt.Sprint("o", i)] = 1
	}
	kept := func() (int64, map[string]int64) { return int64(len(owners)), owners }
	for range 2 { // two sites with one directory
		defer m.Follow(source(func(s *Source) { s.Kept = kept }))()
	}
	got := gather(t, m)
	series, sum := 0, 0.0
	for name, v := range got {
		if strings.HasPrefix(name, "responses_stored_bytes") {
			series++
			sum += v
		}
	}
	if series != maxOwners && series != maxOwners+1 || sum != 13007 {
		t.Errorf("%d series of %v bytes", series, sum)
	}
	expect(t, got, map[string]float64{
		"responses_stored": 1004, "responses_stored_bytes owner=alice": 5000, "responses_stored_bytes owner=": 7, "responses_stored_bytes owner=\uFFFD": 3000,
	})
}

// While a configuration is replaced there are two gateways, and two sites may have an upstream of the same name.
func TestTheLatestConfigurationTellsOfUpstreams(t *testing.T) {
	m := New()
	expires := time.Unix(1800000000, 0)
	old := m.Follow(source(func(s *Source) {
		s.Upstreams = func() []Upstream { return []Upstream{{Name: "east"}, {Name: "gone", Healthy: true}} }
	}))
	stop := m.Follow(source(func(s *Source) {
		s.Calls = func() (int64, int64) { return 5, 2 }
		s.Credentials = func() (int64, int64) { return 7, 1 }
		s.Store = func() Store { return Store{Failures: 4, Local: 3, Denied: 2, Lost: 1} }
		s.Limits = func() []Limit { return []Limit{{"a", "tokens", 0.5}, {"a", "tokens", 0.1}} }
		s.Upstreams = func() []Upstream {
			return []Upstream{{Name: "east", Healthy: true, FailingModels: 2, Expires: expires, PassedOver: 3, RetriesRefused: 4}}
		}
	}))
	expect(t, gather(t, m), map[string]float64{
		"upstream_healthy upstream=east": 1, "upstream_healthy upstream=gone": 1, "upstream_failing_models upstream=east": 2,
		"credentials_expiry_timestamp_seconds upstream=east": 1800000000, "passed_over_total upstream=east": 3, "retries_refused_total upstream=east": 4,
		"limits_store_failures_total": 4, "limits_store_local_total": 3, "limits_store_denied_total": 2, "limits_store_lost_total": 1,
		"limit_used_ratio limit=a what=tokens": 0.5,
		"in_flight_requests":                   5, "in_flight_streams": 2, "credential_refreshes_total outcome=ok": 7, "credential_refreshes_total outcome=failed": 1,
	})
	old()
	if got := gather(t, m); got["upstream_healthy upstream=east"] != 1 || len(got) == 0 {
		t.Errorf("got %v", got)
	} else if _, ok := got["upstream_healthy upstream=gone"]; ok {
		t.Error("an upstream that no configuration has any more is still told")
	}
	stop()
	stop()
	m.Observe(streamed())
	expect(t, gather(t, m), map[string]float64{"fallbacks_total upstream=west": 1})
}

// Every call is counted.
func TestCountingAllocatesNothing(t *testing.T) {
	m, r := New(), streamed()
	m.Observe(r)
	if n := testing.AllocsPerRun(100, func() { m.Observe(r) }); n != 0 {
		t.Errorf("%.0f allocations", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	for name, tries := range map[string]int{"one try": 2, "three tries": 0} {
		b.Run(name, func(b *testing.B) {
			m, r := New(), streamed()
			r.Tries = r.Tries[tries:]
			if tries > 0 {
				r.Dropped, r.Healed = nil, nil
			}
			b.ReportAllocs()
			for b.Loop() {
				m.Observe(r)
			}
		})
	}
}
