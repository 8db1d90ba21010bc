package price

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/directive"
)

// Pricing are the gateway's settings for what models cost.
type Pricing struct {
	// What models cost. The first matching pattern counts, before the price file.
	Prices []Model `json:"prices,omitempty"`

	// A file of prices in the form of LiteLLM's model_prices_and_context_window.json,
	// of at most 32 MiB. It is read when the configuration is loaded, and again when
	// it has changed; a version that cannot be read is logged, and the prices stay
	// as they were.
	PriceFile string `json:"price_file,omitempty"`

	// Tell clients what their call cost in the header `Bedrock-Gateway-Cost` of
	// replies that are not streamed, and in the trailer of that name of streams, for
	// clients that send `TE: trailers`. Default: `false`.
	CostHeader bool `json:"cost_header,omitempty"`

	book *Book
}

// Model is what a model's tokens cost, in dollars per million, rounded to a
// millionth of a dollar. A call that uses tokens without a price has no cost.
type Model struct {
	// A model's id as its upstream knows it, in which `*` stands for any run of
	// characters.
	Model string `json:"model"`

	// Input tokens that are neither read from nor written to a cache.
	Input *float64 `json:"input,omitempty"`

	// Output tokens.
	Output *float64 `json:"output,omitempty"`

	// Input tokens read from a cache. Default: those of other input.
	CacheRead *float64 `json:"cache_read,omitempty"`

	// Input tokens written to a cache. Default: those of other input.
	CacheWrite *float64 `json:"cache_write,omitempty"`
}

// Words returns the sub-directives of bedrock_gateway that p reads:
//
//	price <pattern> {
//		input|output|cache_read|cache_write <amount>
//	}
//	price_file <path>
//	cost_header
func (p *Pricing) Words() directive.Words {
	return directive.Words{
		"price": {Repeats: true, Read: func(d *caddyfile.Dispenser) error {
			start, m := d.Token(), Model{}
			if err := m.UnmarshalCaddyfile(d); err != nil {
				return err
			}
			if slices.ContainsFunc(p.Prices, func(other Model) bool { return other.Model == m.Model }) {
				return directive.At(start).Errf("price %s already specified", m.Model)
			}
			p.Prices = append(p.Prices, m)
			return nil
		}},
		"price_file":  directive.Text(&p.PriceFile),
		"cost_header": directive.Flag(&p.CostHeader),
	}
}

// UnmarshalCaddyfile reads price <pattern> { ... }, d standing on the word price.
func (m *Model) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	start := d.Token()
	var err error
	if m.Model, err = directive.Arg(d); err != nil {
		return err
	}
	seen, err := directive.Words{
		"input":       amount(&m.Input),
		"output":      amount(&m.Output),
		"cache_read":  amount(&m.CacheRead),
		"cache_write": amount(&m.CacheWrite),
	}.Block(d)
	if err == nil && len(seen) == 0 {
		return directive.At(start).Errf("price %s says nothing: give it input, output, cache_read or cache_write", m.Model)
	}
	return err
}

// amount returns the word that reads an amount of money, zero or more, into *dst.
func amount(dst **float64) directive.Word {
	return directive.Word{Read: func(d *caddyfile.Dispenser) error {
		word := d.Val()
		val, err := directive.Arg(d)
		if err != nil {
			return err
		}
		n, err := strconv.ParseFloat(val, 64)
		if _, ok := perMillion(n); err != nil || !ok {
			return d.Errf("invalid %s amount '%s'", word, val)
		}
		*dst = &n
		return nil
	}}
}

// Provision reads the prices. match returns what a pattern of models matches.
func (p *Pricing) Provision(ctx caddy.Context, match func(pattern string) func(modelID string) bool) error {
	if len(p.Prices) == 0 && p.PriceFile == "" {
		if p.CostHeader {
			return fmt.Errorf("cost_header needs prices: give them by price or price_file")
		}
		return nil
	}
	b := new(Book)
	for _, m := range p.Prices {
		price, err := m.price()
		if err != nil {
			return fmt.Errorf("price %s: %w", m.Model, err)
		}
		b.own = append(b.own, own{match(m.Model), price})
	}
	if p.PriceFile != "" {
		path, err := caddy.NewReplacer().ReplaceOrErr(p.PriceFile, true, true)
		if err != nil {
			return fmt.Errorf("price_file: %w", err)
		}
		if b.file, err = openFile(path, ctx.Logger()); err != nil {
			return err
		}
	}
	p.book = b
	return nil
}

// price returns the model's price.
func (m *Model) price() (*Price, error) {
	if m.Model == "" {
		return nil, fmt.Errorf("no model")
	}
	p := &Price{rates: noRates()}
	for k, dollars := range map[kind]*float64{input: m.Input, output: m.Output, cacheRead: m.CacheRead, cacheWrite: m.CacheWrite} {
		if dollars == nil {
			continue
		}
		r, ok := perMillion(*dollars)
		if !ok {
			return nil, fmt.Errorf("%v is no price", *dollars)
		}
		p.rates[k] = r
	}
	return p, nil
}

// Priced returns the models that the configuration itself has prices for, patterns aside.
func (p *Pricing) Priced() []string {
	var ids []string
	for _, m := range p.Prices {
		if !strings.Contains(m.Model, "*") {
			ids = append(ids, m.Model)
		}
	}
	return ids
}

// Book returns the prices; nil if there are none.
func (p *Pricing) Book() *Book { return p.book }
