package credentials

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
)

// TestRegionalEndpointsAreTheSDKs compares with the SDK's own rules for Bedrock, whose packages are too large to be in the
// binary for a few hosts. The regions are all those of the SDK's partitions
// (https://github.com/aws/aws-sdk-go-v2/blob/main/internal/endpoints/awsrulesfn/partitions.json), and some that it does not know.
func TestRegionalEndpointsAreTheSDKs(t *testing.T) {
	for _, region := range []string{
		"af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2",
		"ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7",
		"aws-global", "ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2",
		"eu-west-1", "eu-west-2", "eu-west-3", "il-central-1", "me-central-1", "me-south-1", "mx-central-1", "sa-east-1",
		"us-east-1", "us-east-2", "us-west-1", "us-west-2",
		"aws-cn-global", "cn-north-1", "cn-northwest-1",
		"eusc-de-east-1",
		"aws-iso-global", "us-iso-east-1", "us-iso-west-1",
		"aws-iso-b-global", "us-isob-east-1", "us-isob-west-1",
		"aws-iso-e-global", "eu-isoe-west-1",
		"aws-iso-f-global", "us-isof-east-1", "us-isof-south-1",
		"aws-us-gov-global", "us-gov-east-1", "us-gov-west-1",
		"us-east-9", "cn-east-9", "us-gov-north-9", "us-iso-north-9", "eusc-fr-west-9", "mars-north-1", "x",
	} {
		for _, fips := range []bool{false, true} {
			for _, dual := range []bool{false, true} {
				p := &Provider{cache: &cache{settings: &settings{region: region, fips: fips, dualStack: dual}}}
				control, controlErr := bedrock.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), bedrock.EndpointParameters{
					Region: aws.String(region), UseFIPS: aws.Bool(fips), UseDualStack: aws.Bool(dual),
				})
				runtime, runtimeErr := bedrockruntime.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), bedrockruntime.EndpointParameters{
					Region: aws.String(region), UseFIPS: aws.Bool(fips), UseDualStack: aws.Bool(dual),
				})
				for _, test := range []struct {
					service, want string
					err           error
				}{
					{bedrock.ServiceID, control.URI.String(), controlErr},
					{bedrockruntime.ServiceID, runtime.URI.String(), runtimeErr},
				} {
					got, err := p.RegionalEndpoint(test.service)
					if fmt.Sprint(err) != fmt.Sprint(test.err) || err == nil && got.String() != test.want {
						t.Errorf("%s in %s, FIPS %t, dual stack %t: got %v, %v; want %s, %v", test.service, region, fips, dual, got, err, test.want, test.err)
					}
				}
			}
		}
	}
}
