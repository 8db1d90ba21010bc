package terminal

import (
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Table is rows of cells, the first of which names its row.
type Table struct {
	Header []string
	Right  []bool // columns of numbers, which stand at the right
	Rows   [][]string
}

// gap is the space between columns.
const gap = 2

// Write writes the table as Text has it for what it is written to.
func (t *Table) Write(w io.Writer) error {
	width := 0
	if Is(w) {
		width = Width(w)
	}
	_, err := io.WriteString(w, t.Text(width))
	return err
}

// Text returns the table for a terminal of that width. It has its header there, and where it is wider, each row is a block of lines, a
// cell a line. Without a terminal, which is a width of 0, it is a line a row and has no header: that is what scripts read.
func (t *Table) Text(width int) string {
	rows := make([][]string, 0, len(t.Rows)+1)
	if width > 0 {
		rows = append(rows, t.Header)
	}
	for _, r := range t.Rows {
		cells := make([]string, len(t.Header))
		for i := range cells {
			if i < len(r) {
				cells[i] = strings.ReplaceAll(Printable(r[i]), "\n", " ")
			}
		}
		rows = append(rows, cells)
	}
	widths, total := make([]int, len(t.Header)), -gap
	for i := range widths {
		for _, r := range rows {
			widths[i] = max(widths[i], ansi.StringWidth(r[i]))
		}
		total += widths[i] + gap
	}
	var b strings.Builder
	if width > 0 && total > width {
		t.blocks(&b, rows[1:])
		return b.String()
	}
	for _, r := range rows {
		t.line(&b, r, widths)
	}
	return b.String()
}

func (t *Table) right(i int) bool { return i < len(t.Right) && t.Right[i] }

func (t *Table) line(b *strings.Builder, cells []string, widths []int) {
	var line strings.Builder
	for i, cell := range cells {
		fill := strings.Repeat(" ", widths[i]-ansi.StringWidth(cell))
		if t.right(i) {
			line.WriteString(fill + cell)
		} else {
			line.WriteString(cell + fill)
		}
		line.WriteString(strings.Repeat(" ", gap))
	}
	b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}

// blocks writes each row as a line with its name, and a line for each other cell that has something.
func (t *Table) blocks(b *strings.Builder, rows [][]string) {
	widest := 0
	for _, h := range t.Header[1:] {
		widest = max(widest, ansi.StringWidth(h))
	}
	for _, r := range rows {
		b.WriteString(r[0] + "\n")
		for i, cell := range r[1:] {
			if cell != "" {
				fmt.Fprintf(b, "  %-*s  %s\n", widest, strings.ToLower(t.Header[i+1]), cell)
			}
		}
	}
}
