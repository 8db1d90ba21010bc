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

// Try asks the route's targets one after the other until open succeeds, as often as the route allows and as long as the
// errors say that it may help. attempt counts from 1 over all targets. It gives the last error: the one that says most
// about what is wrong now.
func (r *Route) Try(ctx context.Context, open func(ctx context.Context, t *Target, attempt int) error) error {
	start := time.Now()
	attempt := 0
	var last error
	for i, t := range r.order() {
		if i > 0 && !r.mayTry(ctx, start, 0) {
			break
		}
		for try := 0; ; try++ {
			attempt++
			err := open(ctx, t, attempt)
			if err == nil {
				return nil
			}
			last = err
			var e *chat.Error
			if !errors.As(err, &e) || ctx.Err() != nil {
				return err
			}
			if !e.Retryable && !e.Fallback {
				return err
			}
			if !e.Retryable || try == r.Retries {
				break
			}
			pause := backoff(try, e.RetryAfter)
			if pause > maxPause || !r.mayTry(ctx, start, pause) {
				break
			}
			if !sleep(ctx, pause) {
				return last
			}
		}
	}
	return last
}

// mayTry tells whether a try that begins after pause begins in time.
func (r *Route) mayTry(ctx context.Context, start time.Time, pause time.Duration) bool {
	return ctx.Err() == nil && (r.TryDuration == 0 || time.Since(start)+pause < r.TryDuration)
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

// order gives the targets in the order in which to try them.
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
