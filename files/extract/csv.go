package extract

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
)

const (
	// maxCell bounds what is shown of one cell, in bytes.
	maxCell = 16 << 10
	// sniffRows is how many rows are looked at to tell the separator.
	sniffRows = 20
)

// separators, the likelier first.
var separators = []rune{',', ';', '\t', '|'}

// commaSeparated gives a table as comma-separated rows, its header first, whatever its own separator is, and its quoted
// newlines kept. What is no table is given as it is.
func commaSeparated(in *input, out *output) error {
	b, more, err := in.prefix(out.limit)
	if err != nil {
		return err
	}
	out.truncated = more
	sep := separatorOf(b)
	if strings.HasPrefix(bareOf(in.mediaType), "text/tab-") {
		sep = '\t'
	}
	// Excel's own hint for itself, which is not a row.
	if first, rest, ok := bytes.Cut(b, []byte("\n")); ok && len(first) == 5 && bytes.HasPrefix(first, []byte("sep=")) {
		sep, b = rune(first[4]), rest
	}
	cells := &cellCounter{r: bytes.NewReader(b), sep: byte(sep)}
	rows := csvReader(cells, sep)
	w := csv.NewWriter(out)
	for {
		cells.n = 0
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			if more && !errors.Is(err, errWide) {
				break // the last row is cut
			}
			w.Flush()
			_, err = out.Write(b[min(len(b), int(rows.InputOffset())):])
			return err
		}
		if err := in.budget.Step(len(row) * 8); err != nil {
			return err
		}
		for i, cell := range row {
			if len(cell) > maxCell {
				row[i] = cell[:maxCell] + "…"
			}
		}
		if err := w.Write(row); err != nil {
			return err
		}
		if w.Flush(); w.Error() != nil {
			return w.Error()
		}
	}
	w.Flush()
	return w.Error()
}

// maxCells bounds one row: its cells take many times their bytes in memory. Excel has at most 16,384 columns.
const maxCells = 128 << 10

var errWide = errors.New("a row of too many cells")

// cellCounter counts separators on their way to a reader of rows, and ends with errWide where there are too many between
// two rows. The reader reads ahead, so the count is not exact.
type cellCounter struct {
	r   io.Reader
	sep byte
	n   int
}

func (c *cellCounter) Read(p []byte) (int, error) {
	if c.n > maxCells {
		return 0, errWide
	}
	n, err := c.r.Read(p)
	c.n += bytes.Count(p[:n], []byte{c.sep})
	return n, err
}

func csvReader(b io.Reader, sep rune) *csv.Reader {
	r := csv.NewReader(b)
	r.Comma = sep
	r.FieldsPerRecord = -1
	r.LazyQuotes = true
	r.ReuseRecord = true
	return r
}

// separatorOf is the separator that cuts the first rows into the same number of cells most often, more cells before
// fewer; a comma if none cuts them at all.
func separatorOf(b []byte) rune {
	b = b[:min(len(b), 64<<10)]
	best, bestScore := ',', 0
	for _, sep := range separators {
		rows := csvReader(bytes.NewReader(b), sep)
		counts := make(map[int]int)
		for range sniffRows {
			row, err := rows.Read()
			if err != nil {
				break
			}
			counts[len(row)]++
		}
		for cells, n := range counts {
			if score := n*1000 + min(cells, 999); cells > 1 && score > bestScore {
				best, bestScore = sep, score
			}
		}
	}
	return best
}
