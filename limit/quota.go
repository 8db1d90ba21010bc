package limit

import (
	"time"
)

// Quota is an amount in a window of time. The window slides, or is a day or month of the calendar (UTC).
type Quota struct {
	Amount int64
	Window time.Duration // 0 for a calendar's
	Period Period
}

// Period is a window of the calendar.
type Period string

// The periods.
const (
	Sliding Period = ""
	Day     Period = "day"
	Month   Period = "month"
)

// String returns the window's name.
func (q *Quota) String() string {
	if q.Period != Sliding {
		return string(q.Period)
	}
	return q.Window.String()
}

// Number returns the number of the period that t, a time in UTC, is in, and when the next one begins.
func (p Period) Number(t time.Time) (n int, next time.Time) {
	y, m, d := t.Date()
	if p == Month {
		return y*12 + int(m), time.Date(y, m+1, 1, 0, 0, 0, 0, time.UTC)
	}
	return (y*12+int(m))*32 + d, time.Date(y, m, d+1, 0, 0, 0, 0, time.UTC)
}

// used is what was used of a quota. For a sliding window it is the theoretical arrival time of the generic cell rate
// algorithm (ITU-T I.371): when all that was used will have drained away, at the rate of the amount in a window. It is in
// the future by as much as was used, by more than a window where more was used than there was: a debt, which is no more
// than one window. For a period of the calendar it is a count.
type used struct {
	drained  int64 // nanoseconds of instant.mono
	period   int
	count    int64
	reserved int64
}

// cost returns how long n takes to drain.
func (q *Quota) cost(n int64) int64 {
	return int64(float64(n) / float64(q.Amount) * float64(q.Window))
}

// enough is how much of n must be left for it to be taken. A large request needs no more than a tenth of the amount, and
// owes the rest: else small ones, which come in between, would keep it out for good.
func (q *Quota) enough(n int64) int64 { return min(n, max(q.Amount/10, 1)) }

// take takes n, or returns how long to wait.
func (u *used) take(q *Quota, n int64, now instant) (wait time.Duration, ok bool) {
	if q.Period != Sliding {
		next := u.turn(q, now)
		if q.Amount-u.count-u.reserved < q.enough(n) {
			return next.Sub(now.utc), false
		}
		u.reserved += n
		return 0, true
	}
	from := max(u.drained, now.mono)
	if over := from + q.cost(q.enough(n)) - now.mono - int64(q.Window); over > 0 {
		return time.Duration(over), false
	}
	u.drained = from + q.cost(n)
	u.bound(q, now)
	return 0, true
}

// settle replaces what was taken by what was used.
func (u *used) settle(q *Quota, taken, n int64, period int, now instant) {
	if q.Period != Sliding {
		if u.turn(q, now); u.period == period {
			u.reserved -= taken
		}
		u.count += n // of a call that began in the period before: it ends in this one
		return
	}
	u.drained = max(u.drained, now.mono) + q.cost(n-taken)
	u.bound(q, now)
}

// undo gives back one request that did not begin after all.
func (u *used) undo(q *Quota, now instant) {
	if q.Period != Sliding {
		if u.turn(q, now); u.count > 0 {
			u.count--
		}
		return
	}
	u.drained -= q.cost(1)
}

// bound keeps the debt within one window.
func (u *used) bound(q *Quota, now instant) {
	u.drained = min(u.drained, now.mono+2*int64(q.Window))
}

// turn begins a new period where the old one is over, and returns when the next one begins.
func (u *used) turn(q *Quota, now instant) (next time.Time) {
	n, next := q.Period.Number(now.utc)
	if n != u.period {
		*u = used{period: n}
	}
	return next
}

// report returns the quota's state.
func (u *used) report(q *Quota, now instant) Report {
	r := Report{Limit: q.Amount}
	if q.Period != Sliding {
		r.Reset = u.turn(q, now).Sub(now.utc)
		r.Remaining = max(q.Amount-u.count-u.reserved, 0)
		return r
	}
	r.Reset = time.Duration(max(u.drained-now.mono, 0))
	r.Remaining = max(int64(float64(int64(q.Window)-int64(r.Reset))/float64(q.Window)*float64(q.Amount)), 0)
	return r
}
