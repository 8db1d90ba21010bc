// Package limit bounds what clients may use: how many requests and tokens a window of time holds, and how many requests run
// at once. Counts are kept in this process, or in a store that gateways have in common. Bounds on one request, such as its body's size, are package exchange's.
package limit

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/directive"
)

// Limiting are the gateway's settings for limits.
type Limiting struct {
	// Bounds on what clients may use. Default: none.
	Limits []Limit `json:"limits,omitempty"`

	// Where limits are counted, for gateways that have them in common; `kind`
	// names the module. Default: in this process.
	LimitsStoreRaw json.RawMessage `json:"limits_store,omitempty" caddy:"namespace=http.handlers.bedrock_gateway.limits_stores inline_key=kind"`

	limits *Limits
	kept   []string // the keys of their counts in stores
	shared string   // the key of the shared store
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

	// What a window's requests may cost, in the currency of the prices. A model
	// without a price is refused. A request reserves an estimate as of tokens, and
	// is settled by its cost.
	Cost *Spend `json:"cost,omitempty"`

	// What becomes of models without a price under a limit of cost: `allow` lets
	// them pass, uncounted. Default: they are refused.
	Unpriced string `json:"unpriced,omitempty"`

	// How many requests may run at once. Default: no limit.
	Concurrent int `json:"concurrent,omitempty"`

	// How many bytes the responses that are kept may take. The key must be the one
	// that says whose files are, or none, for those of all callers together. A
	// reply that would not fit is not kept, and says so. Default: no limit but that
	// of `stored_responses`.
	Stored int64 `json:"stored,omitempty"`
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

// Spend is an amount of money in a window of time.
type Spend struct {
	// The amount, to a billionth.
	Amount float64 `json:"amount"`

	// The length of a window that slides, at least `1s`.
	Window caddy.Duration `json:"window,omitempty"`

	// A window of the calendar in UTC, in place of a length: `day` or `month`.
	Period string `json:"period,omitempty"`
}

// StoreModule is a Caddy module in the namespace http.handlers.bedrock_gateway.limits_stores.
type StoreModule interface {
	// Identity is the same for modules of one configuration, and has no secret.
	Identity() string
	// Open returns the store, which sends nothing before it is asked.
	Open() Store
	// Denies reports whether requests are refused while the store does not answer.
	Denies() bool
}

// StoreSettings are the part of a store's configuration that every store has.
// They are embedded in each store's module.
type StoreSettings struct {
	// What becomes of requests while the store does not answer: `allow` counts
	// them in this process by limits of the same size, `deny` refuses them.
	// Default: `allow`.
	OnError string `json:"on_error,omitempty"`
}

// Denies implements StoreModule.
func (s *StoreSettings) Denies() bool { return s.OnError == "deny" }

// Validate refuses words that are none.
func (s *StoreSettings) Validate() error {
	if s.OnError != "" && s.OnError != "allow" && s.OnError != "deny" {
		return fmt.Errorf("limits_store: on_error '%s': must be allow or deny", s.OnError)
	}
	return nil
}

// Word reads the sub-directive d stands on if it is one of the shared ones, and says whether it was.
//
//	on_error allow|deny
func (s *StoreSettings) Word(d *caddyfile.Dispenser, seen directive.Seen) (bool, error) {
	if d.Val() != "on_error" {
		return false, nil
	}
	err := seen.Once(d)
	if err == nil {
		s.OnError, err = directive.OneOf(d, "allow", "deny")
	}
	return true, err
}

// Words returns the sub-directives of bedrock_gateway that l reads:
//
//	limit <name> {
//		key        <placeholder>
//		models     <pattern...>
//		requests   <n> <window>
//		tokens     <n> <window>
//		cost       <amount> <window>
//		unpriced   allow
//		concurrent <n>
//		stored     <size>
//	}
//	limits_store <kind> [<args...>] { ... }
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
			if !d.NextArg() {
				return d.ArgErr()
			}
			kind := d.Val()
			module, err := caddyfile.UnmarshalModule(d, "http.handlers.bedrock_gateway.limits_stores."+kind)
			if err != nil {
				return err
			}
			l.LimitsStoreRaw = caddyconfig.JSONModuleObject(module, "kind", kind, nil)
			return nil
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
		"cost":       {Read: l.readCost},
		"concurrent": directive.Number(&l.Concurrent, 1),
		"stored":     directive.Bytes(&l.Stored),
		"unpriced": {Read: func(d *caddyfile.Dispenser) error {
			var err error
			l.Unpriced, err = directive.OneOf(d, "allow")
			return err
		}},
	}.Block(d)
	switch {
	case err != nil:
		return err
	case l.boundsNothing():
		return directive.At(start).Errf("limit %s bounds nothing: give it requests, tokens, cost, concurrent or stored", l.Name)
	case l.Unpriced != "" && l.Cost == nil:
		return directive.At(start).Errf("limit %s: unpriced is for limits of cost", l.Name)
	}
	return nil
}

func (l *Limit) boundsNothing() bool {
	return l.Requests == nil && l.Tokens == nil && l.Cost == nil && l.Concurrent == 0 && l.Stored == 0
}

// readCost reads cost <amount> <window>.
func (l *Limit) readCost(d *caddyfile.Dispenser) error {
	args, err := directive.Args(d, 2, 2)
	if err != nil {
		return err
	}
	var s Spend
	if s.Amount, err = strconv.ParseFloat(args[0], 64); err != nil || !(s.Amount >= 1e-9 && s.Amount <= maxSpend) {
		return d.Errf("invalid cost amount '%s': must be from 0.000000001 to %d", args[0], maxSpend)
	}
	s.Window, s.Period, err = window(d, "cost", args[1])
	l.Cost = &s
	return err
}

// maxSpend is the most that a limit may let a window cost: what is below it is exact to a billionth.
const maxSpend = 1_000_000

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
		r.Window, r.Period, err = window(d, word, args[1])
		*dst = &r
		return err
	}}
}

// window parses a window, an argument of word that was already read.
func window(d *caddyfile.Dispenser, word, val string) (length caddy.Duration, period string, err error) {
	if p := Period(val); p == Day || p == Month {
		return 0, val, nil
	}
	length, err = directive.Window(d, word, val)
	return length, "", err
}

// stores keep the counts of limits by their settings, so that a reload does not forget what was used. Limits of the same
// name and settings count together, in whatever site they are.
var stores = caddy.NewUsagePool()

// sharedStores are the stores that gateways have in common, by their modules' identity.
var sharedStores = caddy.NewUsagePool()

// Provision resolves the limits. match returns what a pattern of models matches. The counts are kept until Cleanup, and
// beyond if another configuration has the same limits by then.
func (l *Limiting) Provision(ctx caddy.Context, match func(pattern string) func(model string) bool) error {
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
		r := &Rule{Name: one.Name, Key: one.Key, Concurrent: int64(one.Concurrent), Stored: one.Stored, Unpriced: one.Unpriced == "allow"}
		for _, m := range one.Models {
			r.Models = append(r.Models, match(m))
		}
		var err error
		if r.Requests, err = one.Requests.quota(); err == nil {
			r.Tokens, err = one.Tokens.quota()
		}
		if err == nil {
			r.Cost, err = one.Cost.quota()
		}
		switch {
		case err != nil:
			return fmt.Errorf("limit '%s': %w", one.Name, err)
		case one.Concurrent < 0:
			return fmt.Errorf("limit '%s': concurrent must not be negative", one.Name)
		case one.Stored < 0:
			return fmt.Errorf("limit '%s': stored must not be negative", one.Name)
		case one.boundsNothing():
			return fmt.Errorf("limit '%s' bounds nothing: it has no requests, tokens, cost, concurrent or stored", one.Name)
		case one.Unpriced != "" && one.Unpriced != "allow":
			return fmt.Errorf("limit '%s': unpriced '%s': must be allow", one.Name, one.Unpriced)
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
		r.store, r.id = kept.(*store), sha256.Sum256(settings)
		rules[i] = r
	}
	l.limits = New(rules)
	return l.provisionStore(ctx)
}

// provisionStore loads the store that limits are counted in.
func (l *Limiting) provisionStore(ctx caddy.Context) error {
	if len(l.LimitsStoreRaw) == 0 {
		return nil
	}
	loaded, err := ctx.LoadModule(l, "LimitsStoreRaw")
	if err != nil {
		return fmt.Errorf("limits_store: %w", err)
	}
	module, ok := loaded.(StoreModule)
	if !ok {
		return fmt.Errorf("limits_store: module %T is not a store of limits", loaded)
	}
	if l.limits == nil {
		return nil
	}
	shared, _, err := sharedStores.LoadOrNew(module.Identity(), func() (caddy.Destructor, error) {
		// It outlives this configuration, whose logger would not.
		return NewShared(module.Open(), caddy.Log().Named("http.handlers.bedrock_gateway.limits_store")), nil
	})
	if err != nil {
		return err
	}
	l.shared = module.Identity()
	l.limits.shared, l.limits.deny = shared.(*Shared), module.Denies()
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
	if l.shared != "" {
		if _, err := sharedStores.Delete(l.shared); err != nil {
			return err
		}
		l.shared = ""
	}
	return nil
}

// Counted returns the limits that Provision made; nil if there are none.
func (l *Limiting) Counted() *Limits { return l.limits }

// quota returns the resolved form; nil for nil.
func (r *Rate) quota() (*Quota, error) {
	if r == nil {
		return nil, nil
	}
	if r.Count <= 0 {
		return nil, fmt.Errorf("count must be at least 1")
	}
	return newQuota(int64(r.Count), r.Window, r.Period)
}

// quota returns the resolved form, in billionths; nil for nil.
func (s *Spend) quota() (*Quota, error) {
	if s == nil {
		return nil, nil
	}
	if !(s.Amount >= 1e-9 && s.Amount <= maxSpend) { // NaN is neither
		return nil, fmt.Errorf("amount must be from 0.000000001 to %d", maxSpend)
	}
	return newQuota(int64(math.Round(s.Amount*1e9)), s.Window, s.Period)
}

func newQuota(amount int64, window caddy.Duration, period string) (*Quota, error) {
	q := &Quota{Amount: amount, Window: time.Duration(window), Period: Period(period)}
	switch {
	case q.Period != Sliding && q.Period != Day && q.Period != Month:
		return nil, fmt.Errorf("period '%s': must be day or month", period)
	case q.Period == Sliding && q.Window < time.Second:
		return nil, fmt.Errorf("window must be at least 1s")
	case q.Period != Sliding && q.Window != 0:
		return nil, fmt.Errorf("window and period exclude each other")
	}
	return q, nil
}
