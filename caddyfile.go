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

// words returns the table of sub-directives: each room's own.
func (g *Gateway) words() directive.Words {
	all := make(directive.Words)
	for _, room := range []interface{ Words() directive.Words }{
		&g.Routing, &g.Storage, &g.Calls, &g.Fetching, &g.Limiting, &g.Accounting, &g.Endpoints,
	} {
		maps.Copy(all, room.Words())
	}
	return all
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
	if _, err := g.words().Block(d); err != nil {
		return err
	}
	return g.CheckCaddyfile()
}
