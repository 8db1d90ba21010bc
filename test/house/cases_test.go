package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// testCell is where a table names a test: `folder TestName`, and maybe the "row" of its table.
	testCell = regexp.MustCompile("`([A-Za-z0-9_./]+) (Test[A-Za-z0-9_]+)`((?:,? \"[^\"]+\")*)")
	rowName  = regexp.MustCompile(`"([^"]+)"`)
)

// TestTheCasesHaveTheirTests holds the table of cases to its tests: each that it names is there, and so is each row.
func TestTheCasesHaveTheirTests(t *testing.T) {
	raw, err := os.ReadFile("../translation/README.md")
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{}
	source := func(folder string) string {
		if s, ok := sources[folder]; ok {
			return s
		}
		files, err := filepath.Glob(filepath.Join("../..", filepath.FromSlash(folder), "*_test.go"))
		if err != nil || len(files) == 0 {
			t.Errorf("%s has no tests: %v", folder, err)
		}
		var all strings.Builder
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
		sources[folder] = all.String()
		return all.String()
	}
	cases := 0
	for line := range strings.Lines(string(raw)) {
		cells := strings.Split(line, "|")
		if len(cells) != 4 || strings.Trim(cells[2], " -") == "" || strings.TrimSpace(cells[2]) == "Test" {
			continue
		}
		cases++
		found := testCell.FindAllStringSubmatch(cells[2], -1)
		if len(found) == 0 && !strings.Contains(cells[2], "test/clients/run") {
			t.Errorf("no test is named for%s", cells[1])
		}
		for _, m := range found {
			tests := source(m[1])
			if !strings.Contains(tests, "func "+m[2]+"(t *testing.T)") {
				t.Errorf("%s has no %s, which is named for%s", m[1], m[2], cells[1])
			}
			for _, row := range rowName.FindAllStringSubmatch(m[3], -1) {
				if !strings.Contains(tests, `"`+row[1]+`"`) && !strings.Contains(tests, row[1]+`"`) {
					t.Errorf("%s has no row '%s', which is named for%s", m[1], row[1], cells[1])
				}
			}
		}
	}
	if cases < 40 {
		t.Errorf("only %d cases were found", cases)
	}
}
