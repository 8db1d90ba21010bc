// Package credentials turns the AWS words of a configuration into credentials that are cached, refreshed in the
// background and shared across config reloads.
//
// Everything goes through the AWS SDK's own providers (shared files, SSO, credential_process, STS, ECS, EKS, IMDS). What
// the SDK does not do is done here: a configured method is never overridden by an ambient AWS_* variable, a refresh
// never makes a request wait while the old credentials still work, and each error says what to do about it.
//
// It knows no service: requests are signed where they are sent, by upstream/bedrock/sigv4 and the SDK's S3 client. API keys
// that let clients in belong to package auth.
package credentials

import (
	"os"

	"github.com/caddyserver/caddy/v2"
)

// Config says which AWS credentials to use, and in which region. It is the same for a Bedrock upstream and for the S3
// file store. Every string takes placeholders such as `{env.NAME}` and `{file./path}`, resolved when the config loads.
//
// When several methods are given, the first of these provides the base credentials: `access_key_id`, `profile`,
// `web_identity`. Without any of them they come from the environment: its static keys, AWS_PROFILE, AWS_ROLE_ARN,
// AWS_WEB_IDENTITY_TOKEN_FILE, else the SDK's default chain (shared files, ECS, EKS Pod Identity, EC2 instance role).
// `assume_role` is then assumed on top of the base. Environment variables never override what is configured here.
type Config struct {
	// The AWS region, such as `us-east-1`. Default: the region of `profile` if one is configured here, else
	// `{env.AWS_REGION}`, else `{env.AWS_DEFAULT_REGION}`.
	Region string `json:"region,omitempty"`

	// The access key id of static credentials. Needs `secret_access_key`.
	AccessKeyID string `json:"access_key_id,omitempty"`

	// The secret of static credentials. Use a placeholder to keep it out of the config.
	SecretAccessKey string `json:"secret_access_key,omitempty"`

	// The session token, for static credentials that are temporary.
	SessionToken string `json:"session_token,omitempty"`

	// A profile of the shared config and credentials files, with keys, a role, web identity, SSO, or a
	// credential_process. The files are read again at each refresh.
	Profile string `json:"profile,omitempty"`

	// A role to assume on top of the other credentials.
	AssumeRole *AssumeRole `json:"assume_role,omitempty"`

	// A role to assume with a token of an OpenID Connect provider, such as a Kubernetes service account's.
	WebIdentity *WebIdentity `json:"web_identity,omitempty"`

	// The STS endpoint, such as a VPC endpoint. Default: the SDK's endpoint for the region.
	STSEndpoint string `json:"sts_endpoint,omitempty"`

	// Use the endpoints with FIPS-validated cryptography. An endpoint that is configured stays as it is. Default: what
	// AWS_USE_FIPS_ENDPOINT or the profile says.
	FIPS bool `json:"fips,omitempty"`

	// Use the endpoints that have IPv6 too. An endpoint that is configured stays as it is. Default: what
	// AWS_USE_DUALSTACK_ENDPOINT or the profile says.
	DualStack bool `json:"dual_stack,omitempty"`
}

// AssumeRole is an IAM role to assume.
type AssumeRole struct {
	// The role's ARN.
	RoleARN string `json:"role_arn,omitempty"`

	// The external id that the role's trust policy asks for.
	ExternalID string `json:"external_id,omitempty"`

	// The session's name, as CloudTrail shows it. Default: `bedrock-gateway`.
	SessionName string `json:"session_name,omitempty"`

	// How long a session lasts, 15m to 12h. AWS allows no more than the role's own maximum, and at most 1h when the role
	// is assumed from another role. Default: `1h`.
	Duration caddy.Duration `json:"duration,omitempty"`

	// A further role, assumed with this role's credentials.
	AssumeRole *AssumeRole `json:"assume_role,omitempty"`
}

// WebIdentity is an IAM role to assume with an OpenID Connect token.
type WebIdentity struct {
	// The role's ARN.
	RoleARN string `json:"role_arn,omitempty"`

	// The file that holds the token. It is read again at each refresh, so that a rotated token is picked up.
	TokenFile string `json:"token_file,omitempty"`

	// The session's name, as CloudTrail shows it. Default: `bedrock-gateway`.
	SessionName string `json:"session_name,omitempty"`

	// How long a session lasts, 15m to 12h. Default: `1h`.
	Duration caddy.Duration `json:"duration,omitempty"`
}

// Explicit reports whether c itself names a way to get credentials, so that nothing ambient stands in for it.
func (c *Config) Explicit() bool {
	return c.AccessKeyID != "" || c.SecretAccessKey != "" || c.SessionToken != "" || c.Profile != "" ||
		c.AssumeRole != nil || c.WebIdentity != nil
}

// BearerToken returns the Bedrock API key of AWS_BEARER_TOKEN_BEDROCK. It is empty when credentials are configured, in
// c or by environment variables: an ambient token must not take the place of configured credentials.
func (c *Config) BearerToken() string {
	if c.Explicit() {
		return ""
	}
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"} {
		if os.Getenv(name) != "" {
			return ""
		}
	}
	return os.Getenv("AWS_BEARER_TOKEN_BEDROCK")
}

// EnvironmentRegion returns the region that the environment names: AWS_REGION, else AWS_DEFAULT_REGION, else that of
// the profile in AWS_PROFILE. Empty: none.
func EnvironmentRegion() string {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if r := os.Getenv(name); r != "" {
			return r
		}
	}
	if shared, err := loadProfile(os.Getenv("AWS_PROFILE")); err == nil {
		return shared.Region
	}
	return ""
}
