package bedrockgateway

import (
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/directive"
)

// route reads a route of either form:
//
//	route <pattern...> <upstream>
//	route <pattern...> {
//		to <upstream> [<model>] { weight <n> }
//		...
//	}
func (p *parser) route() error {
	start := p.Token()
	var args []caddyfile.Token
	for p.NextArg() {
		args = append(args, p.Token())
	}
	if !p.opensBlock() {
		if len(args) < 2 {
			return p.ArgErr()
		}
		last := args[len(args)-1]
		p.targets = append(p.targets, last)
		p.gateway.Routes = append(p.gateway.Routes, Route{
			Models:  texts(args[:len(args)-1]),
			Targets: []Target{{Upstream: last.Text}},
		})
		return nil
	}

	if len(args) == 0 {
		return at(start).Err("route needs a model pattern")
	}
	p.lastArgs = append(p.lastArgs, args[len(args)-1])
	r := Route{Models: texts(args)}
	seen := make(directive.Seen)
	for nesting := p.Nesting(); p.NextBlock(nesting); {
		if p.Val() != "to" {
			if err := seen.Once(p.Dispenser); err != nil {
				return err
			}
		}
		if err := p.routeOption(&r); err != nil {
			return err
		}
	}
	if len(r.Targets) == 0 {
		return at(start).Err("a route block needs a target: to <upstream> [<model>]")
	}
	p.gateway.Routes = append(p.gateway.Routes, r)
	return nil
}

// routeOption reads one line of a route's block.
func (p *parser) routeOption(r *Route) (err error) {
	switch d := p.Dispenser; d.Val() {
	case "to":
		return p.target(r)
	case "policy":
		r.Policy, err = directive.OneOf(d, policies...)
	case "retries":
		var n int
		n, err = directive.Int(d, 0)
		r.Retries = &n
	case "try_duration":
		return setDuration(d, &r.TryDuration)
	default:
		return directive.Unknown(d)
	}
	return err
}

// target reads to <upstream> [<model>] { weight <n> }.
func (p *parser) target(r *Route) error {
	if !p.NextArg() {
		return p.ArgErr()
	}
	p.targets = append(p.targets, p.Token())
	t := Target{Upstream: p.Val()}
	model, err := directive.Args(p.Dispenser, 0, 1)
	if err != nil {
		return err
	}
	if len(model) == 1 {
		t.Model = model[0]
	}
	seen := make(directive.Seen)
	for nesting := p.Nesting(); p.NextBlock(nesting); {
		if p.Val() != "weight" {
			return directive.Unknown(p.Dispenser)
		}
		if err := seen.Once(p.Dispenser); err != nil {
			return err
		}
		if t.Weight, err = directive.Int(p.Dispenser, 1); err != nil {
			return err
		}
	}
	r.Targets = append(r.Targets, t)
	return nil
}

// checkTargets finds routes to upstreams that no line declares, and route
// blocks that look like the short form: `route gpt-* openai { ... }` would take
// openai for a model.
func (p *parser) checkTargets() error {
	names := p.gateway.names()
	for _, t := range p.lastArgs {
		if slices.Contains(names, t.Text) {
			return at(t).Errf("'%s' is an upstream, but a route with a block takes only model patterns: write 'to %s' in the block", t.Text, t.Text)
		}
	}
	for _, t := range p.targets {
		if !slices.Contains(names, t.Text) {
			return at(t).WrapErr(unknownUpstream(t.Text, names))
		}
	}
	return nil
}

// opensBlock tells whether a block follows, an empty one too, which NextBlock
// does not tell from none.
func (p *parser) opensBlock() bool {
	if !p.Next() {
		return false
	}
	block := p.Val() == "{" && !p.Token().Quoted()
	p.Prev()
	return block
}

// at is a dispenser standing on t, for errors that are found after t was read.
func at(t caddyfile.Token) *caddyfile.Dispenser {
	d := caddyfile.NewDispenser([]caddyfile.Token{t})
	d.Next()
	return d
}

func texts(tokens []caddyfile.Token) []string {
	s := make([]string, len(tokens))
	for i, t := range tokens {
		s[i] = t.Text
	}
	return s
}

// setDuration reads a duration for which absent and zero differ.
func setDuration(d *caddyfile.Dispenser, dst **caddy.Duration) error {
	dur, err := directive.Duration(d)
	*dst = &dur
	return err
}
