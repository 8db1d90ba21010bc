// Package price is what models' tokens cost: the prices that the configuration gives or a price file has, and the cost of a
// call by them. What a call used is package usage's, and bounds on what callers may spend are package limit's.
package price

import (
	"math"
	"math/bits"
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// Amount is an amount of money in trillionths of a dollar, or of whatever currency the prices are in: a millionth of a dollar
// for a million tokens is one trillionth for a token. Prices are rounded to it once, when they are read; from then on amounts
// are whole numbers and nothing is rounded. An Amount that does not fit is the largest there is, nine million dollars.
type Amount int64

// Dollar is one.
const Dollar Amount = 1e12

// Dollars returns the amount in dollars, for metrics. Up to a thousand dollars its shortest decimal form is exact.
func (a Amount) Dollars() float64 { return float64(a) / float64(Dollar) }

// String returns the amount in dollars, all digits that are not zero.
func (a Amount) String() string { return string(a.Append(nil)) }

// Append appends what String returns.
func (a Amount) Append(dst []byte) []byte {
	if a < 0 {
		dst, a = append(dst, '-'), -a
	}
	dst = strconv.AppendInt(dst, int64(a/Dollar), 10)
	rest := int64(a % Dollar)
	if rest == 0 {
		return dst
	}
	var digits [12]byte
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = byte('0' + rest%10)
		rest /= 10
	}
	n := len(digits)
	for digits[n-1] == '0' {
		n--
	}
	return append(append(dst, '.'), digits[:n]...)
}

// Plus returns the sum.
func (a Amount) Plus(b Amount) Amount {
	if sum := a + b; sum >= a || b < 0 {
		return sum
	}
	return math.MaxInt64
}

// rate is the price of one token; none if it has none.
type rate Amount

const none rate = -1

// rateOf returns the rate of so many trillionths for a token, rounded to a whole one. ok is false for what no price is.
func rateOf(trillionths float64) (r rate, ok bool) {
	f := math.Round(trillionths)
	if !(f >= 0) || f >= math.MaxInt64 { // NaN is neither
		return none, false
	}
	return rate(f), true
}

// perToken returns the rate of so many dollars for a token, perMillion that of so many for a million.
func perToken(dollars float64) (rate, bool)   { return rateOf(dollars * float64(Dollar)) }
func perMillion(dollars float64) (rate, bool) { return rateOf(dollars * (float64(Dollar) / 1e6)) }

// or returns the rate, or another one where there is none.
func (r rate) or(other rate) rate {
	if r == none {
		return other
	}
	return r
}

// of returns what n tokens cost.
func (r rate) of(n int64) Amount {
	hi, lo := bits.Mul64(uint64(r), uint64(n))
	if hi != 0 || lo > math.MaxInt64 {
		return math.MaxInt64
	}
	return Amount(lo)
}

// kind is a kind of tokens that has a price of its own.
type kind uint8

const (
	input      kind = iota // neither read from nor written to a cache
	output                 // reasoning aside, where that has a price
	reasoning              // part of the output
	cacheRead              // input
	cacheWrite             // input, kept for minutes
	cacheHour              // input, kept for an hour
	kinds
)

// rates are the prices of the kinds.
type rates [kinds]rate

func noRates() rates {
	var r rates
	for k := range r {
		r[k] = none
	}
	return r
}

// over returns the rates, and others where they have none.
func (r rates) over(others rates) rates {
	for k := range r {
		r[k] = r[k].or(others[k])
	}
	return r
}

// Price is what a model's tokens cost.
type Price struct {
	rates
	above []above           // rates of long prompts, the shorter first; they have all that the price has
	tiers map[string]*Price // by service tier, where it differs
}

// above is what all of a call's tokens cost whose prompt is longer than so many tokens.
type above struct {
	tokens int64
	rates
}

// Cost returns what the usage costs in a service tier, "" for the standard one; false if that is not known: nothing was
// counted, or a kind of tokens has no price. Tokens read from and written to a cache cost what others do where a price does
// not say otherwise, as they do at providers that have no price for them. A nil price has no cost.
func (p *Price) Cost(u *chat.Usage, serviceTier string) (Amount, bool) {
	if p == nil || !u.Known {
		return 0, false
	}
	if t := p.tiers[serviceTier]; t != nil {
		p = t
	}
	r := &p.rates
	prompt := u.Prompt()
	for i := range p.above {
		if prompt > p.above[i].tokens {
			r = &p.above[i].rates
		}
	}
	var hour, thought int64
	if u.CacheWrite1h > 0 {
		hour = min(u.CacheWrite1h, u.CacheWrite)
	}
	if u.ReasoningKnown && r[reasoning] != none {
		thought = min(u.Reasoning, u.Output)
	}
	write := r[cacheWrite].or(r[input])
	total := Amount(0)
	for _, one := range [...]struct {
		tokens int64
		rate
	}{
		{u.Input, r[input]},
		{u.Output - thought, r[output]},
		{thought, r[reasoning]},
		{u.CacheRead, r[cacheRead].or(r[input])},
		{u.CacheWrite - hour, write},
		{hour, r[cacheHour].or(write)},
	} {
		switch {
		case one.tokens <= 0:
		case one.rate == none:
			return 0, false
		default:
			total = total.Plus(one.of(one.tokens))
		}
	}
	return total, true
}
