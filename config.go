package bedrockgateway

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2"
)

// Upstream is a place where models live.
type Upstream struct {
	// The name routes refer to, unique in one gateway: letters, digits, `-`, `_`
	// and `.`. Default routes look for the names `openai` and `bedrock`.
	Name string `json:"name"`

	// The upstream itself; `kind` names its module, `openai` or `bedrock` or one
	// that another plugin brings.
	UpstreamRaw json.RawMessage `json:"upstream" caddy:"namespace=http.handlers.bedrock_gateway.upstreams inline_key=kind"`
}

// Route sends models to upstreams. Routes are tried in the order they are
// written, and the first with a matching pattern wins; after them come the
// default routes.
type Route struct {
	// Model ids, in which `*` stands for any run of characters.
	Models []string `json:"models,omitempty"`

	// Where the models go, in the order they are tried.
	Targets []Target `json:"targets,omitempty"`

	// How the first target is chosen: `first`, `weighted` or `least_pending`. The
	// others follow when it fails before its first byte. Default: `first`.
	Policy string `json:"policy,omitempty"`

	// How often one target is tried again after a failure that may pass.
	// Default: 2.
	Retries *int `json:"retries,omitempty"`

	// Bounds all tries of one request together; 0 sets no bound. Default: `30s`.
	TryDuration *caddy.Duration `json:"try_duration,omitempty"`
}

// Target is one place a route can go to.
type Target struct {
	// The name of an upstream of this gateway.
	Upstream string `json:"upstream"`

	// The model's id at that upstream. Default: the id the client used.
	Model string `json:"model,omitempty"`

	// The target's share under the `weighted` policy. Default: 1.
	Weight int `json:"weight,omitempty"`
}

// RemoteImages lets the gateway fetch images that a request names by URL, for
// upstreams that take only inline images.
type RemoteImages struct {
	// The largest image fetched, in bytes. Default: `5242880`.
	MaxSize int64 `json:"max_size,omitempty"`

	// How long one fetch may take, redirects included. Default: `10s`.
	Timeout caddy.Duration `json:"timeout,omitempty"`
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

	// How many requests may run at once. Default: no bound.
	Concurrent int `json:"concurrent,omitempty"`
}

// Rate is an amount in a window of time.
type Rate struct {
	// The amount.
	Count int `json:"count"`

	// The window's length.
	Window caddy.Duration `json:"window"`
}

// LimitsStore keeps the counts of limits outside this process.
type LimitsStore struct {
	// The kind of store: `redis`.
	Kind string `json:"kind"`

	// Where the store is, such as `redis://10.0.0.5:6379/0`.
	URL string `json:"url"`
}

// Price says what a model's tokens cost, per million.
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

// What the words of a configuration may be.
var (
	policies            = []string{"first", "weighted", "least_pending"}
	unsupportedPolicies = []string{"drop", "reject"}
)

// checkName returns an error unless name may name an upstream or a limit. It
// stands in headers, logs and metric labels.
func checkName(name string) error {
	if name == "" || len(name) > 64 {
		return fmt.Errorf("invalid name '%s': must have 1 to 64 characters", name)
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
		default:
			return fmt.Errorf("invalid name '%s': may have letters, digits, '-', '_' and '.' only", name)
		}
	}
	return nil
}

// names are the upstreams a route of g may go to: those declared, or, where
// none is, those the environment may bring.
func (g *Gateway) names() []string {
	if len(g.Upstreams) == 0 {
		return []string{openaiName, bedrockName}
	}
	names := make([]string, len(g.Upstreams))
	for i, u := range g.Upstreams {
		names[i] = u.Name
	}
	return names
}

// check finds what cannot be right in g, whoever wrote it; a Caddyfile's
// mistakes are told earlier, with their line.
func (g *Gateway) check() error {
	seen := make(map[string]bool, len(g.Upstreams))
	for _, u := range g.Upstreams {
		if err := checkName(u.Name); err != nil {
			return fmt.Errorf("upstream: %w", err)
		}
		if seen[u.Name] {
			return fmt.Errorf("two upstreams are named '%s'", u.Name)
		}
		seen[u.Name] = true
	}
	names := g.names()
	for i, r := range g.Routes {
		if err := r.check(names); err != nil {
			return fmt.Errorf("route %d: %w", i+1, err)
		}
	}
	if g.UnsupportedParams != "" && !slices.Contains(unsupportedPolicies, g.UnsupportedParams) {
		return fmt.Errorf("unsupported_params '%s': must be drop or reject", g.UnsupportedParams)
	}
	for word, n := range map[string]int64{
		"max_body": g.MaxBody, "stream_idle_timeout": durationOf(g.StreamIdleTimeout), "keep_alive": durationOf(g.KeepAlive),
	} {
		if n < 0 {
			return fmt.Errorf("%s must not be negative", word)
		}
	}
	if f := g.FetchRemoteImages; f != nil && (f.MaxSize < 0 || f.Timeout < 0) {
		return fmt.Errorf("fetch_remote_images: max_size and timeout must not be negative")
	}
	if g.FilesOff && len(g.FilesRaw) > 0 {
		return fmt.Errorf("files are both configured and off")
	}
	return nil
}

// check finds what cannot be right in r, in a gateway with upstreams of these
// names.
func (r *Route) check(names []string) error {
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
	}
	if r.Policy != "" && !slices.Contains(policies, r.Policy) {
		return fmt.Errorf("policy '%s': must be first, weighted or least_pending", r.Policy)
	}
	if r.Retries != nil && *r.Retries < 0 {
		return fmt.Errorf("retries must not be negative")
	}
	if r.TryDuration != nil && *r.TryDuration < 0 {
		return fmt.Errorf("try_duration must not be negative")
	}
	return nil
}

// unknownUpstream is the error for a route to a name that no upstream has.
func unknownUpstream(name string, names []string) error {
	return fmt.Errorf("route to unknown upstream '%s'; the upstreams are %q", name, names)
}

// durationOf is d in nanoseconds, zero where there is none.
func durationOf(d *caddy.Duration) int64 {
	if d == nil {
		return 0
	}
	return int64(*d)
}
