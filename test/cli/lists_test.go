package cli_test

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestModels(t *testing.T) {
	h := newHome(t)
	serveGateway(t, h, "")
	for _, w := range []has{
		{args: "models", stdout: []string{"gpt-4o-mini ", "us.anthropic.claude-sonnet-4-5-20250929-v1:0 ", "anthropic ", "embedding\n"}},
		{args: "models --filter Claude-Sonnet-5", stdout: []string{"us.anthropic.claude-sonnet-5 ", "global.anthropic.claude-sonnet-5 "}},
		{args: "models --filter us.anthropic.*-5", stdout: []string{"us.anthropic.claude-sonnet-5 "}},
		{args: "models --filter gpt-4o-mini --json", stdout: []string{`{"object":"list","data":[{"id":"gpt-4o-mini","object":"model","created":`}},
		{args: "models --filter nonsense", code: 1, err: []string{"Error: no model matches 'nonsense'\n", "→ leave --filter out"}},
		{args: "models --server-url http://127.0.0.1:1", code: 3, err: []string{"Error: no gateway answers at http://127.0.0.1:1", "→ start one with 'caddy bedrock serve'"}},
		{args: "models --server-url ftp://host", code: 2, err: []string{`Error: "ftp://host" is no address of a gateway`, "→ write it like http://localhost:8000"}},
		{args: "models nonsense", code: 2, err: []string{"Error: "}},
	} {
		if out := w.check(t, h); strings.Contains(w.args, "*-5") && strings.Contains(out, "global.") {
			t.Errorf("%s:\n%s", w.args, out)
		}
	}
}

// The key is read from the flag, else from the environment: the chat's own, and that of the gateway beside it.
func TestKeys(t *testing.T) {
	h := newHome(t)
	h.file(t, "keys", "alice sk-alice-0123456789\n")
	serveGateway(t, h, "")
	site := h.read(t, "Caddyfile")
	h.file(t, "Caddyfile", strings.Replace(site, "\tbedrock_gateway {", "\tapi_key_auth {\n\t\tkeys_file keys\n\t}\n\tbedrock_gateway {", 1))
	if got := h.caddy(t, "", "reload", "--config", "Caddyfile"); got.code != 0 {
		t.Fatal(got.err)
	}
	environment := h.env
	for _, tc := range []struct {
		env string
		has
	}{
		{"", has{args: "models", code: 4, err: []string{"Error: ", "→ give the gateway's key with --api-key, or in CHAT_API_KEY"}}},
		{"", has{args: "models --api-key sk-alice-0123456789", stdout: []string{"gpt-4o"}}},
		{"CHAT_API_KEY=sk-alice-0123456789", has{args: "models", stdout: []string{"gpt-4o"}}},
		{"API_KEY=sk-alice-0123456789", has{args: "models", stdout: []string{"gpt-4o"}}},
		{"API_KEY=sk-alice-0123456789", has{args: "models --api-key sk-wrong-0123456789", code: 4, err: []string{"Error: "}}},
	} {
		h.env = append(slices.Clip(environment), tc.env)
		tc.check(t, h)
	}
}

func TestFiles(t *testing.T) {
	h := newHome(t)
	serveGateway(t, h, "")
	content := "name,value\n" + strings.Repeat("a,1\n", 100_000)
	h.file(t, "data.csv", content)
	has{args: "files list", err: []string{"There are no files.\n"}}.check(t, h)
	has{args: "files list --json", stdout: []string{"[]\n"}}.check(t, h)
	has{args: "files upload", code: 2, err: []string{"Error: no file is named\n"}}.check(t, h)
	has{args: "files upload missing.csv", code: 1, err: []string{"Error: open missing.csv: no such file or directory\n"}}.check(t, h)
	has{args: "files upload .", code: 1, err: []string{"Error: . is a directory"}}.check(t, h)

	var kept struct {
		ID, Filename, Purpose, Status string
		Bytes                         int
	}
	out := has{args: "files upload data.csv --json --purpose assistants", stdout: []string{`"id":"file-`}}.check(t, h)
	if err := json.Unmarshal([]byte(out), &kept); err != nil || kept.Filename != "data.csv" || kept.Bytes != len(content) || kept.Purpose != "assistants" {
		t.Fatalf("%v: %s", err, out)
	}
	has{args: "files list", stdout: []string{kept.ID + "  data.csv  391 KiB  assistants  20"}}.check(t, h)
	has{args: "files list --purpose batch", err: []string{"There are no files.\n"}}.check(t, h)
	has{args: "files list --json", stdout: []string{`"status":"processed"`}}.check(t, h) // the gateway's own words
	has{args: "files get " + kept.ID, code: 1, err: []string{"Error: data.csv is there\n", "→ overwrite it with --force"}}.check(t, h)
	has{args: "files get " + kept.ID + " --json", stdout: []string{kept.ID}}.check(t, h)
	if out := (has{args: "files get " + kept.ID + " --output -", stdout: []string{"name,value"}}).check(t, h); out != content {
		t.Error("the file's content is another one")
	}
	h.file(t, "data.csv", "")
	has{args: "files get " + kept.ID + " --force", err: []string{"data.csv\n"}}.check(t, h)
	if h.read(t, "data.csv") != content {
		t.Error("the file's content is another one")
	}
	missing := has{code: 4, err: []string{"Error: No such File object: file-0", "→ 'caddy bedrock files list' has the ids"}}
	for _, missing.args = range []string{"files get file-0", "files delete file-0", "files get file-0 -o x"} {
		missing.check(t, h)
	}
	has{args: "files delete file-0 " + kept.ID, code: 4, err: []string{"No such File object: file-0", "deleted " + kept.ID}}.check(t, h)
	has{args: "files list", err: []string{"There are no files.\n"}}.check(t, h)
	if left, err := os.ReadDir(h.work); err != nil || len(left) != 3 {
		t.Errorf("%v, %v: want Caddyfile, data.csv and usage.log alone", left, err)
	}
}

func TestFilesOff(t *testing.T) {
	h := newHome(t)
	serveGateway(t, h, "")
	h.file(t, "Caddyfile", strings.Replace(h.read(t, "Caddyfile"), "files local", "files off", 1))
	if got := h.caddy(t, "", "reload", "--config", "Caddyfile"); got.code != 0 {
		t.Fatal(got.err)
	}
	for _, args := range []string{"files list", "files upload Caddyfile", "files get file-1", "files delete file-1"} {
		has{args: args, code: 4, err: []string{"this gateway keeps no files\n", "→ its operator switches them on"}}.check(t, h)
	}
}

func TestStatus(t *testing.T) {
	h := newHome(t)
	g := serveGateway(t, h, "")
	g.call(t, `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hello!"}]}`)
	for _, w := range []has{
		{args: "status", stdout: []string{"Gateway ", "0 calls under way", "\nUPSTREAM  KIND", "bedrock   bedrock  healthy", "\ngpt-4o-mini      1       0      8       4"}},
		{args: "status --json", stdout: []string{`"upstreams":[{"name":"bedrock"`}},
		{args: "status --server-url " + g.url, stdout: []string{"gpt-4o-mini"}},
		{args: "status --address 127.0.0.1:1", code: 3, err: []string{"Error: no Caddy answers at 127.0.0.1:1", "→ name its admin endpoint with --address"}},
		{args: "status --address " + strings.TrimPrefix(g.url, "http://"), stdout: []string{"gpt-4o-mini"}},
		{args: "status --server-url " + g.url + "/v1/models?", code: 4, err: []string{"Error: "}},
		{args: "status --interval 1ms", code: 2, err: []string{"Error: --interval"}},
	} {
		w.check(t, h)
	}
	p := h.start(t, "bedrock", "status", "--watch", "--json", "--interval", "100ms")
	p.await(t, "\n{") // the second
}

func TestUsage(t *testing.T) {
	h := newHome(t)
	g := serveGateway(t, h, "")
	g.call(t, `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hello!"}]}`)
	g.call(t, `{"model":"nothing","messages":[{"role":"user","content":"Hello!"}]}`)
	for _, w := range []has{
		{args: "usage --by model usage.log", stdout: []string{
			"gpt-4o-mini  1  0  8  4  0  0  0.000048  0\n", "nothing      1  1  0  0  0  0         -  1\n",
		}},
		{args: "usage usage.log --json", stdout: []string{`[{"user":"","calls":2,"failed":1,"input_tokens":8,"output_tokens":4,"cache_read_tokens":0,"cache_write_tokens":0,"calls_without_price":1,"cost":0.000048}]`}},
		{args: "usage --since 1h usage.log", stdout: []string{"-  2  1"}},
		{args: "usage --since 2031-01-01 usage.log", err: []string{"There are no calls since then.\n"}},
	} {
		w.check(t, h)
	}

	// As a year of logs may be: rolled and compressed, with times in several forms, and other lines between them.
	f, err := os.Create(filepath.Join(h.work, "old.log.gz"))
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	for _, line := range []string{
		`{"level":"info","ts":"2026-11-01T23:59:59.5Z","user_id":"alice","model":"a","attempts":1,"status":200,"input_tokens":10,"output_tokens":1,"cost":0.1}`,
		`{"level":"info","ts":"2026-11-02T01:00:00+02:00","user_id":"alice","model":"a","attempts":1,"status":200,"input_tokens":10,"output_tokens":1,"cost":0.2}`,
		`{"level":"info","ts":1793577600.25,"user_id":"bob","model":"b","attempts":2,"status":499,"cause":"client_gone","input_tokens":5,"output_tokens":0,"cost":1e-12}`,
		`{"level":"info","ts":1793577600250,"user_id":"bob","model":"b","attempts":1,"status":200}`,
		`{"level":"info","msg":"server running"}`, `half a li`, ``,
	} {
		if _, err := z.Write([]byte(line + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	_ = f.Close() // what counts was written
	left := []string{"2 lines are no lines of a usage log and were left out\n"}
	for _, w := range []has{
		{args: "usage old.log.gz", err: left, stdout: []string{"alice  2  0  20  2  0  0            0.30  0\nbob    2  1   5  0  0  0  0.000000000001  1\n"}},
		{args: "usage --by day,user old.log.gz", err: left, stdout: []string{"2026-11-01  alice  2  0  20  2  0  0            0.30  0\n2026-11-02  bob    2  1"}},
		{args: "usage --since 2026-11-02 old.log.gz", err: left, stdout: []string{"bob  2  1"}},
		{args: "usage Caddyfile", code: 1, err: []string{"Error: there is no line of a usage log\n", "→ write one with the word 'usage_log'"}},
		{args: "usage missing.log", code: 1, err: []string{"Error: open missing.log"}},
		{args: "usage", code: 2, err: []string{"Error: no file is named"}},
		{args: "usage --by hour usage.log", code: 2, err: []string{"Error: 'hour' is nothing to sum by\n"}},
		{args: "usage --since yesterday usage.log", code: 2, err: []string{"Error: --since 'yesterday' is no time\n"}},
		{args: "usage --by day -", stdin: `{"user_id":"x","model":"y","attempts":1,"ts":"soon"}`, code: 1, err: []string{"Error: -: line 1: the time \"soon\" is in a form"}},
		{args: "usage -", stdin: `{"user_id":"x","model":"y","attempts":1,"cost":1e999999999}`, code: 1, err: []string{"Error: -: line 1: the cost 1e999999999 is none"}},
		{args: "usage -", stdin: `{"user_id":"x","model":"y","attempts":1,"cost":1e-999999999}`, stdout: []string{"x  1  0  0  0  0  0  0.00  0\n"}},
	} {
		w.check(t, h)
	}
}
