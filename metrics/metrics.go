// Package metrics counts calls for Prometheus, on the registry that Caddy gives to each configuration. What is counted comes
// from the record of each call, and outlives a reload.
package metrics

import (
	"strings"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/kept"
	"github.com/open-bedrock/caddy-bedrock-gateway/price"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/usage"
)

// The bounds of histograms are those that OpenTelemetry's conventions for generative AI advise, in seconds:
// gen_ai.client.operation.duration, gen_ai.server.time_to_first_token, gen_ai.server.time_per_output_token
// (https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/, November 2026).
var (
	durationBounds   = []float64{0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92}
	firstTokenBounds = []float64{0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}
	perTokenBounds   = []float64{0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5}
)

// The bounds of what can be told apart. Labels come from the configuration, but models' names and parameters are clients'
// words: a model's name counts once an upstream has answered for it, and upstreams that answer for any name exist.
const (
	other     = "other"
	maxSeries = 1024 // of requests and of tries
	maxModels = 256  // besides those of the configuration
	maxNames  = 128  // of parameters
	maxName   = 128  // bytes of a label
	maxOwners = 128  // of kept responses
)

// Metrics counts calls. It is safe for concurrent use, and counting takes no lock.
type Metrics struct {
	sources sources

	requests kept.Map[requestKey, request]
	models   kept.Map[modelKey, modelUse]
	tries    kept.Map[tryKey, try]
	broken   kept.Map[tryKey, prometheus.Counter]
	dropped  kept.Map[string, prometheus.Counter]
	healed   kept.Map[string, prometheus.Counter]

	vectors []prometheus.Collector
	vec     vectors
}

type vectors struct {
	requests, tokens, attempts, fallbacks, retries, broken, dropped, healed *prometheus.CounterVec
	duration, firstToken, perToken                                          *prometheus.HistogramVec
}

// Process is what counts the calls of all gateways of this process: what was counted must not be lost in a reload.
var Process = New()

const namespace = "caddy_bedrock_gateway"

func opts(name, help string) prometheus.Opts {
	return prometheus.Opts{Namespace: namespace, Name: name, Help: help}
}

// New returns Metrics that have counted nothing.
func New() *Metrics {
	m := new(Metrics)
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts(opts(name, help)), labels)
		m.vectors = append(m.vectors, v)
		return v
	}
	histogram := func(name, help string, bounds []float64, labels ...string) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: bounds}, labels)
		m.vectors = append(m.vectors, v)
		return v
	}
	m.vec = vectors{
		requests:   counter("requests_total", "Calls to models that are over.", "route", "upstream", "dialect", "api", "class"),
		duration:   histogram("request_duration_seconds", "Time from a call's arrival to the end of its reply.", durationBounds, "route", "upstream"),
		firstToken: histogram("time_to_first_token_seconds", "Time from a call's arrival to the first event of its streamed reply.", firstTokenBounds, "upstream", "model"),
		perToken:   histogram("time_per_output_token_seconds", "Time for each output token of a stream after the first.", perTokenBounds, "upstream", "model"),
		tokens:     counter("tokens_total", "Tokens, as providers count them. Reasoning tokens are output tokens too.", "upstream", "model", "kind"),
		attempts:   counter("attempts_total", "Tries at an upstream by their outcome: ok, or the cause of their failure.", "upstream", "outcome"),
		fallbacks:  counter("fallbacks_total", "Tries at another target after this upstream had failed.", "upstream"),
		retries:    counter("retries_total", "Further tries at the same target.", "upstream"),
		broken:     counter("broken_streams_total", "Replies that had begun and did not come to their end.", "upstream", "cause"),
		dropped:    counter("dropped_parameters_total", "Parameters of requests that the model's API does not have.", "parameter"),
		healed:     counter("healed_members_total", "Members that an upstream refused, after which it was asked without them.", "member"),
	}
	return m
}

type requestKey struct{ route, upstream, dialect, api, class string }

type request struct {
	total    prometheus.Counter
	duration prometheus.Observer
}

type modelKey struct{ upstream, model string }

// modelUse is what was used of a model at an upstream.
type modelUse struct {
	key                                             modelKey
	input, output, cacheRead, cacheWrite, reasoning prometheus.Counter
	firstToken, perToken                            prometheus.Observer
	cost                                            atomic.Int64 // a price.Amount: as a sum of floats it would not be exact
	priced                                          atomic.Bool
}

type tryKey struct{ upstream, outcome string }

type try struct {
	attempts           prometheus.Counter
	fallbacks, retries prometheus.Counter
}

// classes are the labels of statuses.
var classes = [...]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}

func class(status int) string {
	if status/100 < len(classes) {
		return classes[status/100]
	}
	return other
}

// Observe counts a call that is over.
func (m *Metrics) Observe(r *usage.Record) {
	q := m.request(requestKey{r.Route, r.Upstream, r.Dialect, r.API, class(r.Status)})
	q.total.Inc()
	q.duration.Observe(r.Duration.Seconds())
	if r.Usage.Known || r.Stream && r.FirstByte > 0 {
		m.observeModel(r)
	}
	m.observeTries(r)
	if r.Broken() {
		m.counter(&m.broken, m.vec.broken, tryKey{r.Upstream, r.Cause()}).Inc()
	}
	for _, name := range r.Dropped {
		m.named(&m.dropped, m.vec.dropped, name).Inc()
	}
	for _, name := range r.Healed {
		m.named(&m.healed, m.vec.healed, name).Inc()
	}
}

func (m *Metrics) request(k requestKey) *request {
	if q := m.requests.Get(k); q != nil {
		return q
	}
	create := func() *request {
		return &request{m.vec.requests.WithLabelValues(k.route, k.upstream, k.dialect, k.api, k.class), m.vec.duration.WithLabelValues(k.route, k.upstream)}
	}
	if q := m.requests.Add(k, maxSeries, create); q != nil {
		return q
	}
	k = requestKey{other, other, other, other, k.class}
	return m.requests.Add(k, maxSeries+len(classes)+1, create)
}

func (m *Metrics) observeModel(r *usage.Record) {
	u := m.modelOf(modelKey{r.Upstream, r.UpstreamModel})
	if r.Usage.Known {
		add(u.input, r.Usage.Input)
		add(u.output, r.Usage.Output)
		add(u.cacheRead, r.Usage.CacheRead)
		add(u.cacheWrite, r.Usage.CacheWrite)
		if r.Usage.ReasoningKnown {
			add(u.reasoning, r.Usage.Reasoning)
		}
	}
	if r.Priced {
		u.add(r.Cost)
		if !u.priced.Load() {
			u.priced.Store(true)
		}
	}
	if r.Stream && r.FirstByte > 0 {
		u.firstToken.Observe(r.FirstByte.Seconds())
		if r.Usage.Known && r.Usage.Output > 1 && r.Err == nil {
			u.perToken.Observe((r.Duration - r.FirstByte).Seconds() / float64(r.Usage.Output-1))
		}
	}
}

// add counts a cost. A sum that does not fit stays the largest there is.
func (u *modelUse) add(a price.Amount) {
	for {
		before := u.cost.Load()
		if u.cost.CompareAndSwap(before, int64(price.Amount(before).Plus(a))) {
			return
		}
	}
}

// add counts tokens. A provider that counts less than none is not believed.
func add(c prometheus.Counter, n int64) {
	if n > 0 {
		c.Add(float64(n))
	}
}

func (m *Metrics) modelOf(k modelKey) *modelUse {
	if u := m.models.Get(k); u != nil {
		return u
	}
	asked := k
	k.model = model.Resource(k.model) // an ARN's account is nobody's business
	names := m.sources.names()
	most := maxModels + len(names)
	if len(k.model) > maxName || !names[k.model] && len(m.models.All()) >= maxModels {
		k.model = other
	}
	create := func() *modelUse {
		token := func(kind string) prometheus.Counter { return m.vec.tokens.WithLabelValues(k.upstream, k.model, kind) }
		return &modelUse{
			key: k, input: token("input"), output: token("output"), cacheRead: token("cache_read"), cacheWrite: token("cache_write"), reasoning: token("reasoning"),
			firstToken: m.vec.firstToken.WithLabelValues(k.upstream, k.model), perToken: m.vec.perToken.WithLabelValues(k.upstream, k.model),
		}
	}
	u := m.models.Add(k, most+maxSeries, create)
	if u == nil {
		k = modelKey{other, other}
		return m.models.Add(k, most+maxSeries+1, create)
	}
	if asked != k && k.model != other {
		// By the name that was asked for it is found at once the next time.
		m.models.Add(asked, most, func() *modelUse { return u })
	}
	return u
}

func (m *Metrics) observeTries(r *usage.Record) {
	for i := range r.Tries {
		t := &r.Tries[i]
		outcome := t.Cause()
		if outcome == "" {
			outcome = "ok"
		}
		m.try(tryKey{t.Upstream, outcome}).attempts.Inc()
		if i == 0 {
			continue
		}
		before := &r.Tries[i-1]
		if last := m.try(tryKey{before.Upstream, before.Cause()}); before.Upstream == t.Upstream && before.Model == t.Model {
			last.retries.Inc()
		} else {
			last.fallbacks.Inc()
		}
	}
}

func (m *Metrics) try(k tryKey) *try {
	if t := m.tries.Get(k); t != nil {
		return t
	}
	create := func() *try {
		return &try{m.vec.attempts.WithLabelValues(k.upstream, k.outcome), m.vec.fallbacks.WithLabelValues(k.upstream), m.vec.retries.WithLabelValues(k.upstream)}
	}
	if t := m.tries.Add(k, maxSeries, create); t != nil {
		return t
	}
	k = tryKey{other, other}
	return m.tries.Add(k, maxSeries+1, create)
}

func (m *Metrics) counter(in *kept.Map[tryKey, prometheus.Counter], vec *prometheus.CounterVec, k tryKey) prometheus.Counter {
	create := func() *prometheus.Counter {
		c := vec.WithLabelValues(k.upstream, k.outcome)
		return &c
	}
	if c := in.Add(k, maxSeries, create); c != nil {
		return *c
	}
	k = tryKey{other, other}
	return *in.Add(k, maxSeries+1, create)
}

// named returns the counter of a parameter. Behind a name may stand a value: "anthropic_beta: x", "thinking.budget_tokens above 5".
func (m *Metrics) named(in *kept.Map[string, prometheus.Counter], vec *prometheus.CounterVec, name string) prometheus.Counter {
	if i := strings.IndexAny(name, ": "); i >= 0 {
		name = name[:i]
	}
	if c := in.Get(name); c != nil {
		return *c
	}
	create := func() *prometheus.Counter {
		c := vec.WithLabelValues(name)
		return &c
	}
	if len(name) <= maxName {
		if c := in.Add(name, maxNames, create); c != nil {
			return *c
		}
	}
	name = other
	return *in.Add(name, maxNames+1, create)
}

// amounts returns what calls to each model cost, of those that have a price.
func (m *Metrics) amounts() map[modelKey]price.Amount {
	all := map[modelKey]price.Amount{}
	seen := map[*modelUse]bool{}
	for _, u := range m.models.All() {
		if u.priced.Load() && !seen[u] {
			seen[u] = true
			all[u.key] = all[u.key].Plus(price.Amount(u.cost.Load()))
		}
	}
	return all
}
