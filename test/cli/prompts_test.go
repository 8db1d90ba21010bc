package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The questions of config set, on a terminal that is wide enough for them and on one that is not: a secret is not shown while it is
// typed, a value that does not do is asked for again, and Ctrl-C leaves the file as it was.
func TestConfigSetOnTerminals(t *testing.T) {
	const before = "# mine\nAPI_KEY=the-old-key-of-all-clients # keep\nAWS_PROFILE=work\n"
	for name, columns := range map[string]int{"narrow": 40, "usual": 80} {
		h := newHome(t)
		h.file(t, ".env", before)
		m := h.terminal(t, columns, 24, "bedrock", "config", "set")
		for _, a := range []struct {
			asked, answer string
			secret        bool
		}{
			{`^API_KEY, `, "", true},
			{`\nOPENAI_API_KEY, `, "sk-new-of-openai", true},
			{`\nAWS_REGION, `, "nowhere", false},
			{`Again`, "eu-west-1", false},
			{`\nAWS_PROFILE, `, "-", false},
			{`\nAWS_ACCESS_KEY_ID, `, "AKIAIOSFODNN7EXAMPLE", false},
			{`\nAWS_SECRET_ACCESS_KEY, `, "the/secret", true},
			{`\nS3_FILES_BUCKET, `, "", false},
			{`\nDEFAULT_OPENAI_MODEL, `, "gpt-4o", false},
		} {
			m.await(t, a.asked+`[^:]*:\s*$`)
			if a.secret {
				m.hides(t)
			}
			m.enter(t, a.answer)
		}
		m.ended(t)
		m.golden(t, "config-set-"+name, (*tmux).screen)
		after := h.read(t, ".env")
		if !strings.Contains(after, "OPENAI_API_KEY=sk-new-of-openai\n") || !strings.Contains(after, "AWS_SECRET_ACCESS_KEY=the/secret\n") {
			t.Errorf(".env is\n%s", after)
		}

		m = h.terminal(t, columns, 24, "bedrock", "config", "set")
		m.await(t, `^API_KEY, [^:]*:\s*$`)
		m.hides(t)
		m.enter(t, "another-key-of-all-clients")
		m.await(t, `\nOPENAI_API_KEY, [^:]*:\s*$`)
		m.hides(t)
		m.press(t, "C-c")
		m.ended(t)
		m.golden(t, "config-set-stopped-"+name, (*tmux).screen)
		if got := h.read(t, ".env"); got != after {
			t.Errorf("Ctrl-C left\n%s", got)
		}
	}
}

// configured is a home with a configuration that has findings, and the seed's .env in a folder of its own.
func configured(t *testing.T) *home {
	t.Helper()
	h := newHome(t, "AWS_ENDPOINT_URL="+simulatedAWS(t))
	h.file(t, ".env", seedEnv)
	h.file(t, "bad", fmt.Sprintf(`{
	log {
		level ERROR
	}
}
http://127.0.0.1:1 {
	api_key_auth {
		key alice a-key-in-clear-text-of-alice
		key bob sha256:%s {
			models gemini-*
		}
	}
	bedrock_gateway {
		openai sk-of-openai
		route gpt-* openai
		route gpt-4* openai
	}
}
`, strings.Repeat("0123456789abcdef", 4)))
	h.file(t, "wrong", ":8000 {\n\tbedrock_gateway {\n\t\topenai sk-x\n\t\troute x nowhere\n\t}\n}\n")
	return h
}

func TestConfigOnTerminals(t *testing.T) {
	h := configured(t)
	for _, args := range []string{
		"config set LOG_LEVEL debug", "config set AWS_REGION nowhere", "config show", "config show --config bad --adapter caddyfile",
		"config check --offline", "config check --config bad --adapter caddyfile --offline", "config test-aws",
	} {
		m := h.terminal(t, 80, 24, append([]string{"bedrock"}, strings.Fields(args)...)...)
		m.ended(t)
		read := (*tmux).screen
		if strings.HasPrefix(args, "config check") {
			read = (*tmux).whole
		}
		m.golden(t, strings.NewReplacer(" --adapter caddyfile", "", " --", "-", " ", "-").Replace(args), read)
	}
}

func TestKeysOnTerminals(t *testing.T) {
	h := newHome(t)
	for _, c := range []struct{ name, args string }{
		{"new", "new alice --models gpt-*,us.anthropic.* --expires 2099-01-31 --tags team-a --keys-file keys"},
		{"new-plain", "new bob --keys-file keys"},
		{"list", "list --keys-file keys"},
		{"revoke", "revoke alice --keys-file keys"},
		{"revoke-nobody", "revoke alice --keys-file keys"},
		{"new-refused", "new carol --expires soon --keys-file keys"},
	} {
		m := h.terminal(t, 80, 24, append([]string{"bedrock", "keys"}, strings.Fields(c.args)...)...)
		m.ended(t)
		m.golden(t, "keys-"+c.name, (*tmux).screen)
	}
}

// What serve says when it begins, with a key and a .env, and with nothing; and how it ends by Ctrl-C.
func TestServeOnTerminals(t *testing.T) {
	h := configured(t)
	m := h.terminal(t, 80, 40, "bedrock", "serve", "--listen", freeAddress(t))
	m.await(t, `Configured\n(.*\n)*  Model .*\n`)
	m.golden(t, "serve", (*tmux).whole)
	m.press(t, "C-c")
	m.ended(t)

	m = newHome(t).terminal(t, 80, 40, "bedrock", "serve", "--listen", freeAddress(t), "--simulate", "--workers", "4")
	m.await(t, `Configured\n(.*\n)*  Files .*\n`)
	m.golden(t, "serve-simulated", (*tmux).whole)

	h = newHome(t, "OPENAI_API_KEY=sk-x")
	m = h.terminal(t, 80, 40, "bedrock", "serve", "--listen", freeAddress(t))
	m.await(t, `Missing\n(.*\n)*  Bedrock .*\n`)
	m.golden(t, "serve-missing", (*tmux).whole)

	m = h.terminal(t, 80, 24, "bedrock", "serve", "--listen", ":8000")
	m.ended(t)
	m.golden(t, "serve-refused", (*tmux).screen)

	m = h.terminal(t, 80, 40, "bedrock", "serve", "--print-config")
	m.ended(t)
	m.golden(t, "serve-print-config", (*tmux).screen)
	if _, err := os.Stat(filepath.Join(h.work, ".env")); err == nil {
		t.Error("serve wrote a file")
	}
}
