package bedrock

import (
	"context"
	"fmt"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
)

// resolveEndpoints finds where the runtime and the control plane are: what is configured, else what the environment of
// the AWS SDKs says, else the region's own by the SDK's rules (partitions, FIPS, dual stack). It calls nobody.
func (u *Upstream) resolveEndpoints() error {
	region, fips, dual := aws.String(u.credentials.Region()), aws.Bool(u.credentials.FIPS()), aws.Bool(u.credentials.DualStack())
	ctx := context.Background()
	if u.runtime = u.endpoint; u.runtime == nil {
		p := bedrockruntime.EndpointParameters{Region: region, UseFIPS: fips, UseDualStack: dual, Endpoint: orNil(u.credentials.EndpointOverride("Bedrock Runtime"))}
		e, err := bedrockruntime.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, p)
		if err != nil {
			return fmt.Errorf("endpoint of the region '%s': %w", *region, err)
		}
		u.runtime = trimmed(e.URI)
	}
	if u.controlPlane = u.controlEndpoint; u.controlPlane == nil {
		p := bedrock.EndpointParameters{Region: region, UseFIPS: fips, UseDualStack: dual, Endpoint: orNil(u.credentials.EndpointOverride("Bedrock"))}
		e, err := bedrock.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, p)
		if err != nil {
			return fmt.Errorf("control_endpoint of the region '%s': %w", *region, err)
		}
		u.controlPlane = trimmed(e.URI)
	}
	return nil
}

// orNil gives a set endpoint; nil for none.
func orNil(endpoint string) *string {
	if endpoint == "" {
		return nil
	}
	return &endpoint
}

func trimmed(u url.URL) *url.URL {
	for len(u.Path) > 0 && u.Path[len(u.Path)-1] == '/' {
		u.Path = u.Path[:len(u.Path)-1]
	}
	u.RawPath = ""
	return &u
}
