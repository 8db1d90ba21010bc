package stored

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"
)

// warnEvery is the least time between two warnings about a store: one that fails now and then is one outage.
const warnEvery = time.Minute

// outage remembers whether the store fails, so that an outage is one line in the log and not one for each reply.
type outage struct {
	mu     sync.Mutex
	failed int64 // in a row
	told   bool  // this outage was
	warned time.Time
	full   time.Time // when it was told last that a limit leaves no room
}

// Saved notes how keeping something went, and logs what an operator should know: the first failure of an outage, and its end.
// What a client that left wanted kept is no failure.
func (s *Store) Saved(ctx context.Context, what string, err error, fields ...zap.Field) {
	switch {
	case errors.Is(err, ErrTooLarge):
		s.Logger.Warn(what+" is not stored", append(fields, zap.Error(err))...)
		return
	case err != nil && errors.Is(ctx.Err(), context.Canceled):
		return
	}
	o := &s.outage
	if errors.Is(err, ErrLimit) || errors.Is(err, ErrNoMemory) {
		if o.tellFull(time.Now()) {
			s.Logger.Warn(what+" is not stored", append(fields, zap.Error(err))...)
		}
		return
	}
	o.mu.Lock()
	failed, told := o.failed, o.told
	if err == nil {
		o.failed, o.told = 0, false
		o.mu.Unlock()
		if told {
			s.Logger.Info("responses are stored again", zap.Int64("not_stored", failed))
		}
		return
	}
	o.failed++
	now := time.Now()
	warn := !told && now.Sub(o.warned) >= warnEvery
	if warn {
		o.told, o.warned = true, now
	}
	o.mu.Unlock()
	if warn {
		s.Logger.Warn(what+" is not stored: the store does not answer or is full; the client was told, and no further line follows until it works again", append(fields, zap.Error(err))...)
	}
}

// tellFull reports whether it is to be logged that a limit leaves no room. It is no outage: those of other owners are stored.
func (o *outage) tellFull(now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if now.Sub(o.full) < warnEvery {
		return false
	}
	o.full = now
	return true
}
