package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestConfigSet(t *testing.T) {
	h := newHome(t, "LOG_LEVEL=info")
	for _, w := range []has{
		{args: "config set AWS_REGION us-east-1", err: []string{"AWS_REGION is set in .env.\n"}},
		{args: "config set --key OPENAI_API_KEY --value sk-of-openai", err: []string{"OPENAI_API_KEY is set in .env.\n"}},
		{args: "config set API_KEY", stdin: "a-key-from-a-pipe\n", err: []string{"API_KEY: ", "API_KEY is set in .env.\n"}},
		{args: "config set LOG_LEVEL debug", err: []string{"The environment sets it too, and comes before the file."}},
		{args: "config set MY_OWN x", err: []string{"The gateway reads no variable of that name."}},
		{args: "config set AWS_REGION us-west-2", err: []string{"AWS_REGION is set in .env.\n"}},

		{args: "config set AWS_REGION nowhere", code: 2, err: []string{"Error: the value of AWS_REGION was refused: it must be a region, such as", "us-east-1\n"}},
		{args: "config set OPENAI_BASE_URL ftp://x", code: 2, err: []string{"it must be a URL"}},
		{args: "config set AWS_ROLE_SESSION_DURATION 10", code: 2, err: []string{"from 900 to 43200"}},
		{args: "config set AWS_WEB_IDENTITY_TOKEN_FILE /no/such/file", code: 2, err: []string{"it must be a file"}},
		{args: "config set A-B x", code: 2, err: []string{`"A-B" is no name of a variable`}},
		{args: "config set A ${B}", code: 2, err: []string{"the value has a ${"}},
		{args: "config set A x --key B", code: 2, err: []string{"Error: the variable is named twice"}},
		{args: "config set --value B", code: 2, err: []string{"Error: --value says no variable"}},
		{args: "config set A B C", code: 2, err: []string{"Error: accepts at most 2 arg(s)"}},
		{args: "config set API_KEY", code: 2, err: []string{"Error: no value for API_KEY"}},
		{args: "config set", code: 1, stdin: "a-key\n", err: []string{"the answers ended at OPENAI_API_KEY; nothing was written"}},
		{args: "config nonsense", code: 2, err: []string{`unknown command "nonsense"`}},
	} {
		w.check(t, h)
	}
	const want = "AWS_REGION=us-west-2\nOPENAI_API_KEY=sk-of-openai\nAPI_KEY=a-key-from-a-pipe\nLOG_LEVEL=debug\nMY_OWN=x\n"
	if got := h.read(t, ".env"); got != want {
		t.Errorf(".env is\n%s", got)
	}
	if info, err := os.Stat(filepath.Join(h.work, ".env")); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("a new file has mode %v, %v", info.Mode(), err)
	}
}

// Without arguments it asks. Enter keeps what there is, a value that does not do is asked for again, - removes one.
func TestConfigSetAsks(t *testing.T) {
	h := newHome(t)
	h.file(t, ".env", "# mine\nAPI_KEY=the-old-key-of-all-clients # keep\nAWS_PROFILE=work\n")
	answers := []string{
		"", "sk-new-of-openai", "no region", "eu-west-1", "-", "AKIAIOSFODNN7EXAMPLE", "the/secret", "", "gpt-4o",
	}
	got := h.caddy(t, strings.Join(answers, "\n")+"\n", "bedrock", "config", "set")
	if got.code != 0 || strings.Contains(got.err, "the-old-key") || !strings.Contains(got.err, "now •••ents; Enter keeps it") ||
		!strings.Contains(got.err, "That does not do: it must be a region, such as us-east-1. Again: ") || !strings.Contains(got.err, "AWS_PROFILE is empty now in .env.") {
		t.Errorf("%+v", got)
	}
	const want = "# mine\nAPI_KEY=the-old-key-of-all-clients # keep\nAWS_PROFILE=\nOPENAI_API_KEY=sk-new-of-openai\nAWS_REGION=eu-west-1\n" +
		"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\nAWS_SECRET_ACCESS_KEY=the/secret\nDEFAULT_OPENAI_MODEL=gpt-4o\n"
	if env := h.read(t, ".env"); env != want {
		t.Errorf(".env is\n%s", env)
	}
}

func TestConfigShow(t *testing.T) {
	h := newHome(t, "OPENAI_API_KEY=sk-short", "SECRET_HEADER=the-secret-of-a-header")
	h.file(t, ".env", "API_KEY=a-long-key-of-all-the-clients\nAWS_REGION=eu-west-1\nOPENAI_BASE_URL=https://me:pass@proxy.example.com/v1\n")
	h.file(t, "key", "the-key-in-a-file-that-is-long\n")
	h.file(t, "Caddyfile", `:8000 {
	api_key_auth {
		key alice a-key-in-clear-text-of-alice
		key bob sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef {
			models gpt-*
		}
		keys_file /etc/keys
	}
	bedrock_gateway {
		openai {env.OPENAI_API_KEY} {
			header X-Proxy {env.SECRET_HEADER}
		}
		upstream filed openai {file.key}
		bedrock {env.AWS_REGION} {
			credentials AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
		}
		limits_store redis redis://user:redis-password@127.0.0.1:6379
		limit daily {
			key {http.auth.user.id}
			tokens 1000 day
		}
	}
}
`)
	for _, w := range []has{
		{args: "config show", stdout: []string{
			"API_KEY                      •••ents  (.env)\n", "OPENAI_API_KEY               •••  (the environment)\n", "AWS_REGION                   eu-west-1  (.env)\n",
			"https://me:xxxxx@proxy.example.com/v1  (.env)\n",
		}},
		{args: "config show --config Caddyfile", stdout: []string{
			`"region": "eu-west-1"`, `"access_key_id": "AKIAIOSFODNN7EXAMPLE"`, `"secret_access_key": "•••EKEY"`, `"key": "•••lice"`, `"key": "sha256:01234567…"`,
			`"keys_file": "/etc/keys"`, `"key": "{http.auth.user.id}"`, `"user_id": "bob"`, `"gpt-*"`,
		}},
		{args: "config show --config none", code: 1, err: []string{"Error: ", "no such file"}},
		{args: "config show --env-file none.env", code: 1, err: []string{"none.env"}},
		{args: "config show --adapter caddyfile", code: 2, err: []string{"Error: --adapter needs a configuration"}},
	} {
		out := w.check(t, h)
		for _, secret := range []string{"a-long-key", "sk-short", "pass@", "a-key-in-clear", "wJalr", "the-secret-of", "redis-password", "the-key-in-a-file", "9abcdef"} {
			if strings.Contains(out, secret) {
				t.Errorf("%s: %s is in\n%s", w.args, secret, out)
			}
		}
	}
	if got := newHome(t).caddy(t, "", "bedrock", "config", "show"); got.code != 1 || !strings.Contains(got.err, "→ 'caddy bedrock config set' asks for the values") {
		t.Errorf("%+v", got)
	}
}

// The alias reads .env, as the seed's does.
func TestConfigTestAWS(t *testing.T) {
	h := newHome(t, "AWS_ENDPOINT_URL="+simulatedAWS(t))
	h.file(t, ".env", seedEnv)
	got := h.caddy(t, "", "bedrock", "config", "test-aws")
	if got.code != 0 || !strings.Contains(got.stdout, "✓ Region: us-east-1") || !strings.Contains(got.stdout, "assumed-role/MyWebIdentityRole/bedrock-server-session") {
		t.Errorf("%+v", got)
	}
	if plain := h.caddy(t, "", "bedrock", "test-aws"); plain.code != 1 {
		t.Errorf("test-aws itself reads .env: %+v", plain)
	}
}

// killed runs a command that edits a file, kills it as soon as the new version's name is seen and the moment is over, and
// reports whether it was killed before its end.
func (h *home) killed(t *testing.T, path string, moment time.Duration, args ...string) bool {
	t.Helper()
	cmd := h.command(t.Context(), args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	var seen time.Time
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Fatalf("%v: %v: %s", args, err, errs.String())
			}
			return false
		default:
		}
		if _, err := os.Lstat(path + ".new"); err == nil && seen.IsZero() {
			seen = time.Now()
		}
		if !seen.IsZero() && time.Since(seen) >= moment {
			_ = cmd.Process.Kill() // it may have ended
			return <-done != nil
		}
		runtime.Gosched()
	}
}

// Whenever the commands are killed, the file is the old one or the new, and the next edit goes well. That it is so at each
// step is shown beside the code; here the whole commands are killed.
func TestKilledWhileTheyWrite(t *testing.T) {
	const runs = 12
	env := "KEEP=1\n" + strings.Repeat("# a comment that is long, so that writing takes a while\n", 15000)
	keys := strings.Repeat("# a comment that is long, so that writing takes a while\n", 100000)
	for name, tc := range map[string]struct {
		file, old, marker string
		args              []string
	}{
		"config set": {".env", env, "KEEP=2\n", []string{"bedrock", "config", "set", "KEEP", "2"}},
		"keys new":   {"keys", keys, "alice sha256:", []string{"bedrock", "keys", "new", "alice", "--keys-file", "keys"}},
	} {
		h := newHome(t)
		kills := 0
		for i := range runs {
			path := h.file(t, tc.file, tc.old)
			if h.killed(t, path, time.Duration(i)*500*time.Microsecond, tc.args...) {
				kills++
			}
			switch got := h.read(t, tc.file); {
			case got == tc.old:
			case strings.Contains(got, tc.marker) && len(got) >= len(tc.old):
			default:
				t.Fatalf("%s: run %d left %d bytes of %d", name, i, len(got), len(tc.old))
			}
		}
		t.Logf("%s: %d of %d runs were killed within the edit", name, kills, runs)
		if got := h.caddy(t, "", tc.args...); got.code != 0 || !strings.Contains(h.read(t, tc.file), tc.marker) {
			t.Errorf("%s: the edit after it: %+v", name, got)
		}
		if left, err := os.ReadDir(h.work); err != nil || len(left) != 1 {
			t.Errorf("%s: it left %v, %v", name, left, err)
		}
	}
}
