package credentials

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// unmarshal reads a block as an upstream does: the words that are not credentials' are errors.
func unmarshal(input string) (*Config, error) {
	d := caddyfile.NewTestDispenser("bedrock {\n" + input + "\n}")
	c := new(Config)
	d.Next()
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		ok, err := c.UnmarshalSubdirective(d)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, d.Errf("unrecognized subdirective '%s'", d.Val())
		}
	}
	return c, nil
}

func TestCaddyfileGivesJSON(t *testing.T) {
	for name, test := range map[string]struct{ input, want string }{
		"region":             {"region eu-west-1", `{"region":"eu-west-1"}`},
		"static":             {"credentials AKIA {env.SECRET}", `{"access_key_id":"AKIA","secret_access_key":"{env.SECRET}"}`},
		"static, with token": {"credentials AKIA s t", `{"access_key_id":"AKIA","secret_access_key":"s","session_token":"t"}`},
		"profile":            {"profile prod", `{"profile":"prod"}`},
		"sts endpoint":       {"sts_endpoint https://sts.example", `{"sts_endpoint":"https://sts.example"}`},
		"role":               {"assume_role arn:a", `{"assume_role":{"role_arn":"arn:a"}}`},
		"role, all": {
			"assume_role arn:a {\nexternal_id x\nsession_name n\nduration 2h\n}",
			`{"assume_role":{"role_arn":"arn:a","external_id":"x","session_name":"n","duration":7200000000000}}`,
		},
		"chained roles": {
			"profile p\nassume_role arn:a {\nassume_role arn:b {\nexternal_id x\n}\n}\nregion r",
			`{"region":"r","profile":"p","assume_role":{"role_arn":"arn:a","assume_role":{"role_arn":"arn:b","external_id":"x"}}}`,
		},
		"web identity": {
			"web_identity arn:a /token {\nsession_name n\nduration 15m\n}",
			`{"web_identity":{"role_arn":"arn:a","token_file":"/token","session_name":"n","duration":900000000000}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := unmarshal(test.input)
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(c)
			if err != nil || string(got) != test.want {
				t.Errorf("got %s, %v; want %s", got, err, test.want)
			}
		})
	}
}

func TestCaddyfileErrors(t *testing.T) {
	for name, test := range map[string]struct{ input, want string }{
		"region twice":            {"region a\nregion b", "region already specified"},
		"region without value":    {"region", "wrong argument count"},
		"region with two":         {"region a b", "wrong argument count"},
		"empty region":            {`region ""`, "region is empty"},
		"credentials twice":       {"credentials a b\ncredentials a b", "credentials already specified"},
		"credentials without key": {"credentials a", "wrong argument count"},
		"credentials with four":   {"credentials a b c d", "wrong argument count"},
		"credentials with block":  {"credentials a b {\nregion x\n}", "unexpected block after"},
		"profile twice":           {"profile a\nprofile b", "profile already specified"},
		"sts_endpoint twice":      {"sts_endpoint a\nsts_endpoint b", "sts_endpoint already specified"},
		"role twice":              {"assume_role a\nassume_role b", "assume_role already specified; to chain roles"},
		"role without arn":        {"assume_role", "wrong argument count"},
		"role with two":           {"assume_role a b", "wrong argument count"},
		"role, unknown word":      {"assume_role a {\nmfa x\n}", "unrecognized subdirective 'mfa' of assume_role"},
		"role, external id twice": {"assume_role a {\nexternal_id x\nexternal_id y\n}", "external_id already specified"},
		"role, bad duration":      {"assume_role a {\nduration soon\n}", "bad duration 'soon'"},
		"role, negative duration": {"assume_role a {\nduration -1h\n}", "not positive"},
		"role, duration twice":    {"assume_role a {\nduration 1h\nduration 1h\n}", "duration already specified"},
		"web identity twice":      {"web_identity a b\nweb_identity a b", "web_identity already specified"},
		"web identity, no file":   {"web_identity a", "wrong argument count"},
		"web identity, unknown":   {"web_identity a b {\nexternal_id x\n}", "unrecognized subdirective 'external_id' of web_identity"},
		"another's word":          {"endpoint x", "unrecognized subdirective 'endpoint'"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := unmarshal(test.input)
			if err == nil {
				t.Fatalf("got %+v, want the error %q", c, test.want)
			}
			if !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "Testfile:") {
				t.Errorf("got %q, want %q with its position", err, test.want)
			}
		})
	}
}
