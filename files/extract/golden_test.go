package extract

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden texts anew")

// Each sample has its text beside it, in <name>.golden. Read a new one before it is committed.
func TestGolden(t *testing.T) {
	samples, err := filepath.Glob("testdata/golden/*")
	if err != nil || len(samples) == 0 {
		t.Fatal("no samples", err)
	}
	for _, sample := range samples {
		if strings.HasSuffix(sample, ".golden") {
			continue
		}
		t.Run(filepath.Base(sample), func(t *testing.T) {
			content, err := os.ReadFile(sample)
			if err != nil {
				t.Fatal(err)
			}
			res, err := Text(t.Context(), bytes.NewReader(content), "application/octet-stream", filepath.Base(sample), Limits{})
			if err != nil || res.Truncated {
				t.Fatalf("truncated %v, %v", res.Truncated, err)
			}
			golden := sample + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(res.Text), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if res.Text != string(want) {
				t.Errorf("got\n%s\nwant\n%s", res.Text, want)
			}
		})
	}
}
