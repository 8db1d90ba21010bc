package upstream

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/directive"
)

// Namespace holds the guest modules that are upstreams.
const Namespace = "http.handlers.bedrock_gateway.upstreams"

// Routing are the gateway's settings for upstreams and for which model goes to which of them.
type Routing struct {
	// Where models live. Default: what the environment says.
	Upstreams []Settings `json:"upstreams,omitempty"`

	// Which model goes where; after these come the default routes, which know
	// OpenAI's and Bedrock's model ids.
	Routes []RouteSettings `json:"routes,omitempty"`

	// The model of a request that names none. Default: such a request is an error.
	DefaultModel string `json:"default_model,omitempty"`

	// When a target counts as failing, for all targets that do not say so
	// themselves.
	FailingSettings

	// How often each upstream is checked by a cheap call that needs its
	// credentials, a list of its models; at least `1s`. An upstream that fails its
	// check is passed over, whatever its calls' failures. Default: never.
	HealthInterval caddy.Duration `json:"health_interval,omitempty"`

	read routesRead

	// What Provision resolved.
	named        []*Named
	router       *Router
	defaultModel string
	remembered   [][sha256.Size]byte // the keys of the upstreams' memories
}

// Settings are one upstream's: a place where models live.
type Settings struct {
	// The name routes refer to, unique in one gateway: letters, digits, `-`, `_`
	// and `.`. Default routes look for the names `openai` and `bedrock`.
	Name string `json:"name"`

	// The upstream itself; `kind` names its module, `openai` or `bedrock` or one
	// that another plugin brings.
	UpstreamRaw json.RawMessage `json:"upstream" caddy:"namespace=http.handlers.bedrock_gateway.upstreams inline_key=kind"`
}

// Defaults stand in for what a gateway does not configure.
type Defaults struct {
	// Upstreams and DefaultModel are used by a gateway that configures no upstream.
	Upstreams    []Settings
	DefaultModel string
	// Missing is what brings an upstream that is absent, by name, for error messages.
	Missing map[string]string
}

// Words returns the sub-directives of bedrock_gateway that r reads:
//
//	openai [<api_key>] { ... }
//	bedrock [<region>] { ... }
//	upstream <name> <kind> [<args...>] { ... }
//	route <pattern...> <upstream>
//	route <pattern...> { ... }
//	default_model <model>
//	max_fails        <n>
//	fail_duration    <duration>
//	unhealthy_status <codes...>
//	health_interval  <duration>
//
// When the block of bedrock_gateway has been read, call CheckCaddyfile.
func (r *Routing) Words() directive.Words {
	ofKind := directive.Word{Repeats: true, Read: func(d *caddyfile.Dispenser) error { return r.upstream(d, d.Val(), d.Val()) }}
	words := directive.Words{
		KindOpenAI:  ofKind,
		KindBedrock: ofKind,
		"upstream": {Repeats: true, Read: func(d *caddyfile.Dispenser) error {
			if !d.NextArg() {
				return d.ArgErr()
			}
			name := d.Val()
			if !d.NextArg() {
				return d.ArgErr()
			}
			return r.upstream(d, name, d.Val())
		}},
		"route": {Repeats: true, Read: func(d *caddyfile.Dispenser) error {
			var route RouteSettings
			if err := route.unmarshal(d, &r.read); err != nil {
				return err
			}
			r.Routes = append(r.Routes, route)
			return nil
		}},
		"default_model": directive.Text(&r.DefaultModel),
	}
	words["health_interval"] = directive.Word{Read: func(d *caddyfile.Dispenser) (err error) {
		r.HealthInterval, err = directive.Duration(d)
		return err
	}}
	maps.Copy(words, r.FailingSettings.Words())
	return words
}

// upstream reads an upstream of a kind, d standing on the word whose arguments and block are the kind's own.
func (r *Routing) upstream(d *caddyfile.Dispenser, name, kind string) error {
	if err := directive.CheckName(name); err != nil {
		return d.WrapErr(err)
	}
	for _, u := range r.Upstreams {
		if u.Name == name {
			return d.Errf("two upstreams are named '%s'; give another one its own name: upstream <name> %s", name, kind)
		}
	}
	module, err := caddyfile.UnmarshalModule(d, Namespace+"."+kind)
	if err != nil {
		return err
	}
	r.Upstreams = append(r.Upstreams, Settings{Name: name, UpstreamRaw: caddyconfig.JSONModuleObject(module, "kind", kind, nil)})
	return nil
}

// CheckCaddyfile returns an error for a route that was read and whose upstream no line declares.
func (r *Routing) CheckCaddyfile() error { return r.read.check(r.names()) }

// Provision loads the upstreams and resolves the routes. It sends nothing over the network.
func (r *Routing) Provision(ctx caddy.Context, standard Defaults) error {
	if err := r.check(); err != nil {
		return err
	}
	repl := caddy.NewReplacer()
	configured, missing := r.Upstreams, map[string]string(nil)
	if len(configured) == 0 {
		configured, missing = standard.Upstreams, maps.Clone(standard.Missing)
	}
	for i := range configured {
		delete(missing, configured[i].Name)
		raw := configured[i].UpstreamRaw // which loading sets to nil
		u, err := configured[i].Load(ctx)
		if err != nil {
			return fmt.Errorf("upstream '%s': %w", configured[i].Name, err)
		}
		u.Failing, u.Logger = r.FailingSettings.over(Failing{MaxFails: DefaultMaxFails, Duration: DefaultFailDuration}), ctx.Logger()
		if err := r.remember(u, raw); err != nil {
			return err
		}
		if r.HealthInterval > 0 {
			go u.keepChecking(ctx, time.Duration(r.HealthInterval))
		}
		r.named = append(r.named, u)
	}
	routes := make([]*Route, len(r.Routes))
	for i, s := range r.Routes {
		route, err := s.resolve(repl, r.named, missing)
		if err != nil {
			return fmt.Errorf("route %d: %w", i+1, err)
		}
		routes[i] = route
	}
	model, err := repl.ReplaceOrErr(r.DefaultModel, true, true)
	if err != nil {
		return fmt.Errorf("default_model: %w", err)
	}
	if model == "" && len(r.Upstreams) == 0 {
		model = standard.DefaultModel
	}
	r.defaultModel = model
	r.router = NewRouter(routes, r.named, missing)
	return nil
}

// Loaded returns the upstreams that Provision loaded, in the order of their declaration.
func (r *Routing) Loaded() []*Named { return r.named }

// Router returns the router that Provision made.
func (r *Routing) Router() *Router { return r.router }

// Model returns the model of a request that names none, placeholders resolved; "" if there is none.
func (r *Routing) Model() string { return r.defaultModel }

// Kind returns the name of the upstream's module; "" if it has none.
func (s *Settings) Kind() (string, error) {
	var u struct {
		Kind string `json:"kind"`
	}
	err := json.Unmarshal(s.UpstreamRaw, &u)
	return u.Kind, err
}

// Load loads the upstream's module. It lives until ctx ends.
func (s *Settings) Load(ctx caddy.Context) (*Named, error) {
	kind, err := s.Kind()
	if err != nil {
		return nil, err
	}
	module, err := ctx.WithValue(NameKey{}, s.Name).LoadModule(s, "UpstreamRaw")
	if err != nil {
		return nil, err
	}
	up, ok := module.(Upstream)
	if !ok {
		return nil, fmt.Errorf("module %T is not an upstream", module)
	}
	return &Named{Name: s.Name, Kind: kind, Upstream: up}, nil
}

// memories are what is remembered of upstreams, by their configuration, so that a reload does not forget it.
var memories = caddy.NewUsagePool()

// remember lends the upstream its memory until Cleanup. The configuration may hold secrets, so it is a hash that names the
// memory.
func (r *Routing) remember(n *Named, config []byte) error {
	key := sha256.Sum256(fmt.Appendf(nil, "%s %s", n.Name, config))
	v, _, err := memories.LoadOrNew(key, func() (caddy.Destructor, error) { return new(memory), nil })
	if err != nil {
		return err
	}
	n.memory = v.(*memory)
	r.remembered = append(r.remembered, key)
	return nil
}

// Cleanup releases what is remembered of the upstreams.
func (r *Routing) Cleanup() error {
	for _, key := range r.remembered {
		if _, err := memories.Delete(key); err != nil {
			return err
		}
	}
	r.remembered = nil
	return nil
}

// Destruct is called when no configuration has the upstream any more.
func (m *memory) Destruct() error { return nil }

// names returns the names of the upstreams that a route may go to: those declared, or, where none is, those that the
// environment may bring.
func (r *Routing) names() []string {
	if len(r.Upstreams) == 0 {
		return []string{KindOpenAI, KindBedrock}
	}
	names := make([]string, len(r.Upstreams))
	for i, u := range r.Upstreams {
		names[i] = u.Name
	}
	return names
}

// check returns an error for what cannot be right. A Caddyfile's mistakes are found earlier, with their line.
func (r *Routing) check() error {
	seen := make(map[string]bool, len(r.Upstreams))
	for _, u := range r.Upstreams {
		if err := directive.CheckName(u.Name); err != nil {
			return fmt.Errorf("upstream: %w", err)
		}
		if seen[u.Name] {
			return fmt.Errorf("two upstreams are named '%s'", u.Name)
		}
		seen[u.Name] = true
	}
	if err := r.FailingSettings.check(); err != nil {
		return err
	}
	if r.HealthInterval != 0 && time.Duration(r.HealthInterval) < time.Second {
		return fmt.Errorf("health_interval must be at least 1s")
	}
	names := r.names()
	for i, route := range r.Routes {
		if err := route.check(names); err != nil {
			return fmt.Errorf("route %d: %w", i+1, err)
		}
	}
	return nil
}
