// Package directive reads Caddyfile sub-directives strictly: every word has an
// exact number of arguments, a value that does not parse is an error where it
// stands, and a word that may stand once is refused the second time.
//
// The functions are called with the dispenser on the sub-directive's own word,
// and leave it on the last token they used, where the caller's NextBlock loop
// continues. All errors have file and line. The words themselves belong to the
// rooms whose settings they are.
package directive

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"
)

// Seen remembers which words of one block have been read.
type Seen map[string]bool

// Once records the current word, and returns an error if it was recorded before.
func (s Seen) Once(d *caddyfile.Dispenser) error {
	if s[d.Val()] {
		return d.Errf("%s already specified", d.Val())
	}
	s[d.Val()] = true
	return nil
}

// Unknown returns the error for an unknown sub-directive.
func Unknown(d *caddyfile.Dispenser) error {
	if d.Val() == "{" {
		return d.Err("unexpected block: this line takes none")
	}
	return d.Errf("unrecognized subdirective '%s'", d.Val())
}

// None reads the end of the line, for a word without arguments.
func None(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.ArgErr()
	}
	return nil
}

// Arg reads exactly one argument, which must not be empty.
func Arg(d *caddyfile.Dispenser) (string, error) {
	word := d.Val()
	if !d.NextArg() {
		return "", d.ArgErr()
	}
	val := d.Val()
	if val == "" {
		return "", d.Errf("%s: the value is empty", word)
	}
	return val, None(d)
}

// Args reads between low and high arguments; high < 0 means no upper bound.
func Args(d *caddyfile.Dispenser, low, high int) ([]string, error) {
	var args []string
	for d.NextArg() {
		if high >= 0 && len(args) == high {
			return nil, d.ArgErr()
		}
		args = append(args, d.Val())
	}
	if len(args) < low {
		return nil, d.ArgErr()
	}
	return args, nil
}

// Set reads one argument into *dst.
func Set(d *caddyfile.Dispenser, dst *string) error {
	val, err := Arg(d)
	if err != nil {
		return err
	}
	*dst = val
	return nil
}

// Size reads one size in bytes, such as 25MB (25·10^6) or 25MiB (25·2^20), above zero.
func Size(d *caddyfile.Dispenser) (int64, error) {
	word := d.Val()
	val, err := Arg(d)
	if err != nil {
		return 0, err
	}
	n, err := humanize.ParseBytes(val)
	if err != nil {
		return 0, d.Errf("invalid %s size '%s': %v", word, val, err)
	}
	if n == 0 || n > math.MaxInt64 {
		return 0, d.Errf("invalid %s size '%s': must be above zero and below 8EiB", word, val)
	}
	return int64(n), nil
}

// Duration reads one duration such as 90s, 5m or 1d, zero or more.
func Duration(d *caddyfile.Dispenser) (caddy.Duration, error) {
	word := d.Val()
	val, err := Arg(d)
	if err != nil {
		return 0, err
	}
	return ParseDuration(d, word, val)
}

// ParseDuration parses val, an argument of word that was already read, as a
// duration of zero or more.
func ParseDuration(d *caddyfile.Dispenser, word, val string) (caddy.Duration, error) {
	dur, err := caddy.ParseDuration(val)
	if err != nil {
		return 0, d.Errf("invalid %s duration '%s': %v", word, val, err)
	}
	if dur < 0 {
		return 0, d.Errf("invalid %s duration '%s': must not be negative", word, val)
	}
	return caddy.Duration(dur), nil
}

// Window parses val, an argument of word that was already read, as a duration of at least one second.
func Window(d *caddyfile.Dispenser, word, val string) (caddy.Duration, error) {
	dur, err := ParseDuration(d, word, val)
	if err != nil {
		return 0, err
	}
	if time.Duration(dur) < time.Second {
		return 0, d.Errf("invalid %s duration '%s': must be at least 1s", word, val)
	}
	return dur, nil
}

// Int reads one whole number of at least low.
func Int(d *caddyfile.Dispenser, low int) (int, error) {
	word := d.Val()
	val, err := Arg(d)
	if err != nil {
		return 0, err
	}
	return ParseInt(d, word, val, low)
}

// ParseInt parses val, an argument of word that was already read, as a whole
// number of at least low.
func ParseInt(d *caddyfile.Dispenser, word, val string, low int) (int, error) {
	n, err := strconv.Atoi(val)
	if err != nil {
		return 0, d.Errf("invalid %s number '%s'", word, val)
	}
	if n < low {
		return 0, d.Errf("invalid %s number '%s': must be at least %d", word, val, low)
	}
	return n, nil
}

// OneOf reads one argument, which must be one of the words given.
func OneOf(d *caddyfile.Dispenser, words ...string) (string, error) {
	word := d.Val()
	val, err := Arg(d)
	if err != nil {
		return "", err
	}
	if slices.Contains(words, val) {
		return val, nil
	}
	return "", d.Errf("invalid %s '%s': must be %s", word, val, strings.Join(words, " or "))
}

// CheckName returns an error unless name may name an upstream or a limit: 1 to 64 letters, digits, '-', '_' and '.'. Names
// stand in headers, logs and metric labels.
func CheckName(name string) error {
	if name == "" || len(name) > 64 {
		return fmt.Errorf("invalid name '%s': must have 1 to 64 characters", name)
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
		default:
			return fmt.Errorf("invalid name '%s': may have letters, digits, '-', '_' and '.' only", name)
		}
	}
	return nil
}

// At returns a dispenser that stands on t, for errors found after t was read.
func At(t caddyfile.Token) *caddyfile.Dispenser {
	d := caddyfile.NewDispenser([]caddyfile.Token{t})
	d.Next()
	return d
}

// OptionalDuration reads a duration for which absent and zero differ into *dst.
func OptionalDuration(d *caddyfile.Dispenser, dst **caddy.Duration) error {
	dur, err := Duration(d)
	*dst = &dur
	return err
}
