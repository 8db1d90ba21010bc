package cli_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

var endpoint = regexp.MustCompile(`\tendpoint (http://[0-9.:]+)\n`)

func TestConfigCheck(t *testing.T) {
	h := newHome(t, "OPENAI_API_KEY=sk-x")
	serveGateway(t, h, "")
	at := endpoint.FindStringSubmatch(h.read(t, "Caddyfile"))[1]
	h.file(t, "keys", "carol sk-of-carol-0123456789 models=gemini-*\ndave sk-of-dave-01234567890 models=us.anthropic.*\n")
	write := func(name, keys, routes string) {
		h.file(t, name, fmt.Sprintf(`{
	log {
		level ERROR
	}
}
http://127.0.0.1:1 {
	api_key_auth {
		key alice sk-of-alice
		%[2]s
	}
	bedrock_gateway {
		openai sk-simulator
		bedrock us-east-1 {
			endpoint %[1]s
			mantle_endpoint %[1]s/mantle
			control_endpoint %[1]s
			sts_endpoint %[1]s
			credentials AKIASIMULATOR0000000 simulator-secret-key
		}
		upstream away bedrock us-east-1 {
			control_endpoint http://127.0.0.1:1
			credentials AKIASIMULATOR0000000 simulator-secret-key
		}
		%[3]s
	}
}
`, at, keys, routes))
	}
	write("good", "key bob sk-of-bob {\n models *-mini\n}\nkey eve sk-of-eve {\n models claude\n expires 2099-01-31\n}",
		"route claude {\n to bedrock us.anthropic.claude-sonnet-4-5-20250929-v1:0\n to openai gpt-4o\n}\nroute claude-* bedrock")
	write("bad", "key bob sk-of-bob {\n models gemini-* llama\n}\nkey eve sk-of-eve {\n expires 2020-01-31\n}\nkeys_file keys",
		"route claude-* other-* bedrock\nroute claude-sonnet-* third openai\n"+
			"route haiku {\n to bedrock anthropic.claude-nonsense-v9:0\n to away anthropic.claude-nonsense-v9:0\n}")
	write("wrong", "", "route x nowhere")
	for _, w := range []has{
		{args: "config check --config good --adapter caddyfile", stdout: []string{"✓ Nothing was found in good.\n"}},
		{args: "config check --config bad --adapter caddyfile", code: 1, stdout: []string{
			"✗ route 2 can never match 'claude-sonnet-*': 'claude-*' above it takes it\n  → move the narrower route above the wider one\n",
			"✗ route 3 sends 'anthropic.claude-nonsense-v9:0' to 'bedrock', whose region does not have it\n",
			"· the models of 'away' were not checked, for it could not be asked: ",
			"✗ a key of bob opens nothing: no gateway here serves gemini-*, llama\n",
			"✗ a key of eve opens nothing: it expired at 2020-02-01T00:00:00Z\n",
			"✗ a key of carol opens nothing: no gateway here serves gemini-*\n",
		}, err: []string{"Error: 5 found in bad\n"}},
		{args: "config check --offline --config bad --adapter caddyfile", code: 1, stdout: []string{"✗ route 2 can never match"}, err: []string{"Error: 4 found in bad\n"}},
		{args: "config check --config wrong --adapter caddyfile", code: 1, err: []string{"route to unknown upstream 'nowhere'"}},
		{args: "config check --offline", stdout: []string{"✓ Nothing was found in what 'serve' serves.\n"}},
	} {
		got := h.caddy(t, "", append([]string{"bedrock"}, strings.Fields(w.args)...)...)
		if got.code != w.code {
			t.Errorf("%s: exit code %d\n%s%s", w.args, got.code, got.stdout, got.err)
		}
		for _, text := range w.stdout {
			if !strings.Contains(strings.Join(strings.Fields(got.stdout), " "), strings.Join(strings.Fields(text), " ")) {
				t.Errorf("%s: no %q in\n%s", w.args, text, got.stdout)
			}
		}
		for _, text := range w.err { // Caddy's validation logs beside it
			if !strings.Contains(got.err, text) {
				t.Errorf("%s: no %q in\n%s", w.args, text, got.err)
			}
		}
	}
}
