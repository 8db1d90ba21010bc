package limit

import (
	"context"
	"time"
)

// Store counts for all gateways that have it in common. It is safe for concurrent use. Its methods may block until ctx
// ends: Limits does not wait for them longer than maxWait.
type Store interface {
	// Begin takes what each of the takes says, or nothing of it, in one round trip each and all at once. The outcomes are in
	// their order. With an error it is unknown what was taken.
	Begin(ctx context.Context, takes []Take) ([]Outcome, error)

	// Settle ends what was taken.
	Settle(ctx context.Context, s []Settlement) error

	// Renew makes leases last for LeaseTime again.
	Renew(ctx context.Context, takes []Take) error

	// Reach returns nil if the count can be asked for.
	Reach(ctx context.Context, count string) error

	// Close lets go of connections.
	Close()
}

// LeaseTime is how long what a call holds is held where its gateway does not say that it still runs.
const LeaseTime = time.Minute

// Take is what a call takes of one limit.
type Take struct {
	Rule  *Rule
	Count string // names what is counted: the limit, and the value of its key
	Lease string // names what is held until it is settled; "" where nothing is

	Reserved Amounts
	Periods  Amounts // the numbers of the calendar's periods in which they were; set by Begin's caller from the outcome
}

// Amounts are tokens, and a cost in billionths of a dollar.
type Amounts struct{ Tokens, Cost int64 }

// Outcome is what became of a take.
type Outcome struct {
	Refused  What // "" if it was taken
	Wait     time.Duration
	Requests Report
	Tokens   Report
	Periods  Amounts
}

// What is what may be used up.
type What string

// What limits bound.
const (
	OfRequests   What = "requests"
	OfTokens     What = "tokens"
	OfCost       What = "cost"
	OfConcurrent What = "concurrent requests"
)

// Settlement ends a take.
type Settlement struct {
	Take
	Used  Amounts
	Undo  bool // the call did not begin after all: its request is given back
	Again bool // it may have been settled before, or never have been taken
}
