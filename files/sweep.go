package files

import (
	"context"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"
)

// SweepEvery is the mean time between two sweeps of one process.
const SweepEvery = 15 * time.Minute

// AbandonedAfter is the age from which bytes that belong to no file are an interrupted upload's. An upload under way is
// never that old: servers end a request that stays silent for minutes.
const AbandonedAfter = time.Hour

// KeepSwept sweeps s until ctx ends. Each wait is random, between half and one and a half of SweepEvery, so that many
// gateways on one store do not all come at once; the first wait also means that checking a configuration touches nothing.
func KeepSwept(ctx context.Context, s Store, log *zap.Logger) {
	timer := time.NewTimer(wait())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		switch n, err := s.Sweep(ctx); {
		case ctx.Err() != nil:
			return
		case err != nil:
			log.Warn("sweeping expired files", zap.Error(err), zap.Int("removed", n))
		case n > 0:
			log.Info("swept expired files", zap.Int("removed", n))
		}
		timer.Reset(wait())
	}
}

func wait() time.Duration {
	return SweepEvery/2 + rand.N(SweepEvery) //nolint:gosec // spreads load, guards nothing
}
