package bedrock

import (
	"context"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/open-bedrock/caddy-bedrock-gateway/credentials"
)

// TestEndpoints shows the hosts of every partition and variant, and that an address of one's own counts beside fips, which
// the SDK's rules refuse (https://github.com/continuedev/continue/issues/7744).
func TestEndpoints(t *testing.T) {
	noAmbient(t)
	for name, tc := range map[string]struct {
		region     string
		fips, dual bool
		endpoint   string
		ambient    string
		runtime    string
		control    string
		mantle     string // "": not known
	}{
		"plain":           {region: "us-east-1", runtime: "https://bedrock-runtime.us-east-1.amazonaws.com", control: "https://bedrock.us-east-1.amazonaws.com", mantle: "https://bedrock-mantle.us-east-1.api.aws"},
		"fips":            {region: "us-east-1", fips: true, runtime: "https://bedrock-runtime-fips.us-east-1.amazonaws.com", control: "https://bedrock-fips.us-east-1.amazonaws.com"},
		"dual stack":      {region: "us-east-1", dual: true, runtime: "https://bedrock-runtime.us-east-1.api.aws", control: "https://bedrock.us-east-1.api.aws", mantle: "https://bedrock-mantle.us-east-1.api.aws"},
		"both":            {region: "us-gov-west-1", fips: true, dual: true, runtime: "https://bedrock-runtime-fips.us-gov-west-1.api.aws", control: "https://bedrock-fips.us-gov-west-1.api.aws"},
		"iso":             {region: "us-iso-east-1", runtime: "https://bedrock-runtime.us-iso-east-1.c2s.ic.gov", control: "https://bedrock.us-iso-east-1.c2s.ic.gov"},
		"eusc":            {region: "eusc-de-east-1", runtime: "https://bedrock-runtime.eusc-de-east-1.amazonaws.eu", control: "https://bedrock.eusc-de-east-1.amazonaws.eu"},
		"fips, own":       {region: "us-east-1", fips: true, endpoint: "https://vpce.example.com", runtime: "https://vpce.example.com", control: "https://bedrock-fips.us-east-1.amazonaws.com"},
		"fips, SDK's own": {region: "us-east-1", fips: true, ambient: "https://ambient.example.com/", runtime: "https://ambient.example.com", control: "https://bedrock-fips.us-east-1.amazonaws.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", tc.ambient)
			ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
			defer cancel()
			u := Upstream{Config: credentials.Config{Region: tc.region, FIPS: tc.fips, DualStack: tc.dual}, Endpoint: tc.endpoint}
			if err := u.Provision(ctx); err != nil {
				t.Fatal(err)
			}
			defer u.Cleanup() //nolint:errcheck // a test's
			if u.runtime.String() != tc.runtime || u.controlPlane.String() != tc.control {
				t.Errorf("got %s and %s, not %s and %s", u.runtime, u.controlPlane, tc.runtime, tc.control)
			}
			mantle := ""
			if u.mantle != nil {
				mantle = u.mantle.String()
			}
			if mantle != tc.mantle {
				t.Errorf("mantle at %q, not %q", mantle, tc.mantle)
			}
		})
	}
}
