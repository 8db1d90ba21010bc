package upstream

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

// The kinds of upstreams that the default routes know.
const (
	KindOpenAI  = "openai"
	KindBedrock = "bedrock"
)

// Named is a configured upstream under its name.
type Named struct {
	Name string
	Kind string // the guest module's name
	Upstream
	// Failing is when the upstream's targets count as failing, unless they have their own.
	Failing Failing
	Logger  *zap.Logger // nil: none

	memory *memory // nil: nothing is remembered
}

// Stats returns the counts of the upstream's calls since it was configured; nil if none are kept.
func (n *Named) Stats() *Stats {
	if n.memory == nil {
		return nil
	}
	return &n.memory.stats
}

// NameKey is the key under which the context that an upstream is made in holds its name.
type NameKey struct{}

// NameFrom returns the name of the upstream that is being made in ctx; "" if it has none.
func NameFrom(ctx context.Context) string {
	name, _ := ctx.Value(NameKey{}).(string)
	return name
}

// AskUsage reports whether the usage of a stream must be asked for.
func (n *Named) AskUsage() bool {
	a, ok := n.Upstream.(UsageAsker)
	return ok && a.AskUsage()
}

// Target is one place where a route's models can be asked for.
type Target struct {
	*Named
	Model  string // the upstream's name for the model; "" for the one that was asked for
	Weight int    // share under PolicyWeighted; 0 counts as 1
	// PromptCache is the route's prompt_cache; "" for the gateway's.
	PromptCache string
	// Failing is when this target counts as failing; nil for the upstream's own.
	Failing *Failing
	pending atomic.Int64
}

// ModelFor returns the upstream's name for the model asked for.
func (t *Target) ModelFor(asked string) string {
	if t.Model != "" {
		return t.Model
	}
	return asked
}

// Policy is the order in which a route's targets are tried.
type Policy string

// The policies.
const (
	PolicyFirst        Policy = "first"         // as they are written
	PolicyWeighted     Policy = "weighted"      // by chance, in proportion to their weights
	PolicyLeastPending Policy = "least_pending" // those with the fewest calls under way first
)

// The defaults of a route.
const (
	DefaultRetries     = 2
	DefaultTryDuration = 30 * time.Second
)

// Route sends models to targets.
type Route struct {
	Patterns []Pattern
	Targets  []*Target
	Policy   Policy
	Retries  int // further tries per target
	// TryDuration is how long after the first try at a target another may begin there; 0 for no bound. A try under way is
	// never cut by it: models think for minutes. A target that was not asked yet is asked once.
	TryDuration time.Duration
}

// Only returns the route with those of its targets that are of the kind and, if modelID is not empty, know that model by this
// very name; nil if there are none.
func (r *Route) Only(kind, modelID string) *Route {
	return r.Keep(func(t *Target) bool {
		return t.Kind == kind && (modelID == "" || t.ModelFor(modelID) == modelID)
	})
}

// Keep returns the route with those of its targets that keep wants; nil if there are none.
func (r *Route) Keep(keep func(*Target) bool) *Route {
	kept := *r
	kept.Targets = nil
	for _, t := range r.Targets {
		if keep(t) {
			kept.Targets = append(kept.Targets, t)
		}
	}
	if kept.Targets == nil {
		return nil
	}
	return &kept
}

// At returns the route with one of its targets alone.
func (r *Route) At(t *Target) *Route {
	at := *r
	at.Targets = []*Target{t}
	return &at
}

// renamed returns a default route whose upstream calls the model id.
func (r *Route) renamed(id string) *Route {
	to := *r
	to.Targets = []*Target{{Named: r.Targets[0].Named, Model: id}}
	return &to
}

// Router finds the route of a model. It is immutable, and safe for concurrent use.
type Router struct {
	routes   []*Route
	openai   *Route
	bedrock  *Route
	regions  map[string]*Route // of ARNs
	missing  map[string]string // kind → what to configure, for kinds that are not
	served   []string          // patterns of all that is served
	patterns string            // the same for the 404
}

// NewRouter returns a router of the config's own routes, in order, and the default ones for the given upstreams, in the
// order of their declaration. missing says, per kind, what an operator has to set when no upstream of that kind is
// configured; nil for a plain 404.
func NewRouter(routes []*Route, upstreams []*Named, missing map[string]string) *Router {
	r := &Router{routes: routes, regions: map[string]*Route{}, missing: missing}
	r.openai = defaultRoute(upstreams, KindOpenAI)
	r.bedrock = defaultRoute(upstreams, KindBedrock)
	for _, u := range upstreams {
		if reg, ok := u.Upstream.(Regional); ok && u.Kind == KindBedrock && r.regions[reg.Region()] == nil {
			r.regions[reg.Region()] = routeTo(u)
		}
	}
	var all []string
	for _, route := range routes {
		for _, p := range route.Patterns {
			all = append(all, p.String())
		}
	}
	if r.openai != nil {
		for _, p := range openAIPatterns {
			all = append(all, p.String())
		}
	}
	if r.bedrock != nil {
		for _, p := range model.Providers() {
			all = append(all, p+".*")
		}
		all = append(all, "claude-*")
	}
	r.served, r.patterns = all, strings.Join(all, ", ")
	return r
}

// Served returns patterns of the models that the config's own routes and the default ones serve. Those of Bedrock stand without a
// geography before the provider.
func (r *Router) Served() []string { return r.served }

// defaultRoute returns the route to the upstream that is named like its kind, else to the first of the kind; nil if there
// is none.
func defaultRoute(upstreams []*Named, kind string) *Route {
	var to *Named
	for _, u := range upstreams {
		if u.Kind == kind && (to == nil || u.Name == kind && to.Name != kind) {
			to = u
		}
	}
	if to == nil {
		return nil
	}
	return routeTo(to)
}

func routeTo(u *Named) *Route {
	return &Route{Targets: []*Target{{Named: u}}, Policy: PolicyFirst, Retries: DefaultRetries, TryDuration: DefaultTryDuration}
}

// Route returns the route for the model: the config's first match, else the default one. Without any it is a 404 that
// names the model and what is configured.
func (r *Router) Route(modelID string) (*Route, *chat.Error) {
	for _, route := range r.routes {
		for i := range route.Patterns {
			if route.Patterns[i].Match(modelID) {
				return route, nil
			}
		}
	}
	kind := ""
	switch {
	case isBedrock(modelID):
		if region, ok := arnRegion(modelID); ok && r.regions[region] != nil {
			return r.regions[region], nil
		}
		if r.bedrock != nil {
			return r.bedrock, nil
		}
		kind = KindBedrock
	case isOpenAI(modelID):
		if r.openai != nil {
			return r.openai, nil
		}
		kind = KindOpenAI
	default:
		if id, ok := model.OnBedrock(modelID); ok {
			if r.bedrock != nil {
				return r.bedrock.renamed(id), nil
			}
			kind = KindBedrock
		}
	}
	e := &chat.Error{Kind: chat.ErrNotFound, Code: "model_not_found", Param: "model"}
	switch hint := r.missing[kind]; {
	case hint != "":
		e.Message = "the model '" + modelID + "' needs an upstream that is not configured: " + hint
	case r.patterns == "":
		e.Message = "the model '" + modelID + "' is not served here: no upstream is configured"
	default:
		e.Message = "the model '" + modelID + "' is not served here; models that are: " + r.patterns
	}
	return nil, e
}

// Names returns the model names that the config's own routes match exactly, each once and in the order of the routes. They
// exist for clients beside what the upstreams list.
func (r *Router) Names() []RouteName {
	var names []RouteName
	seen := map[string]bool{}
	for _, route := range r.routes {
		for _, p := range route.Patterns {
			if p.Literal() && !seen[p.String()] {
				seen[p.String()] = true
				to := route.Targets[0]
				names = append(names, RouteName{Name: p.String(), Target: to, Model: to.ModelFor(p.String())})
			}
		}
	}
	return names
}

// Models returns the names that the config's own routes give models: those that clients use and those of upstreams.
func (r *Router) Models() []string {
	var ids []string
	for _, route := range r.routes {
		for _, p := range route.Patterns {
			if p.Literal() {
				ids = append(ids, p.String())
			}
		}
		for _, t := range route.Targets {
			if t.Model != "" {
				ids = append(ids, t.Model)
			}
		}
	}
	return ids
}

// RouteName is a model name of the config's own.
type RouteName struct {
	Name   string
	Target *Target // the first of its route
	Model  string  // the name of the model there
}

// Bedrock returns the route to the default Bedrock upstream, for calls that name no model; nil if there is none.
func (r *Router) Bedrock() *Route { return r.bedrock }

// OpenAI returns the route to the default OpenAI upstream, for calls that name no model; nil if there is none.
func (r *Router) OpenAI() *Route { return r.openai }
