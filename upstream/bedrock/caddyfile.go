package bedrock

import (
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/directive"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

// UnmarshalCaddyfile sets up the upstream from Caddyfile tokens. Syntax:
//
//	bedrock [<region>] {
//		region           <region>
//		endpoint         <url>
//		control_endpoint <url>
//		mantle_endpoint  <url>
//		project          <id>
//		sts_endpoint     <url>
//		fips
//		dual_stack
//		credentials      <access_key_id> <secret_access_key> [<session_token>]
//		profile          <name>
//		assume_role      <role_arn> { ... }
//		web_identity     <role_arn> <token_file> { ... }
//		api_key          <bedrock_api_key>
//		guardrail        <id> <version> {
//			trace
//			allow_override
//		}
//		model <pattern> {
//			family     <family>
//			max_output <n>
//			like       <model id>
//			api        converse|invoke|chat|responses|messages
//			host       runtime|mantle
//			input_type <type>
//			truncate   none|start|end
//		}
//		profiles auto|off
//		transport http { ... }
//	}
func (u *Upstream) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the kind
	seen := make(directive.Seen)
	args, err := directive.Args(d, 0, 1)
	if err != nil {
		return err
	}
	if len(args) == 1 {
		u.Config.Region = args[0]
		seen["region"] = true
	}
	for d.NextBlock(0) {
		if d.Val() != "model" {
			if err := seen.Once(d); err != nil {
				return err
			}
		}
		if err := u.unmarshalSubdirective(d); err != nil {
			return err
		}
	}
	return nil
}

func (u *Upstream) unmarshalSubdirective(d *caddyfile.Dispenser) error {
	switch d.Val() {
	case "endpoint":
		return directive.Set(d, &u.Endpoint)
	case "control_endpoint":
		return directive.Set(d, &u.ControlEndpoint)
	case "mantle_endpoint":
		return directive.Set(d, &u.MantleEndpoint)
	case "project":
		return directive.Set(d, &u.Project)
	case "api_key":
		return directive.SetSecret(d, &u.APIKey)
	case "profiles":
		var err error
		u.Profiles, err = directive.OneOf(d, profileWords...)
		return err
	case "guardrail":
		return u.unmarshalGuardrail(d)
	case "model":
		return u.unmarshalModel(d)
	case "transport":
		return u.UnmarshalTransport(d)
	}
	if ok, err := u.UnmarshalSubdirective(d); ok || err != nil {
		return err
	}
	return directive.Unknown(d)
}

// unmarshalGuardrail reads guardrail <id> <version> { trace, allow_override }.
func (u *Upstream) unmarshalGuardrail(d *caddyfile.Dispenser) error {
	args, err := directive.Args(d, 2, 2)
	if err != nil {
		return err
	}
	u.Guardrail = &Guardrail{ID: args[0], Version: args[1]}
	seen := make(directive.Seen)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := seen.Once(d); err != nil {
			return err
		}
		switch d.Val() {
		case "trace":
			u.Guardrail.Trace = true
		case "allow_override":
			u.Guardrail.AllowOverride = true
		default:
			return directive.Unknown(d)
		}
		if err := directive.None(d); err != nil {
			return err
		}
	}
	return nil
}

// unmarshalModel reads a model block.
func (u *Upstream) unmarshalModel(d *caddyfile.Dispenser) error {
	pattern, err := directive.Arg(d)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(u.Models, func(m Model) bool { return m.Pattern == pattern }) {
		return d.Errf("model %s already specified", pattern)
	}
	m := Model{Pattern: pattern}
	seen := make(directive.Seen)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := seen.Once(d); err != nil {
			return err
		}
		switch d.Val() {
		case "family":
			m.Family, err = directive.OneOf(d, families...)
		case "max_output":
			m.MaxOutput, err = directive.Int(d, 1)
		case "like":
			err = directive.Set(d, &m.Like)
		case "api":
			m.API, err = directive.OneOf(d, model.APIs...)
		case "host":
			m.Host, err = directive.OneOf(d, model.Hosts...)
		case "input_type":
			m.InputType, err = directive.OneOf(d, model.InputTypes...)
		case "truncate":
			m.Truncate, err = directive.OneOf(d, model.Truncations...)
		default:
			err = directive.Unknown(d)
		}
		if err != nil {
			return err
		}
	}
	if m == (Model{Pattern: pattern}) {
		return d.Errf("model %s says nothing: give it family, max_output, like, api, host, input_type or truncate", pattern)
	}
	u.Models = append(u.Models, m)
	return nil
}
