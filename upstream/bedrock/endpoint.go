package bedrock

import (
	"context"
	"fmt"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/caddyserver/caddy/v2"
)

// resolveEndpoints finds where the runtime and the control plane are: what is configured, else what the environment of
// the AWS SDKs says, else the region's own by the SDK's rules (partitions, FIPS, dual stack). It calls nobody.
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
	return nil
}

// host returns the address of one of Bedrock's hosts: the configured one, the environment's for an SDK service, else that
// of the region. The SDK's rules refuse an address of one's own together with FIPS or dual stack, which a shared profile
// may ask for; here the address counts.
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
