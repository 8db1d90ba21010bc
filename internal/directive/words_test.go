package directive

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

func TestBlock(t *testing.T) {
	for name, tc := range map[string]struct {
		block string
		want  string // what is in the settings, or the error with its line
	}{
		"every form":        {"b {\n size 1KB\n number 2\n text x\n choice b\n flag\n off off\n again\n again\n}", "1000 2 x b true true 2"},
		"no block":          {"b", "0 0   false false 0"},
		"a word twice":      {"b {\n flag\n flag\n}", "flag already specified, at Testfile:3"},
		"an unknown word":   {"b {\n flag\n flog\n}", "unrecognized subdirective 'flog', at Testfile:3"},
		"a block too many":  {"b {\n flag {\n }\n}", "unexpected block: this line takes none, at Testfile:2"},
		"a flag's argument": {"b {\n flag x\n}", "wrong argument count or unexpected line ending after 'x', at Testfile:2"},
		"not off":           {"b {\n off on\n}", "invalid off 'on': must be off, at Testfile:2"},
		"a low number":      {"b {\n number 0\n}", "invalid number number '0': must be at least 1, at Testfile:2"},
	} {
		t.Run(name, func(t *testing.T) {
			var size int64
			var number, again int
			var text, choice string
			var flag, off bool
			d := caddyfile.NewTestDispenser(tc.block)
			d.Next()
			_, err := Words{
				"size": Bytes(&size), "number": Number(&number, 1), "text": Text(&text), "choice": Choice(&choice, "a", "b"),
				"flag": Flag(&flag), "off": Off(&off),
				"again": {Repeats: true, Read: func(d *caddyfile.Dispenser) error { again++; return None(d) }},
			}.Block(d)
			got := strings.TrimSuffix(strings.Join([]string{
				fmt.Sprint(size), fmt.Sprint(number), text, choice, fmt.Sprint(flag), fmt.Sprint(off), fmt.Sprint(again),
			}, " "), "\n")
			if err != nil {
				got, _, _ = strings.Cut(err.Error(), " import chain")
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestCheckName(t *testing.T) {
	for name, ok := range map[string]bool{
		"a": true, "eu-west_1.b": true, strings.Repeat("x", 64): true,
		"": false, "a b": false, "ä": false, "a/b": false, strings.Repeat("x", 65): false,
	} {
		if err := CheckName(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}
