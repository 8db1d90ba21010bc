package bedrockgateway

import (
	"math"
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/directive"
)

// remoteImages reads fetch_remote_images { max_size, timeout }.
func (p *parser) remoteImages() error {
	d := p.Dispenser
	if err := directive.None(d); err != nil {
		return err
	}
	p.gateway.FetchRemoteImages = new(RemoteImages)
	seen := make(directive.Seen)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := seen.Once(d); err != nil {
			return err
		}
		var err error
		switch d.Val() {
		case "max_size":
			p.gateway.FetchRemoteImages.MaxSize, err = directive.Size(d)
		case "timeout":
			p.gateway.FetchRemoteImages.Timeout, err = directive.Duration(d)
		default:
			err = directive.Unknown(d)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// limit reads limit <name> { key, requests, tokens, concurrent }.
func (p *parser) limit() error {
	d := p.Dispenser
	start := d.Token()
	name, err := directive.Arg(d)
	if err != nil {
		return err
	}
	if err := checkName(name); err != nil {
		return d.WrapErr(err)
	}
	for _, l := range p.gateway.Limits {
		if l.Name == name {
			return d.Errf("limit %s already specified", name)
		}
	}
	l := Limit{Name: name}
	seen := make(directive.Seen)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := seen.Once(d); err != nil {
			return err
		}
		switch d.Val() {
		case "key":
			err = directive.Set(d, &l.Key)
		case "requests":
			l.Requests, err = p.rate()
		case "tokens":
			l.Tokens, err = p.rate()
		case "concurrent":
			l.Concurrent, err = directive.Int(d, 1)
		default:
			err = directive.Unknown(d)
		}
		if err != nil {
			return err
		}
	}
	if l.Requests == nil && l.Tokens == nil && l.Concurrent == 0 {
		return at(start).Errf("limit %s bounds nothing: give it requests, tokens or concurrent", name)
	}
	p.gateway.Limits = append(p.gateway.Limits, l)
	return nil
}

// rate reads <n> <window>.
func (p *parser) rate() (*Rate, error) {
	d := p.Dispenser
	word := d.Val()
	args, err := directive.Args(d, 2, 2)
	if err != nil {
		return nil, err
	}
	var r Rate
	if r.Count, err = directive.ParseInt(d, word, args[0], 1); err != nil {
		return nil, err
	}
	if r.Window, err = directive.Window(d, word, args[1]); err != nil {
		return nil, err
	}
	return &r, nil
}

// limitsStore reads limits_store redis <url>.
func (p *parser) limitsStore() error {
	d := p.Dispenser
	args, err := directive.Args(d, 2, 2)
	if err != nil {
		return err
	}
	if args[0] != "redis" {
		return d.Errf("invalid limits_store '%s': must be redis", args[0])
	}
	p.gateway.LimitsStore = &LimitsStore{Kind: args[0], URL: args[1]}
	return nil
}

// price reads price <pattern> { input, output, cache_read, cache_write }.
func (p *parser) price() error {
	d := p.Dispenser
	pattern, err := directive.Arg(d)
	if err != nil {
		return err
	}
	for _, other := range p.gateway.Prices {
		if other.Model == pattern {
			return d.Errf("price %s already specified", pattern)
		}
	}
	price := Price{Model: pattern}
	seen := make(directive.Seen)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := seen.Once(d); err != nil {
			return err
		}
		switch d.Val() {
		case "input":
			price.Input, err = p.amount()
		case "output":
			price.Output, err = p.amount()
		case "cache_read":
			price.CacheRead, err = p.amount()
		case "cache_write":
			price.CacheWrite, err = p.amount()
		default:
			err = directive.Unknown(d)
		}
		if err != nil {
			return err
		}
	}
	if len(seen) == 0 {
		return d.Errf("price %s says nothing: give it input, output, cache_read or cache_write", pattern)
	}
	p.gateway.Prices = append(p.gateway.Prices, price)
	return nil
}

// amount reads one amount of money, zero or more.
func (p *parser) amount() (float64, error) {
	word := p.Val()
	val, err := directive.Arg(p.Dispenser)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseFloat(val, 64)
	if err != nil || n < 0 || math.IsInf(n, 0) || math.IsNaN(n) {
		return 0, p.Errf("invalid %s amount '%s'", word, val)
	}
	return n, nil
}
