package files

import (
	"context"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"
)

// AbandonedAfter is the age from which bytes that belong to no file are an interrupted upload's. An upload under way is
// never that old: servers end a request that stays silent for minutes.
const AbandonedAfter = time.Hour

// KeepSwept sweeps s until ctx ends. Each wait is random, between half and one and a half of every, so that many
// gateways on one store do not all come at once; the first wait also means that checking a configuration touches nothing.
func KeepSwept(ctx context.Context, s Store, every time.Duration, log *zap.Logger) {
	wait := func() time.Duration {
		return every/2 + rand.N(every) //nolint:gosec // spreads load, guards nothing
	}
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
