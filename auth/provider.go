// Package auth authenticates clients by static API keys, in the headers that OpenAI's, Anthropic's and Amazon's clients
// send them in: the directive api_key_auth, the module http.authentication.providers.api_key. It serves any Caddy site and
// does not know the gateway; which models a user may ask for is passed on as a placeholder.
package auth

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/caddyauth"
)

func init() {
	caddy.RegisterModule(APIKey{})
}

// APIKey authenticates clients by static API keys. A key is taken from
// `Authorization: Bearer`, `X-Api-Key` or `Api-Key`, and all three are removed
// from the request once it is authenticated, so that no later handler forwards them.
// A client that is refused gets a 401 in its own API's form: Anthropic's under
// /v1/messages and /anthropic/v1, and under /v1/models if it sends Anthropic-Version; Bedrock's under
// /model/, /foundation-models, /inference-profiles and /guardrail/; OpenAI's elsewhere.
//
// Caddy's access log has X-Api-Key and Api-Key in clear text, because it copies
// the headers before any handler runs: delete them with a `filter` encoder.
//
// Placeholders set for later handlers:
//
// Placeholder | Description
// ------------|-------------
// `{http.auth.user.id}` | The user the key belongs to
// `{http.auth.user.models}` | The patterns of the models the key allows, separated by spaces; empty for every model
type APIKey struct {
	// The keys and their users. A user may have several.
	Keys []Key `json:"keys,omitempty"`

	// A file of further keys, one `user_id key` per line; empty lines and lines
	// that start with `#` are skipped. The file is checked once a second while
	// requests come, and read again when it has changed. If it cannot be read
	// then, the error is logged and the keys stay as they were.
	KeysFile string `json:"keys_file,omitempty"`

	configured []entry
	file       *keysFile
}

// Key is one key and its user.
type Key struct {
	// The user, which becomes `{http.auth.user.id}`.
	UserID string `json:"user_id"`

	// The key itself, or `sha256:` and the key's SHA-256 in hex.
	Key string `json:"key"`

	// The models that the key allows; `*` stands for any run of characters.
	// Default: every model.
	Models []string `json:"models,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (APIKey) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.authentication.providers.api_key",
		New: func() caddy.Module { return new(APIKey) },
	}
}

// Provision resolves placeholders and reads the keys file.
func (a *APIKey) Provision(ctx caddy.Context) error {
	repl := caddy.NewReplacer()
	if len(a.Keys) == 0 && a.KeysFile == "" {
		return fmt.Errorf("no key and no keys_file: every request would be refused; configure one of them")
	}
	for i, k := range a.Keys {
		e, err := k.resolve(repl)
		if err != nil {
			return fmt.Errorf("key %d (user '%s'): %w", i+1, k.UserID, err)
		}
		a.configured = append(a.configured, e)
	}
	if err := distinct(a.configured); err != nil {
		return err
	}
	if a.KeysFile == "" {
		return nil
	}
	path, err := repl.ReplaceOrErr(a.KeysFile, true, true)
	if err != nil {
		return fmt.Errorf("keys_file: %w", err)
	}
	a.file, err = openKeysFile(path, a.configured, ctx.Logger())
	return err
}

// resolve returns the entry that k describes.
func (k Key) resolve(repl *caddy.Replacer) (entry, error) {
	user, err := repl.ReplaceOrErr(k.UserID, true, true)
	if err != nil {
		return entry{}, fmt.Errorf("user: %w", err)
	}
	if user == "" {
		return entry{}, fmt.Errorf("no user")
	}
	key, err := repl.ReplaceOrErr(k.Key, true, true)
	if err != nil {
		return entry{}, err
	}
	e := entry{user: user}
	if e.digest, err = digestOf(key); err != nil {
		return entry{}, err
	}
	patterns := make([]string, 0, len(k.Models))
	for _, m := range k.Models {
		p, err := repl.ReplaceOrErr(m, true, true)
		if err != nil {
			return entry{}, fmt.Errorf("models: %w", err)
		}
		if p == "" || strings.ContainsAny(p, " \t\r\n") {
			return entry{}, fmt.Errorf("models: pattern '%s' is empty or has a space", p)
		}
		patterns = append(patterns, p)
	}
	e.models = strings.Join(patterns, " ")
	return e, nil
}

// Authenticate returns the user whose key the request carries. If there is
// none, it writes the 401 and returns false.
func (a *APIKey) Authenticate(w http.ResponseWriter, r *http.Request) (caddyauth.User, bool, error) {
	entries := a.configured
	if a.file != nil {
		entries = a.file.entries()
	}
	given := credentials(r.Header)
	for _, c := range given {
		e, ok := find(entries, c)
		if !ok {
			continue
		}
		for _, name := range credentialHeaders {
			r.Header.Del(name)
		}
		return caddyauth.User{
			ID:       e.user,
			Metadata: map[string]string{"models": e.models},
		}, true, nil
	}
	refuse(w, r, len(given) > 0)
	return caddyauth.User{}, false, nil
}

// credentialHeaders are the headers that hold a key: OpenAI's and AWS's clients
// send the first, Anthropic's the second, Azure's the third.
var credentialHeaders = [...]string{"Authorization", "X-Api-Key", "Api-Key"}

// credentials returns the keys that a request carries, at most one of each header.
func credentials(h http.Header) []string {
	var given []string
	for _, name := range credentialHeaders {
		value := h.Get(name)
		if name == "Authorization" {
			scheme, token, _ := strings.Cut(value, " ")
			if !strings.EqualFold(scheme, "Bearer") {
				continue
			}
			value = token
		}
		if value = strings.TrimSpace(value); value != "" {
			given = append(given, value)
		}
	}
	return given
}

// Interface guards
var (
	_ caddy.Provisioner       = (*APIKey)(nil)
	_ caddyauth.Authenticator = (*APIKey)(nil)
)
