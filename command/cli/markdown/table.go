package markdown

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
	extast "github.com/yuin/goldmark/extension/ast"
)

const (
	columnLine = " │ "
	leastCell  = 4 // columns that a cell has, however narrow the terminal is
)

// table returns a table with its columns as wide as their cells, or narrower where the terminal is.
func (r *renderer) table(n *extast.Table, width int) []string {
	var rows [][]string
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []string
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			text := strings.ReplaceAll(r.inline(cell), "\n", " ")
			if row.Kind() == extast.KindTableHeader {
				text = bold.apply(text)
			}
			cells = append(cells, text)
		}
		rows = append(rows, cells)
	}
	widths := make([]int, len(n.Alignments))
	for _, cells := range rows {
		for i := range min(len(cells), len(widths)) {
			widths[i] = max(widths[i], ansi.StringWidth(cells[i]), 1)
		}
	}
	narrow(widths, width-len([]rune(columnLine))*(len(widths)-1))

	var lines []string
	for i, cells := range rows {
		lines = append(lines, tableRow(cells, widths, n.Alignments)...)
		if i == 0 {
			rule := make([]string, len(widths))
			for j, w := range widths {
				rule[j] = strings.Repeat("─", w)
			}
			lines = append(lines, faint.apply(strings.Join(rule, "─┼─")))
		}
	}
	return lines
}

// narrow makes the widest columns narrower, until all have no more than their total.
func narrow(widths []int, total int) {
	sum := 0
	for _, w := range widths {
		sum += w
	}
	for ; sum > total; sum-- {
		widest := 0
		for i, w := range widths {
			if w > widths[widest] {
				widest = i
			}
		}
		if len(widths) == 0 || widths[widest] <= leastCell {
			return
		}
		widths[widest]--
	}
}

// tableRow returns the lines of a row: as many as its highest cell has.
func tableRow(cells []string, widths []int, alignments []extast.Alignment) []string {
	columns, height := make([][]string, len(widths)), 1
	for i := range min(len(cells), len(widths)) {
		columns[i] = wrap(cells[i], widths[i])
		height = max(height, len(columns[i]))
	}
	lines := make([]string, height)
	for l := range lines {
		parts := make([]string, len(widths))
		for i, w := range widths {
			text := ""
			if l < len(columns[i]) {
				text = columns[i][l]
			}
			space := max(w-ansi.StringWidth(text), 0)
			left := 0
			switch alignments[i] {
			case extast.AlignRight:
				left = space
			case extast.AlignCenter:
				left = space / 2
			case extast.AlignLeft, extast.AlignNone:
			}
			parts[i] = strings.Repeat(" ", left) + text + strings.Repeat(" ", space-left)
		}
		lines[l] = strings.TrimRight(strings.Join(parts, faint.apply(columnLine)), " ")
	}
	return lines
}
