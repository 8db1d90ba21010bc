package simulator

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("bedrock_simulator", parseCaddyfile)
	httpcaddyfile.RegisterDirectiveOrder("bedrock_simulator", httpcaddyfile.Before, "reverse_proxy")
}

func parseCaddyfile(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	s := new(Simulator)
	if err := s.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return s, nil
}

// UnmarshalCaddyfile reads the directive:
//
//	bedrock_simulator [<matcher>] {
//		openai_key  <key>                                              # default sk-simulator
//		credentials <access_key_id> <secret_access_key> [<session_token>] # repeatable
//		api_key     <key...>                                           # Bedrock API keys; repeatable
//		region      <region...>                                        # default: any; repeatable
//	}
func (s *Simulator) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		return d.ArgErr()
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		switch word := d.Val(); word {
		case "openai_key":
			if s.OpenAIKey != "" {
				return d.Errf("%s already specified", word)
			}
			if !d.AllArgs(&s.OpenAIKey) {
				return d.ArgErr()
			}
		case "credentials":
			args := d.RemainingArgs()
			if len(args) != 2 && len(args) != 3 {
				return d.ArgErr()
			}
			c := Credentials{AccessKeyID: args[0], SecretAccessKey: args[1]}
			if len(args) == 3 {
				c.SessionToken = args[2]
			}
			s.Credentials = append(s.Credentials, c)
		case "api_key", "region":
			args := d.RemainingArgs()
			if len(args) == 0 {
				return d.ArgErr()
			}
			if word == "region" {
				s.Regions = append(s.Regions, args...)
			} else {
				s.APIKeys = append(s.APIKeys, args...)
			}
		default:
			return d.Errf("unrecognized subdirective '%s'", word)
		}
		if d.NextBlock(d.Nesting()) {
			return d.Errf("'%s' takes no block", d.Val())
		}
	}
	return nil
}

// Interface guard
var _ caddyfile.Unmarshaler = (*Simulator)(nil)
