package markdown

import (
	"strconv"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/alecthomas/chroma/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
)

// renderer makes lines of a parsed text. Styles are those that every terminal has, in its own colors: they can be read on a dark and
// on a light background.
type renderer struct {
	source []byte
	lexers map[string]chroma.Lexer // by language; nil for one that is not known
}

const (
	codeIndent = "  "
	quoteMark  = "│ "
	bullet     = "• "
)

// blocks returns the lines of the blocks in a node. Blocks that are apart have a blank line between them.
func (r *renderer) blocks(parent ast.Node, width int, apart bool) []string {
	var lines []string
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		block := r.block(n, max(width, minWidth))
		if len(block) == 0 {
			continue
		}
		if apart && len(lines) > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, block...)
	}
	return lines
}

func (r *renderer) block(n ast.Node, width int) []string {
	switch n := n.(type) {
	case *ast.Heading:
		return r.heading(n, width)
	case *ast.Blockquote:
		return prefixed(r.blocks(n, width-len([]rune(quoteMark)), true), faint.apply(quoteMark), faint.apply(quoteMark))
	case *ast.List:
		return r.list(n, width)
	case *ast.FencedCodeBlock:
		return prefixed(highlighted(r.lexer(string(n.Language(r.source))), r.raw(n)), codeIndent, codeIndent)
	case *ast.CodeBlock:
		return prefixed(r.raw(n), codeIndent, codeIndent)
	case *ast.ThematicBreak:
		return []string{faint.apply(strings.Repeat("─", min(width, 40)))}
	case *ast.HTMLBlock:
		lines := r.raw(n)
		if n.HasClosure() {
			lines = append(lines, strings.TrimRight(string(n.ClosureLine.Value(r.source)), "\n"))
		}
		return lines
	case *extast.Table:
		return r.table(n, width)
	}
	return wrap(r.inline(n), width) // a paragraph, or the text of a list's item
}

func (r *renderer) heading(n *ast.Heading, width int) []string {
	s := bold
	if n.Level <= 2 {
		s = heading
	}
	mark := strings.Repeat("#", n.Level) + " "
	return prefixed(wrap(s.apply(r.inline(n)), width-len(mark)), faint.apply(mark), strings.Repeat(" ", len(mark)))
}

func (r *renderer) list(n *ast.List, width int) []string {
	var lines []string
	number := n.Start
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		mark := bullet
		if n.IsOrdered() {
			mark = strconv.Itoa(number) + string(n.Marker) + " "
			number++
		}
		indent := ansi.StringWidth(mark)
		body := r.blocks(item, width-indent, !n.IsTight)
		if len(body) == 0 {
			body = []string{""}
		}
		if !n.IsTight && len(lines) > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, prefixed(body, mark, strings.Repeat(" ", indent))...)
	}
	return lines
}

// raw returns the lines of a block that is shown as it was written.
func (r *renderer) raw(n ast.Node) []string {
	lines := make([]string, 0, n.Lines().Len())
	for _, segment := range n.Lines().Sliced(0, n.Lines().Len()) {
		lines = append(lines, strings.ReplaceAll(strings.TrimRight(string(segment.Value(r.source)), "\n"), "\t", "    "))
	}
	return lines
}

// prefixed puts one text before the first line and another before the rest. Lines that stay empty have none.
func prefixed(lines []string, first, rest string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		mark := rest
		if i == 0 {
			mark = first
		}
		if out[i] = mark + line; line == "" {
			out[i] = strings.TrimRight(mark, " ")
		}
	}
	return out
}

// wrap breaks styled text into lines.
func wrap(s string, width int) []string {
	if s = strings.Trim(s, "\n"); s == "" {
		return nil
	}
	lines := strings.Split(lipgloss.Wrap(strings.ReplaceAll(s, "\t", "    "), width, ""), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return lines
}

// fit gives a line that ends in the terminal's last column one space more, with which the terminal goes on to its next row: what
// erases the rest of the line would else erase that column. Only code and tables are that long; longer lines are the terminal's to
// break, so that they can be copied whole.
func fit(line string, width int) string {
	if used := ansi.StringWidth(line); used > 0 && used%(width+1) == 0 {
		return line + " "
	}
	return line
}
