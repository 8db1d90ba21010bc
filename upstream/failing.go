package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// Failing is when a target counts as failing. The zero value never counts it so.
type Failing struct {
	MaxFails int           // failures within Duration
	Duration time.Duration // how long a failure counts
	Statuses []int         // the upstream's statuses that are failures; below 10, a whole class. nil: all from 500 on
}

// The defaults of Failing.
const (
	DefaultMaxFails     = 5
	DefaultFailDuration = 30 * time.Second
)

const (
	// maxFailsKept bounds MaxFails, and how many failures are remembered.
	maxFailsKept = 100
	// maxModelsKept bounds the models whose failures are remembered: they are the clients' words.
	maxModelsKept = 1024
	// maxPassOver bounds how long a model is passed over because its provider asked for patience.
	maxPassOver = time.Minute
)

// memory is what is remembered of an upstream: its failures, by model and of its connection, and its retries. It outlives a
// reload that leaves the upstream as it is. As long as nothing has failed, nothing is looked up and no lock is taken.
type memory struct {
	troubled atomic.Bool
	down     atomic.Bool // the last active check failed
	connects failures
	models   sync.Map // the upstream's name of a model → *failures
	kept     atomic.Int32
	retries  budget
	stats    Stats
}

// Stats counts what became of an upstream's calls. The counts only grow.
type Stats struct {
	Failures       atomic.Int64 // tries that count against a target
	PassedOver     atomic.Int64 // times that a target was passed over
	RetriesRefused atomic.Int64 // retries that the budget had no room for
}

// failures are the times of the latest failures of one kind.
type failures struct {
	mu      sync.Mutex
	at      []time.Time // the latest, oldest first
	until   time.Time   // the provider wants no call before
	failing bool        // as it was last logged
}

func (f *failures) add(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.at) == maxFailsKept {
		f.at = slices.Delete(f.at, 0, 1)
	}
	f.at = append(f.at, now)
}

func (f *failures) wait(until time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if until.After(f.until) {
		f.until = until
	}
}

// state reports whether a target with these failures counts as failing, whether that changed since it was last asked, and
// whether its provider still wants no call.
func (f *failures) state(p *Failing, now time.Time) (failing, changed, waits bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.at)
	failing = p.MaxFails > 0 && n >= p.MaxFails && now.Sub(f.at[n-p.MaxFails]) < p.Duration
	changed = failing != f.failing
	f.failing = failing
	return failing, changed, now.Before(f.until)
}

// failingNow is state without taking notice of a change, for those who only look.
func (f *failures) failingNow(p *Failing, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.at)
	return p.MaxFails > 0 && n >= p.MaxFails && now.Sub(f.at[n-p.MaxFails]) < p.Duration
}

// Health is what is known of an upstream by its checks and calls.
type Health struct {
	Down    bool     // it fails its checks, or cannot be connected to
	Failing []string // the models whose calls fail, sorted
}

// Health returns what is known of the upstream. It asks nobody.
func (n *Named) Health() Health {
	m, now := n.memory, time.Now()
	if m == nil || !m.troubled.Load() {
		return Health{}
	}
	h := Health{Down: m.down.Load() || m.connects.failingNow(&n.Failing, now)}
	for modelID, f := range m.models.Range {
		if f.(*failures).failingNow(&n.Failing, now) {
			h.Failing = append(h.Failing, modelID.(string))
		}
	}
	slices.Sort(h.Failing)
	return h
}

// of returns the failures of a model; nil if there are none and add is false, or if too many models have some.
func (m *memory) of(modelID string, add bool) *failures {
	if f, ok := m.models.Load(modelID); ok {
		return f.(*failures)
	}
	if !add || m.kept.Add(1) > maxModelsKept {
		return nil
	}
	f, _ := m.models.LoadOrStore(modelID, new(failures))
	return f.(*failures)
}

// state reports whether the target counts as failing for the model, and whether the provider still wants no call for it. In
// both cases the target is tried only when no other is left.
func (t *Target) state(modelID string, now time.Time) (failing, waits bool) {
	m := t.memory
	if m == nil || !m.troubled.Load() {
		return false, false
	}
	failing = m.down.Load()
	for _, kind := range [...]struct {
		f     *failures
		model string
	}{{m.of(modelID, false), modelID}, {&m.connects, ""}} {
		if kind.f == nil {
			continue
		}
		fails, changed, wait := kind.f.state(t.failing(), now)
		failing, waits = failing || fails, waits || wait
		if changed {
			t.logFailing(fails, kind.model)
		}
	}
	return failing, waits
}

func (t *Target) failing() *Failing {
	if t.Failing != nil {
		return t.Failing
	}
	return &t.Named.Failing
}

func (t *Target) logFailing(failing bool, modelID string) {
	if t.Logger == nil {
		return
	}
	if failing {
		t.Logger.Warn("a target fails and is passed over", zap.String("upstream", t.Name), zap.String("model", modelID),
			zap.Int("max_fails", t.failing().MaxFails), zap.Duration("fail_duration", t.failing().Duration))
	} else {
		t.Logger.Info("a target is asked again", zap.String("upstream", t.Name), zap.String("model", modelID))
	}
}

// note remembers a try's error where it counts against the target.
func (t *Target) note(ctx context.Context, modelID string, e *chat.Error, now time.Time) {
	m := t.memory
	if m == nil || ctx.Err() != nil { // a client that left says nothing of the upstream
		return
	}
	if e.Kind == chat.ErrRateLimit && e.RetryAfter > 0 {
		if f := m.of(modelID, true); f != nil {
			f.wait(now.Add(min(e.RetryAfter, maxPassOver)))
			m.troubled.Store(true)
		}
	}
	if t.failing().MaxFails == 0 || !t.failing().counts(e) {
		return
	}
	m.stats.Failures.Add(1)
	f := &m.connects
	if !isConnect(e) {
		f = m.of(modelID, true)
	}
	if f != nil {
		f.add(now)
		m.troubled.Store(true)
	}
}

// counts reports whether an error is the target's failure: no connection, no answer in time, a status that the config calls
// unhealthy or else 5xx, a reply that broke before its first frame. A refused request is none, and no answer that the
// gateway could not sign for is.
func (p *Failing) counts(e *chat.Error) bool {
	if status := e.UpstreamStatus; status != 0 {
		if p.Statuses == nil {
			return status >= http.StatusInternalServerError
		}
		return slices.ContainsFunc(p.Statuses, func(s int) bool { return s == status || s == status/100 })
	}
	if !e.Retryable || e.Code == "upstream_credentials" {
		return e.Code == "stream_idle_timeout"
	}
	return e.Kind == chat.ErrUpstream || e.Kind == chat.ErrTimeout || e.Kind == chat.ErrOverloaded
}

// isConnect reports whether no connection came about, so that every model of the upstream is out of reach.
func isConnect(e *chat.Error) bool {
	if op, ok := errors.AsType[*net.OpError](e.Cause); ok && op.Op == "dial" {
		return true
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](e.Cause); ok {
		return true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](e.Cause); ok {
		return true
	}
	_, ok := errors.AsType[tls.AlertError](e.Cause)
	return ok
}
