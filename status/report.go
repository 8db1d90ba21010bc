package status

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/price"
)

// maxRows bounds the models and users that a report names: the largest. The rest is summed.
const maxRows = 50

// Source is a gateway that is configured: what is read of it when somebody looks.
type Source struct {
	Version string
	// Calls returns how many calls, and how many streams, of the whole process are under way.
	Calls func() (calls, streams int64)
	// Upstreams returns the state of its upstreams. It asks nobody.
	Upstreams func() []Upstream
}

// Upstream is the state of an upstream.
type Upstream struct {
	Name          string
	Kind          string
	Healthy       bool
	FailingModels []string
	Expires       time.Time // of its credentials; zero if they do not expire, or are not known yet
}

// sources are the gateways that are configured.
type sources struct {
	mu  sync.Mutex
	all []*Source
}

// Follow shows a gateway's state too, until stop is called.
func (b *Board) Follow(src *Source) (stop func()) {
	b.sources.mu.Lock()
	defer b.sources.mu.Unlock()
	b.sources.all = append(b.sources.all, src)
	return sync.OnceFunc(func() {
		b.sources.mu.Lock()
		defer b.sources.mu.Unlock()
		b.sources.all = slices.DeleteFunc(slices.Clone(b.sources.all), func(other *Source) bool { return other == src })
	})
}

// Report is what a status page shows.
type Report struct {
	Time     time.Time `json:"time"`
	Since    time.Time `json:"since"` // from when on calls are counted
	Version  string    `json:"version"`
	InFlight struct {
		Requests int64 `json:"requests"`
		Streams  int64 `json:"streams"`
	} `json:"in_flight"`
	Upstreams []UpstreamReport `json:"upstreams"`
	Models    []Use            `json:"models"`
	Users     []Use            `json:"users"`
}

// UpstreamReport is the state of an upstream, and what it did lately.
type UpstreamReport struct {
	Name               string     `json:"name"`
	Kind               string     `json:"kind"`
	Healthy            bool       `json:"healthy"`
	FailingModels      []string   `json:"failing_models"`
	CallsPerMinute     int64      `json:"calls_per_minute"`
	FirstTokenP50      *float64   `json:"time_to_first_token_p50"` // seconds; null without a stream
	FirstTokenP95      *float64   `json:"time_to_first_token_p95"`
	LastError          *Failure   `json:"last_error"`
	CredentialsExpires *time.Time `json:"credentials_expire"`
}

// Use is what a model, a user, or all the rest of them have used.
type Use struct {
	Upstream   string   `json:"upstream,omitempty"`
	Name       string   `json:"name"`
	Rest       int      `json:"rest,omitempty"` // how many others this is the sum of; they have no name
	Calls      int64    `json:"calls"`
	Failed     int64    `json:"failed"`
	Input      int64    `json:"input_tokens"`
	Output     int64    `json:"output_tokens"`
	CacheRead  int64    `json:"cache_read_tokens"`
	CacheWrite int64    `json:"cache_write_tokens"`
	Cost       *float64 `json:"cost"` // dollars; null where nothing has a price
	Unpriced   int64    `json:"calls_without_price"`

	amount price.Amount
	priced bool
}

// JSON returns the report as it is served.
func (b *Board) JSON() []byte {
	data, err := json.Marshal(b.Report())
	if err != nil { // a value that JSON has no words for: there is none
		return []byte("{}")
	}
	return data
}

// Report returns what there is to show now.
func (b *Board) Report() *Report {
	now := time.Now()
	r := &Report{Time: now.UTC(), Since: b.began.UTC(), Upstreams: []UpstreamReport{}}
	b.sources.mu.Lock()
	all := slices.Clone(b.sources.all)
	b.sources.mu.Unlock()
	seen := map[string]bool{}
	for i, src := range slices.Backward(all) { // the latest configuration first
		if i == len(all)-1 {
			r.Version = src.Version
			r.InFlight.Requests, r.InFlight.Streams = src.Calls()
		}
		for _, u := range src.Upstreams() {
			if !seen[u.Name] {
				seen[u.Name] = true
				r.Upstreams = append(r.Upstreams, b.reportOf(&u, now))
			}
		}
	}
	slices.SortStableFunc(r.Upstreams, func(a, b UpstreamReport) int { return strings.Compare(a.Name, b.Name) })
	models, users := b.models.All(), b.users.All()
	rows := make([]Use, 0, len(models))
	for k, u := range models {
		rows = append(rows, u.use(k.upstream, k.model))
	}
	r.Models = largest(rows, b.otherModels.use("", ""))
	rows = make([]Use, 0, len(users))
	for name, u := range users {
		rows = append(rows, u.use("", name))
	}
	r.Users = largest(rows, b.otherUsers.use("", ""))
	return r
}

func (b *Board) reportOf(u *Upstream, now time.Time) UpstreamReport {
	r := UpstreamReport{Name: u.Name, Kind: u.Kind, Healthy: u.Healthy, FailingModels: []string{}}
	for _, id := range u.FailingModels[:min(len(u.FailingModels), maxRows)] {
		r.FailingModels = append(r.FailingModels, clip(id))
	}
	if !u.Expires.IsZero() {
		expires := u.Expires.UTC()
		r.CredentialsExpires = &expires
	}
	did := b.upstreams.Get(u.Name)
	if did == nil {
		return r
	}
	r.CallsPerMinute, r.LastError = did.perMinute(now), did.failure.Load()
	if p50, p95 := did.firstToken(); p50 > 0 {
		half, most := p50.Seconds(), p95.Seconds()
		r.FirstTokenP50, r.FirstTokenP95 = &half, &most
	}
	return r
}

func (u *used) use(upstreamName, name string) Use {
	use := Use{
		Upstream: upstreamName, Name: name, Calls: u.calls.Load(), Failed: u.failed.Load(), Input: u.input.Load(), Output: u.output.Load(),
		CacheRead: u.cacheRead.Load(), CacheWrite: u.cacheWrite.Load(), Unpriced: u.unpriced.Load(), amount: price.Amount(u.cost.Load()),
	}
	use.priced = use.amount > 0 || use.Input+use.Output+use.CacheRead+use.CacheWrite > 0 && use.Unpriced == 0
	return use
}

// plus adds what others have used.
func (u *Use) plus(o *Use) {
	u.Calls += o.Calls
	u.Failed += o.Failed
	u.Input += o.Input
	u.Output += o.Output
	u.CacheRead += o.CacheRead
	u.CacheWrite += o.CacheWrite
	u.Unpriced += o.Unpriced
	u.amount = u.amount.Plus(o.amount)
	u.priced = u.priced || o.priced
}

// largest returns the rows that cost most, or where that is the same used most, and the sum of all others.
func largest(rows []Use, others Use) []Use {
	slices.SortFunc(rows, func(a, b Use) int {
		for _, d := range [...]int64{int64(b.amount - a.amount), b.Input + b.Output + b.CacheRead + b.CacheWrite - (a.Input + a.Output + a.CacheRead + a.CacheWrite), b.Calls - a.Calls} {
			if d != 0 {
				return int(max(-1, min(1, d)))
			}
		}
		return strings.Compare(a.Upstream+"\x00"+a.Name, b.Upstream+"\x00"+b.Name)
	})
	shown := rows[:min(len(rows), maxRows)]
	rest := others
	if others.Calls > 0 {
		rest.Rest = 1
	}
	for i := len(shown); i < len(rows); i++ {
		rest.plus(&rows[i])
		rest.Rest++
	}
	if rest.Rest > 0 {
		shown = append(slices.Clip(shown), rest)
	}
	for i := range shown {
		if shown[i].priced {
			dollars := shown[i].amount.Dollars()
			shown[i].Cost = &dollars
		}
	}
	return shown
}
