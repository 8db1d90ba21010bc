package metrics

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Source is a gateway that is configured: what is read of it when metrics are asked for.
type Source struct {
	// Models are the models that its configuration names; they are always told apart.
	Models []string
	// Calls returns how many calls, and how many streams, of the whole process are under way.
	Calls func() (calls, streams int64)
	// Panics and Stored return counts of the whole process: faults of the gateway, and uploads with their bytes.
	Panics func() int64
	Stored func() (files, bytes int64)
	// Credentials returns how often AWS credentials were refreshed in this process, and how often that failed.
	Credentials func() (refreshed, failed int64)
	// Store returns what became of requests to the store of limits, of the whole process.
	Store func() Store
	// Limits returns how much its limits are used.
	Limits func() []Limit
	// Kept returns how many responses are kept, and how many bytes of each owner; nil if none can be.
	Kept func() (responses int64, owners map[string]int64)
	// Upstreams returns the state of its upstreams. It asks nobody.
	Upstreams func() []Upstream
}

// Store is what became of requests to the store that gateways count limits in.
type Store struct {
	Failures, Local, Denied, Lost int64
}

// Limit is how much of a limit the key has used that has used most.
type Limit struct {
	Name, What string
	Used       float64
}

// Upstream is the state of an upstream.
type Upstream struct {
	Name           string
	Healthy        bool
	Expires        time.Time // of its credentials; zero if they do not expire, or are not known yet
	FailingModels  int       // models that it is passed over for
	PassedOver     int64
	RetriesRefused int64
}

// sources are the gateways that are configured. While a configuration is replaced there are those of both.
type sources struct {
	mu    sync.Mutex
	all   []*Source
	known atomic.Pointer[map[string]bool] // the models that they name
}

// Follow reads metrics of a gateway too, until stop is called.
func (m *Metrics) Follow(src *Source) (stop func()) {
	s := &m.sources
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, src)
	s.index()
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for i, other := range s.all {
			if other == src {
				s.all = append(s.all[:i:i], s.all[i+1:]...)
				break
			}
		}
		s.index()
	})
}

// index notes the models that configurations name. s.mu is held.
func (s *sources) index() {
	known := map[string]bool{}
	for _, src := range s.all {
		for _, id := range src.Models {
			known[id] = true
		}
	}
	s.known.Store(&known)
}

// names returns the models that configurations name.
func (s *sources) names() map[string]bool {
	if known := s.known.Load(); known != nil {
		return *known
	}
	return nil
}

func (s *sources) list() []*Source {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*Source(nil), s.all...)
}

// Register adds the metrics to the registry of a configuration. Several gateways of a configuration may do so.
func (m *Metrics) Register(r prometheus.Registerer) error {
	err := r.Register(m)
	if _, again := errors.AsType[prometheus.AlreadyRegisteredError](err); again {
		return nil
	}
	return err
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

// What is read when metrics are asked for.
var (
	costDesc        = desc("cost_dollars_total", "What calls cost, by the prices of the configuration.", "upstream", "model")
	callsDesc       = desc("in_flight_requests", "Calls that are under way.")
	streamsDesc     = desc("in_flight_streams", "Streamed replies that are under way.")
	panicsDesc      = desc("panics_total", "Faults of the gateway itself.")
	filesDesc       = desc("files_stored_total", "Files that were uploaded.")
	bytesDesc       = desc("files_stored_bytes_total", "Bytes of the files that were uploaded.")
	credentialsDesc = desc("credential_refreshes_total", "Refreshes of AWS credentials by their outcome: ok or failed.", "outcome")
	healthyDesc     = desc("upstream_healthy", "Whether an upstream is asked as usual: 0 while it fails its checks or cannot be connected to.", "upstream")
	failingDesc     = desc("upstream_failing_models", "Models that an upstream is passed over for because their calls fail.", "upstream")
	expiresDesc     = desc("credentials_expiry_timestamp_seconds", "When an upstream's credentials expire, in Unix time.", "upstream")
	passedOverDesc  = desc("passed_over_total", "Times that an upstream was passed over because it fails.", "upstream")
	limitDesc       = desc("limit_used_ratio", "How much of a limit the key has used that has used most: 1 is all.", "limit", "what")
	storeFailDesc   = desc("limits_store_failures_total", "Requests to the store of limits that failed or took too long.")
	storeLocalDesc  = desc("limits_store_local_total", "Calls whose limits were counted in this process because the store did not answer.")
	storeDeniedDesc = desc("limits_store_denied_total", "Calls that were refused because the store of limits did not answer.")
	storeLostDesc   = desc("limits_store_lost_total", "Settlements of limits that did not reach their store.")
	keptDesc        = desc("responses_stored", "Responses that are kept, in one place of several.")
	keptBytesDesc   = desc("responses_stored_bytes", "Bytes of the responses that are kept, of the owners that have most, and of all others.", "owner")
	refusedDesc     = desc("retries_refused_total", "Retries that an upstream's budget of retries had no room for.", "upstream")
)

// Describe sends the descriptions of all metrics.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, v := range m.vectors {
		v.Describe(ch)
	}
	for _, d := range [...]*prometheus.Desc{costDesc, callsDesc, streamsDesc, panicsDesc, filesDesc, bytesDesc, credentialsDesc, healthyDesc, failingDesc, expiresDesc, passedOverDesc, refusedDesc, limitDesc, storeFailDesc, storeLocalDesc, storeDeniedDesc, storeLostDesc, keptDesc, keptBytesDesc} {
		ch <- d
	}
}

// Collect sends all metrics.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	for _, v := range m.vectors {
		v.Collect(ch)
	}
	counter := func(d *prometheus.Desc, n float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, n, labels...)
	}
	gauge := func(d *prometheus.Desc, n float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, n, labels...)
	}
	for k, amount := range m.amounts() {
		counter(costDesc, amount.Dollars(), k.upstream, k.model)
	}
	all := m.sources.list()
	if len(all) == 0 {
		return
	}
	latest := all[len(all)-1] // of the process, so that one is as good as another
	calls, streams := latest.Calls()
	gauge(callsDesc, float64(calls))
	gauge(streamsDesc, float64(streams))
	counter(panicsDesc, float64(latest.Panics()))
	files, bytes := latest.Stored()
	counter(filesDesc, float64(files))
	counter(bytesDesc, float64(bytes))
	refreshed, failed := latest.Credentials()
	counter(credentialsDesc, float64(refreshed), "ok")
	counter(credentialsDesc, float64(failed), "failed")
	store := latest.Store()
	counter(storeFailDesc, float64(store.Failures))
	counter(storeLocalDesc, float64(store.Local))
	counter(storeDeniedDesc, float64(store.Denied))
	counter(storeLostDesc, float64(store.Lost))

	// Several sites may have an upstream of one name. The latest configuration counts: where an upstream was taken out, or
	// mended, the one before must not be told any more.
	seen, limits := map[string]bool{}, map[Limit]bool{}
	// Gateways in one process mostly keep responses in the same place, and each counts all that are there.
	responses, kept := int64(0), map[string]int64{}
	for _, src := range slices.Backward(all) {
		for _, l := range src.Limits() {
			if k := (Limit{Name: l.Name, What: l.What}); !limits[k] {
				limits[k] = true
				gauge(limitDesc, l.Used, l.Name, l.What)
			}
		}
		if src.Kept != nil {
			n, owners := src.Kept()
			responses = max(responses, n)
			for owner, bytes := range owners {
				owner = label(owner)
				kept[owner] = max(kept[owner], bytes)
			}
		}
		for _, u := range src.Upstreams() {
			if seen[u.Name] {
				continue
			}
			seen[u.Name] = true
			healthy := 0.0
			if u.Healthy {
				healthy = 1
			}
			gauge(healthyDesc, healthy, u.Name)
			gauge(failingDesc, float64(u.FailingModels), u.Name)
			if !u.Expires.IsZero() {
				gauge(expiresDesc, float64(u.Expires.Unix()), u.Name)
			}
			counter(passedOverDesc, float64(u.PassedOver), u.Name)
			counter(refusedDesc, float64(u.RetriesRefused), u.Name)
		}
	}
	gauge(keptDesc, float64(responses))
	for owner, bytes := range most(kept) {
		gauge(keptBytesDesc, float64(bytes), owner)
	}
}

// label returns an owner's name as a label may be: what callers are told apart by may be anything.
func label(owner string) string {
	if len(owner) > maxName {
		return other
	}
	return strings.ToValidUTF8(owner, "\uFFFD")
}

// most returns the owners that have most, and what all others have together.
func most(owners map[string]int64) map[string]int64 {
	if len(owners) <= maxOwners {
		return owners
	}
	names := slices.SortedFunc(maps.Keys(owners), func(a, b string) int { return cmp.Compare(owners[b], owners[a]) })
	told := make(map[string]int64, maxOwners+1)
	for i, name := range names {
		if i >= maxOwners {
			told[other] += owners[name]
		} else {
			told[name] = owners[name]
		}
	}
	return told
}
