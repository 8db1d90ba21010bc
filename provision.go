package bedrockgateway

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/open-bedrock/caddy-bedrock-gateway/fetch"
	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/handler"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// Defaults of a Gateway.
const (
	defaultMaxBody           = 25_000_000
	defaultStreamIdleTimeout = 5 * time.Minute
	defaultKeepAlive         = 15 * time.Second
)

// Provision resolves the configuration, once; requests read what it made. It
// calls nobody.
func (g *Gateway) Provision(ctx caddy.Context) error {
	if err := g.checkAvailable(); err != nil {
		return err
	}
	if err := g.check(); err != nil {
		return err
	}
	p := provisioner{ctx: ctx, repl: caddy.NewReplacer(), gateway: g}
	config, err := p.config()
	if err != nil {
		return err
	}
	g.handler = handler.New(config)
	return nil
}

// ServeHTTP answers what is the gateway's, and hands everything else to the next
// handler untouched.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if g.handler.ServeHTTP(w, r) {
		return nil
	}
	return next.ServeHTTP(w, r)
}

// provisioner makes what a gateway's configuration describes.
type provisioner struct {
	ctx     caddy.Context
	repl    *caddy.Replacer
	gateway *Gateway

	upstreams []*upstream.Named
	missing   map[string]string // by name, what to set for upstreams there are not
}

// config is the configuration with nothing left to resolve.
func (p *provisioner) config() (handler.Config, error) {
	g := p.gateway
	if err := p.loadUpstreams(); err != nil {
		return handler.Config{}, err
	}
	routes, err := p.routes()
	if err != nil {
		return handler.Config{}, err
	}
	model, err := p.repl.ReplaceOrErr(g.DefaultModel, true, true)
	if err != nil {
		return handler.Config{}, fmt.Errorf("default_model: %w", err)
	}
	if model == "" && len(g.Upstreams) == 0 {
		model = os.Getenv(envDefaultModel)
	}
	c := handler.Config{
		Router:            upstream.NewRouter(routes, p.upstreams, p.missing),
		Upstreams:         p.upstreams,
		DefaultModel:      model,
		MaxBody:           orDefault(g.MaxBody, defaultMaxBody),
		StreamIdleTimeout: durationOr(g.StreamIdleTimeout, defaultStreamIdleTimeout),
		KeepAlive:         durationOr(g.KeepAlive, defaultKeepAlive),
		RejectUnsupported: g.UnsupportedParams == "reject",
		Health:            !g.HealthOff,
		Native:            !g.NativeOff,
		Version:           version(),
		Logger:            p.ctx.Logger(),
		Observe:           observe,
		StatusOf:          statusOf,
	}
	var owner string
	if c.Files, err = p.loadFiles(); err != nil {
		return handler.Config{}, fmt.Errorf("files: %w", err)
	}
	if c.Files != nil {
		owner = c.Files.Options().Owner
	}
	c.Caller = callerOf(owner)
	if f := g.FetchRemoteImages; f != nil {
		c.Images = fetch.New(f.MaxSize, time.Duration(f.Timeout))
	}
	return c, nil
}

// loadFiles loads the store of the Files API; nil if it is off.
func (p *provisioner) loadFiles() (files.Store, error) {
	g := p.gateway
	if g.FilesOff {
		return nil, nil
	}
	if len(g.FilesRaw) == 0 {
		g.FilesRaw = defaultFiles()
	}
	module, err := p.ctx.LoadModule(g, "FilesRaw")
	if err != nil {
		return nil, err
	}
	store, ok := module.(files.Store)
	if !ok {
		return nil, fmt.Errorf("module %T is not a file store", module)
	}
	return store, nil
}

// loadUpstreams loads the upstreams' modules, those the environment describes if
// none is configured.
func (p *provisioner) loadUpstreams() error {
	configured := p.gateway.Upstreams
	if len(configured) == 0 {
		configured = environment()
		p.missing = maps.Clone(missing)
		for _, u := range configured {
			delete(p.missing, u.Name)
		}
		if len(configured) == 0 {
			p.ctx.Logger().Warn("no upstream: every model is unknown until " + envOpenAIKey + " or AWS_REGION is set, or one is configured")
		}
	}
	for i := range configured {
		u, err := p.loadUpstream(&configured[i])
		if err != nil {
			return fmt.Errorf("upstream '%s': %w", configured[i].Name, err)
		}
		p.upstreams = append(p.upstreams, u)
	}
	return nil
}

func (p *provisioner) loadUpstream(u *Upstream) (*upstream.Named, error) {
	var kind struct {
		Kind string `json:"kind"`
	}
	if err := json.Unmarshal(u.UpstreamRaw, &kind); err != nil {
		return nil, err
	}
	module, err := p.ctx.WithValue(upstream.NameKey{}, u.Name).LoadModule(u, "UpstreamRaw")
	if err != nil {
		return nil, err
	}
	up, ok := module.(upstream.Upstream)
	if !ok {
		return nil, fmt.Errorf("module %T is not an upstream", module)
	}
	return &upstream.Named{Name: u.Name, Kind: kind.Kind, Upstream: up}, nil
}

// routes are the configured routes.
func (p *provisioner) routes() ([]*upstream.Route, error) {
	routes := make([]*upstream.Route, len(p.gateway.Routes))
	for i, r := range p.gateway.Routes {
		route, err := p.route(r)
		if err != nil {
			return nil, fmt.Errorf("route %d: %w", i+1, err)
		}
		routes[i] = route
	}
	return routes, nil
}

func (p *provisioner) route(r Route) (*upstream.Route, error) {
	route := &upstream.Route{
		Policy:      upstream.Policy(orDefault(r.Policy, string(upstream.PolicyFirst))),
		Retries:     upstream.DefaultRetries,
		TryDuration: durationOr(r.TryDuration, upstream.DefaultTryDuration),
	}
	if r.Retries != nil {
		route.Retries = *r.Retries
	}
	for _, m := range r.Models {
		text, err := p.repl.ReplaceOrErr(m, true, true)
		if err != nil {
			return nil, fmt.Errorf("pattern: %w", err)
		}
		route.Patterns = append(route.Patterns, upstream.NewPattern(text))
	}
	for _, t := range r.Targets {
		model, err := p.repl.ReplaceOrErr(t.Model, true, true)
		if err != nil {
			return nil, fmt.Errorf("model for '%s': %w", t.Upstream, err)
		}
		to := p.named(t.Upstream)
		if to == nil {
			return nil, fmt.Errorf("upstream '%s' is not configured: %s", t.Upstream, p.missing[t.Upstream])
		}
		route.Targets = append(route.Targets, &upstream.Target{Named: to, Model: model, Weight: t.Weight})
	}
	return route, nil
}

// named is the upstream of this name; nil if there is none.
func (p *provisioner) named(name string) *upstream.Named {
	for _, u := range p.upstreams {
		if u.Name == name {
			return u
		}
	}
	return nil
}

// version is this module's version, as the build knows it.
func version() string {
	const module = "github.com/open-bedrock/caddy-bedrock-gateway"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if info.Main.Path == module {
		return orDefault(info.Main.Version, "(devel)")
	}
	for _, dep := range info.Deps {
		if dep.Path == module {
			return dep.Version
		}
	}
	return "unknown"
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

func durationOr(d *caddy.Duration, def time.Duration) time.Duration {
	if d == nil {
		return def
	}
	return time.Duration(*d)
}
