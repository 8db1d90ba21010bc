package bedrockgateway

import (
	"maps"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/directive"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("bedrock_gateway", parseGateway)
	// After all directives that authenticate or edit a request, before those that
	// would answer it.
	httpcaddyfile.RegisterDirectiveOrder("bedrock_gateway", httpcaddyfile.Before, "reverse_proxy")
}

func parseGateway(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	g := new(Gateway)
	if err := g.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return g, nil
}

// words returns the table of sub-directives: those of each room's settings.
func (g *Gateway) words() directive.Words {
	all := make(directive.Words)
	for _, room := range []interface{ Words() directive.Words }{
		&g.Routing, &g.Storage, &g.Keeping, &g.Calls, &g.Fetching, &g.Limiting, &g.Pricing, &g.Accounting, &g.Endpoints,
	} {
		maps.Copy(all, room.Words())
	}
	return all
}

// UnmarshalCaddyfile sets up the gateway from Caddyfile tokens:
//
//	bedrock_gateway [<matcher>] {
//		<sub-directive> [<args...>] [{ ... }]
//	}
//
// The sub-directives are those of the embedded settings. Their syntax is documented at the methods named Words, and for
// users in docs/configuration.md.
func (g *Gateway) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume directive name
	if err := directive.None(d); err != nil {
		return err
	}
	if _, err := g.words().Block(d); err != nil {
		return err
	}
	return g.CheckCaddyfile()
}
