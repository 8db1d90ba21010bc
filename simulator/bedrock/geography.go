package bedrock

import "slices"

// geographies are the regions that the profiles of a geography are called from, and call, from
// https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html, November 2026. A global profile is
// called from everywhere.
var geographies = map[string][]string{
	"us":   {"us-east-1", "us-east-2", "us-west-2"},
	"eu":   {"eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3"},
	"apac": {"ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-4"},
	"jp":   {"ap-northeast-1", "ap-northeast-3"},
	"au":   {"ap-southeast-2", "ap-southeast-4"},
	"in":   {"ap-south-1", "ap-south-2"},
}

// serves reports whether a geography's profiles can be called from the region. An unknown region, which a bearer key's call
// has, is served.
func serves(geo, region string) bool {
	return geo == "global" || region == "" || slices.Contains(geographies[geo], region)
}

// destinations are the regions that a geography's profiles call; "" stands for all of AWS's, as in the ARNs of global ones.
func destinations(geo string) []string {
	if geo == "global" {
		return []string{""}
	}
	return geographies[geo]
}
