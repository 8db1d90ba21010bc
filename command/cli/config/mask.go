package config

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// mask returns what may be shown of a secret: enough to tell two apart, if it is long enough for that.
func mask(secret string) string {
	const shown, enough = 4, 20
	if digest, ok := strings.CutPrefix(secret, "sha256:"); ok && len(digest) > 2*shown {
		return "sha256:" + digest[:2*shown] + "…" // by which 'keys list' names it
	}
	if len(secret) < enough {
		return "•••"
	}
	return "•••" + secret[len(secret)-shown:]
}

// shown returns a variable's value as it may be shown.
func (v variable) shown(value string) string {
	if v.secret || isSecret(v.name) {
		return mask(value)
	}
	return withoutUser(value)
}

// withoutUser masks the password of a URL.
func withoutUser(text string) string {
	if !strings.Contains(text, "@") {
		return text
	}
	if u, err := url.Parse(text); err == nil && u.User != nil {
		return u.Redacted()
	}
	return text
}

// atRequest is a placeholder that each request fills in, such as a limit's key.
var atRequest = regexp.MustCompile(`^\{http\.[^{}]*\}$`)

// resolved returns a JSON value with its placeholders resolved and its secrets masked. under is the name of the member that
// holds it.
func resolved(value any, under string, secret bool, repl *caddy.Replacer) any {
	secret = secret || isSecret(under) || under == "headers"
	switch v := value.(type) {
	case map[string]any:
		// Of what has a secret's name, members may be none: the keys of api_key_auth have users.
		for name, member := range v {
			v[name] = resolved(member, name, under == "headers", repl)
		}
	case []any:
		for i, element := range v {
			v[i] = resolved(element, under, secret, repl)
		}
	case string:
		switch {
		case atRequest.MatchString(v):
			return v
		case secret:
			return mask(repl.ReplaceKnown(v, ""))
		case leaks.MatchString(v):
			return leaks.ReplaceAllString(v, "•••")
		}
		return withoutUser(repl.ReplaceKnown(v, ""))
	}
	return value
}

// leaks are placeholders that stand for a secret, wherever they are.
var leaks = regexp.MustCompile(`(?i)\{(file\.[^{}]*|env\.\w*(key|secret|token|password)\w*)\}`)

// showJSON returns values as indented JSON, as resolved returns them.
func showJSON(values []json.RawMessage, repl *caddy.Replacer) (string, error) {
	var b strings.Builder
	for _, raw := range values {
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			return "", fmt.Errorf("reading the configuration: %w", err)
		}
		text, err := json.MarshalIndent(resolved(v, "", false, repl), "", "  ")
		if err != nil {
			return "", err
		}
		b.Write(text)
		b.WriteByte('\n')
	}
	return b.String(), nil
}
