package bedrockgateway

import (
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/directive"
)

// Namespaces of the guest modules.
const (
	upstreamNamespace = "http.handlers.bedrock_gateway.upstreams"
	filesNamespace    = "http.handlers.bedrock_gateway.files"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("bedrock_gateway", parseGateway)
	// Behind everything that authenticates or edits a request, in front of what
	// would answer in the gateway's place.
	httpcaddyfile.RegisterDirectiveOrder("bedrock_gateway", httpcaddyfile.Before, "reverse_proxy")
}

func parseGateway(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	g := new(Gateway)
	if err := g.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return g, nil
}

// repeatable are the sub-directives that may stand more than once.
var repeatable = map[string]bool{
	"openai": true, "bedrock": true, "upstream": true, // names are checked instead
	"route": true, "limit": true, "price": true,
}

// UnmarshalCaddyfile sets up the gateway from Caddyfile tokens. Syntax:
//
//	bedrock_gateway [<matcher>] {
//		openai [<api_key>] { ... }
//		bedrock [<region>] { ... }
//		upstream <name> <kind> [<args...>] { ... }
//		route <pattern...> <upstream>
//		route <pattern...> {
//			to <upstream> [<model>] {
//				weight <n>
//			}
//			policy       first|weighted|least_pending
//			retries      <n>
//			try_duration <duration>
//		}
//		default_model <model>
//		files local|s3|off [<args...>] { ... }
//		max_body            <size>
//		stream_idle_timeout <duration>
//		keep_alive          <duration>
//		unsupported_params  drop|reject
//		fetch_remote_images {
//			max_size <size>
//			timeout  <duration>
//		}
//		limit <name> {
//			key        <placeholder>
//			requests   <n> <window>
//			tokens     <n> <window>
//			concurrent <n>
//		}
//		limits_store redis <url>
//		price <pattern> {
//			input|output|cache_read|cache_write <amount>
//		}
//		log_content
//		docs   off
//		health off
//		native off
//	}
func (g *Gateway) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume directive name
	if err := directive.None(d); err != nil {
		return err
	}
	p := &parser{Dispenser: d, gateway: g}
	seen := make(directive.Seen)
	for d.NextBlock(0) {
		if !repeatable[d.Val()] {
			if err := seen.Once(d); err != nil {
				return err
			}
		}
		if err := p.subdirective(); err != nil {
			return err
		}
	}
	return p.checkTargets()
}

// parser reads one bedrock_gateway block into its gateway.
type parser struct {
	*caddyfile.Dispenser
	gateway *Gateway

	// Where routes name upstreams, which may be declared further down.
	lastArgs []caddyfile.Token
	targets  []caddyfile.Token
}

// subdirective reads the sub-directive the parser stands on.
func (p *parser) subdirective() (err error) {
	g, d := p.gateway, p.Dispenser
	switch d.Val() {
	case openaiName, bedrockName:
		return p.upstream(d.Val(), d.Val())
	case "upstream":
		return p.namedUpstream()
	case "route":
		return p.route()
	case "default_model":
		return directive.Set(d, &g.DefaultModel)
	case "files":
		return p.files()
	case "max_body":
		g.MaxBody, err = directive.Size(d)
	case "stream_idle_timeout":
		return setDuration(d, &g.StreamIdleTimeout)
	case "keep_alive":
		return setDuration(d, &g.KeepAlive)
	case "unsupported_params":
		g.UnsupportedParams, err = directive.OneOf(d, unsupportedPolicies...)
	case "fetch_remote_images":
		return p.remoteImages()
	case "limit":
		return p.limit()
	case "limits_store":
		return p.limitsStore()
	case "price":
		return p.price()
	case "log_content":
		g.LogContent = true
		return directive.None(d)
	case "docs":
		g.DocsOff, err = off(d)
	case "health":
		g.HealthOff, err = off(d)
	case "native":
		g.NativeOff, err = off(d)
	default:
		return directive.Unknown(d)
	}
	return err
}

// upstream reads an upstream of a kind, the parser standing on the word whose
// arguments and block are the kind's own.
func (p *parser) upstream(name, kind string) error {
	if err := checkName(name); err != nil {
		return p.WrapErr(err)
	}
	for _, u := range p.gateway.Upstreams {
		if u.Name == name {
			return p.Errf("two upstreams are named '%s'; give another one its own name: upstream <name> %s", name, kind)
		}
	}
	module, err := caddyfile.UnmarshalModule(p.Dispenser, upstreamNamespace+"."+kind)
	if err != nil {
		return err
	}
	p.gateway.Upstreams = append(p.gateway.Upstreams, Upstream{
		Name:        name,
		UpstreamRaw: caddyconfig.JSONModuleObject(module, "kind", kind, nil),
	})
	return nil
}

// namedUpstream reads upstream <name> <kind> [<args...>] { ... }.
func (p *parser) namedUpstream() error {
	if !p.NextArg() {
		return p.ArgErr()
	}
	name := p.Val()
	if !p.NextArg() {
		return p.ArgErr()
	}
	return p.upstream(name, p.Val())
}

// files reads files off, or files <store> [<args...>] { ... }.
func (p *parser) files() error {
	if !p.NextArg() {
		return p.ArgErr()
	}
	store := p.Val()
	if store == "off" {
		p.gateway.FilesOff = true
		return directive.None(p.Dispenser)
	}
	module, err := caddyfile.UnmarshalModule(p.Dispenser, filesNamespace+"."+store)
	if err != nil {
		return err
	}
	p.gateway.FilesRaw = caddyconfig.JSONModuleObject(module, "store", store, nil)
	return nil
}

// off reads the one argument a feature that is on by itself can have.
func off(d *caddyfile.Dispenser) (bool, error) {
	_, err := directive.OneOf(d, "off")
	return err == nil, err
}
