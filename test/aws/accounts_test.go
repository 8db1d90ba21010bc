package aws

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// Upstreams of one Caddy sign as whom they are configured to be, each in its own region, whatever is going on beside
// them; and what the environment has of AWS changes none of it.
func TestAccountsNeverMix(t *testing.T) {
	for name, ambient := range map[string]bool{"alone": false, "in an environment full of AWS": true} {
		t.Run(name, func(t *testing.T) {
			east, west := newCloud(t, "us-east-1"), newCloud(t, "eu-west-1")
			type place struct {
				words string
				b     *bedrock
				as    string // how each call must be signed: the key id's beginning, region and ARN
			}
			places := map[string]place{
				"static":  {east.static(), east.bedrock(t), east.user.AccessKeyID + " us-east-1 " + userARN},
				"other":   {west.static(), west.bedrock(t), west.user.AccessKeyID + " eu-west-1 " + userARN},
				"role":    {west.static() + "\n" + west.role(), west.bedrock(t), "ASIA eu-west-1 arn:aws:sts::222222222222:assumed-role/Bedrock/bedrock-gateway"},
				"profile": {"profile work", west.bedrock(t), west.user.AccessKeyID + " eu-west-1 " + userARN},
				"pod":     {east.web(), east.bedrock(t), "ASIA us-east-1 arn:aws:sts::333333333333:assumed-role/Pod/bedrock-gateway"},
				"key":     {"api_key the-first-key", east.bedrock(t), "key"},
				"key2":    {"api_key the-second-key", west.bedrock(t), "key"},
			}
			places["key"].b.key, places["key2"].b.key = "the-first-key", "the-second-key"
			var trapped atomic.Int64
			if ambient {
				trap := east.serve(t, func(w http.ResponseWriter, _ *http.Request) {
					trapped.Add(1)
					w.WriteHeader(http.StatusTeapot)
				})
				stranger := east.AddUser("arn:aws:iam::999999999999:user/ambient")
				for k, v := range map[string]string{
					"AWS_ACCESS_KEY_ID": stranger.AccessKeyID, "AWS_SECRET_ACCESS_KEY": stranger.SecretAccessKey, "AWS_SESSION_TOKEN": "ambient",
					"AWS_PROFILE": "ambient", "AWS_REGION": "ap-south-1", "AWS_DEFAULT_REGION": "ap-south-1",
					"AWS_ROLE_ARN": "arn:aws:iam::999999999999:role/Ambient", "AWS_EXTERNAL_ID": "ambient", "AWS_ROLE_SESSION_NAME": "ambient",
					"AWS_WEB_IDENTITY_TOKEN_FILE": "/ambient/token", "AWS_BEARER_TOKEN_BEDROCK": "ambient-bearer-token",
					"AWS_ENDPOINT_URL": trap, "AWS_ENDPOINT_URL_STS": trap, "AWS_ENDPOINT_URL_BEDROCK": trap, "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": trap,
					"AWS_CONTAINER_CREDENTIALS_FULL_URI": trap, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "ambient",
				} {
					t.Setenv(k, v)
				}
			}
			var block strings.Builder
			for name, p := range places {
				block.WriteString(p.b.block(name, p.words))
			}
			g := gatewaytest.Start(t, "bedrock_gateway {\n"+block.String()+"}")

			const each = 20
			var wg sync.WaitGroup
			for name := range places {
				for range each {
					wg.Go(func() {
						if a := g.Post(t, "/v1/chat/completions", ask(name)); a.Status != http.StatusOK || a.Header.Get("Bedrock-Gateway-Upstream") != name {
							t.Errorf("%s: %d %s", name, a.Status, a.Body)
						}
					})
				}
			}
			wg.Wait()
			for name, p := range places {
				calls := p.b.take()
				if len(calls) != each {
					t.Errorf("%s: %d calls; want %d", name, len(calls), each)
				}
				id, rest, _ := strings.Cut(p.as, " ")
				for _, by := range calls {
					if !strings.HasPrefix(by, id) || !strings.HasSuffix(by, rest) {
						t.Fatalf("%s was called by %s; want %s", name, by, p.as)
					}
				}
			}
			if n := trapped.Load(); n > 0 {
				t.Errorf("%d calls to what the environment names", n)
			}
		})
	}
}

// Without a method of its own, an upstream is whom the environment says, and then its bearer token is the last choice.
func TestEnvironmentIsUsedWhereNothingIsConfigured(t *testing.T) {
	for name, tc := range map[string]struct {
		env  func(c *cloud) map[string]string
		want string
	}{
		"keys": {func(c *cloud) map[string]string {
			return map[string]string{"AWS_ACCESS_KEY_ID": c.user.AccessKeyID, "AWS_SECRET_ACCESS_KEY": c.user.SecretAccessKey, "AWS_BEARER_TOKEN_BEDROCK": "ambient"}
		}, userARN},
		"profile": {func(*cloud) map[string]string {
			return map[string]string{"AWS_PROFILE": "work", "AWS_BEARER_TOKEN_BEDROCK": "ambient"}
		}, userARN},
		"role on keys": {func(c *cloud) map[string]string {
			return map[string]string{
				"AWS_ACCESS_KEY_ID": c.user.AccessKeyID, "AWS_SECRET_ACCESS_KEY": c.user.SecretAccessKey, "AWS_BEARER_TOKEN_BEDROCK": "ambient",
				"AWS_ROLE_ARN": roleARN, "AWS_EXTERNAL_ID": "partner-number-7", "AWS_ROLE_SESSION_NAME": "mine", "AWS_ROLE_SESSION_DURATION": "900",
			}
		}, "arn:aws:sts::222222222222:assumed-role/Bedrock/mine"},
		"web identity": {func(c *cloud) map[string]string {
			return map[string]string{"AWS_ROLE_ARN": podARN, "AWS_WEB_IDENTITY_TOKEN_FILE": c.tokenFile, "AWS_BEARER_TOKEN_BEDROCK": "ambient"}
		}, "arn:aws:sts::333333333333:assumed-role/Pod/bedrock-gateway"},
		"bearer token": {func(*cloud) map[string]string {
			return map[string]string{"AWS_BEARER_TOKEN_BEDROCK": "ambient"}
		}, "key"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t, "us-east-1")
			b := c.bedrock(t)
			b.key = "ambient"
			for k, v := range tc.env(c) {
				t.Setenv(k, v)
			}
			g := gatewaytest.Start(t, "bedrock_gateway {\n"+b.block("here")+"}")
			a := g.Post(t, "/v1/chat/completions", ask("here"))
			calls := b.take()
			if a.Status != http.StatusOK || len(calls) != 1 || !strings.HasSuffix(calls[0], tc.want) {
				t.Errorf("%d %s, called by %q; want %s", a.Status, a.Body, calls, tc.want)
			}
		})
	}
}
