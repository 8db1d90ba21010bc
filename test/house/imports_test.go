// Package house tests how the code is laid out: which package may import which, and which file may import Caddy. The rules
// are the tables in table_test.go; what the code does is tested elsewhere.
package house

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/open-bedrock/caddy-bedrock-gateway"

// source is a Go file that is no test, and what it imports.
type source struct {
	pkg, name string // the folder, "." for the root, and the file in it
	imports   []string
}

func (s source) path() string { return path.Join(s.pkg, s.name) }

// read returns the module's sources below dir, whatever system they are built for.
func read(dir string) ([]source, error) {
	var sources []source
	err := filepath.WalkDir(dir, func(file string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := e.Name()
		if e.IsDir() {
			if file == dir {
				return nil
			}
			_, err := os.Stat(filepath.Join(file, "go.mod"))
			if err == nil || name == "testdata" || name == "node_modules" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
				return fs.SkipDir // another module, or no Go
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, filepath.Dir(file))
		if err != nil {
			return err
		}
		s := source{pkg: filepath.ToSlash(rel), name: name}
		for _, spec := range parsed.Imports {
			p, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			s.imports = append(s.imports, p)
		}
		sources = append(sources, s)
		return nil
	})
	return sources, err
}

// covers reports whether a row's pattern is for the package, and how closely.
func covers(pattern, pkg string) (int, bool) {
	tree, ok := strings.CutSuffix(pattern, "...")
	switch {
	case !ok:
		return math.MaxInt, pattern == pkg
	case tree == "":
		return 0, true
	}
	return len(tree), pkg == strings.TrimSuffix(tree, "/") || strings.HasPrefix(pkg, tree)
}

func coveredBy(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { _, ok := covers(p, pkg); return ok })
}

// rowOf returns the row that counts for the package; nil if none covers it.
func rowOf(pkg string) *row {
	var found *row
	best := -1
	for i := range table {
		if n, ok := covers(table[i].pkg, pkg); ok && n > best {
			found, best = &table[i], n
		}
	}
	return found
}

// local returns the folder of an import path of this module.
func local(imported string) (string, bool) {
	if imported == module {
		return ".", true
	}
	return strings.CutPrefix(imported, module+"/")
}

// is reports whether an import path is the one named, or below it; a name of one word is that package alone.
func is(imported, name string) bool {
	return imported == name || strings.HasPrefix(imported, strings.TrimSuffix(name, "/")+"/") && strings.ContainsAny(name, "./")
}

func mayImportCaddy(s source) bool {
	if coveredBy(caddyPackages, s.pkg) || caddyByFile[s.path()] != "" {
		return true
	}
	for _, f := range caddyFiles {
		if _, ok := covers(f.pkg, s.pkg); ok && f.file == s.name {
			return true
		}
	}
	return false
}

// check returns what the sources import against the rules, a line each that names the arrow and the rule.
func check(sources []source) []string {
	var found []string
	report := func(s source, imported, rule string) {
		found = append(found, fmt.Sprintf("%s → %s: %s", s.path(), imported, rule))
	}
	for _, s := range sources {
		r := rowOf(s.pkg)
		if r == nil {
			report(s, "?", "package "+s.pkg+" is in no row of the table: add one that says what it may import, and why")
			continue
		}
		for _, imported := range s.imports {
			if pkg, ok := local(imported); ok && !coveredBy(r.may, pkg) {
				report(s, pkg, fmt.Sprintf("%s may import %q of this module (%s)", r.pkg, r.may, r.why))
			}
			if is(imported, caddyPath) && !mayImportCaddy(s) {
				report(s, imported, "only a room's settings.go, a module.go of an upstream kind or file store, and what the table lists may import Caddy")
			}
			for _, b := range bans {
				if is(imported, b.imported) && coveredBy(b.in, s.pkg) && !coveredBy(b.except, s.pkg) {
					report(s, imported, b.why)
				}
			}
		}
	}
	return found
}

// circle returns packages that the table lets import each other in a circle; nil if there is none.
func circle(packages []string) []string {
	const under, done = 1, 2
	state := map[string]int{}
	var visit func(way []string, pkg string) []string
	visit = func(way []string, pkg string) []string {
		switch state[pkg] {
		case under:
			return append(way[slices.Index(way, pkg):], pkg)
		case done:
			return nil
		}
		state[pkg] = under
		way = append(way, pkg)
		if r := rowOf(pkg); r != nil {
			for _, to := range packages {
				if to != pkg && coveredBy(r.may, to) {
					if c := visit(way, to); c != nil {
						return c
					}
				}
			}
		}
		state[pkg] = done
		return nil
	}
	for _, pkg := range packages {
		if c := visit(nil, pkg); c != nil {
			return slices.Clone(c)
		}
	}
	return nil
}

func TestImportsRunOneWay(t *testing.T) {
	sources, err := read("../..")
	if err != nil || len(sources) < 100 {
		t.Fatalf("%d files, %v", len(sources), err)
	}
	for _, f := range check(sources) {
		t.Error(f)
	}
	packages, files := map[string]bool{}, map[string]bool{}
	for _, s := range sources {
		packages[s.pkg] = true
		files[s.path()] = slices.ContainsFunc(s.imports, func(p string) bool { return is(p, caddyPath) })
	}
	var names []string
	for pkg := range packages {
		names = append(names, pkg)
	}
	slices.Sort(names)
	// Go refuses a circle of imports; the table must not even allow one, or the last arrow of it would go unseen.
	if c := circle(names); c != nil {
		t.Errorf("the table allows a circle: %s", strings.Join(c, " → "))
	}
	for file := range caddyByFile {
		if !files[file] {
			t.Errorf("%s is listed as a file that imports Caddy, and does not: take it off the table", file)
		}
	}
}

// The checker must find what it is there for: each case is a source that breaks one rule, or almost does.
func TestCheckerFindsViolations(t *testing.T) {
	own := func(pkg string) string { return module + "/" + pkg }
	for name, tc := range map[string]struct {
		source source
		want   string // in the message; "" for no violation
	}{
		"a call back up":                  {source{"exchange", "call.go", []string{own("handler")}}, `exchange/call.go → handler: exchange may import`},
		"the root from below":             {source{"upstream", "route.go", []string{module}}, "upstream/route.go → .: upstream may import"},
		"a provider by the URL surface":   {source{"handler", "chat.go", []string{own("upstream/bedrock")}}, "never a provider"},
		"a dialect by another":            {source{"translate/claude", "x.go", []string{own("translate/openai")}}, "never imports another dialect"},
		"a dialect of tomorrow":           {source{"translate/responses", "x.go", []string{own("translate/chat"), own("wire/json")}}, ""},
		"a dialect of tomorrow, wrong":    {source{"translate/responses", "x.go", []string{own("upstream")}}, "translate/responses/x.go → upstream"},
		"a store by another":              {source{"files/local", "x.go", []string{own("files/s3")}}, "files/local/x.go → files/s3"},
		"code under test by a simulator":  {source{"simulator/bedrock", "x.go", []string{own("translate/converse")}}, "shares nothing with the code it tests"},
		"a room without a row":            {source{"cellar", "x.go", nil}, "package cellar is in no row"},
		"Caddy in a working file":         {source{"handler", "chat.go", []string{caddyPath + "/modules/caddyhttp"}}, "handler/chat.go → " + caddyPath},
		"Caddy in settings":               {source{"handler", "settings.go", []string{caddyPath}}, ""},
		"Caddy in a kind's module":        {source{"upstream/vertex", "module.go", []string{caddyPath, own("upstream/transport")}}, ""},
		"a kind by another":               {source{"upstream/vertex", "x.go", []string{own("upstream/openai")}}, "upstream/vertex/x.go → upstream/openai"},
		"Caddy in a store's module":       {source{"files/local", "module.go", []string{caddyPath}}, ""},
		"Caddy in a room's module.go":     {source{"exchange", "module.go", []string{caddyPath}}, "may import Caddy"},
		"Caddy in a file that is listed":  {source{"credentials", "provider.go", []string{caddyPath}}, ""},
		"Caddy in the root":               {source{".", "module.go", []string{caddyPath}}, ""},
		"HTTP in a dialect":               {source{"translate/openai", "x.go", []string{"net/http"}}, "no I/O"},
		"a neighbour of a banned package": {source{"translate/openai", "x.go", []string{"net/url", "os2"}}, ""},
		"AWS where nobody calls it":       {source{"handler", "x.go", []string{"github.com/aws/aws-sdk-go-v2/aws"}}, "only the rooms that talk to AWS"},
		"AWS where it is called":          {source{"upstream/bedrock", "x.go", []string{"github.com/aws/aws-sdk-go-v2/aws"}}, ""},
		"a terminal in every build":       {source{"command", "x.go", []string{"charm.land/bubbletea/v2"}}, "only command/cli knows a terminal"},
		"the terminal's room by the root": {source{".", "module.go", []string{own("command/cli")}}, "module.go → command/cli: . may import"},
	} {
		t.Run(name, func(t *testing.T) {
			got := check([]source{tc.source})
			if tc.want == "" && len(got) > 0 || tc.want != "" && (len(got) != 1 || !strings.Contains(got[0], tc.want)) {
				t.Errorf("got %q, want one with %q", got, tc.want)
			}
		})
	}
}

// The real sources with one import more fail: the reader and the checker work together.
func TestOneImportMoreFails(t *testing.T) {
	sources, err := read("../..")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(sources, func(s source) bool { return s.path() == "upstream/route.go" })
	if i < 0 {
		t.Fatal("upstream/route.go was not read")
	}
	before := len(check(sources))
	sources[i].imports = append(sources[i].imports, module+"/handler")
	isIt := func(v string) bool { return strings.HasPrefix(v, "upstream/route.go → handler: upstream may import") }
	if got := check(sources); len(got) != before+1 || !slices.ContainsFunc(got, isIt) {
		t.Errorf("got %q", got)
	}
}

func TestCircleIsFound(t *testing.T) {
	old := table
	defer func() { table = old }()
	table = []row{{pkg: "a", may: []string{"b"}}, {pkg: "b", may: []string{"c"}}, {pkg: "c", may: []string{"a"}}}
	if c := circle([]string{"a", "b", "c"}); strings.Join(c, " ") != "a b c a" {
		t.Errorf("got %q", c)
	}
	table[2].may = nil
	if c := circle([]string{"a", "b", "c"}); c != nil {
		t.Errorf("got %q", c)
	}
}
