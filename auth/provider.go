// Package auth authenticates clients by static API keys, in the headers that OpenAI's, Anthropic's and Amazon's clients
// send them in: the directive api_key_auth, the module http.authentication.providers.api_key. It serves any Caddy site and
// does not know the gateway; which models a user may ask for is passed on as a placeholder.
package auth

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/caddyauth"
	"go.uber.org/zap"
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
// `{http.auth.user.tags}` | The key's tags, separated by spaces
type APIKey struct {
	// The keys and their users. A user may have several, so that a key can be
	// replaced while the old one is still good.
	Keys []Key `json:"keys,omitempty"`

	// A file of further keys, one
	// `user_id key [models=a,b*] [expires=2027-01-31] [tags=x,y]` per line, up to
	// 64 MiB; empty lines and lines
	// that start with `#` are skipped. The file is checked once a second while
	// requests come, and read again when it has changed. If it cannot be read
	// then, the error is logged and the keys stay as they were.
	KeysFile string `json:"keys_file,omitempty"`

	configured keys
	file       *keysFile
	now        func() time.Time
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

	// The date until whose end in UTC the key is good, such as `2027-01-31`, or
	// a time such as `2027-01-31T18:00:00Z`. Default: it does not expire.
	Expires string `json:"expires,omitempty"`

	// What the key is for, such as a team or a cost centre, for limits and logs:
	// `{http.auth.user.tags}`.
	Tags []string `json:"tags,omitempty"`
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
	a.configured, a.now = make(keys, len(a.Keys)), time.Now
	for i, k := range a.Keys {
		d, g, err := k.resolve(repl)
		if err == nil {
			err = a.configured.add(d, g)
		}
		if err != nil {
			return fmt.Errorf("key %d (user '%s'): %w", i+1, k.UserID, err)
		}
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

// resolve returns the key's digest and what it is good for.
func (k Key) resolve(repl *caddy.Replacer) (digest, grant, error) {
	fail := func(err error) (digest, grant, error) { return digest{}, grant{}, err }
	user, err := repl.ReplaceOrErr(k.UserID, true, true)
	if err != nil {
		return fail(fmt.Errorf("user: %w", err))
	}
	if user == "" {
		return fail(fmt.Errorf("no user"))
	}
	key, err := repl.ReplaceOrErr(k.Key, true, true)
	if err != nil {
		return fail(err)
	}
	d, err := digestOf(key)
	if err != nil {
		return fail(err)
	}
	g := grant{user: user, rights: &rights{}}
	for _, words := range []struct {
		name string
		from []string
		to   *string
	}{{"models", k.Models, &g.models}, {"tags", k.Tags, &g.tags}} {
		resolved := make([]string, len(words.from))
		for i, w := range words.from {
			if resolved[i], err = repl.ReplaceOrErr(w, true, true); err != nil {
				return fail(fmt.Errorf("%s: %w", words.name, err))
			}
		}
		if *words.to, err = list(words.name, resolved); err != nil {
			return fail(err)
		}
	}
	date, err := repl.ReplaceOrErr(k.Expires, true, true)
	if err != nil {
		return fail(fmt.Errorf("expires: %w", err))
	}
	if g.expires, err = expiry(date); err != nil {
		return fail(err)
	}
	return d, g, nil
}

// Authenticate returns the user whose key the request carries. If there is
// none, it writes the 401 and returns false. The access log then says whose key
// it was that has expired.
func (a *APIKey) Authenticate(w http.ResponseWriter, r *http.Request) (caddyauth.User, bool, error) {
	valid := a.configured
	if a.file != nil {
		valid = a.file.keys()
	}
	given := credentials(r.Header)
	expired := ""
	for _, c := range given {
		g, ok := valid.find(c)
		if !ok {
			continue
		}
		if g.expired(a.now()) {
			expired = g.user
			continue
		}
		for _, name := range credentialHeaders {
			r.Header.Del(name)
		}
		return caddyauth.User{
			ID:       g.user,
			Metadata: map[string]string{"models": g.models, "tags": g.tags},
		}, true, nil
	}
	if extra, ok := r.Context().Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields); ok && expired != "" {
		extra.Set(zap.String("expired_key_of", expired))
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
