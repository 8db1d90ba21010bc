package directive

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// read reads one line with f, as a NextBlock loop would.
func read(line string, f func(*caddyfile.Dispenser) (any, error)) (string, error) {
	d := caddyfile.NewTestDispenser(line)
	d.Next()
	v, err := f(d)
	return fmt.Sprint(v), err
}

func TestValues(t *testing.T) {
	size := func(d *caddyfile.Dispenser) (any, error) { return Size(d) }
	duration := func(d *caddyfile.Dispenser) (any, error) { v, err := Duration(d); return int64(v), err }
	number := func(d *caddyfile.Dispenser) (any, error) { return Int(d, 1) }
	arg := func(d *caddyfile.Dispenser) (any, error) { return Arg(d) }
	none := func(d *caddyfile.Dispenser) (any, error) { return nil, None(d) }
	two := func(d *caddyfile.Dispenser) (any, error) { return Args(d, 1, 2) }
	oneOf := func(d *caddyfile.Dispenser) (any, error) { return OneOf(d, "a", "b") }
	for _, tc := range []struct {
		line string
		f    func(*caddyfile.Dispenser) (any, error)
		want string
		err  string
	}{
		{"w 25MB", size, "25000000", ""},
		{"w 25MiB", size, "26214400", ""},
		{"w 0", size, "", "must be above zero"},
		{"w 9EiB", size, "", "must be above zero and below 8EiB"},
		{"w -1MB", size, "", "invalid w size '-1MB'"},
		{"w 1d", duration, "86400000000000", ""},
		{"w 0", duration, "0", ""},
		{"w -1s", duration, "", "must not be negative"},
		{"w 1", number, "1", ""},
		{"w 0", number, "", "must be at least 1"},
		{"w 1.5", number, "", "invalid w number '1.5'"},
		{"w 99999999999999999999", number, "", "invalid w number"},
		{"w x", arg, "x", ""},
		{"w", arg, "", "wrong argument count"},
		{"w x y", arg, "", "wrong argument count"},
		{`w ""`, arg, "", "w: the value is empty"},
		{"w", none, "<nil>", ""},
		{"w x", none, "", "wrong argument count"},
		{"w x", two, "[x]", ""},
		{"w x y", two, "[x y]", ""},
		{"w", two, "", "wrong argument count"},
		{"w x y z", two, "", "wrong argument count"},
		{"w b", oneOf, "b", ""},
		{"w c", oneOf, "", "invalid w 'c': must be a or b"},
	} {
		got, err := read(tc.line, tc.f)
		switch {
		case tc.err == "" && (err != nil || got != tc.want):
			t.Errorf("%s: got %s, %v; want %s", tc.line, got, err, tc.want)
		case tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err) || !strings.Contains(err.Error(), "at Testfile:1")):
			t.Errorf("%s: got %v, want %s with its position", tc.line, err, tc.err)
		}
	}
}

func TestOnce(t *testing.T) {
	d := caddyfile.NewTestDispenser("a\nb\na")
	seen := make(Seen)
	for i, want := range []string{"", "", "a already specified, at Testfile:3"} {
		d.Next()
		got := ""
		if err := seen.Once(d); err != nil {
			got, _, _ = strings.Cut(err.Error(), " import chain")
		}
		if got != want {
			t.Errorf("word %d: got %q, want %q", i+1, got, want)
		}
	}
}
