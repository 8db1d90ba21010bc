package openai

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

func TestResolve(t *testing.T) {
	t.Setenv("OPENAI_API_KEY", "sk-ambient")
	t.Setenv("OPENAI_TEST_KEY", "sk-configured")
	for name, tc := range map[string]struct {
		config  Upstream
		key     string
		baseURL string
		header  http.Header
	}{
		"nothing configured": {
			Upstream{}, "sk-ambient", "https://api.openai.com/v1", http.Header{},
		},
		"a key": {
			Upstream{APIKey: "{env.OPENAI_TEST_KEY}"}, "sk-configured", "https://api.openai.com/v1", http.Header{},
		},
		// The ambient key is OpenAI's; a server of one's own must not get to see it.
		"a base URL without a key": {
			Upstream{BaseURL: "http://127.0.0.1:11434/v1/"}, "", "http://127.0.0.1:11434/v1", http.Header{},
		},
		"everything": {
			Upstream{
				APIKey: "sk-a", BaseURL: "https://api.example.com/openai/v1", Organization: "org-1", Project: "proj-1",
				Headers: http.Header{"X-Key": {"{env.OPENAI_TEST_KEY}", "b"}},
			},
			"sk-a", "https://api.example.com/openai/v1",
			http.Header{"X-Key": {"sk-configured", "b"}, "Openai-Organization": {"org-1"}, "Openai-Project": {"proj-1"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			u := tc.config
			if err := u.resolve(caddy.NewReplacer()); err != nil {
				t.Fatal(err)
			}
			if u.key != tc.key || u.baseURL.String() != tc.baseURL {
				t.Errorf("got key %q at %s", u.key, u.baseURL)
			}
			if got, want := asJSON(u.header), asJSON(tc.header); got != want {
				t.Errorf("headers %s, want %s", got, want)
			}
			if config := asJSON(&u); strings.Contains(config, "sk-configured") || strings.Contains(config, "sk-ambient") {
				t.Errorf("a resolved key stands in the config: %s", config)
			}
		})
	}
}

func TestResolveErrors(t *testing.T) {
	t.Setenv("OPENAI_API_KEY", "")
	t.Setenv("OPENAI_TEST_BAD", "secret\nX-Injected: 1")
	for name, tc := range map[string]struct {
		config Upstream
		want   string
	}{
		"no key":             {Upstream{}, "no api_key, and OPENAI_API_KEY is not set"},
		"empty placeholder":  {Upstream{APIKey: "{env.OPENAI_API_KEY}"}, "api_key: "},
		"no scheme":          {Upstream{BaseURL: "api.example.com/v1"}, "must be a whole http or https URL"},
		"another scheme":     {Upstream{BaseURL: "ftp://example.com"}, "must be a whole http or https URL"},
		"no host":            {Upstream{BaseURL: "https:///v1"}, "must be a whole http or https URL"},
		"a password":         {Upstream{BaseURL: "https://u:secret@example.com/v1"}, "may have no query, fragment or user"},
		"a query":            {Upstream{BaseURL: "https://example.com/v1?x=secret"}, "may have no query, fragment or user"},
		"unparsable":         {Upstream{BaseURL: "https://example.com:port/v1"}, "base_url: parse"},
		"line break in key":  {Upstream{APIKey: "{env.OPENAI_TEST_BAD}"}, "api_key: has characters"},
		"line break in text": {Upstream{APIKey: "k", Headers: http.Header{"X-A": {"{env.OPENAI_TEST_BAD}"}}}, "header X-A: has characters"},
		"bad header name":    {Upstream{APIKey: "k", Headers: http.Header{"X A": {"b"}}}, "header 'X A': not a header name"},
	} {
		t.Run(name, func(t *testing.T) {
			u := tc.config
			err := u.resolve(caddy.NewReplacer())
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, want %q", err, tc.want)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
