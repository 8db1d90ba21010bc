package markdown

import (
	"strings"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/lexers"
	"github.com/charmbracelet/x/ansi"
	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/util"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/terminal"
)

// style is the parameters of an SGR sequence, and those that end it. Each ends only what it began, so styles nest.
type style struct{ begin, end string }

var (
	bold      = style{"1", "22"}
	faint     = style{"2", "22"}
	italic    = style{"3", "23"}
	underline = style{"4", "24"}
	struck    = style{"9", "29"}
	heading   = style{"1;4", "22;24"}
	code      = style{"35", "39"} // magenta, which is readable on every background
)

func (s style) apply(text string) string {
	if text == "" || s.begin == "" {
		return text
	}
	return "\x1b[" + s.begin + "m" + text + "\x1b[" + s.end + "m"
}

// inline returns the text in a block, with its styles.
func (r *renderer) inline(parent ast.Node) string {
	var b strings.Builder
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		b.WriteString(r.span(n))
	}
	return b.String()
}

func (r *renderer) span(n ast.Node) string {
	switch n := n.(type) {
	case *ast.Text:
		text := string(n.Value(r.source))
		if !n.IsRaw() {
			text = unescaped(text)
		}
		if n.SoftLineBreak() || n.HardLineBreak() { // both: the lines of a poem or an address are written as lines
			text += "\n"
		}
		return text
	case *ast.String:
		return string(n.Value)
	case *ast.CodeSpan:
		return code.apply(r.inline(n))
	case *ast.Emphasis:
		if n.Level >= 2 {
			return bold.apply(r.inline(n))
		}
		return italic.apply(r.inline(n))
	case *extast.Strikethrough:
		return struck.apply(r.inline(n))
	case *extast.TaskCheckBox:
		if n.IsChecked {
			return "[x] "
		}
		return "[ ] "
	case *ast.AutoLink:
		return underline.apply(string(n.URL(r.source)))
	case *ast.Link:
		return r.link(r.inline(n), string(n.Destination))
	case *ast.Image:
		return r.link("[image] "+r.inline(n), string(n.Destination))
	case *ast.RawHTML:
		var b strings.Builder
		for i := range n.Segments.Len() {
			segment := n.Segments.At(i)
			b.Write(segment.Value(r.source))
		}
		return b.String()
	}
	return r.inline(n)
}

// link returns a link's text, and where it leads unless the text is that.
func (r *renderer) link(text, destination string) string {
	if destination == "" || ansi.Strip(text) == strings.TrimPrefix(destination, "mailto:") {
		return underline.apply(text)
	}
	return underline.apply(text) + faint.apply(" ("+destination+")")
}

// maxLanguages bounds the languages that a text's code is looked up by.
const maxLanguages = 64

// lexer returns the lexer of a language; nil if there is none. To find that out takes long, so it is done once.
func (r *renderer) lexer(language string) chroma.Lexer {
	if language == "" {
		return nil
	}
	l, known := r.lexers[language]
	if !known && len(r.lexers) < maxLanguages {
		if l = lexers.Get(language); l != nil {
			l = chroma.Coalesce(l)
		}
		r.lexers[language] = l
	}
	return l
}

// highlighted returns lines of code with the styles of their language, if it is known.
func highlighted(lexer chroma.Lexer, lines []string) []string {
	if lexer == nil {
		return lines
	}
	tokens, err := lexer.Tokenise(nil, strings.Join(lines, "\n"))
	if err != nil {
		return lines
	}
	out := make([]string, 0, len(lines))
	for _, line := range chroma.SplitTokensIntoLines(tokens.Tokens()) {
		var b strings.Builder
		for _, t := range line {
			text, newline := strings.CutSuffix(t.Value, "\n")
			if b.WriteString(styleOf(t.Type).apply(text)); newline {
				break
			}
		}
		out = append(out, b.String())
	}
	return out[:min(len(out), len(lines))] // some lexers add a line break at the end
}

// styleOf is the style of a token. The colors are the terminal's own.
func styleOf(t chroma.TokenType) style {
	switch {
	case t.InCategory(chroma.Comment):
		return faint
	case t.InCategory(chroma.Keyword), t == chroma.NameTag:
		return style{"34", "39"} // blue
	case t.InSubCategory(chroma.LiteralString):
		return style{"32", "39"} // green
	case t.InSubCategory(chroma.LiteralNumber), t == chroma.NameConstant:
		return style{"36", "39"} // cyan
	case t == chroma.GenericDeleted:
		return style{"31", "39"} // red
	case t == chroma.GenericInserted:
		return style{"32", "39"}
	}
	return style{}
}

// unescaped returns a text without Markdown's backslashes, and with the characters that entities name.
func unescaped(text string) string {
	if !strings.ContainsAny(text, `\&`) {
		return text
	}
	b := util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations([]byte(text))))
	return terminal.Printable(string(b)) // an entity may name what commands the terminal
}
