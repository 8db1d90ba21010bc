package bedrockgateway

import (
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/credentials"
	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/limit"
	"github.com/open-bedrock/caddy-bedrock-gateway/metrics"
	"github.com/open-bedrock/caddy-bedrock-gateway/status"
	"github.com/open-bedrock/caddy-bedrock-gateway/tracing"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/usage"
)

// show sets up what tells of the gateway's calls and of its state.
func (g *Gateway) show(ctx caddy.Context) error {
	if registry := ctx.GetMetricsRegistry(); registry != nil {
		if err := metrics.Process.Register(registry); err != nil {
			return err
		}
		g.observers = append(g.observers, metrics.Process.Observe)
		g.stop = append(g.stop, metrics.Process.Follow(g.source()))
	}
	if g.StatusPage {
		status.Process.Listened.Store(true)
	}
	if status.Process.Listened.Load() {
		g.observers = append(g.observers, status.Process.Observe)
		g.stop = append(g.stop, status.Process.Follow(g.shown()))
	}
	if g.UsageLog {
		g.observers = append(g.observers, usage.Bill(ctx.Logger().Named("usage")))
	}
	return nil
}

// source returns what is read of the gateway when metrics are asked for.
func (g *Gateway) source() *metrics.Source {
	process := g.Shared()
	return &metrics.Source{
		Models: append(g.Router().Models(), g.Priced()...),
		Calls:  process.Calls, Panics: process.Panics, Stored: process.Stored, Credentials: credentials.Refreshes,
		Store: func() metrics.Store {
			s := &limit.Stores
			return metrics.Store{Failures: s.Failures.Load(), Local: s.Local.Load(), Denied: s.Denied.Load(), Lost: s.Lost.Load()}
		},
		Kept: func() (int64, map[string]int64) {
			if g.Objects() == nil {
				return 0, nil
			}
			return g.Objects().ObjectUsage(files.KindResponse).Objects, g.Objects().OwnersUsage(files.KindResponse)
		},
		Limits: func() []metrics.Limit {
			used := g.Counted().Used()
			all := make([]metrics.Limit, 0, len(used))
			for _, u := range used {
				all = append(all, metrics.Limit{Name: u.Limit, What: string(u.What), Used: u.Share})
			}
			return all
		},
		Upstreams: func() []metrics.Upstream {
			all := make([]metrics.Upstream, 0, len(g.Loaded()))
			for _, n := range g.Loaded() {
				health := n.Health()
				u := metrics.Upstream{Name: n.Name, Healthy: !health.Down, FailingModels: len(health.Failing), Expires: expiry(n)}
				if stats := n.Stats(); stats != nil {
					u.PassedOver, u.RetriesRefused = stats.PassedOver.Load(), stats.RetriesRefused.Load()
				}
				all = append(all, u)
			}
			return all
		},
	}
}

// statusPage returns what the status page shows; nil if there is none.
func (g *Gateway) statusPage() func() []byte {
	if !g.StatusPage {
		return nil
	}
	return status.Process.JSON
}

// shown returns what is read of the gateway when somebody looks at its status.
func (g *Gateway) shown() *status.Source {
	return &status.Source{
		Version: version(), Calls: g.Shared().Calls,
		Upstreams: func() []status.Upstream {
			all := make([]status.Upstream, 0, len(g.Loaded()))
			for _, n := range g.Loaded() {
				health := n.Health()
				all = append(all, status.Upstream{Name: n.Name, Kind: n.Kind, Healthy: !health.Down, FailingModels: health.Failing, Expires: expiry(n)})
			}
			return all
		},
	}
}

// expiry returns when an upstream's credentials expire; zero if they do not, or that is not known.
func expiry(n *upstream.Named) time.Time {
	if e, ok := n.Upstream.(upstream.Expiring); ok {
		return e.CredentialsExpire()
	}
	return time.Time{}
}

// trace begins the trace of a request's call, if Caddy traces the request.
func trace(r *http.Request) exchange.Trace {
	if c := tracing.Begin(r); c != nil {
		return c
	}
	return nil
}

// userTags is the placeholder in which an authentication provider lists the tags of its user's key, separated by spaces.
const userTags = "http.auth.user.tags"

// observe hands a call's record to all that listen. It is called on the request's goroutine, which the access log's fields and
// the placeholders require.
func (g *Gateway) observe(r *http.Request, rec *usage.Record) {
	repl := replacer(r)
	if repl != nil && (len(g.observers) > 0 || g.LogContent != nil) {
		rec.User, _ = repl.GetString("http.auth.user.id")
		rec.Tags, _ = repl.GetString(userTags)
	}
	for _, observe := range g.observers {
		observe(rec)
	}
	if extra, ok := r.Context().Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields); ok {
		extra.Add(zap.Object("bedrock_gateway", rec))
	}
	if repl != nil {
		// Looked up on demand: most requests are logged without them.
		repl.Map(rec.Placeholder)
	}
}
