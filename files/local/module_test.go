package local

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
)

func TestCaddyfile(t *testing.T) {
	for in, want := range map[string]string{
		`local`:                                  `{}`,
		`local /srv/files`:                       `{"dir":"/srv/files"}`,
		`local {env.FILES}`:                      `{"dir":"{env.FILES}"}`,
		"local d {\n max_size 10MiB\n}":          `{"max_size":10485760,"dir":"d"}`,
		"local {\n owner {http.vars.team}\n}":    `{"owner":"{http.vars.team}"}`,
		"local {\n owner \"\"\n}":                `{"owner":""}`,
		"local {\n context_max 2MB\n}":           `{"context_max":2000000}`,
		"local a b":                              "error: wrong argument count",
		"local {\n max_size\n}":                  "error: wrong argument count",
		"local {\n max_size much\n}":             "error: invalid max_size size 'much'",
		"local {\n max_size 0\n}":                "error: invalid max_size",
		"local {\n owner a b\n}":                 "error: wrong argument count",
		"local {\n owner a\n owner b\n}":         "error: owner already specified",
		"local {\n bucket b\n}":                  "error: unrecognized subdirective 'bucket'",
		"local {\n max_size 1MB\n max_size 2\n}": "error: max_size already specified",
	} {
		var s Store
		err := s.UnmarshalCaddyfile(caddyfile.NewTestDispenser(in))
		got, _ := json.Marshal(&s)
		if msg, isErr := strings.CutPrefix(want, "error: "); isErr {
			if err == nil || !strings.Contains(err.Error(), msg) {
				t.Errorf("%q: got %s, %v; want an error with %q", in, got, err, msg)
			}
		} else if err != nil || string(got) != want {
			t.Errorf("%q: got %s, %v; want %s", in, got, err, want)
		}
	}
}

func provision(t *testing.T, config string) (*Store, error) {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	v, err := ctx.LoadModuleByID("http.handlers.bedrock_gateway.files.local", json.RawMessage(config))
	if err != nil {
		return nil, err
	}
	return v.(*Store), nil
}

func TestProvision(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kept")
	t.Setenv("LOCAL_FILES_TEST", dir)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	s, err := provision(t, `{"dir":"{env.LOCAL_FILES_TEST}","owner":"","max_size":5}`)
	if err != nil {
		t.Fatal(err)
	}
	if want := (files.Options{MaxSize: 5, Owner: "", ContextMax: files.DefaultContextMax}); s.Options() != want || s.dir != dir {
		t.Errorf("options %+v, directory %s", s.Options(), s.dir)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Error("provisioning, which also runs when a configuration is only checked, made the directory")
	}
	s, err = provision(t, `{}`)
	if err != nil {
		t.Fatal(err)
	}
	want := files.Options{MaxSize: files.DefaultMaxSize, Owner: files.DefaultOwner, ContextMax: files.DefaultContextMax}
	if s.Options() != want || s.dir != filepath.Join(caddy.AppDataDir(), "bedrock_gateway", "files") {
		t.Errorf("by default: options %+v, directory %s", s.Options(), s.dir)
	}
	for config, msg := range map[string]string{
		`{"max_size":-1}`:                "max_size",
		`{"context_max":-1}`:             "context_max",
		`{"dir":"{env.NOT_SET_AT_ALL}"}`: "NOT_SET_AT_ALL",
		`{"bucket":"b"}`:                 "bucket",
	} {
		if _, err := provision(t, config); err == nil || !strings.Contains(err.Error(), msg) {
			t.Errorf("%s: %v", config, err)
		}
	}
}
