package usage

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/directive"
)

// Accounting are the gateway's settings for what calls cost and what is logged of them.
type Accounting struct {
	// What models cost, for the cost metrics. The first matching pattern counts.
	Prices []Price `json:"prices,omitempty"`

	// Log prompts and replies at DEBUG level. Default: `false`.
	LogContent bool `json:"log_content,omitempty"`
}

// Price is what a model's tokens cost, per million.
type Price struct {
	// A model id, in which `*` stands for any run of characters.
	Model string `json:"model"`

	// Input tokens that are neither read from nor written to a cache.
	Input float64 `json:"input,omitempty"`

	// Output tokens.
	Output float64 `json:"output,omitempty"`

	// Input tokens read from a cache.
	CacheRead float64 `json:"cache_read,omitempty"`

	// Input tokens written to a cache.
	CacheWrite float64 `json:"cache_write,omitempty"`
}

// Words returns the sub-directives of bedrock_gateway that a reads:
//
//	price <pattern> {
//		input|output|cache_read|cache_write <amount>
//	}
//	log_content
func (a *Accounting) Words() directive.Words {
	return directive.Words{
		"price": {Repeats: true, Read: func(d *caddyfile.Dispenser) error {
			start, p := d.Token(), Price{}
			if err := p.UnmarshalCaddyfile(d); err != nil {
				return err
			}
			if slices.ContainsFunc(a.Prices, func(other Price) bool { return other.Model == p.Model }) {
				return directive.At(start).Errf("price %s already specified", p.Model)
			}
			a.Prices = append(a.Prices, p)
			return nil
		}},
		"log_content": directive.Flag(&a.LogContent),
	}
}

// UnmarshalCaddyfile reads price <pattern> { ... }, d standing on the word price.
func (p *Price) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	start := d.Token()
	var err error
	if p.Model, err = directive.Arg(d); err != nil {
		return err
	}
	seen, err := directive.Words{
		"input":       amount(&p.Input),
		"output":      amount(&p.Output),
		"cache_read":  amount(&p.CacheRead),
		"cache_write": amount(&p.CacheWrite),
	}.Block(d)
	if err == nil && len(seen) == 0 {
		return directive.At(start).Errf("price %s says nothing: give it input, output, cache_read or cache_write", p.Model)
	}
	return err
}

// amount returns the word that reads an amount of money, zero or more, into *dst.
func amount(dst *float64) directive.Word {
	return directive.Word{Read: func(d *caddyfile.Dispenser) error {
		word := d.Val()
		val, err := directive.Arg(d)
		if err != nil {
			return err
		}
		n, err := strconv.ParseFloat(val, 64)
		if err != nil || n < 0 || math.IsInf(n, 0) || math.IsNaN(n) {
			return d.Errf("invalid %s amount '%s'", word, val)
		}
		*dst = n
		return nil
	}}
}

// Provision refuses what this version does not do: a configuration that relies on it must not run without.
func (a *Accounting) Provision(caddy.Context) error {
	if len(a.Prices) > 0 {
		return fmt.Errorf("price is not available in this version")
	}
	if a.LogContent {
		return fmt.Errorf("log_content is not available in this version")
	}
	return nil
}
