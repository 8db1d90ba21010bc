package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A key that was made opens the gateway for its models until it is revoked, and the file has no key in it.
func TestKeysOfTheGateway(t *testing.T) {
	h := newHome(t)
	h.file(t, "keys", "# whose keys these are\nold sk-old-0123456789abcdef\n")
	g := serveGateway(t, h, "")
	site := h.read(t, "Caddyfile")
	h.file(t, "Caddyfile", strings.Replace(site, "\tbedrock_gateway {", "\tapi_key_auth {\n\t\tkeys_file keys\n\t}\n\tbedrock_gateway {", 1))
	if got := h.caddy(t, "", "reload", "--config", "Caddyfile"); got.code != 0 {
		t.Fatal(got.err)
	}
	made := h.caddy(t, "", "bedrock", "keys", "new", "alice", "--models", "gpt-*", "--expires", "90d", "--tags", "team,x", "--keys-file", "keys")
	key := strings.TrimSpace(made.stdout)
	if made.code != 0 || !regexp.MustCompile(`^sk-[A-Z2-7]{52}$`).MatchString(key) || !strings.Contains(made.err, "This is alice's key.") {
		t.Fatalf("%+v", made)
	}
	if file := h.read(t, "keys"); strings.Contains(file, key) || !strings.HasPrefix(file, "# whose keys these are\nold sk-old-0123456789abcdef\nalice sha256:") {
		t.Errorf("the file is\n%s", file)
	}
	until := func(key, body, want string) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			got := ask(t, "POST", g.url+"/v1/chat/completions", key, body)[:3]
			if got == want {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("the key gets %s, not %s", got, want)
			}
		}
	}
	until(key, askGPT, "200")
	until(key, askClaude, "404")

	if got := h.caddy(t, "", "bedrock", "keys", "revoke", "alice", "--keys-file", "keys"); got.code != 0 || !strings.Contains(got.err, "1 of alice's keys revoked.") {
		t.Fatalf("%+v", got)
	}
	until(key, askGPT, "401")
	until("sk-old-0123456789abcdef", askGPT, "200")
	if file := h.read(t, "keys"); file != "# whose keys these are\nold sk-old-0123456789abcdef\n" {
		t.Errorf("the file is\n%s", file)
	}
}

func TestKeysListAndRevoke(t *testing.T) {
	h := newHome(t)
	run := func(args ...string) result { return h.caddy(t, "", append([]string{"bedrock", "keys"}, args...)...) }
	for range 2 {
		if got := run("new", "alice", "-f", "keys"); got.code != 0 {
			t.Fatalf("%+v", got)
		}
	}
	if info, err := os.Stat(filepath.Join(h.work, "keys")); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("a new file has mode %v, %v", info.Mode(), err)
	}
	h.file(t, "keys", h.read(t, "keys")+"bob sk-in-clear-text-of-bob models=gpt-* expires=2026-01-31 tags=a,b\n")
	var ids []string
	for line := range strings.Lines(run("list", "-f", "keys", "--json").stdout) {
		var k struct {
			User, ID string
			Expired  bool
		}
		if err := json.Unmarshal([]byte(line), &k); err != nil {
			t.Fatal(err)
		}
		if k.Expired != (k.User == "bob") {
			t.Errorf("%+v", k)
		}
		ids = append(ids, k.ID)
	}
	if len(ids) != 3 {
		t.Fatal(ids)
	}
	for _, w := range []has{
		{args: "keys list -f keys", stdout: []string{"alice  " + ids[0] + "  all    it is revoked", "bob    " + ids[2] + "  gpt-*  2026-02-01T00:00:00Z, over  a,b\n"}},
		{args: "keys revoke alice -f keys", code: 2, err: []string{"Error: alice has 2 such keys", "→ choose one by --id: " + ids[0] + ", " + ids[1]}},
		{args: "keys revoke nobody -f keys", code: 1, err: []string{"Error: nobody has no key in this file"}},
		{args: "keys revoke alice --id ffffffffff -f keys", code: 1, err: []string{"Error: alice has no key whose hash begins with ffffffffff"}},
		{args: "keys revoke alice --id " + ids[1] + " -f keys", err: []string{"1 of alice's keys revoked."}},
		{args: "keys revoke alice -f keys", err: []string{"1 of alice's keys revoked."}},
		{args: "keys new", code: 2, err: []string{"Error: accepts 1 arg(s)"}},
		{args: "keys new alice", code: 2, err: []string{"Error: no keys file is named"}},
		{args: "keys new a,b -f keys", code: 2, err: []string{"Error: 'a,b' cannot be a user"}},
		{args: "keys new alice --expires 2020-01-01 -f keys", code: 2, err: []string{"Error: --expires 2020-01-01 is over already"}},
		{args: "keys new alice --expires soon -f keys", code: 2, err: []string{"Error: --expires soon is no date, time or duration"}},
		{args: "keys list -f none", code: 1, err: []string{"Error: open none: ", "→ name the file that 'keys_file'"}},
	} {
		w.check(t, h)
	}
	if file := h.read(t, "keys"); !strings.HasPrefix(file, "bob ") || strings.Count(file, "\n") != 1 {
		t.Errorf("the file is\n%s", file)
	}
	h.file(t, "keys", "alice\n")
	for _, args := range [][]string{{"list"}, {"new", "bob"}, {"revoke", "alice"}} {
		if got := run(append(args, "-f", "keys")...); got.code != 1 || !strings.Contains(got.err, "line 1: must be 'user_id key'") {
			t.Errorf("%v of a file that is wrong: %+v", args, got)
		}
	}
}
