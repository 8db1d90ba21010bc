package credentials

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/caddyserver/caddy/v2"
)

// settings is a Config after placeholders and the environment: everything a refresh needs, secrets included, and
// nothing that changes afterwards. It must not be logged or marshaled.
type settings struct {
	apiKey bool   // a Bedrock API key stands in for all credentials
	holder string // the user of the credentials, as messages name it: upstream "eu"
	region string
	base   base
	roles  []role // assumed one after the other, on top of the base

	// ambient: the base and the roles come from the environment, whose AWS_ENDPOINT_URL* variables then count too.
	ambient     bool
	stsEndpoint string
	fips        bool
	dualStack   bool
}

// base is where the first credentials come from. Exactly one kind is set; unknown is the SDK's default chain.
type base struct {
	static  aws.Credentials
	profile string
	web     *webIdentity
}

type role struct {
	arn, externalID, session string
	duration                 time.Duration
}

type webIdentity struct {
	role
	tokenFile string
}

const (
	defaultSession  = "bedrock-gateway"
	defaultDuration = time.Hour
)

// resolve fills in placeholders, then the environment where c says nothing, and checks what can be checked without
// network.
func (c *Config) resolve(o Options) (*settings, error) {
	s, err := c.fill(o)
	if err == nil {
		err = s.check()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Holder, err)
	}
	return s, nil
}

func (c *Config) fill(o Options) (*settings, error) {
	r := resolver{repl: caddy.NewReplacer()}
	s := &settings{holder: o.Holder, apiKey: o.APIKey, ambient: !c.Explicit() && !o.APIKey}

	s.base.static = aws.Credentials{
		AccessKeyID:     r.value("access_key_id", c.AccessKeyID),
		SecretAccessKey: r.value("secret_access_key", c.SecretAccessKey),
		SessionToken:    r.value("session_token", c.SessionToken),
		Source:          "bedrock_gateway",
	}
	s.base.profile = r.value("profile", c.Profile)
	if w := c.WebIdentity; w != nil {
		s.base.web = &webIdentity{
			role: role{
				arn:      r.value("web_identity role_arn", w.RoleARN),
				session:  orDefault(r.value("web_identity session_name", w.SessionName), defaultSession),
				duration: orDefault(time.Duration(w.Duration), defaultDuration),
			},
			tokenFile: r.value("web_identity token_file", w.TokenFile),
		}
	}
	for a := c.AssumeRole; a != nil; a = a.AssumeRole {
		if len(s.roles) == maxRoles {
			return nil, fmt.Errorf("more than %d chained roles", maxRoles)
		}
		s.roles = append(s.roles, role{
			arn:        r.value("assume_role role_arn", a.RoleARN),
			externalID: r.value("assume_role external_id", a.ExternalID),
			session:    orDefault(r.value("assume_role session_name", a.SessionName), defaultSession),
			duration:   orDefault(time.Duration(a.Duration), defaultDuration),
		})
	}
	region := r.value("region", c.Region)
	s.stsEndpoint = r.value("sts_endpoint", c.STSEndpoint)
	if r.err != nil {
		return nil, r.err
	}
	if s.apiKey {
		s.base, s.roles = base{}, nil
		s.region = orDefault(region, EnvironmentRegion())
		s.fips, s.dualStack = c.FIPS || envBool("AWS_USE_FIPS_ENDPOINT"), c.DualStack || envBool("AWS_USE_DUALSTACK_ENDPOINT")
		return s, nil
	}

	// A profile's region belongs to what was configured, so it comes before AWS_REGION only if the profile does.
	explicitProfile := s.base.profile != "" && !s.base.hasKeys()
	if err := s.fillBase(); err != nil {
		return nil, err
	}
	s.fips, s.dualStack = c.FIPS || envBool("AWS_USE_FIPS_ENDPOINT"), c.DualStack || envBool("AWS_USE_DUALSTACK_ENDPOINT")
	if s.base.profile != "" {
		shared, err := checkProfile(s.base.profile, explicitProfile)
		if err != nil {
			return nil, err
		}
		if explicitProfile {
			region = orDefault(region, shared.Region)
		}
		s.fips = s.fips || shared.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled
		s.dualStack = s.dualStack || shared.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled
	}
	s.region = orDefault(region, EnvironmentRegion())
	if s.ambient && s.stsEndpoint == "" {
		s.stsEndpoint = environmentEndpoint("STS")
	}
	return s, nil
}

// fillBase drops the base credentials that another one comes before, and takes the environment's when there are none.
func (s *settings) fillBase() error {
	b := &s.base
	switch {
	case b.static.AccessKeyID != "" || b.static.SecretAccessKey != "" || b.static.SessionToken != "":
		b.profile, b.web = "", nil
		if !b.hasKeys() {
			return errors.New("static credentials need both access_key_id and secret_access_key")
		}
		return nil
	case b.profile != "":
		b.web = nil
		return nil
	case b.web != nil:
		return nil
	}
	return s.fillFromEnvironment()
}

func (b *base) hasKeys() bool { return b.static.AccessKeyID != "" && b.static.SecretAccessKey != "" }

// fillFromEnvironment takes the base from environment variables: static keys, AWS_PROFILE, a web identity token, else
// the SDK's default chain; and AWS_ROLE_ARN on top, unless it is the web identity's own role or roles are configured.
func (s *settings) fillFromEnvironment() error {
	b := &s.base
	b.static = aws.Credentials{
		AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
		Source:          "environment",
	}
	env := role{
		arn:        os.Getenv("AWS_ROLE_ARN"),
		externalID: os.Getenv("AWS_EXTERNAL_ID"),
		session:    orDefault(os.Getenv("AWS_ROLE_SESSION_NAME"), defaultSession),
		duration:   defaultDuration,
	}
	if v := os.Getenv("AWS_ROLE_SESSION_DURATION"); v != "" && env.arn != "" {
		seconds, err := strconv.Atoi(v)
		if err != nil {
			return fmt.Errorf("AWS_ROLE_SESSION_DURATION is %q, not a number of seconds", v)
		}
		env.duration = time.Duration(seconds) * time.Second
	}

	id, secret := b.static.AccessKeyID != "", b.static.SecretAccessKey != ""
	switch {
	case id != secret:
		return errors.New("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set together; only one of them is")
	case id:
	case os.Getenv("AWS_PROFILE") != "":
		b.static, b.profile = aws.Credentials{}, os.Getenv("AWS_PROFILE")
	case os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE") != "":
		b.static = aws.Credentials{}
		if env.arn == "" {
			return errors.New("AWS_WEB_IDENTITY_TOKEN_FILE is set, but not AWS_ROLE_ARN, the role to assume with it")
		}
		b.web = &webIdentity{role: env, tokenFile: os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE")}
		return nil
	default:
		b.static = aws.Credentials{}
	}
	if env.arn != "" && s.ambient {
		s.roles = []role{env}
	}
	return nil
}

// method names the way to the credentials without account ids, so that it may be shown to anybody.
func (s *settings) method() string {
	var m string
	switch {
	case s.apiKey:
		m = "Bedrock API key"
	case s.base.hasKeys():
		m = "static credentials"
	case s.base.profile != "":
		m = "profile " + s.base.profile
	case s.base.web != nil:
		m = "web identity"
	default:
		m = "default chain"
	}
	return m + strings.Repeat(", assume role", len(s.roles))
}

func envBool(name string) bool { return strings.EqualFold(os.Getenv(name), "true") }

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// resolver replaces placeholders and keeps the first error.
type resolver struct {
	repl *caddy.Replacer
	err  error
}

// value resolves one setting. A placeholder that comes out empty is an error: silently going on with the next method
// would use credentials that are not those configured.
func (r *resolver) value(name, v string) string {
	if v == "" || r.err != nil {
		return ""
	}
	out, err := r.repl.ReplaceOrErr(v, true, true)
	if err == nil && out == "" {
		err = errors.New("empty")
	}
	if err != nil {
		hint := ""
		if name == "region" {
			hint = "you must specify a region: "
		}
		r.err = fmt.Errorf("%s%s: %w", hint, name, err)
		return ""
	}
	return strings.TrimSpace(out)
}
