// Package limit is where bounds on what clients may use belong: how many requests and tokens a window of time holds, how
// many requests run at once. So far it has the settings alone, and refuses a configuration that relies on them. Bounds on
// one request (its body's size, its stream's silence) are package exchange's.
package limit

import (
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/directive"
)

// Limiting are the gateway's settings for limits.
type Limiting struct {
	// Bounds on what clients may use. Default: none.
	Limits []Limit `json:"limits,omitempty"`

	// Where limits are counted. Default: in this process.
	LimitsStore *StoreSettings `json:"limits_store,omitempty"`
}

// Limit bounds what the requests that share a key may use.
type Limit struct {
	// The limit's name, for errors and metrics.
	Name string `json:"name"`

	// What is counted separately, a placeholder resolved per request, such as
	// `{http.auth.user.id}`.
	Key string `json:"key,omitempty"`

	// How many requests a window holds.
	Requests *Rate `json:"requests,omitempty"`

	// How many tokens a window holds, input and output together.
	Tokens *Rate `json:"tokens,omitempty"`

	// How many requests may run at once. Default: no limit.
	Concurrent int `json:"concurrent,omitempty"`
}

// Rate is an amount in a window of time.
type Rate struct {
	// The amount.
	Count int `json:"count"`

	// The window's length.
	Window caddy.Duration `json:"window"`
}

// StoreSettings keep the counts of limits outside this process.
type StoreSettings struct {
	// The kind of store: `redis`.
	Kind string `json:"kind"`

	// Where the store is, such as `redis://10.0.0.5:6379/0`.
	URL string `json:"url"`
}

// Words returns the sub-directives of bedrock_gateway that l reads:
//
//	limit <name> {
//		key        <placeholder>
//		requests   <n> <window>
//		tokens     <n> <window>
//		concurrent <n>
//	}
//	limits_store redis <url>
func (l *Limiting) Words() directive.Words {
	return directive.Words{
		"limit": {Repeats: true, Read: func(d *caddyfile.Dispenser) error {
			start, one := d.Token(), Limit{}
			if err := one.UnmarshalCaddyfile(d); err != nil {
				return err
			}
			if slices.ContainsFunc(l.Limits, func(l Limit) bool { return l.Name == one.Name }) {
				return directive.At(start).Errf("limit %s already specified", one.Name)
			}
			l.Limits = append(l.Limits, one)
			return nil
		}},
		"limits_store": {Read: func(d *caddyfile.Dispenser) error {
			l.LimitsStore = new(StoreSettings)
			return l.LimitsStore.UnmarshalCaddyfile(d)
		}},
	}
}

// UnmarshalCaddyfile reads limit <name> { ... }, d standing on the word limit.
func (l *Limit) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	start := d.Token()
	var err error
	if l.Name, err = directive.Arg(d); err != nil {
		return err
	}
	if err := directive.CheckName(l.Name); err != nil {
		return d.WrapErr(err)
	}
	_, err = directive.Words{
		"key":        directive.Text(&l.Key),
		"requests":   rate(&l.Requests),
		"tokens":     rate(&l.Tokens),
		"concurrent": directive.Number(&l.Concurrent, 1),
	}.Block(d)
	if err == nil && l.Requests == nil && l.Tokens == nil && l.Concurrent == 0 {
		return directive.At(start).Errf("limit %s bounds nothing: give it requests, tokens or concurrent", l.Name)
	}
	return err
}

// rate returns the word that reads <n> <window> into *dst.
func rate(dst **Rate) directive.Word {
	return directive.Word{Read: func(d *caddyfile.Dispenser) error {
		word := d.Val()
		args, err := directive.Args(d, 2, 2)
		if err != nil {
			return err
		}
		var r Rate
		if r.Count, err = directive.ParseInt(d, word, args[0], 1); err != nil {
			return err
		}
		if r.Window, err = directive.Window(d, word, args[1]); err != nil {
			return err
		}
		*dst = &r
		return nil
	}}
}

// UnmarshalCaddyfile reads limits_store redis <url>, d standing on the word limits_store.
func (s *StoreSettings) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	args, err := directive.Args(d, 2, 2)
	if err != nil {
		return err
	}
	if args[0] != "redis" {
		return d.Errf("invalid limits_store '%s': must be redis", args[0])
	}
	s.Kind, s.URL = args[0], args[1]
	return nil
}

// Provision refuses limits, which this version does not keep: a configuration that relies on them must not run without.
func (l *Limiting) Provision(caddy.Context) error {
	if len(l.Limits) > 0 {
		return fmt.Errorf("limit is not available in this version")
	}
	if l.LimitsStore != nil {
		return fmt.Errorf("limits_store is not available in this version")
	}
	return nil
}
