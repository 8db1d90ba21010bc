package terminal

import (
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// On a narrow terminal the line has less, and never more than fits.
func TestProgressLine(t *testing.T) {
	p := &Progress{name: "report.pdf"}
	for width, want := range map[int]string{
		100: "report.pdf  ██████████░░░░░░░░░░   50%  10 MiB of 20 MiB  2.0 MiB/s  5.0 s left",
		60:  "report.pdf   50%  10 MiB of 20 MiB  2.0 MiB/s  5.0 s left",
		50:  "report.pdf   50%  10 MiB of 20 MiB  5.0 s left",
		39:  " 50%  10 MiB of 20 MiB  5.0 s left",
		10:  " 50%  10 M",
	} {
		got := p.line(10<<20, 20<<20, 5*time.Second, width)
		if got != want || ansi.StringWidth(got) > width {
			t.Errorf("%d columns: %q, want %q", width, got, want)
		}
	}
	if got := p.line(10<<20, -1, 5*time.Second, 80); got != "report.pdf  10 MiB  2.0 MiB/s" {
		t.Errorf("of unknown size: %q", got)
	}
}

func TestTable(t *testing.T) {
	table := Table{Header: []string{"NAME", "SIZE"}, Right: []bool{false, true}, Rows: [][]string{{"日本", "1"}, {"a\x1b[2J\nb", "22"}, {"c"}}}
	for width, want := range map[int]string{
		0:  "日本     1\na[2J b  22\nc\n",
		40: "NAME    SIZE\n日本       1\na[2J b    22\nc\n",
		11: "日本\n  size  1\na[2J b\n  size  22\nc\n",
	} {
		if got := table.Text(width); got != want {
			t.Errorf("%d columns: %q, want %q", width, got, want)
		}
	}
}
