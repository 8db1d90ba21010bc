package bedrock

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// resolveEndpoints finds where the runtime and the control plane are: what is configured, else what the environment of
// the AWS SDKs says, else the region's own by the SDK's rules (partitions, FIPS, dual stack). It sends nothing.
func (u *Upstream) resolveEndpoints() error {
	var err error
	if u.runtime, err = u.host(u.endpoint, "Bedrock Runtime"); err != nil {
		return fmt.Errorf("endpoint of the region '%s': %w", u.credentials.Region(), err)
	}
	if u.controlPlane, err = u.host(u.controlEndpoint, "Bedrock"); err != nil {
		return fmt.Errorf("control_endpoint of the region '%s': %w", u.credentials.Region(), err)
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
func (u *Upstream) host(configured *url.URL, service string) (*url.URL, error) {
	if configured != nil {
		return configured, nil
	}
	if own := u.credentials.EndpointOverride(service); own != "" {
		return address(caddy.NewEmptyReplacer(), "AWS_ENDPOINT_URL", own)
	}
	return u.credentials.RegionalEndpoint(service)
}
