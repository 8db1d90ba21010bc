package dotenv

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func environ(string) (string, bool) { return "", false }

func TestParse(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want map[string]string
	}{
		"empty":                {"", nil},
		"comments and blanks":  {"# one\n\n  # two\r\n", nil},
		"plain":                {"A=b\nC=d", map[string]string{"A": "b", "C": "d"}},
		"the last one counts":  {"A=1\nA=2\n", map[string]string{"A": "2"}},
		"blanks around":        {"  A = b c  \n", map[string]string{"A": "b c"}},
		"export":               {"export A=b\nexport\tB=c", map[string]string{"A": "b", "B": "c"}},
		"a comment behind":     {"A=b # c\nB='d' # e\nC=f#g\n", map[string]string{"A": "b", "B": "d", "C": "f#g"}},
		"only a comment":       {"A= # c\nB=#d\nC=", map[string]string{"A": "", "B": "#d", "C": ""}},
		"no value":             {"A\nB=1\nC # c\n", map[string]string{"B": "1"}},
		"single quotes":        {`A='b "c" \' \\ \n'`, map[string]string{"A": `b "c" ' \ \n`}},
		"double quotes":        {`A="b 'c' \" \\ \n \x"`, map[string]string{"A": "b 'c' \" \\ \n \\x"}},
		"several lines":        {"A=\"b\nc\"\nB=d", map[string]string{"A": "b\nc", "B": "d"}},
		"quotes within":        {`A=b"c"d`, map[string]string{"A": `b"c"d`}},
		"Windows":              {"\ufeffA=b\r\nC=d\r\n", map[string]string{"A": "b", "C": "d"}},
		"another variable":     {"A=b\nC=${A}c${D:-e}${F}", map[string]string{"A": "b", "C": "bce"}},
		"a dollar sign":        {"A=p$$w$x\n", map[string]string{"A": "p$$w$x"}},
		"an equals sign in it": {"A=b=c==\n", map[string]string{"A": "b=c=="}},
	} {
		f, err := Parse([]byte(tc.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := f.Values(environ); err != nil || !maps.Equal(got, tc.want) {
			t.Errorf("%s: %q, %v, want %q", name, got, err, tc.want)
		}
	}
}

func TestParseErrorsNameTheLineAndNotTheSecret(t *testing.T) {
	for text, want := range map[string]string{
		"A=b\nsecret value\n":     "line 2: ",
		"A=b\n\n'secret'=value\n": "line 3: ",
		"=secret":                 "line 1: ",
		"A='secret":               "line 1: a quote is opened",
		"A='secret' more":         "line 1: something stands behind",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Thirty lines of a few bytes would be gigabytes.
func TestValuesAreBounded(t *testing.T) {
	f, err := Parse([]byte("A=xxxxxxxx\n" + strings.Repeat("A=${A}${A}\n", 30)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Values(environ); err == nil || !strings.Contains(err.Error(), "A becomes longer") {
		t.Error(err)
	}
}

func TestSet(t *testing.T) {
	for name, tc := range map[string]struct{ text, key, value, want string }{
		"a new file":            {"", "A", "b", "A=b\n"},
		"a line more":           {"# c\nB=1\n", "A", "b", "# c\nB=1\nA=b\n"},
		"no line break at end":  {"B=1", "A", "b", "B=1\nA=b\n"},
		"Windows":               {"B=1\r\n", "A", "b", "B=1\r\nA=b\r\n"},
		"in its place":          {"# c\nexport A = old  # why\nB=1\n", "A", "new", "# c\nexport A = new  # why\nB=1\n"},
		"the last of several":   {"A=1\nA=2\nB=3\n", "A", "new", "A=1\nA=new\nB=3\n"},
		"an empty one":          {"A=\nB=1\n", "A", "new", "A=new\nB=1\n"},
		"an empty with comment": {"A= # c\n", "A", "new", "A= new # c\n"},
		"a name alone":          {"A\nB=1\n", "A", "new", "A=new\nB=1\n"},
		"a quoted one":          {"A=\"x\ny\" # c\nB=1\n", "A", "z", "A=z # c\nB=1\n"},
		"to empty":              {"A=x\n", "A", "", "A=\n"},
		"that needs quotes":     {"", "A", `b c #d 'e' \f "g"`, `A='b c #d \'e\' \\f "g"'` + "\n"},
		"a commented one":       {"# A=x\n", "A", "b", "# A=x\nA=b\n"},
	} {
		f, err := Parse([]byte(tc.text))
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.Set(tc.key, tc.value)
		if err != nil || string(got) != tc.want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, tc.want)
		}
	}
	f := new(File)
	for name, pair := range map[string][2]string{
		"a line break": {"A", "b\nC=d"}, "a variable": {"A", "${B}"}, "no name": {"A B", "c"}, "a name of a digit": {"1A", "c"},
	} {
		if _, err := f.Set(pair[0], pair[1]); err == nil {
			t.Errorf("%s was set", name)
		}
	}
}

// What is set is what is read, and every other variable stays.
func FuzzSet(f *testing.F) {
	f.Add("A=1 # c\nB='x'\n", "A", "new value")
	f.Add("export A\n", "A", `'"\#`)
	f.Add("A=\n#", "C", "=")
	f.Fuzz(func(t *testing.T, text, name, value string) {
		file, err := Parse([]byte(text))
		if err != nil {
			return
		}
		before, err := file.Values(environ)
		if err != nil {
			return
		}
		set, err := file.Set(name, value)
		if err != nil {
			return
		}
		again, err := Parse(set)
		if err != nil {
			t.Fatalf("%q: %v", set, err)
		}
		after, err := again.Values(environ)
		if err != nil {
			return
		}
		if after[name] != value {
			t.Fatalf("%q: %q, want %q", set, after[name], value)
		}
		if strings.Contains(text, "${") {
			return // others may stand for it
		}
		delete(before, name)
		delete(after, name)
		if !maps.Equal(before, after) {
			t.Fatalf("%q became %q", before, after)
		}
	})
}

func TestEnvironmentKeepsWhatIsSet(t *testing.T) {
	t.Setenv("DOTENV_OWN", "own")
	parse := func(text string) *File {
		t.Helper()
		f, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	var e Environment
	apply := func(text string) (undo func()) {
		t.Helper()
		undo, err := e.Apply(parse(text))
		if err != nil {
			t.Fatal(err)
		}
		return undo
	}
	t.Cleanup(func() { apply("") })
	want := func(own, a, b string) {
		t.Helper()
		if got := [...]string{os.Getenv("DOTENV_OWN"), os.Getenv("DOTENV_A"), os.Getenv("DOTENV_B")}; got != [...]string{own, a, b} {
			t.Errorf("%q", got)
		}
	}
	apply("DOTENV_OWN=file\nDOTENV_A=1\n")
	want("own", "1", "")
	if e.FromFile("DOTENV_OWN") || !e.FromFile("DOTENV_A") {
		t.Error("where a variable comes from")
	}
	undo := apply("DOTENV_A=2\nDOTENV_B=${DOTENV_A}${DOTENV_OWN}\n")
	want("own", "2", "2own")
	undo()
	want("own", "1", "")
	apply("")
	want("own", "", "")
	if _, set := os.LookupEnv("DOTENV_A"); set {
		t.Error("a variable that no file sets any more is still set")
	}
}

func TestLookup(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("DOTENV_OWN", "own")
	if err := os.WriteFile(filepath.Join(dir, Default), []byte("DOTENV_OWN=file\nDOTENV_FILE=file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		names []string
		want  string
	}{{[]string{"DOTENV_OWN"}, "own"}, {[]string{"DOTENV_NONE", "DOTENV_FILE"}, "file"}, {[]string{"DOTENV_NONE"}, ""}} {
		if got, err := Lookup(tc.names...); err != nil || got != tc.want {
			t.Errorf("%v: %q, %v", tc.names, got, err)
		}
	}
}
