// Package budget counts what taking the text out of one file costs. Files come from strangers, and a file of a few
// kilobytes can ask for gigabytes and minutes; so each extractor charges its work and its memory here, as it goes, and
// stops when the budget says so.
package budget

import (
	"context"
	"errors"
	"fmt"
)

var (
	// ErrSteps is returned when a file needs more work than one file may take.
	ErrSteps = errors.New("it takes too much work to read")
	// ErrMemory is returned when a file needs more memory than one file may take.
	ErrMemory = errors.New("it takes too much memory to read")
	// ErrRequest is returned when the files of one request need more work together than one request may take.
	ErrRequest = errors.New("the files of this request take too much work to read together")
)

// A step is the work of about 10 ns on the machines of 2024: a byte looked at, or a tenth of a token. The number of steps
// of a file is the same on every machine and in every run, so that a file is refused everywhere or nowhere.
const (
	// MaxSteps is what one file may take: about a second.
	MaxSteps = 96 << 20
	// MaxMemory is what one file may hold at once, in bytes, the file itself included. What the garbage collector has not
	// taken back yet comes on top; both together stay below Peak.
	MaxMemory = 44 << 20
	// Peak is the most memory that one file costs, in bytes.
	Peak = 64 << 20
	// MaxRequestSteps is what all files of one request may take: about ten seconds.
	MaxRequestSteps = 10 * MaxSteps
)

// Request is what the files of one request may cost together. The zero value has spent nothing. Not for concurrent use.
type Request struct {
	spent int64
}

// Budget is what one file may still cost. Once it is spent, each further charge fails with the same error, so a parser
// may note a failed charge by stopping, and its caller asks Err. Not for concurrent use.
type Budget struct {
	ctx     context.Context //nolint:containedctx // lives as long as the reading of one file
	request *Request
	steps   int64
	memory  int64
	spent   int64
	// checked is how many steps were spent when the context was looked at last.
	checked int64
	held    int64
	peak    int64
	chunks  [][]byte // of ReadAll
	err     error
}

// checkEvery is how many steps pass between two looks at the context: about a millisecond.
const checkEvery = 1 << 17

// New returns the budget of a file that is read for the request; nil stands for a request of this file alone. Bounds of
// 0 are MaxSteps and MaxMemory. It also ends when ctx does.
func New(ctx context.Context, request *Request, steps, memory int64) *Budget {
	if request == nil {
		request = new(Request)
	}
	if steps <= 0 {
		steps = MaxSteps
	}
	if memory <= 0 {
		memory = MaxMemory
	}
	return &Budget{ctx: ctx, request: request, steps: steps, memory: memory}
}

// Err returns why the budget ended: ErrSteps, ErrMemory, ErrRequest, the context's error, or what Fail was given; nil
// while it lasts.
func (b *Budget) Err() error {
	if b.err == nil {
		b.err = b.ctx.Err()
	}
	return b.err
}

// Fail ends the budget with err, if it has not ended before, and returns why it has.
func (b *Budget) Fail(err error) error {
	if b.err == nil {
		b.err = err
	}
	return b.err
}

// Step charges n steps of work.
func (b *Budget) Step(n int) error {
	b.spent += int64(n)
	b.request.spent += int64(n)
	b.checked += int64(n)
	if b.err != nil {
		return b.err
	}
	switch {
	case b.spent > b.steps:
		b.err = ErrSteps
	case b.request.spent > MaxRequestSteps:
		b.err = ErrRequest
	case b.checked >= checkEvery:
		b.checked = 0
		b.err = b.ctx.Err()
	}
	return b.err
}

// Hold charges n bytes of memory, until Release.
func (b *Budget) Hold(n int) error {
	b.held += int64(n)
	b.peak = max(b.peak, b.held)
	if b.err == nil && b.held > b.memory {
		b.err = fmt.Errorf("%w: more than %d MiB", ErrMemory, b.memory>>20)
	}
	return b.err
}

// Release takes back a charge of Hold: the memory is garbage now.
func (b *Budget) Release(n int) { b.held -= int64(n) }

// Left returns how many bytes of memory may still be held.
func (b *Budget) Left() int { return int(max(0, b.memory-b.held)) }

// Steps returns how many steps were spent.
func (b *Budget) Steps() int64 { return b.spent }

// Memory returns the most memory that was held at once, in bytes.
func (b *Budget) Memory() int64 { return b.peak }
