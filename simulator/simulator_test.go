package simulator

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func TestUnmarshalCaddyfile(t *testing.T) {
	for _, c := range []struct{ name, input, want, wrong string }{
		{"nothing", "bedrock_simulator", `{}`, ""},
		{
			"everything",
			"bedrock_simulator {\n openai_key sk-a\n credentials ID {env.SECRET}\n credentials ID2 S2 T2\n api_key a b\n api_key c\n region us-east-1 eu-west-1\n}",
			`{"openai_key":"sk-a","credentials":[{"access_key_id":"ID","secret_access_key":"{env.SECRET}"},` +
				`{"access_key_id":"ID2","secret_access_key":"S2","session_token":"T2"}],"api_keys":["a","b","c"],"regions":["us-east-1","eu-west-1"]}`,
			"",
		},
		{"an argument", "bedrock_simulator x", "", "wrong argument count"},
		{"an unknown word", "bedrock_simulator {\n openai x\n}", "", "unrecognized subdirective 'openai', at Testfile:2"},
		{"two keys", "bedrock_simulator {\n openai_key a\n openai_key b\n}", "", "openai_key already specified, at Testfile:3"},
		{"a key too many", "bedrock_simulator {\n openai_key a b\n}", "", "wrong argument count"},
		{"an id without its secret", "bedrock_simulator {\n credentials a\n}", "", "wrong argument count"},
		{"no region", "bedrock_simulator {\n region\n}", "", "wrong argument count"},
		{"a block", "bedrock_simulator {\n region a {\n x\n }\n}", "", "takes no block"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s Simulator
			err := s.UnmarshalCaddyfile(caddyfile.NewTestDispenser(c.input))
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), c.wrong) {
					t.Fatalf("got error %v, want %q", err, c.wrong)
				}
				return
			}
			got, _ := json.Marshal(s)
			if err != nil || string(got) != c.want {
				t.Errorf("got %s, %v\nwant %s", got, err, c.want)
			}
		})
	}
}

func TestPathsGoToTheServiceTheyBelongTo(t *testing.T) {
	t.Setenv("SIMULATOR_TEST_KEY", "sk-from-env")
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	defer cancel()
	s := &Simulator{OpenAIKey: "{env.SIMULATOR_TEST_KEY}", APIKeys: []string{"bedrock-key"}}
	if err := s.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		_, err := io.WriteString(w, "next")
		return err
	})
	for _, c := range []struct {
		method, path, key string
		status            int
		phrase            string
	}{
		{http.MethodGet, "/v1/models", "sk-from-env", 200, "gpt-4o-mini"},
		{http.MethodGet, "/v1/models", "sk-simulator", 401, "invalid_api_key"},
		{http.MethodGet, "/v1/unknown", "sk-from-env", 404, "Invalid URL"},
		{http.MethodGet, "/foundation-models", "bedrock-key", 200, "modelSummaries"},
		{http.MethodGet, "/foundation-models", "sk-from-env", 403, "message"},
		{http.MethodGet, "/model/x/unheard-of", "bedrock-key", 404, ""},
		{http.MethodGet, "/v1", "", 200, "next"},
		{http.MethodGet, "/health", "", 200, "next"},
		{http.MethodGet, "/models", "", 200, "next"},
	} {
		t.Run(c.path+" "+c.key, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, http.NoBody)
			r.Header.Set("Authorization", "Bearer "+c.key)
			w := httptest.NewRecorder()
			if err := s.ServeHTTP(w, r, next); err != nil {
				t.Fatal(err)
			}
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.phrase) {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
	}
}

func TestProvisionRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		simulator Simulator
		wrong     string
	}{
		"an unset variable":         {Simulator{OpenAIKey: "{env.SIMULATOR_UNSET}"}, "openai_key"},
		"credentials without an id": {Simulator{Credentials: []Credentials{{SecretAccessKey: "s"}}}, "an access key has an id and a secret"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
			defer cancel()
			if err := c.simulator.Provision(ctx); err == nil || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("got %v, want %q", err, c.wrong)
			}
		})
	}
}
