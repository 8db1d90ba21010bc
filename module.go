// Package bedrockgateway is the Caddy module http.handlers.bedrock_gateway: the struct that holds its configuration, the
// Caddyfile directive, and what stands in for configuration in the environment. It adapts the gateway to Caddy and does
// nothing else. A setting belongs to the room that does the work, in its settings.go; an endpoint to package handler.
package bedrockgateway

import (
	"errors"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/fetch"
	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/handler"
	"github.com/open-bedrock/caddy-bedrock-gateway/limit"
	"github.com/open-bedrock/caddy-bedrock-gateway/price"
	"github.com/open-bedrock/caddy-bedrock-gateway/stored"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/usage"

	// The modules and commands that come with the gateway.
	_ "github.com/open-bedrock/caddy-bedrock-gateway/auth"
	_ "github.com/open-bedrock/caddy-bedrock-gateway/command"
	_ "github.com/open-bedrock/caddy-bedrock-gateway/files/local"
	_ "github.com/open-bedrock/caddy-bedrock-gateway/files/s3"
	_ "github.com/open-bedrock/caddy-bedrock-gateway/limit/redis"
	_ "github.com/open-bedrock/caddy-bedrock-gateway/upstream/bedrock"
	_ "github.com/open-bedrock/caddy-bedrock-gateway/upstream/openai"
)

func init() {
	caddy.RegisterModule(Gateway{})
}

// Gateway answers chat requests in any of four dialects from any of its
// upstreams: OpenAI's chat completions, Anthropic's messages, Titan text and
// Bedrock's Converse. A request to any other path goes on to the next handler.
//
// With no upstreams it takes everything from the environment: OpenAI's from
// OPENAI_API_KEY, Bedrock's from AWS_REGION and the AWS credentials there, the
// bucket for files from S3_FILES_BUCKET, the default model from
// DEFAULT_OPENAI_MODEL.
//
// Placeholders set for logs and later handlers:
//
// Placeholder | Description
// ------------|-------------
// `{http.bedrock_gateway.upstream}` | The upstream that answered
// `{http.bedrock_gateway.model}` | The model the client asked for
// `{http.bedrock_gateway.upstream_model}` | The model's id at the upstream
// `{http.bedrock_gateway.dialect}` | The dialect the client spoke
// `{http.bedrock_gateway.api}` | The API that the upstream was asked by, where it has several
// `{http.bedrock_gateway.input_tokens}` | Input tokens, without those read from or written to a cache
// `{http.bedrock_gateway.output_tokens}` | Output tokens
// `{http.bedrock_gateway.cache_read_tokens}` | Input tokens read from a cache
// `{http.bedrock_gateway.cache_write_tokens}` | Input tokens written to a cache
// `{http.bedrock_gateway.cost}` | What the call cost in dollars, where the model has a price
// `{http.bedrock_gateway.stop_reason}` | Why the model stopped
// `{http.bedrock_gateway.attempts}` | How many times an upstream was asked
// `{http.bedrock_gateway.ttft_ms}` | Milliseconds from the request to the first token
type Gateway struct {
	upstream.Routing
	files.Storage
	stored.Keeping
	exchange.Calls
	fetch.Fetching
	limit.Limiting
	price.Pricing
	usage.Accounting
	handler.Endpoints

	handler   *handler.Gateway
	observers []func(*usage.Record) // of calls that are over, besides the access log
	stop      []func()              // ends what reads the gateway's state
}

// CaddyModule returns the Caddy module information.
func (Gateway) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.bedrock_gateway",
		New: func() caddy.Module { return new(Gateway) },
	}
}

// Provision resolves the configuration once; requests read the result. It sends
// nothing over the network.
func (g *Gateway) Provision(ctx caddy.Context) error {
	for _, provision := range []func(caddy.Context) error{
		func(ctx caddy.Context) error { return g.Limiting.Provision(ctx, matcher) },
		func(ctx caddy.Context) error { return g.Pricing.Provision(ctx, matcher) },
		func(ctx caddy.Context) error { return g.Accounting.Provision(ctx.Logger()) },
		g.Fetching.Provision,
		g.Calls.Provision,
		func(ctx caddy.Context) error { return g.Routing.Provision(ctx, environment()) },
		func(ctx caddy.Context) error { return g.Storage.Provision(ctx, defaultFiles()) },
		func(caddy.Context) error { return g.Keeping.Provision(g.Store()) },
	} {
		if err := provision(ctx); err != nil {
			return err
		}
	}
	if len(g.Loaded()) == 0 {
		ctx.Logger().Warn("no upstream: every model is unknown until " + envOpenAIKey + " or AWS_REGION is set, or one is configured")
	}
	if err := g.Counted().CheckStored(g.Owner()); err != nil {
		return err
	}
	records, err := g.Records(g.MaxBody, g.full, ctx.Logger())
	if err != nil {
		return err
	}
	g.handler = handler.New(handler.Config{
		Config: exchange.Config{
			Router: g.Router(), DefaultModel: g.Model(),
			MaxBody:           g.MaxBody,
			StreamIdleTimeout: time.Duration(*g.StreamIdleTimeout),
			Process:           g.Shared(),
			MaxBuffered:       g.MaxBuffered,
			ReplyTimeout:      time.Duration(*g.ReplyTimeout),
			KeepAlive:         time.Duration(*g.KeepAlive),
			RejectUnsupported: g.RejectsUnsupported(),
			EstimateTokens:    g.EstimatesTokens(),
			CachePrompts:      g.CachesPrompts(),
			Files:             g.Store(),
			Stored:            records,
			SpoolDir:          g.FormDir(),
			MaxForm:           g.Largest(),
			Images:            g.Client(),
			Logger:            ctx.Logger(),
			Caller:            callerOf(g.Owner()),
			CallerKey:         callerKey,
			Limits:            g.Counted(),
			LimitKey:          limitKey,
			Prices:            g.Book(),
			CostHeader:        g.CostHeader,
			Content:           g.Content(),
			Trace:             trace,
			Observe:           g.observe,
			StatusOf:          statusOf,
		},
		Upstreams: g.Loaded(),
		Docs:      !g.DocsOff,
		Health:    !g.HealthOff,
		Native:    !g.NativeOff,

		Playground: !g.PlaygroundOff,

		Status:  g.statusPage(),
		Version: version(),
	})
	return g.show(ctx)
}

// full returns the name of a limit that leaves no room for so many bytes of a kept reply of the model; "" if there is none.
func (g *Gateway) full(model, owner string, size int64) string {
	return g.Counted().Full(model, size,
		func() int64 { return g.Objects().OwnerUsage(files.KindResponse, owner) },
		func() int64 { return g.Objects().ObjectUsage(files.KindResponse).Bytes })
}

// matcher returns what a pattern of models matches, for rooms that do not know routes.
func matcher(pattern string) func(modelID string) bool { return upstream.NewPattern(pattern).Match }

// Cleanup releases what outlives the configuration only if the next one has it
// too: the counts of limits, what is remembered of upstreams, and what
// requests hold in memory.
func (g *Gateway) Cleanup() error {
	for _, stop := range g.stop {
		stop()
	}
	return errors.Join(g.Limiting.Cleanup(), g.Routing.Cleanup(), g.Calls.Cleanup())
}

// ServeHTTP answers requests to the gateway's paths, and passes all others to the
// next handler unchanged. Where nothing in the site handles a request that was
// meant for one of the APIs, it is a 404 in that API's form.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if g.handler.ServeHTTP(w, r) {
		return nil
	}
	if err := next.ServeHTTP(w, r); err != nil {
		return err
	}
	// Caddy sets the variable in the handler that stands behind a site's last one.
	if nothing, _ := caddyhttp.GetVar(r.Context(), unhandled).(bool); !nothing {
		return nil
	}
	if miss := g.handler.Miss(r); miss != nil {
		caddyhttp.SetVar(r.Context(), unhandled, false) // or a gateway around this one would answer too
		g.handler.NotFound(w, r, miss, base(r))
	}
	return nil
}

// unhandled is the variable that is true when no handler of a site took a request.
const unhandled = "unhandled"

// base returns the address of the site as the client has it: with what handle_path or uri removed from the path, and with
// the scheme that a proxy in front names.
func base(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	prefix := ""
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		if before, found := strings.CutSuffix(original.URL.Path, r.URL.Path); found {
			prefix = before
		}
	}
	return scheme + "://" + r.Host + prefix
}

// userModels is the placeholder in which an authentication provider lists the models its user may
// ask for: patterns separated by spaces. Without it, all are allowed. See auth.APIKey.
const userModels = "http.auth.user.models"

// callerOf returns the function that identifies the caller of a request: the owner of its files, by the placeholder
// owner, and the models it may ask for.
func callerOf(owner string) func(*http.Request) exchange.Caller {
	return func(r *http.Request) exchange.Caller {
		repl := replacer(r)
		if repl == nil {
			return exchange.Caller{}
		}
		c := exchange.Caller{Owner: repl.ReplaceAll(owner, "")}
		if models, _ := repl.GetString(userModels); models != "" {
			for p := range strings.FieldsSeq(models) {
				c.Models = append(c.Models, upstream.NewPattern(p))
			}
		}
		return c
	}
}

// callerKey returns the name under which a caller's share of memory is counted: its user, else the client's address, of
// which IPv6 networks give each host a whole /64.
func callerKey(r *http.Request) string {
	if repl := replacer(r); repl != nil {
		if user, _ := repl.GetString("http.auth.user.id"); user != "" {
			return "user " + user
		}
	}
	ip, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	if addr, err := netip.ParseAddr(ip); err == nil && addr.Unmap().Is6() {
		if net, err := addr.Prefix(64); err == nil {
			return net.Masked().String()
		}
	}
	return ip
}

// limitKey returns what a placeholder stands for in a request; "" for an unknown one.
func limitKey(r *http.Request, placeholder string) string {
	repl := replacer(r)
	if repl == nil {
		return ""
	}
	return repl.ReplaceAll(placeholder, "")
}

func replacer(r *http.Request) *caddy.Replacer {
	repl, _ := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	return repl
}

// statusOf returns the status of an error of Caddy's own, such as the 413 that reading
// a body returns under request_body; 0 for any other error.
func statusOf(err error) int {
	if e, ok := errors.AsType[caddyhttp.HandlerError](err); ok {
		return e.StatusCode
	}
	return 0
}

// version returns this module's version as the build recorded it.
func version() string {
	const module = "github.com/open-bedrock/caddy-bedrock-gateway"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if info.Main.Path == module {
		if info.Main.Version == "" {
			return "(devel)"
		}
		return info.Main.Version
	}
	for _, dep := range info.Deps {
		if dep.Path == module {
			return dep.Version
		}
	}
	return "unknown"
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Gateway)(nil)
	_ caddy.CleanerUpper          = (*Gateway)(nil)
	_ caddyhttp.MiddlewareHandler = (*Gateway)(nil)
	_ caddyfile.Unmarshaler       = (*Gateway)(nil)
)
