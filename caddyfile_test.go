package bedrockgateway

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/open-bedrock/caddy-bedrock-gateway/simulator" // the quickstart runs it
)

var update = flag.Bool("update", false, "write the adapter's output into the golden files that hold JSON")

const separator = "----------"

// Every file of testdata/caddyfile is a Caddyfile, a line of ten dashes, and
// the expected result: JSON, or the error with its position.
func TestCaddyfile(t *testing.T) {
	files, err := filepath.Glob("testdata/caddyfile/*.caddyfiletest")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	adapter := caddyconfig.GetAdapter("caddyfile")
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".caddyfiletest"), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			input, want, ok := strings.Cut(strings.ReplaceAll(string(raw), "\r\n", "\n"), separator+"\n")
			if !ok {
				t.Fatalf("no line of %s", separator)
			}
			want = strings.TrimSpace(want)
			config, warnings, err := adapter.Adapt([]byte(input), nil)
			for _, w := range warnings {
				t.Errorf("warning: %s", w)
			}
			if err != nil {
				if want == "" || strings.HasPrefix(want, "{") || !strings.HasSuffix(err.Error(), want) {
					t.Errorf("got error\n%v\nwant\n%s", err, want)
				}
				return
			}
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, config, "", "\t"); err != nil {
				t.Fatal(err)
			}
			if *update && (want == "" || strings.HasPrefix(want, "{")) {
				golden := input + separator + "\n" + pretty.String() + "\n"
				if err := os.WriteFile(file, []byte(golden), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if pretty.String() != want {
				t.Errorf("got\n%s\nwant\n%s", pretty.String(), want)
			}
		})
	}
}

// Users copy the examples: they must adapt without warnings, and be formatted as
// by caddy fmt.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("examples/*/Caddyfile")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			input, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			input = bytes.ReplaceAll(input, []byte("\r\n"), []byte("\n"))
			if formatted := caddyfile.Format(input); !bytes.Equal(formatted, input) {
				t.Errorf("caddy fmt would make of it:\n%s", formatted)
			}
			_, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt(input, map[string]any{"filename": file})
			if err != nil || len(warnings) > 0 {
				t.Errorf("%v %v", err, warnings)
			}
		})
	}
}
