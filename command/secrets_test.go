package command_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A secret that stands in the configuration as it is gets a warning with its line. It is never in the warning.
func TestALiteralSecretIsAWarning(t *testing.T) {
	a := newAccount(t)
	const secret = "tops3cret0123456789abcdef"
	a.file(t, "token", secret)
	site := func(auth, gateway string) string {
		return fmt.Sprintf("{\n\tadmin off\n}\n:0 {\n\troute {\n\t\tapi_key_auth {\n\t\t\tkey alice %s\n\t\t}\n\t\tbedrock_gateway {\n\t\t\t%s\n\t\t\tfiles off\n\t\t}\n\t}\n}\n", auth, gateway)
	}
	for name, c := range map[string]struct {
		auth, gateway string
		line          int // 0: there is no warning
		word          string
	}{
		"a key of a user":            {secret, "openai {env.K}", 7, "key"},
		"the digest of a key":        {"sha256:" + strings.Repeat("0", 64), "openai {env.K}", 0, ""},
		"OpenAI's key":               {"{env.K}", "openai " + secret, 10, "api_key"},
		"OpenAI's key in a block":    {"{env.K}", "openai {\n\n\t\t\t\tapi_key " + secret + "\n\t\t\t}", 12, "api_key"},
		"a header":                   {"{env.K}", "openai {env.K} {\n\t\t\t\theader X-Auth-Token " + secret + "\n\t\t\t}", 11, "header x-auth-token"},
		"a header that is no secret": {"{env.K}", "openai {env.K} {\n\t\t\t\theader X-Team " + secret + "\n\t\t\t}", 0, ""},
		"Bedrock's key":              {"{env.K}", "bedrock us-east-1 {\n\t\t\t\tapi_key " + secret + "\n\t\t\t}", 11, "api_key"},
		"AWS credentials":            {"{env.K}", "bedrock us-east-1 {\n\t\t\t\tcredentials AKIAIOSFODNN7EXAMPLE " + secret + "\n\t\t\t}", 11, "credentials"},
		"Redis's password":           {"{env.K}", "openai {env.K}\n\t\t\tlimits_store redis redis://u:" + secret + "@127.0.0.1:1/0", 11, "limits_store redis"},
		"Caddy's own word for it":    {"{env.K}", "openai {$K}", 10, "api_key"},
		"placeholders":               {"{file." + a.dir + "/token}", "openai {env.K}\n\t\t\tlimits_store redis redis://u:{env.K}@127.0.0.1:1/0\n\t\t\tbedrock us-east-1 {\n\t\t\t\tcredentials AKIAIOSFODNN7EXAMPLE {env.K}\n\t\t\t}", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			config := a.file(t, "Caddyfile", site(c.auth, c.gateway))
			for _, command := range []string{"adapt", "validate"} {
				code, _, errs := a.caddy(t, []string{"K=" + secret}, command, "--config", config, "--adapter", "caddyfile")
				if code != 0 {
					t.Fatalf("%s: %s", command, errs)
				}
				type warning struct {
					File      string
					Line      int
					Directive string
				}
				var got, want []warning
				for line := range strings.Lines(errs) {
					var w warning
					if strings.Contains(line, "a secret stands in the configuration") && json.Unmarshal([]byte(line), &w) == nil {
						got = append(got, w)
					}
				}
				if c.line > 0 {
					want = []warning{{config, c.line, c.word}}
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s: warns of %v, want %v", command, got, want)
				}
				if strings.Contains(errs, secret) {
					t.Errorf("%s: the secret is in %s", command, errs)
				}
			}
		})
	}
}
