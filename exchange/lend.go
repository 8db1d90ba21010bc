package exchange

import (
	"math/bits"
	"slices"
	"sync"

	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// Sizes of the memory that is used again, in bytes: four to each power of two, so that at most a fifth of it is empty.
const (
	leastLoan = 1 << 10
	mostLoan  = 8 << 20
)

// loans are what is not in use, by size.
var loans [4 * 14]sync.Pool

// loan is memory for a body.
type loan struct {
	b []byte
	i int // its place in loans
}

// lender has the memory of a call's bodies: the client's and those that upstreams are sent. Half of the garbage of a call would be
// these. All of it is given back when the call is over, if nobody reads it then; else it becomes garbage. What outlives its call must
// copy what it takes of a request: where races are looked for, memory that was given back is overwritten.
type lender struct {
	lent upstream.Lent
	kept bool // an upstream had a body and does not tell who reads it
	used [6]*loan
}

// to returns what an upstream is to tell who reads the bodies that it is sent.
func (l *lender) to(u upstream.Upstream) *upstream.Lent {
	if _, tells := u.(upstream.Borrower); tells {
		return &l.lent
	}
	l.kept = true
	return nil
}

// size returns the least size of loans for n bytes and its place; n and -1 where there is none.
func size(n int) (int, int) {
	switch {
	case n > mostLoan:
		return n, -1
	case n <= leastLoan:
		return leastLoan, 0
	}
	log := bits.Len(uint(n-1)) - 1 // 2^log < n <= 2^(log+1)
	step := 1 << (log - 2)
	quarter := (n - 1 - 1<<log) >> (log - 2)
	return 1<<log + (quarter+1)*step, 4*(log-10) + quarter + 1
}

// lend returns memory for at least n bytes, empty. What is in it behind its length is of other calls.
func (l *lender) lend(n int) []byte {
	n, i := size(n)
	free := slices.Index(l.used[:], nil)
	if i < 0 || free < 0 {
		return make([]byte, 0, n)
	}
	v, ok := loans[i].Get().(*loan)
	if !ok {
		v = &loan{make([]byte, 0, n), i}
	}
	l.used[free] = v
	return v.b
}

// back takes back b, of which nothing is in use, if it was lent.
func (l *lender) back(b []byte) {
	for i, v := range l.used {
		if v != nil && cap(b) > 0 && &v.b[:1][0] == &b[:1][0] {
			l.used[i] = nil
			v.back()
			return
		}
	}
}

// close takes back all that is lent.
func (l *lender) close() {
	free := l.lent.Free() && !l.kept
	for i, v := range l.used {
		if v != nil && free {
			v.back()
		}
		l.used[i] = nil
	}
}

func (v *loan) back() {
	if overwrites {
		b := v.b[:cap(v.b)]
		for i := range b {
			b[i] = '#'
		}
	}
	loans[v.i].Put(v)
}
