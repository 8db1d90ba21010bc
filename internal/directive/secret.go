package directive

import (
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"
)

// Secret warns of a secret that stands in the Caddyfile as it is. value is an argument of word, on the line that the
// dispenser is on, and never in the warning itself. Caddy replaces {$NAME} before anybody can see it, so that it is a
// secret of the same kind. Those of the simulator are none.
func Secret(d *caddyfile.Dispenser, word, value string) {
	if value == "" || strings.Contains(value, "{") || strings.Contains(value, "simulator") {
		return
	}
	caddy.Log().Named("caddyfile").Warn("a secret stands in the configuration as it is, and so in the adapted one, its copy on disk and the admin API, as with {$NAME}; write {env.NAME} or {file./path}",
		zap.String("file", d.File()), zap.Int("line", d.Line()), zap.String("directive", word))
}

// SetSecret is Set for a secret.
func SetSecret(d *caddyfile.Dispenser, dst *string) error {
	word := d.Val()
	err := Set(d, dst)
	if err == nil {
		Secret(d, word, *dst)
	}
	return err
}

// SecretInURL warns of a password in a URL that word has as its argument.
func SecretInURL(d *caddyfile.Dispenser, word, url string) {
	_, rest, _ := strings.Cut(url, "://")
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		_, password, _ := strings.Cut(rest[:at], ":")
		Secret(d, word, password)
	}
}

// SecretInHeader warns of a header whose name says that its value is a secret.
func SecretInHeader(d *caddyfile.Dispenser, name, value string) {
	name = strings.ToLower(name)
	for _, ending := range [...]string{"authorization", "cookie", "key", "token", "secret", "password"} {
		if strings.HasSuffix(name, ending) {
			Secret(d, "header "+name, value)
			return
		}
	}
}
