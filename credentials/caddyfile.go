package credentials

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/directive"
)

// UnmarshalSubdirective reads one sub-directive into c, if it is one of these:
//
//	region        <region>
//	credentials   <access_key_id> <secret_access_key> [<session_token>]
//	profile       <name>
//	assume_role   <role_arn> {
//		external_id  <id>
//		session_name <name>
//		duration     <duration>
//		assume_role  <role_arn> { ... }
//	}
//	web_identity  <role_arn> <token_file> {
//		session_name <name>
//		duration     <duration>
//	}
//	sts_endpoint  <url>
//	fips
//	dual_stack
//
// d stands on the word. ok is false, and d untouched, when the word is unknown. An error carries its position.
func (c *Config) UnmarshalSubdirective(d *caddyfile.Dispenser) (ok bool, err error) {
	switch d.Val() {
	case "region":
		return true, single(d, &c.Region)
	case "profile":
		return true, single(d, &c.Profile)
	case "sts_endpoint":
		return true, single(d, &c.STSEndpoint)
	case "fips":
		return true, flag(d, &c.FIPS)
	case "dual_stack":
		return true, flag(d, &c.DualStack)
	case "credentials":
		return true, c.unmarshalStatic(d)
	case "assume_role":
		return true, unmarshalRole(d, &c.AssumeRole)
	case "web_identity":
		return true, c.unmarshalWebIdentity(d)
	}
	return false, nil
}

func (c *Config) unmarshalStatic(d *caddyfile.Dispenser) error {
	if c.AccessKeyID != "" {
		return d.Err("credentials already specified")
	}
	args := d.RemainingArgs()
	if len(args) < 2 || len(args) > 3 {
		return d.ArgErr()
	}
	c.AccessKeyID, c.SecretAccessKey = args[0], args[1]
	if len(args) == 3 {
		c.SessionToken = args[2]
	}
	directive.Secret(d, "credentials", c.SecretAccessKey) // a session token does not live long
	return noBlock(d)
}

func (c *Config) unmarshalWebIdentity(d *caddyfile.Dispenser) error {
	if c.WebIdentity != nil {
		return d.Err("web_identity already specified")
	}
	w := new(WebIdentity)
	if !d.Args(&w.RoleARN, &w.TokenFile) || d.NextArg() {
		return d.ArgErr()
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		var err error
		switch d.Val() {
		case "session_name":
			err = single(d, &w.SessionName)
		case "duration":
			err = duration(d, &w.Duration)
		default:
			err = d.Errf("unrecognized subdirective '%s' of web_identity", d.Val())
		}
		if err != nil {
			return err
		}
	}
	c.WebIdentity = w
	return nil
}

// unmarshalRole reads an assume_role, and by recursion the roles nested in it.
func unmarshalRole(d *caddyfile.Dispenser, dst **AssumeRole) error {
	if *dst != nil {
		return d.Err("assume_role already specified; to chain roles, put the next one inside this one's block")
	}
	r := new(AssumeRole)
	if !d.Args(&r.RoleARN) || d.NextArg() {
		return d.ArgErr()
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		var err error
		switch d.Val() {
		case "external_id":
			err = single(d, &r.ExternalID)
		case "session_name":
			err = single(d, &r.SessionName)
		case "duration":
			err = duration(d, &r.Duration)
		case "assume_role":
			err = unmarshalRole(d, &r.AssumeRole)
		default:
			err = d.Errf("unrecognized subdirective '%s' of assume_role", d.Val())
		}
		if err != nil {
			return err
		}
	}
	*dst = r
	return nil
}

// single reads a word that has exactly one argument and no block, once.
func single(d *caddyfile.Dispenser, dst *string) error {
	word := d.Val()
	if *dst != "" {
		return d.Errf("%s already specified", word)
	}
	if !d.Args(dst) || d.NextArg() {
		return d.ArgErr()
	}
	if *dst == "" {
		return d.Errf("%s is empty", word)
	}
	return noBlock(d)
}

func duration(d *caddyfile.Dispenser, dst *caddy.Duration) error {
	if *dst != 0 {
		return d.Err("duration already specified")
	}
	var s string
	if err := single(d, &s); err != nil {
		return err
	}
	v, err := caddy.ParseDuration(s)
	if err != nil {
		return d.Errf("bad duration '%s': %v", s, err)
	}
	if v <= 0 {
		return d.Errf("duration '%s' is not positive", s)
	}
	*dst = caddy.Duration(v)
	return nil
}

// noBlock refuses a block after a word that takes none; left alone, its lines would be read as the parent's.
func noBlock(d *caddyfile.Dispenser) error {
	word := d.Val()
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		return d.Errf("unexpected block after '%s'", word)
	}
	return nil
}

// flag reads a word that takes no argument.
func flag(d *caddyfile.Dispenser, dst *bool) error {
	if *dst {
		return d.Errf("%s already specified", d.Val())
	}
	*dst = true
	if d.NextArg() {
		return d.ArgErr()
	}
	return noBlock(d)
}
