package upstream

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// The pauses between tries at one target: doubled each time, with jitter, so that many gateways do not come back at
// once. A provider that asks for a longer pause than maxPause is left for the next target instead.
const (
	firstPause = 100 * time.Millisecond
	maxPause   = 5 * time.Second
)

// Try asks the route's targets for a model, by the client's name, one after the other until open succeeds, as often as the
// route allows and as long as the errors say that it may help. A target that fails is passed over, and asked once where no
// other is left. Another try at the same target needs room in the upstream's budget of retries; another target is no retry.
// attempt counts from 1 over all targets. Try returns the last error: it says most about what is wrong now.
func (r *Route) Try(ctx context.Context, asked string, open func(ctx context.Context, t *Target, attempt int) error) error {
	type left struct {
		*Target
		retries int
	}
	var passed []left
	c := trial{route: r, asked: asked, open: open}
	for _, t := range r.order() {
		failing, waits := t.state(t.ModelFor(asked), time.Now())
		if failing || waits {
			t.memory.stats.PassedOver.Add(1)
			l := left{t, r.Retries}
			if failing {
				l.retries = 0
			}
			passed = append(passed, l)
			continue
		}
		if over := c.ask(ctx, t, r.Retries); over {
			return c.last
		}
	}
	for _, l := range passed {
		if over := c.ask(ctx, l.Target, l.retries); over {
			return c.last
		}
	}
	return c.last
}

// trial is one run over a route's targets.
type trial struct {
	route   *Route
	asked   string
	open    func(ctx context.Context, t *Target, attempt int) error
	attempt int
	last    error
}

// ask asks one target, and reports whether that ends the trial: it answered, the client left, or no target can help.
func (c *trial) ask(ctx context.Context, t *Target, retries int) (over bool) {
	start := time.Now()
	if t.memory != nil {
		t.memory.retries.call(start)
	}
	modelID := t.ModelFor(c.asked)
	for try := 0; ; try++ {
		c.attempt++
		c.last = c.open(ctx, t, c.attempt)
		if c.last == nil {
			return true
		}
		e, ok := errors.AsType[*chat.Error](c.last)
		if !ok || ctx.Err() != nil {
			return true
		}
		now := time.Now()
		t.note(ctx, modelID, e, now)
		if !e.Retryable && !e.Fallback {
			return true
		}
		if !e.Retryable || try == retries {
			return false
		}
		pause := backoff(try, e.RetryAfter)
		if failing, _ := t.state(modelID, now); failing || pause > maxPause || c.route.late(start, pause) || !t.maySpend(now) {
			return false
		}
		if !sleep(ctx, pause) {
			return true
		}
	}
}

// late reports whether a try that begins after pause begins too late for a target that was asked first at start.
func (r *Route) late(start time.Time, pause time.Duration) bool {
	return r.TryDuration != 0 && time.Since(start)+pause >= r.TryDuration
}

// maySpend takes a retry from the upstream's budget, if it has one left.
func (t *Target) maySpend(now time.Time) bool {
	if t.memory == nil || t.memory.retries.spend(now) {
		return true
	}
	t.memory.stats.RetriesRefused.Add(1)
	return false
}

func backoff(try int, asked time.Duration) time.Duration {
	pause := firstPause << min(try, 6)
	pause = pause/2 + rand.N(pause/2+1) //nolint:gosec // jitter, not a secret
	return max(pause, asked)
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// order returns the targets in the order in which to try them.
func (r *Route) order() []*Target {
	if len(r.Targets) == 1 || r.Policy == PolicyFirst || r.Policy == "" {
		return r.Targets
	}
	ts := slices.Clone(r.Targets)
	if r.Policy == PolicyLeastPending {
		slices.SortStableFunc(ts, func(a, b *Target) int { return int(a.pending.Load() - b.pending.Load()) })
		return ts
	}
	for i := range ts {
		total := 0
		for _, t := range ts[i:] {
			total += max(t.Weight, 1)
		}
		n := rand.N(total) //nolint:gosec // load balancing, not a secret
		for j := i; j < len(ts); j++ {
			if n -= max(ts[j].Weight, 1); n < 0 {
				ts[i], ts[j] = ts[j], ts[i]
				break
			}
		}
	}
	return ts
}

// Begin counts a call as under way at the target, for PolicyLeastPending; End must follow.
func (t *Target) Begin() { t.pending.Add(1) }

// End counts a call begun by Begin as over.
func (t *Target) End() { t.pending.Add(-1) }
