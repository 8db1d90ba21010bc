package auth

import (
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/caddyauth"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/directive"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("api_key_auth", parseCaddyfile)
	httpcaddyfile.RegisterDirectiveOrder("api_key_auth", httpcaddyfile.After, "basic_auth")
}

func parseCaddyfile(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	a := new(APIKey)
	if err := a.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return caddyauth.Authentication{
		ProvidersRaw: caddy.ModuleMap{"api_key": caddyconfig.JSON(a, nil)},
	}, nil
}

// UnmarshalCaddyfile sets up the provider from Caddyfile tokens. Syntax:
//
//	api_key_auth [<matcher>] {
//		key <user_id> <key | sha256:hex> {
//			models  <pattern...>
//			expires <date>
//			tags    <tag...>
//		}
//		keys_file <path>
//	}
func (a *APIKey) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume directive name
	start := *d
	if err := directive.None(d); err != nil {
		return err
	}
	seen := make(directive.Seen)
	for d.NextBlock(0) {
		var err error
		switch d.Val() {
		case "key":
			err = a.unmarshalKey(d)
		case "keys_file":
			if err = seen.Once(d); err == nil {
				err = directive.Set(d, &a.KeysFile)
			}
		default:
			err = directive.Unknown(d)
		}
		if err != nil {
			return err
		}
	}
	if len(a.Keys) == 0 && a.KeysFile == "" {
		return start.Err("api_key_auth needs a key or a keys_file")
	}
	return nil
}

// unmarshalKey reads key <user_id> <key> { ... }.
func (a *APIKey) unmarshalKey(d *caddyfile.Dispenser) error {
	args, err := directive.Args(d, 2, 2)
	if err != nil {
		return err
	}
	if args[0] == "" || args[1] == "" {
		return d.Err("user and key must not be empty")
	}
	k := Key{UserID: args[0], Key: args[1]}
	if !strings.HasPrefix(k.Key, "sha256:") {
		directive.Secret(d, "key", k.Key)
	}
	if strings.HasPrefix(k.Key, "sha256:") && !strings.Contains(k.Key, "{") {
		if _, err := digestOf(k.Key); err != nil {
			return d.WrapErr(err)
		}
	}
	seen := make(directive.Seen)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word := d.Val()
		if word != "models" && word != "expires" && word != "tags" {
			return directive.Unknown(d)
		}
		if err := seen.Once(d); err != nil {
			return err
		}
		switch word {
		case "models":
			k.Models, err = directive.Args(d, 1, -1)
		case "tags":
			k.Tags, err = directive.Args(d, 1, -1)
		default:
			if err = directive.Set(d, &k.Expires); err == nil && !strings.Contains(k.Expires, "{") {
				if _, err = expiry(k.Expires); err != nil {
					err = d.WrapErr(err)
				}
			}
		}
		if err != nil {
			return err
		}
	}
	a.Keys = append(a.Keys, k)
	return nil
}

// Interface guard
var _ caddyfile.Unmarshaler = (*APIKey)(nil)
