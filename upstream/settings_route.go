package upstream

import (
	"fmt"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/directive"
)

// policies are what a route's policy may be; the first is the default.
var policies = []string{string(PolicyFirst), string(PolicyWeighted), string(PolicyLeastPending)}

// PromptCaches are what prompt_cache may be.
var PromptCaches = []string{PromptCacheAuto, "off"}

// PromptCacheAuto has the gateway mark what the model may cache.
const PromptCacheAuto = "auto"

// RouteSettings send models to upstreams. Routes are tried in the order they are
// written, and the first with a matching pattern wins; after them come the
// default routes.
type RouteSettings struct {
	// Model ids, in which `*` stands for any run of characters.
	Models []string `json:"models,omitempty"`

	// Where the models go, in the order they are tried.
	Targets []TargetSettings `json:"targets,omitempty"`

	// How the first target is chosen: `first`, `weighted` or `least_pending`. The
	// others follow when it fails before its first byte. Default: `first`.
	Policy string `json:"policy,omitempty"`

	// Whether tools, system text and the last turns are marked for the prompt cache
	// of models that cache what is marked, where the client marks nothing itself:
	// `auto` or `off`. Default: as at the gateway's level.
	PromptCache string `json:"prompt_cache,omitempty"`

	// How often one target is tried again after a failure that may pass.
	// Default: 2.
	Retries *int `json:"retries,omitempty"`

	// How long after the first try at a target another may begin there; 0 sets no
	// limit. A target that was not asked yet is asked once. Default: `30s`.
	TryDuration *caddy.Duration `json:"try_duration,omitempty"`
}

// TargetSettings are one place a route can go to.
type TargetSettings struct {
	// The name of an upstream of this gateway.
	Upstream string `json:"upstream"`

	// The model's id at that upstream. Default: the id the client used.
	Model string `json:"model,omitempty"`

	// The target's share under the `weighted` policy. Default: 1.
	Weight int `json:"weight,omitempty"`

	// When the target counts as failing. Default: as at the gateway's level.
	FailingSettings
}

// routesRead is where a Caddyfile's routes name upstreams, which may be declared further down.
type routesRead struct {
	lastArgs []caddyfile.Token // of routes with a block, where only model patterns stand
	targets  []caddyfile.Token
}

// UnmarshalCaddyfile reads a route of either form, d standing on the word route:
//
//	route <pattern...> <upstream>
//	route <pattern...> {
//		to <upstream> [<model>] {
//			weight           <n>
//			max_fails        <n>
//			fail_duration    <duration>
//			unhealthy_status <codes...>
//		}
//		policy       first|weighted|least_pending
//		prompt_cache auto|off
//		retries      <n>
//		try_duration <duration>
//	}
func (r *RouteSettings) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return r.unmarshal(d, new(routesRead))
}

func (r *RouteSettings) unmarshal(d *caddyfile.Dispenser, read *routesRead) error {
	start := d.Token()
	var args []caddyfile.Token
	for d.NextArg() {
		args = append(args, d.Token())
	}
	if !opensBlock(d) {
		if len(args) < 2 {
			return d.ArgErr()
		}
		last := args[len(args)-1]
		read.targets = append(read.targets, last)
		r.Models, r.Targets = texts(args[:len(args)-1]), []TargetSettings{{Upstream: last.Text}}
		return nil
	}

	if len(args) == 0 {
		return directive.At(start).Err("route needs a model pattern")
	}
	read.lastArgs = append(read.lastArgs, args[len(args)-1])
	r.Models = texts(args)
	_, err := directive.Words{
		"to": {Repeats: true, Read: func(d *caddyfile.Dispenser) error {
			var t TargetSettings
			if err := t.unmarshal(d, read); err != nil {
				return err
			}
			r.Targets = append(r.Targets, t)
			return nil
		}},
		"policy":       directive.Choice(&r.Policy, policies...),
		"prompt_cache": directive.Choice(&r.PromptCache, PromptCaches...),
		"retries": {Read: func(d *caddyfile.Dispenser) error {
			n, err := directive.Int(d, 0)
			r.Retries = &n
			return err
		}},
		"try_duration": {Read: func(d *caddyfile.Dispenser) error { return directive.OptionalDuration(d, &r.TryDuration) }},
	}.Block(d)
	if err == nil && len(r.Targets) == 0 {
		return directive.At(start).Err("a route block needs a target: to <upstream> [<model>]")
	}
	return err
}

// unmarshal reads to <upstream> [<model>] { weight <n>, … }, d standing on the word to.
func (t *TargetSettings) unmarshal(d *caddyfile.Dispenser, read *routesRead) error {
	if !d.NextArg() {
		return d.ArgErr()
	}
	read.targets = append(read.targets, d.Token())
	t.Upstream = d.Val()
	model, err := directive.Args(d, 0, 1)
	if err != nil {
		return err
	}
	if len(model) == 1 {
		t.Model = model[0]
	}
	words := t.Words()
	words["weight"] = directive.Number(&t.Weight, 1)
	_, err = words.Block(d)
	return err
}

// check returns an error for a route to an upstream that no line declares, and for a route block that looks like the short
// form: `route gpt-* openai { ... }` would take openai for a model.
func (r *routesRead) check(names []string) error {
	for _, t := range r.lastArgs {
		if slices.Contains(names, t.Text) {
			return directive.At(t).Errf("'%s' is an upstream, but a route with a block takes only model patterns: write 'to %s' in the block", t.Text, t.Text)
		}
	}
	for _, t := range r.targets {
		if !slices.Contains(names, t.Text) {
			return directive.At(t).WrapErr(unknownUpstream(t.Text, names))
		}
	}
	return nil
}

// opensBlock reports whether a block follows, an empty one included: NextBlock does not tell an empty one from none.
func opensBlock(d *caddyfile.Dispenser) bool {
	if !d.Next() {
		return false
	}
	block := d.Val() == "{" && !d.Token().Quoted()
	d.Prev()
	return block
}

func texts(tokens []caddyfile.Token) []string {
	s := make([]string, len(tokens))
	for i, t := range tokens {
		s[i] = t.Text
	}
	return s
}

// check returns an error for what cannot be right in a gateway with upstreams of these names.
func (r *RouteSettings) check(names []string) error {
	if len(r.Models) == 0 {
		return fmt.Errorf("no model pattern")
	}
	if len(r.Targets) == 0 {
		return fmt.Errorf("no target for '%s'", r.Models[0])
	}
	for _, t := range r.Targets {
		if !slices.Contains(names, t.Upstream) {
			return unknownUpstream(t.Upstream, names)
		}
		if t.Weight < 0 {
			return fmt.Errorf("the weight of '%s' must not be negative", t.Upstream)
		}
		if err := t.FailingSettings.check(); err != nil {
			return fmt.Errorf("target '%s': %w", t.Upstream, err)
		}
	}
	if r.Policy != "" && !slices.Contains(policies, r.Policy) {
		return fmt.Errorf("policy '%s': must be first, weighted or least_pending", r.Policy)
	}
	if r.PromptCache != "" && !slices.Contains(PromptCaches, r.PromptCache) {
		return fmt.Errorf("prompt_cache '%s': must be auto or off", r.PromptCache)
	}
	if r.Retries != nil && *r.Retries < 0 {
		return fmt.Errorf("retries must not be negative")
	}
	if r.TryDuration != nil && *r.TryDuration < 0 {
		return fmt.Errorf("try_duration must not be negative")
	}
	return nil
}

// unknownUpstream returns the error for a route to a name that no upstream has.
func unknownUpstream(name string, names []string) error {
	return fmt.Errorf("route to unknown upstream '%s'; the upstreams are %q", name, names)
}

// resolve returns the route to those of the loaded upstreams, placeholders and defaults resolved. missing is what brings
// an upstream that was not loaded, by name.
func (r *RouteSettings) resolve(repl *caddy.Replacer, loaded []*Named, missing map[string]string) (*Route, error) {
	route := &Route{Policy: PolicyFirst, Retries: DefaultRetries, TryDuration: DefaultTryDuration}
	if r.Policy != "" {
		route.Policy = Policy(r.Policy)
	}
	if r.Retries != nil {
		route.Retries = *r.Retries
	}
	if r.TryDuration != nil {
		route.TryDuration = time.Duration(*r.TryDuration)
	}
	for _, m := range r.Models {
		text, err := repl.ReplaceOrErr(m, true, true)
		if err != nil {
			return nil, fmt.Errorf("pattern: %w", err)
		}
		route.Patterns = append(route.Patterns, NewPattern(text))
	}
	for _, t := range r.Targets {
		model, err := repl.ReplaceOrErr(t.Model, true, true)
		if err != nil {
			return nil, fmt.Errorf("model for '%s': %w", t.Upstream, err)
		}
		i := slices.IndexFunc(loaded, func(u *Named) bool { return u.Name == t.Upstream })
		if i < 0 {
			return nil, fmt.Errorf("upstream '%s' is not configured: %s", t.Upstream, missing[t.Upstream])
		}
		target := &Target{Named: loaded[i], Model: model, Weight: t.Weight, PromptCache: r.PromptCache}
		if t.FailingSettings.set() {
			own := t.FailingSettings.over(loaded[i].Failing)
			target.Failing = &own
		}
		route.Targets = append(route.Targets, target)
	}
	return route, nil
}
