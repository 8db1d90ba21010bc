package markdown

import (
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
)

const sample = "# Title\n\nSome *para* with `code` and **bold**, and a [link](https://example.com) in a text that goes on.\n" +
	"a line of its own\n\n- one\n- two\n  - nested\n\n  loose\n- three\n\n3. c\n4. d\n\n```go\nfunc main() {\n\n}\n```\n\n> quote\n> more\n\n" +
	"| a | b |\n|---|---|\n| 1 | 2 |\n\nSetext\n---\n\n***\n\nend #hash\n#tag\n\n    indented\n\n<b>html</b>\n\n- [ ] task\n- [x] done\n\n日本語の文章\n"

func newStream(t testing.TB, width int) *Stream {
	t.Helper()
	return NewStream(Look{Width: width, Colors: colorprofile.NoTTY})
}

// written returns all that a Stream gives out of a text that comes in pieces of n characters.
func written(t testing.TB, text string, n int) (all string, pieces int) {
	t.Helper()
	s := newStream(t, 40)
	var out []string
	add := func(done string) {
		if done != "" {
			out = append(out, done)
		}
	}
	for piece := range slices.Chunk([]rune(text), n) {
		add(s.Write(string(piece)))
	}
	add(s.Close())
	return strings.Join(out, "\n"), len(out)
}

func TestOnTheTerminal(t *testing.T) {
	const want = `# Title

Some para with code and bold, and a link
(https://example.com) in a text that
goes on.
a line of its own

• one

• two

  • nested

  loose

• three

3. c
4. d

  func main() {

  }

│ quote
│ more

a │ b
──┼──
1 │ 2

## Setext

────────────────────────────────────────

end #hash
#tag

  indented

<b>html</b>

• [ ] task
• [x] done

日本語の文章`
	if got, _ := written(t, sample, len(sample)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// What wraps begins under its own text, and what is narrower than it should be is still whole.
func TestNarrow(t *testing.T) {
	got := Render("10. a long item of a list that wraps\n    - and one in it that wraps too\n\n"+
		"| Left | Right | a column with words |\n|:--|--:|---|\n| 1 | 22 | some words more |\n\n> a quote that is long, too\n\n"+
		"<https://example.com> https://example.com [https://example.com](https://example.com) ![pic](p.png) \\*a\\* &amp; &#27;[2J ~~gone~~\n",
		Look{Width: 21, Colors: colorprofile.NoTTY})
	const want = `10. a long item of a
    list that wraps
    • and one in it
      that wraps too

Left │ Right │ a
     │       │ column
     │       │ with
     │       │ words
─────┼───────┼───────
1    │    22 │ some
     │       │ words
     │       │ more

│ a quote that is
│ long, too

https://example.com
https://example.com
https://example.com
[image] pic (p.png)
*a* & [2J gone`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestStyles(t *testing.T) {
	got := Render("**bold *both*** `code`\n\n```go\nreturn 1 // one\n```\n", Look{Width: 40, Colors: colorprofile.ANSI})
	const want = "\x1b[1mbold \x1b[3mboth\x1b[23m\x1b[22m \x1b[35mcode\x1b[39m\n\n  \x1b[34mreturn\x1b[39m \x1b[36m1\x1b[39m \x1b[2m// one\x1b[22m"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// However a text is cut, what is seen at its end is the same, and it was given out block by block.
func TestCutAnywhere(t *testing.T) {
	want, _ := written(t, sample, len(sample))
	for n := 1; n < 40; n++ {
		got, pieces := written(t, sample, n)
		if got != want {
			t.Fatalf("in pieces of %d characters:\n%s\nwant\n%s", n, got, want)
		}
		if pieces < 8 {
			t.Errorf("in pieces of %d characters, only %d were given out", n, pieces)
		}
	}
}

// What is given out cannot be taken back: no line may be before it is certain what it is.
func TestWaitsForTheEndOfABlock(t *testing.T) {
	for _, tc := range []struct{ text, more, want string }{
		{"a paragraph\n#", "hashtag\n", "a paragraph\n#hashtag"}, // no heading
		{"a paragraph\n-", "--\n", "## a paragraph"},             // a heading, though a list could begin
		{"| a | b |\n", "|---|---|\n| 1 | 2 |\n", "│ b"},         // a table
		{"- a\n\n", "  b\n", "• a\n\n  b"},                       // one item
		{"```\na\n\nb\n", "c\n```\n", "  a\n\n  b\n  c"},         // one block of code
	} {
		s := newStream(t, 40)
		for _, r := range tc.text {
			if done := s.Write(string(r)); done != "" {
				t.Errorf("%q gave out %q", tc.text, done)
			}
		}
		if s.Tail() == "" {
			t.Errorf("%q is not shown", tc.text)
		}
		got := s.Write(tc.more) + s.Close()
		if !strings.Contains(got, tc.want) {
			t.Errorf("%q and %q are shown as %q, want %q", tc.text, tc.more, got, tc.want)
		}
	}
}

func TestNothingCommandsTheTerminal(t *testing.T) {
	got, _ := written(t, "a\x1b]0;title\a b\x1b[2J\n\n`\x1b[31m`\n\n```\n\x9b\x1bc\n```\n", 1)
	if strings.ContainsAny(got, "\x1b\x07\u009b") {
		t.Errorf("%q", got)
	}
}

// A line that ends on the terminal's last column has a space more, which the terminal wraps: what erases the rest of the line would
// else erase its last character.
func TestLineAsWideAsTheTerminal(t *testing.T) {
	s := newStream(t, 20)
	s.Write("```\n" + strings.Repeat("x", 19) + "\n" + strings.Repeat("x", 18) + "\n```\n")
	for i, line := range strings.Split(s.Close(), "\n") {
		if w := ansi.StringWidth(line); w == 21 {
			t.Errorf("line %d is %d columns of a terminal with 21", i, w)
		}
	}
}

func FuzzStream(f *testing.F) {
	f.Add(sample, uint8(3))
	f.Add("- a\n\n1. b\n```\n", uint8(1))
	f.Add("[a]: b\n\n[a]\n\n| x |\n|-|\n", uint8(2))
	f.Add("a\n\n\x1b[2J\r\n\xff", uint8(1))
	f.Fuzz(func(t *testing.T, text string, n uint8) {
		if len(text) > 2000 {
			return
		}
		got, _ := written(t, text, int(n)+1)
		if strings.ContainsFunc(got, func(r rune) bool { return r < ' ' && r != '\n' }) {
			t.Errorf("%q is shown as %q", text, got)
		}
		s := newStream(t, 40)
		s.Write(text)
		s.Tail()
	})
}
