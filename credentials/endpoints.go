package credentials

import (
	"context"
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sso"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// environmentEndpoint returns the endpoint that the environment sets for an SDK service id ("STS", "Bedrock Runtime"),
// by the SDKs' rules: https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
func environmentEndpoint(service string) string {
	if envBool("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
		return ""
	}
	own := "AWS_ENDPOINT_URL_" + strings.ToUpper(strings.ReplaceAll(service, " ", "_"))
	return orDefault(os.Getenv(own), os.Getenv("AWS_ENDPOINT_URL"))
}

// RegionalEndpoint returns where one of Bedrock's SDK services, "Bedrock" or "Bedrock Runtime", is in the region, by the
// SDK's rules (partitions, FIPS, dual stack). It sends nothing.
//
// The SDK exports its partitions in the packages of services alone, and those of Bedrock are 3.6 MB of source.
// Services without exceptions differ in the host's first label alone. So the rules are those of SSO OIDC, whose package is
// in the binary anyway, with Bedrock's label in place of its own. Its one exception, a host without -fips in GovCloud, is in the label too.
func (p *Provider) RegionalEndpoint(service string) (*url.URL, error) {
	e, err := ssooidc.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(), ssooidc.EndpointParameters{
		Region: aws.String(p.Region()), UseFIPS: aws.Bool(p.FIPS()), UseDualStack: aws.Bool(p.DualStack()),
	})
	if err != nil {
		return nil, err
	}
	label := strings.ToLower(strings.ReplaceAll(service, " ", "-"))
	if p.FIPS() {
		label += "-fips"
	}
	_, rest, _ := strings.Cut(e.URI.Host, ".")
	return &url.URL{Scheme: e.URI.Scheme, Host: label + "." + rest}, nil
}

// ownEndpoints returns the options that set the endpoints of the clients by which the SDK gets credentials:
// sts_endpoint, else the profile's own. Without it AWS_ENDPOINT_URL_STS and the like would send configured credentials
// to other hosts. Where everything comes from the environment, its endpoints count too.
//
// config.WithServiceOptions would do it in one place, but the SDK applies that only to later clients. So the clients
// are made anew from their own options.
func (s *settings) ownEndpoints(profile string) []func(*config.LoadOptions) error {
	if s.ambient && s.stsEndpoint == "" {
		return nil
	}
	override := func(service string, o **string) {
		if service == sts.ServiceID && s.stsEndpoint != "" {
			*o = &s.stsEndpoint
		} else if !s.ambient {
			*o = profileEndpoint(profile, service)
		}
	}
	newSTS := func(c *sts.Client) *sts.Client {
		o := c.Options()
		override(sts.ServiceID, &o.BaseEndpoint)
		return sts.New(o)
	}
	return []func(*config.LoadOptions) error{
		config.WithAssumeRoleCredentialOptions(func(o *stscreds.AssumeRoleOptions) {
			if c, ok := o.Client.(*sts.Client); ok {
				o.Client = newSTS(c)
			}
		}),
		config.WithWebIdentityRoleCredentialOptions(func(o *stscreds.WebIdentityRoleOptions) {
			if c, ok := o.Client.(*sts.Client); ok {
				o.Client = newSTS(c)
			}
		}),
		config.WithSSOProviderOptions(func(o *ssocreds.Options) {
			if c, ok := o.Client.(*sso.Client); ok {
				so := c.Options()
				override(sso.ServiceID, &so.BaseEndpoint)
				o.Client = sso.New(so)
			}
		}),
		config.WithSSOTokenProviderOptions(func(o *ssocreds.SSOTokenProviderOptions) {
			if c, ok := o.Client.(*ssooidc.Client); ok {
				so := c.Options()
				override(ssooidc.ServiceID, &so.BaseEndpoint)
				o.Client = ssooidc.New(so)
			}
		}),
	}
}

// profileEndpoint returns the endpoint that a profile sets for a service: in its services section, else for all.
func profileEndpoint(profile, service string) *string {
	shared, err := loadProfile(profile)
	if err != nil || shared.IgnoreConfiguredEndpoints != nil && *shared.IgnoreConfiguredEndpoints {
		return nil
	}
	if u, ok, err := shared.GetServiceBaseEndpoint(context.Background(), service); ok && err == nil {
		return &u
	}
	if shared.BaseEndpoint != "" {
		return &shared.BaseEndpoint
	}
	return nil
}
