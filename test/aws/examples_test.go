package aws

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/open-bedrock/caddy-bedrock-gateway"
	_ "github.com/open-bedrock/caddy-bedrock-gateway/files/s3"
)

// TestCredentialExamples does what `caddy validate` does to each example, in an environment that has what the example
// asks for and nothing more of AWS. Nothing is called.
func TestCredentialExamples(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "BEDROCK_") || name == "OPENAI_API_KEY" {
			t.Setenv(name, "")
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Setenv("HOME", dir)
	t.Setenv("XDG_DATA_HOME", dir)
	t.Setenv("XDG_CONFIG_HOME", dir)
	needs := map[string]map[string]string{
		"environment": {"AWS_REGION": "us-east-1"},
		"static":      {"BEDROCK_KEY_ID": "AKIAEXAMPLE", "BEDROCK_SECRET_FILE": write("secret", "s3cr3t\n")},
		"profile":     {"AWS_CONFIG_FILE": write("config", "[profile bedrock]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = r\n[sso-session s]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = us-east-1\n")},
		"assume-role": {
			"AWS_CONFIG_FILE":     write("keys", "[profile bedrock]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = s\n"),
			"BEDROCK_EXTERNAL_ID": "partner-7",
		},
		"chained-roles": {"BEDROCK_EXTERNAL_ID": "partner-7"},
		"web-identity": {
			"AWS_ROLE_ARN":                "arn:aws:iam::123456789012:role/Pod",
			"AWS_WEB_IDENTITY_TOKEN_FILE": write("token", "eyJ"),
		},
		"machine":         {},
		"api-key":         {"BEDROCK_API_KEY": "bedrock-api-key-x"},
		"accounts":        {"BEDROCK_EXTERNAL_ID": "partner-7"},
		"private-network": {},
	}
	files, err := filepath.Glob("../../examples/credentials/*/Caddyfile")
	if err != nil || len(files) != len(needs) {
		t.Fatalf("%d examples, %v; want %d", len(files), err, len(needs))
	}
	for _, file := range files {
		name := filepath.Base(filepath.Dir(file))
		t.Run(name, func(t *testing.T) {
			for k, v := range needs[name] {
				t.Setenv(k, v)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
			if formatted := caddyfile.Format(text); !bytes.Equal(formatted, text) {
				t.Errorf("caddy fmt would make of it:\n%s", formatted)
			}
			adapted, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, map[string]any{"filename": file})
			if err != nil || len(warnings) > 0 {
				t.Fatal(err, warnings)
			}
			for k, v := range needs[name] {
				if strings.HasPrefix(k, "BEDROCK_") && k != "BEDROCK_SECRET_FILE" && bytes.Contains(adapted, []byte(v)) {
					t.Errorf("the adapted JSON holds the value of %s", k)
				}
			}
			var cfg caddy.Config
			if err := json.Unmarshal(adapted, &cfg); err != nil {
				t.Fatal(err)
			}
			if err := caddy.Validate(&cfg); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(text), "--config examples/credentials/"+name+"/Caddyfile") {
				t.Error("it does not say how to run it")
			}
			// Where something is asked for, leaving it out must be an error that names it.
			for k := range needs[name] {
				if k == "BEDROCK_SECRET_FILE" || k == "AWS_REGION" {
					continue
				}
				t.Run("without "+k, func(t *testing.T) {
					t.Setenv(k, "")
					var cfg caddy.Config
					if err := json.Unmarshal(adapted, &cfg); err != nil {
						t.Fatal(err)
					}
					if err := caddy.Validate(&cfg); err == nil {
						t.Error("it validates")
					}
				})
			}
		})
	}
}
