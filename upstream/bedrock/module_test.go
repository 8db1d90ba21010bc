package bedrock

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/credentials"
)

// noAmbient hides the AWS settings of the machine the test runs on.
func noAmbient(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ROLE_ARN",
		"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_BEARER_TOKEN_BEDROCK",
	} {
		t.Setenv(name, "")
	}
}

func TestResolve(t *testing.T) {
	noAmbient(t)
	t.Setenv("BEDROCK_TEST_KEY", "bedrock-key")
	t.Setenv("BEDROCK_TEST_HOST", "127.0.0.1:9001")
	u := Upstream{
		APIKey: "{env.BEDROCK_TEST_KEY}", Endpoint: "http://{env.BEDROCK_TEST_HOST}/", ControlEndpoint: "https://control.example.com",
		Guardrail: &Guardrail{ID: "{env.BEDROCK_TEST_KEY}", Version: "1", Trace: true},
	}
	if err := u.resolve(caddy.NewReplacer(), zap.NewNop()); err != nil {
		t.Fatal(err)
	}
	if u.key.current().text != "bedrock-key" || u.endpoint.String() != "http://127.0.0.1:9001" || u.controlEndpoint.String() != "https://control.example.com" {
		t.Errorf("got key %v, endpoint %s, control endpoint %s", u.key, u.endpoint, u.controlEndpoint)
	}
	if want := (Guardrail{ID: "bedrock-key", Version: "1", Trace: true}); u.guardrail != want {
		t.Errorf("got guardrail %+v", u.guardrail)
	}
	if config, _ := json.Marshal(&u); strings.Contains(string(config), "bedrock-key") {
		t.Errorf("the resolved key stands in the config: %s", config)
	}
}

// An ambient bearer token must not take the place of credentials that somebody
// chose.
func TestAmbientBearerToken(t *testing.T) {
	noAmbient(t)
	t.Setenv("AWS_BEARER_TOKEN_BEDROCK", "ambient")
	for name, tc := range map[string]struct {
		config Upstream
		want   string
	}{
		"nothing configured": {Upstream{}, "ambient"},
		"a key":              {Upstream{APIKey: "mine"}, "mine"},
		"static credentials": {Upstream{Config: credentials.Config{AccessKeyID: "AKIA", SecretAccessKey: "s"}}, ""},
		"a profile":          {Upstream{Config: credentials.Config{Profile: "work"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			u := tc.config
			if err := u.resolve(caddy.NewReplacer(), zap.NewNop()); err != nil {
				t.Fatal(err)
			}
			got := ""
			if u.key != nil {
				got = u.key.current().text
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestResolveErrors(t *testing.T) {
	noAmbient(t)
	t.Setenv("BEDROCK_TEST_EMPTY", "")
	for name, tc := range map[string]struct {
		config Upstream
		want   string
	}{
		"empty placeholder":   {Upstream{APIKey: "{env.BEDROCK_TEST_EMPTY}"}, "api_key: "},
		"line break":          {Upstream{APIKey: "se\ncret"}, "api_key: has characters"},
		"key and credentials": {Upstream{APIKey: "k", Config: credentials.Config{Profile: "p"}}, "both configured"},
		"endpoint":            {Upstream{Endpoint: "bedrock.example.com"}, "endpoint 'bedrock.example.com': must be"},
		"control endpoint":    {Upstream{ControlEndpoint: "tcp://x"}, "control_endpoint 'tcp://x': must be"},
		"password":            {Upstream{Endpoint: "https://u:secret@x"}, "endpoint of host 'x': may have no"},
		"guardrail":           {Upstream{Guardrail: &Guardrail{ID: "g"}}, "guardrail: needs an id and a version"},
		"model":               {Upstream{Models: []Model{{Family: "nova"}}}, "model: no pattern"},
		"family":              {Upstream{Models: []Model{{Pattern: "x", Family: "gemini"}}}, "model x: unknown family 'gemini'"},
		"like":                {Upstream{Models: []Model{{Pattern: "x", Like: "no-such"}}}, "like 'no-such' names no model"},
		"max output":          {Upstream{Models: []Model{{Pattern: "x", MaxOutput: -1}}}, "must not be negative"},
	} {
		t.Run(name, func(t *testing.T) {
			u := tc.config
			err := u.resolve(caddy.NewReplacer(), zap.NewNop())
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, want %q", err, tc.want)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}
