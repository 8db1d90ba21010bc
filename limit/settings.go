// Package limit bounds what clients may use: how many requests and tokens a window of time holds, and how many requests run
// at once. Counts are kept in this process. Bounds on one request, such as its body's size, are package exchange's.
package limit

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

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

	limits *Limits
	kept   []string // the keys of their counts in stores
}

// Limit bounds what the requests that share a key may use.
type Limit struct {
	// The limit's name, for errors and metrics.
	Name string `json:"name"`

	// What is counted separately, a placeholder resolved per request, such as
	// `{http.auth.user.id}`. Default: all requests are counted together.
	Key string `json:"key,omitempty"`

	// The models that the limit is for, by the names that clients use; `*` stands
	// for any run of characters. A client that may use other names for the same
	// models is bound only together with keys that are limited to these names.
	// Default: all.
	Models []string `json:"models,omitempty"`

	// How many requests a window holds.
	Requests *Rate `json:"requests,omitempty"`

	// How many tokens a window holds, input and output together. A request
	// reserves an estimate of its input and of its output, and is settled by the
	// usage that the provider reports.
	Tokens *Rate `json:"tokens,omitempty"`

	// How many requests may run at once. Default: no limit.
	Concurrent int `json:"concurrent,omitempty"`
}

// Rate is an amount in a window of time.
type Rate struct {
	// The amount.
	Count int `json:"count"`

	// The length of a window that slides, at least `1s`.
	Window caddy.Duration `json:"window,omitempty"`

	// A window of the calendar in UTC, in place of a length: `day` or `month`.
	Period string `json:"period,omitempty"`
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
//		models     <pattern...>
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
		"key": directive.Text(&l.Key),
		"models": {Read: func(d *caddyfile.Dispenser) error {
			if l.Models = d.RemainingArgs(); len(l.Models) == 0 {
				return d.ArgErr()
			}
			return nil
		}},
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
		if p := Period(args[1]); p == Day || p == Month {
			r.Period = args[1]
		} else if r.Window, err = directive.Window(d, word, args[1]); err != nil {
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

// stores keep the counts of limits by their settings, so that a reload does not forget what was used. Limits of the same
// name and settings count together, in whatever site they are.
var stores = caddy.NewUsagePool()

// Provision resolves the limits. match returns what a pattern of models matches. The counts are kept until Cleanup, and
// beyond if another configuration has the same limits by then.
func (l *Limiting) Provision(match func(pattern string) func(model string) bool) error {
	if l.LimitsStore != nil {
		return fmt.Errorf("limits_store is not available in this version")
	}
	seen := make(map[string]bool, len(l.Limits))
	rules := make([]*Rule, len(l.Limits))
	for i := range l.Limits {
		one := &l.Limits[i]
		if err := directive.CheckName(one.Name); err != nil {
			return fmt.Errorf("limit: %w", err)
		}
		if seen[one.Name] {
			return fmt.Errorf("two limits are named '%s'", one.Name)
		}
		seen[one.Name] = true
		r := &Rule{Name: one.Name, Key: one.Key, Concurrent: int64(one.Concurrent)}
		for _, m := range one.Models {
			r.Models = append(r.Models, match(m))
		}
		var err error
		if r.Requests, err = one.Requests.quota(); err == nil {
			r.Tokens, err = one.Tokens.quota()
		}
		switch {
		case err != nil:
			return fmt.Errorf("limit '%s': %w", one.Name, err)
		case one.Concurrent < 0:
			return fmt.Errorf("limit '%s': concurrent must not be negative", one.Name)
		case r.Requests == nil && r.Tokens == nil && r.Concurrent == 0:
			return fmt.Errorf("limit '%s' bounds nothing: it has no requests, tokens or concurrent", one.Name)
		}
		settings, err := json.Marshal(one)
		if err != nil {
			return err
		}
		key := string(settings)
		kept, _, err := stores.LoadOrNew(key, func() (caddy.Destructor, error) { return new(store), nil })
		if err != nil {
			return err
		}
		l.kept = append(l.kept, key)
		r.store = kept.(*store)
		rules[i] = r
	}
	l.limits = New(rules)
	return nil
}

// Cleanup releases the counts.
func (l *Limiting) Cleanup() error {
	for _, key := range l.kept {
		if _, err := stores.Delete(key); err != nil {
			return err
		}
	}
	l.kept = nil
	return nil
}

// Counted returns the limits that Provision made; nil if there are none.
func (l *Limiting) Counted() *Limits { return l.limits }

// quota returns the resolved form; nil for nil.
func (r *Rate) quota() (*Quota, error) {
	if r == nil {
		return nil, nil
	}
	q := &Quota{Amount: int64(r.Count), Window: time.Duration(r.Window), Period: Period(r.Period)}
	switch {
	case q.Amount <= 0:
		return nil, fmt.Errorf("count must be at least 1")
	case q.Period != Sliding && q.Period != Day && q.Period != Month:
		return nil, fmt.Errorf("period '%s': must be day or month", r.Period)
	case q.Period == Sliding && q.Window < time.Second:
		return nil, fmt.Errorf("window must be at least 1s")
	case q.Period != Sliding && q.Window != 0:
		return nil, fmt.Errorf("window and period exclude each other")
	}
	return q, nil
}
