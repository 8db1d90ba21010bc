package house

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// link is a Markdown link to something in the repository.
	link = regexp.MustCompile(`\]\(([^)#:\s]+)(?:#[^)]*)?\)`)
	// code is inline code that is a path: it has a slash or the end of a file's name, and no variable in angle brackets.
	code     = regexp.MustCompile("`([^`\n]+)`")
	fileName = regexp.MustCompile(`^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*(/|\.(go|md|txt|py|mjs|yml)|)$`)
)

// TestGuidesNameWhatIsThere holds the pages for contributors to the files and folders they name, and every page to its links.
func TestGuidesNameWhatIsThere(t *testing.T) {
	const root = "../.."
	exists := func(name string) bool {
		_, err := os.Stat(filepath.Join(root, filepath.FromSlash(name)))
		return err == nil
	}
	pages := []string{"README.md", "CONTRIBUTING.md", "SECURITY.md"}
	docs, err := filepath.Glob(root + "/docs/*.md")
	if err != nil || len(docs) == 0 {
		t.Fatal(docs, err)
	}
	for _, d := range docs {
		pages = append(pages, "docs/"+filepath.Base(d))
	}
	index, err := os.ReadFile(root + "/docs/README.md")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, page := range pages {
		raw, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		text := string(raw)
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if target := path.Join(path.Dir(page), m[1]); !exists(target) {
				t.Errorf("%s: the link to %s leads nowhere", page, m[1])
			}
		}
		if name := path.Base(page); path.Dir(page) == "docs" && name != "README.md" && !strings.Contains(string(index), "]("+name+")") {
			t.Errorf("docs/README.md does not list %s", name)
		}
		if page != "CONTRIBUTING.md" && page != "docs/architecture.md" {
			continue
		}
		for _, m := range code.FindAllStringSubmatch(text, -1) {
			name := m[1]
			if !fileName.MatchString(name) || !strings.Contains(name, "/") && !strings.Contains(name, ".go") || strings.Contains(name, "net/http") || strings.Contains(name, "encoding/json") {
				continue // a command, a word of the code, a package of Go's
			}
			named++
			if !exists(name) {
				t.Errorf("%s names %s, which is not there", page, name)
			}
		}
	}
	if named < 30 {
		t.Errorf("only %d files were found in the guides", named)
	}
}
