package limit

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"time"
)

// Rule is one limit with everything resolved.
type Rule struct {
	Name       string
	Key        string              // a placeholder: what is counted separately; "" for one count of all
	Models     []func(string) bool // the client's names of models that the limit is for; nil for all
	Requests   *Quota              // nil: no limit
	Tokens     *Quota              // nil: no limit
	Cost       *Quota              // in billionths of a dollar; nil: no limit
	Unpriced   bool                // models without a price are let through where there is a limit of cost
	Concurrent int64               // 0: no limit
	Stored     int64               // bytes of kept responses; 0: no limit

	store *store
	id    [sha256.Size]byte // of the name and the settings, for stores that gateways have in common
}

func (r *Rule) holds(model string) bool {
	if r.Models == nil {
		return true
	}
	for _, match := range r.Models {
		if match(model) {
			return true
		}
	}
	return false
}

// Limits counts what callers use. It is safe for concurrent use.
type Limits struct {
	rules  []*Rule          // that calls are counted by
	stored []*Rule          // that bound what is kept
	shared *Shared          // nil: counts are kept in this process alone
	deny   bool             // refuse what the shared store does not count, instead of counting it in this process
	clock  func() time.Time // for tests
}

// New returns Limits by the rules; nil for none.
func New(rules []*Rule) *Limits {
	if len(rules) == 0 {
		return nil
	}
	l := &Limits{clock: time.Now}
	for _, r := range rules {
		if r.store == nil {
			r.store = new(store)
		}
		if r.Stored > 0 {
			l.stored = append(l.stored, r)
		}
		if r.Requests != nil || r.Tokens != nil || r.Cost != nil || r.Concurrent > 0 {
			l.rules = append(l.rules, r)
		}
	}
	return l
}

// epoch is the beginning of the clock that windows slide by. It is the process's, since counts outlive a configuration.
var epoch = time.Now()

// instant is a moment on both clocks: the one that windows slide by, in nanoseconds, and the calendar's.
type instant struct {
	mono int64
	utc  time.Time
}

func (l *Limits) now() instant {
	t := l.clock()
	return instant{mono: int64(t.Sub(epoch)), utc: t.UTC()}
}

// Ask is what a call is about to use.
type Ask struct {
	Model string                          // the client's name
	Key   func(placeholder string) string // resolves a rule's key
	Input int64                           // tokens, estimated
	Most  int64                           // the most output tokens that the client asked for; 0 if it set no limit, which is UsualOutput

	InputCost int64  // of Input, in billionths of a dollar
	MostCost  int64  // of Most output tokens
	Unpriced  string // the model of the call that has no price; "" if all have one
}

// UsualOutput is what a call without a limit of output tokens reserves for its output.
const UsualOutput = 4096

// Costs reports whether a limit of cost holds for calls to the model.
func (l *Limits) Costs(model string) bool {
	if l == nil {
		return false
	}
	for _, r := range l.rules {
		if r.Cost != nil && r.holds(model) {
			return true
		}
	}
	return false
}

// Begin takes what the call is about to use from all limits that hold for it, or from none of them and returns why not. The
// caller settles the lease, which is nil where no limit holds.
func (l *Limits) Begin(a *Ask) (*Lease, *Refusal) {
	if l == nil {
		return nil, nil
	}
	for _, r := range l.rules {
		if refused := r.never(a); refused != nil {
			return nil, refused
		}
	}
	if l.shared != nil {
		lease, refused, ok := l.beginShared(a)
		if ok {
			return lease, refused
		}
	}
	now := l.now()
	var lease *Lease
	for _, r := range l.rules {
		if !r.holds(a.Model) {
			continue
		}
		if lease == nil {
			lease = &Lease{limits: l}
		}
		h, refused := r.store.entry(r.keyOf(a)).begin(r, a, now)
		if refused != nil {
			lease.giveBack(now)
			return nil, refused
		}
		lease.held = append(lease.held, h)
	}
	return lease, nil
}

// never returns why the call may not begin however long it waits; nil if it may.
func (r *Rule) never(a *Ask) *Refusal {
	if !r.holds(a.Model) {
		return nil
	}
	if q := r.Tokens; q != nil && a.Input > q.Amount {
		return &Refusal{Limit: r.Name, What: OfTokens, Amount: q.Amount, Window: q.String(), TooLarge: a.Input}
	}
	if q := r.Cost; q != nil && a.Unpriced != "" && !r.Unpriced {
		return &Refusal{Limit: r.Name, What: OfCost, Unpriced: a.Unpriced}
	} else if q != nil && a.InputCost > q.Amount {
		return &Refusal{Limit: r.Name, What: OfCost, Amount: q.Amount, Window: q.String(), TooLarge: a.InputCost}
	}
	return nil
}

func (r *Rule) keyOf(a *Ask) string {
	if r.Key == "" {
		return ""
	}
	return a.Key(r.Key)
}

// beginShared is Begin with the shared store. ok is false where the limits are to be counted in this process after all.
func (l *Limits) beginShared(a *Ask) (lease *Lease, refused *Refusal, ok bool) {
	var takes []Take
	for _, r := range l.rules {
		if r.holds(a.Model) {
			takes = append(takes, r.take(l.shared, a))
		}
	}
	if len(takes) == 0 {
		return nil, nil, true
	}
	held, refused, ok := l.shared.begin(takes)
	switch {
	case ok && refused == nil:
		return &Lease{limits: l, shared: held}, nil, true
	case ok:
		return nil, refused, true
	case l.deny:
		l.shared.Stats.Denied.Add(1)
		Stores.Denied.Add(1)
		return nil, &Refusal{Limit: takes[0].Rule.Name, Unknown: true, Wait: time.Second}, true
	}
	l.shared.Stats.Local.Add(1)
	Stores.Local.Add(1)
	return nil, nil, false
}

// take returns what the call takes of the rule from a shared store.
func (r *Rule) take(s *Shared, a *Ask) Take {
	h := sha256.New()
	h.Write(r.id[:])
	h.Write([]byte(r.keyOf(a)))
	t := Take{Rule: r, Count: r.Name + ":" + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18]), Reserved: r.reserve(a)}
	if r.Tokens != nil || r.Cost != nil || r.Concurrent > 0 {
		t.Lease = s.newLease()
	}
	return t
}

// reserve returns what a call reserves at its start.
func (r *Rule) reserve(a *Ask) (n Amounts) {
	if q := r.Tokens; q != nil {
		most := a.Most
		if most <= 0 {
			most = UsualOutput
		}
		n.Tokens = a.Input + min(most, max(q.Amount/10, 1))
	}
	if q := r.Cost; q != nil {
		n.Cost = a.InputCost + min(a.MostCost, max(q.Amount/10, 1))
	}
	return n
}

// Refusal is why a call may not begin.
type Refusal struct {
	Limit    string        // the limit's name
	What     What          // what is used up
	Amount   int64         // of the limit
	Window   string        // such as "1m0s" or "day"; "" for concurrent requests
	Wait     time.Duration // when the call may be made
	TooLarge int64         // the input's tokens, or what they cost, where no waiting helps, because the limit is smaller; else 0
	Unpriced string        // the model that has no price, under a limit of cost; else ""
	Unknown  bool          // the store of the limits does not answer, and must be asked
	Requests Report
	Tokens   Report
}

func (r *Rule) refusal(what What, wait time.Duration, requests, tokens Report) *Refusal {
	f := &Refusal{Limit: r.Name, What: what, Amount: r.Concurrent, Wait: wait, Requests: requests, Tokens: tokens}
	switch what {
	case OfRequests:
		f.Amount, f.Window = r.Requests.Amount, r.Requests.String()
	case OfTokens:
		f.Amount, f.Window = r.Tokens.Amount, r.Tokens.String()
	case OfCost:
		f.Amount, f.Window = r.Cost.Amount, r.Cost.String()
	case OfConcurrent:
	}
	return f
}

// Message returns the refusal for the client.
func (r *Refusal) Message() string {
	if r.Unknown {
		return fmt.Sprintf("the limit '%s' cannot be checked at the moment; try again in %s", r.Limit, r.Wait)
	}
	if r.Unpriced != "" {
		return fmt.Sprintf("the model '%s' has no price, and the limit '%s' is one of cost: the gateway's configuration must give the model a 'price'", r.Unpriced, r.Limit)
	}
	amount, large := strconv.FormatInt(r.Amount, 10), fmt.Sprintf("has about %d input tokens, and the limit is %d tokens", r.TooLarge, r.Amount)
	if r.What == OfCost {
		amount = dollars(r.Amount)
		large = fmt.Sprintf("costs about %s for its input alone, and the limit is %s", dollars(r.TooLarge), amount)
	}
	per := ""
	if r.Window != "" {
		per = " per " + r.Window
	}
	if r.TooLarge > 0 {
		return fmt.Sprintf("the request is too large for the limit '%s': it %s%s", r.Limit, large, per)
	}
	return fmt.Sprintf("rate limit reached for %s: the limit '%s' is %s%s; try again in %s", r.What, r.Limit, amount, per, r.Wait.Round(time.Millisecond))
}

// dollars returns an amount of billionths of a dollar.
func dollars(n int64) string { return "$" + strconv.FormatFloat(float64(n)/1e9, 'f', -1, 64) }

// Report is the state of one quota, for headers. The zero value is no report.
type Report struct {
	Limit     int64
	Remaining int64
	Reset     time.Duration // until nothing is used any more
}

// tighter returns the one with less room.
func tighter(a, b Report) Report {
	if a.Limit == 0 || b.Limit != 0 && b.Remaining < a.Remaining {
		return b
	}
	return a
}

// Lease is what a call has taken from the limits. It belongs to one goroutine.
type Lease struct {
	limits *Limits
	held   []hold
	shared *sharedLease // nil where the shared store has not counted the call
}

// hold is what a call has taken from one limit.
type hold struct {
	rule     *Rule
	entry    *entry
	reserved Amounts
	periods  Amounts // of the calendar when they were reserved
}

// Settle ends the lease by what the call used. A nil lease, and one that was settled, is left alone.
func (l *Lease) Settle(used Amounts) {
	if l == nil {
		return
	}
	if l.shared != nil {
		l.limits.shared.settle(l.shared, used)
		l.shared = nil
	}
	now := l.limits.now()
	for i := range l.held {
		l.held[i].settle(used, now)
	}
	l.held = nil
}

// giveBack undoes what a call that does not begin has taken.
func (l *Lease) giveBack(now instant) {
	for i := range l.held {
		h := &l.held[i]
		h.settle(Amounts{}, now)
		if q := h.rule.Requests; q != nil {
			h.entry.mu.Lock()
			h.entry.requests.undo(q, now)
			h.entry.mu.Unlock()
		}
	}
	l.held = nil
}

// Reports returns the state of the tightest of the limits that hold for the call.
func (l *Lease) Reports() (requests, tokens Report) {
	if l == nil {
		return Report{}, Report{}
	}
	if l.shared != nil {
		return l.shared.requests, l.shared.tokens
	}
	now := l.limits.now()
	for i := range l.held {
		r, t := l.held[i].entry.report(l.held[i].rule, now)
		requests, tokens = tighter(requests, r), tighter(tokens, t)
	}
	return requests, tokens
}
