// Package status keeps what a status page shows of the gateway: the state of its upstreams, and what models and users have
// used since the process began. The page itself is in package pages, its paths are package handler's.
package status

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/kept"
	"github.com/open-bedrock/caddy-bedrock-gateway/price"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/usage"
)

// The bounds of what is told apart: clients choose the names of models, and there may be any number of users.
const (
	maxKept    = 1000 // models, and users; what comes later is counted together
	maxName    = 200  // bytes of a name
	firstWords = 256  // calls whose times to the first token are remembered, for each upstream
)

// Board counts calls. It is safe for concurrent use, and counting takes no lock.
type Board struct {
	// Listened is set where somebody can look: else nothing is counted.
	Listened atomic.Bool

	began     time.Time
	sources   sources
	upstreams kept.Map[string, recent]
	models    kept.Map[modelKey, used]
	users     kept.Map[string, used]
	// What came when there was no more room.
	otherUpstreams          recent
	otherModels, otherUsers used
}

// Process is the board of all gateways of this process: what was counted must not be lost in a reload.
var Process = New()

// New returns a Board that has counted nothing.
func New() *Board { return &Board{began: time.Now()} }

type modelKey struct{ upstream, model string }

// used is what a model's or user's calls have used.
type used struct {
	calls, failed                        atomic.Int64
	input, output, cacheRead, cacheWrite atomic.Int64
	cost                                 atomic.Int64 // a price.Amount
	unpriced                             atomic.Int64 // calls that used tokens and have no cost
}

// add counts a call.
func (u *used) add(r *usage.Record) {
	u.calls.Add(1)
	if r.Err != nil {
		u.failed.Add(1)
	}
	if !r.Usage.Known {
		return
	}
	u.input.Add(r.Usage.Input)
	u.output.Add(r.Usage.Output)
	if r.Usage.CacheRead != 0 {
		u.cacheRead.Add(r.Usage.CacheRead)
	}
	if r.Usage.CacheWrite != 0 {
		u.cacheWrite.Add(r.Usage.CacheWrite)
	}
	if !r.Priced {
		u.unpriced.Add(1)
		return
	}
	for {
		before := u.cost.Load()
		if u.cost.CompareAndSwap(before, int64(price.Amount(before).Plus(r.Cost))) {
			return
		}
	}
}

// recent is what an upstream did lately.
type recent struct {
	seconds [60]atomic.Uint64 // calls of a second of the latest minute: the second's number above, their count below
	first   [firstWords]atomic.Int64
	firsts  atomic.Uint64
	failure atomic.Pointer[Failure]
}

// Failure is the latest error of an upstream.
type Failure struct {
	Time   time.Time `json:"time"`
	Cause  string    `json:"cause"`
	Model  string    `json:"model"`
	Status int       `json:"upstream_status,omitempty"`
	Error  string    `json:"upstream_error,omitempty"` // the provider's name for it
}

// countBits are those of a second's count, in recent.seconds.
const countBits = 32

func (u *recent) call(now time.Time) {
	second := uint64(now.Unix())
	at := &u.seconds[second%uint64(len(u.seconds))]
	for {
		before := at.Load()
		after := before + 1
		if before>>countBits != second&(1<<countBits-1) {
			after = second<<countBits | 1
		}
		if at.CompareAndSwap(before, after) {
			return
		}
	}
}

// perMinute returns the calls of the latest minute.
func (u *recent) perMinute(now time.Time) int64 {
	n, second := int64(0), uint64(now.Unix())
	for i := range u.seconds {
		if v := u.seconds[i].Load(); second-v>>countBits < uint64(len(u.seconds)) {
			n += int64(v & (1<<countBits - 1))
		}
	}
	return n
}

// firstToken returns the times to the first token, in nanoseconds, that a half and that 95 of 100 streams kept; 0 if there was
// no stream.
func (u *recent) firstToken() (p50, p95 time.Duration) {
	var all []int64
	for i := range min(u.firsts.Load(), firstWords) {
		if d := u.first[i].Load(); d > 0 {
			all = append(all, d)
		}
	}
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	return time.Duration(all[(len(all)-1)/2]), time.Duration(all[(len(all)*95+99)/100-1])
}

// Observe counts a call that is over.
func (b *Board) Observe(r *usage.Record) {
	for i := range r.Tries {
		if t := &r.Tries[i]; t.Err != nil && t.Cause() != "client_gone" {
			b.upstream(t.Upstream).fail(t.Start.Add(t.Took), t.Err, t.Model)
		}
	}
	model := r.UpstreamModel
	if r.Upstream != "" {
		u := b.upstream(r.Upstream)
		u.call(r.Start)
		if r.Stream && r.FirstByte > 0 {
			u.first[(u.firsts.Add(1)-1)%firstWords].Store(int64(r.FirstByte))
		}
		if e, ok := r.Err.(*chat.Error); ok && r.Broken() && r.Status < 400 { //nolint:errorlint // a call's error is not wrapped
			u.fail(r.Start.Add(r.Duration), e, r.UpstreamModel)
		}
	}
	if model == "" {
		model = r.Model
	}
	b.model(modelKey{r.Upstream, clip(model)}).add(r)
	b.user(clip(r.User)).add(r)
}

func (u *recent) fail(at time.Time, e *chat.Error, model string) {
	u.failure.Store(&Failure{Time: at.UTC(), Cause: usage.CauseOf(e), Model: clip(model), Status: e.UpstreamStatus, Error: chat.Clip(e.Type)})
}

// clip bounds a name.
func clip(name string) string {
	if len(name) > maxName {
		return name[:maxName] + "…"
	}
	return name
}

func (b *Board) upstream(name string) *recent {
	if u := b.upstreams.Get(name); u != nil {
		return u
	}
	if u := b.upstreams.Add(name, maxKept, func() *recent { return new(recent) }); u != nil {
		return u
	}
	return &b.otherUpstreams
}

func (b *Board) model(k modelKey) *used {
	if u := b.models.Get(k); u != nil {
		return u
	}
	if u := b.models.Add(k, maxKept, newUsed); u != nil {
		return u
	}
	return &b.otherModels
}

func (b *Board) user(name string) *used {
	if u := b.users.Get(name); u != nil {
		return u
	}
	if u := b.users.Add(name, maxKept, newUsed); u != nil {
		return u
	}
	return &b.otherUsers
}

func newUsed() *used { return new(used) }
