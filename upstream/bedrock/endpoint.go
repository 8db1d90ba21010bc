package bedrock

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/caddyserver/caddy/v2"
)

// resolveEndpoints finds where the runtime and the control plane are: what is configured, else what the environment of
// the AWS SDKs says, else the region's own by the SDK's rules (partitions, FIPS, dual stack). It sends nothing.
func (u *Upstream) resolveEndpoints() error {
	region, fips, dual := aws.String(u.credentials.Region()), aws.Bool(u.credentials.FIPS()), aws.Bool(u.credentials.DualStack())
	ctx := context.Background()
	var err error
	u.runtime, err = u.host(u.endpoint, "Bedrock Runtime", func() (url.URL, error) {
		e, err := bedrockruntime.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, bedrockruntime.EndpointParameters{Region: region, UseFIPS: fips, UseDualStack: dual})
		return e.URI, err
	})
	if err != nil {
		return fmt.Errorf("endpoint of the region '%s': %w", *region, err)
	}
	u.controlPlane, err = u.host(u.controlEndpoint, "Bedrock", func() (url.URL, error) {
		e, err := bedrock.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, bedrock.EndpointParameters{Region: region, UseFIPS: fips, UseDualStack: dual})
		return e.URI, err
	})
	if err != nil {
		return fmt.Errorf("control_endpoint of the region '%s': %w", *region, err)
	}
	u.mantle = u.mantleHost()
	return nil
}

// mantleHost returns the address of bedrock-mantle: the configured one, else the region's
// (https://docs.aws.amazon.com/bedrock/latest/userguide/endpoints.html); nil if the region is not known to have one. The SDK
// has no rules for it. It is known of the commercial partition alone, and not with FIPS; where another host has an address
// of its own, calls may have to stay within a network, so mantle needs one too.
func (u *Upstream) mantleHost() *url.URL {
	switch region := u.credentials.Region(); {
	case u.mantleEndpoint != nil:
		return u.mantleEndpoint
	case u.endpoint != nil, u.controlEndpoint != nil, u.credentials.FIPS(), region == "":
		return nil
	case u.credentials.EndpointOverride("Bedrock Runtime") != "", u.credentials.EndpointOverride("Bedrock") != "":
		return nil
	case partition(region) != "aws":
		return nil
	default:
		return &url.URL{Scheme: "https", Host: "bedrock-mantle." + region + ".api.aws"}
	}
}

// partitions are the AWS partitions other than the commercial one, by the beginning of their regions' names.
var partitions = map[string]string{"us-gov-": "aws-us-gov", "cn-": "aws-cn", "us-iso": "aws-iso", "eu-iso": "aws-iso-e", "eusc-": "aws-eusc"}

// partition returns the AWS partition of a region.
func partition(region string) string {
	for prefix, name := range partitions {
		if strings.HasPrefix(region, prefix) {
			return name
		}
	}
	return "aws"
}

// host returns the address of one of Bedrock's hosts: the configured one, the environment's for an SDK service, else that
// of the region. The SDK's rules refuse a configured address together with FIPS or dual stack, which a shared profile
// may ask for; here the address is used.
func (u *Upstream) host(configured *url.URL, service string, ofRegion func() (url.URL, error)) (*url.URL, error) {
	if configured != nil {
		return configured, nil
	}
	if own := u.credentials.EndpointOverride(service); own != "" {
		return address(caddy.NewEmptyReplacer(), "AWS_ENDPOINT_URL", own)
	}
	found, err := ofRegion()
	if err != nil {
		return nil, err
	}
	return trimmed(found), nil
}

func trimmed(u url.URL) *url.URL {
	for len(u.Path) > 0 && u.Path[len(u.Path)-1] == '/' {
		u.Path = u.Path[:len(u.Path)-1]
	}
	u.RawPath = ""
	return &u
}
