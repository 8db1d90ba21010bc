package extract

import (
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/files/extract/budget"
)

// spreadsheet writes an XLSX sheet by sheet as comma-separated rows, as the cells' stored values: dates as ISO dates,
// formulas as their last result (ECMA-376, part 1, 18). Sheets are read as a stream, so that memory is bounded by the
// shared strings and the text wanted.
func spreadsheet(in *input, out *output) error {
	a, err := openArchive(in)
	if err != nil {
		return err
	}
	book := workbook{archive: a, shared: sharedStrings{budget: in.budget}}
	if err := book.load(); err != nil {
		return err
	}
	if len(book.sheets) == 0 {
		return fmt.Errorf("%w: no sheets in it", ErrMalformed)
	}
	for i, s := range book.sheets {
		if i > 0 {
			if _, err := out.WriteString("\n"); err != nil {
				return err
			}
		}
		if _, err := out.WriteString("# Sheet: " + s.name + "\n\n"); err != nil {
			return err
		}
		if err := book.writeSheet(s.part, out); err != nil {
			return err
		}
	}
	return nil
}

const (
	maxSheets = 1000
	// These bound what is kept of a workbook besides the row at hand. Excel's own bounds: 1,048,576 rows in a sheet, a
	// few hundred formats of 255 characters, 65,490 cell styles, 31 characters in a sheet's name.
	maxShared  = 1 << 20
	maxFormats = 10_000
	maxFormat  = 1 << 10
	maxStyles  = 1 << 16
	maxName    = 1 << 10
	// maxColumn is where a row ends, for cells that say they stand further right.
	maxColumn = 16_384
	// maxGap bounds the empty cells written between two others; the rest of a gap is left out.
	maxGap = 256
)

type sheet struct{ name, part string }

type workbook struct {
	*archive
	sheets   []sheet
	shared   sharedStrings
	dates    []dateKind // by cell style
	date1904 bool
}

type dateKind uint8

const (
	noDate dateKind = iota
	dateOnly
	timeOnly
	dateTime
)

func (b *workbook) load() error {
	targets := make(map[string]string)
	err := b.eachToken("xl/_rels/workbook.xml.rels", func(t xml.Token) error {
		if e, ok := t.(xml.StartElement); ok && e.Name.Local == "Relationship" && len(targets) < maxSheets {
			target := attr(e, "Target")
			if !strings.HasPrefix(target, "/") {
				target = path.Join("xl", target)
			}
			if id := attr(e, "Id"); len(id) <= maxName && len(target) <= maxName {
				targets[id] = strings.TrimPrefix(target, "/")
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = b.eachToken("xl/workbook.xml", func(t xml.Token) error {
		e, ok := t.(xml.StartElement)
		switch {
		case !ok:
		case e.Name.Local == "workbookPr":
			v := attr(e, "date1904")
			b.date1904 = v == "1" || v == "true"
		case e.Name.Local == "sheet" && len(b.sheets) < maxSheets:
			var id string
			for _, at := range e.Attr {
				// r:id, beside the sheetId that is another number.
				if at.Name.Space != "" && at.Name.Local == "id" {
					id = at.Value
				}
			}
			hidden := strings.HasSuffix(strings.ToLower(attr(e, "state")), "hidden")
			if part := targets[id]; b.parts[part] != nil && !hidden {
				name := attr(e, "name")
				b.sheets = append(b.sheets, sheet{strings.Clone(name[:min(len(name), maxName)]), part})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := b.loadShared(); err != nil {
		return err
	}
	return b.loadStyles()
}

func (b *workbook) loadShared() error {
	var s strings.Builder
	var inText bool
	phonetic := 0
	return b.eachToken("xl/sharedStrings.xml", func(t xml.Token) error {
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "si":
				s.Reset()
			case "t":
				inText = true
			case "rPh":
				phonetic++
			}
		case xml.EndElement:
			switch t.Name.Local {
			case "si":
				err := b.shared.add(s.String())
				if errors.Is(err, errShared) {
					return fmt.Errorf("%w: more than %d shared strings, or %d MiB of them", ErrLimit, maxShared, budget.MaxMemory>>20)
				}
				return err
			case "t":
				inText = false
			case "rPh":
				phonetic--
			}
		case xml.CharData:
			if inText && phonetic == 0 && s.Len() < maxCell {
				s.Write(t)
			}
		}
		return nil
	})
}

// loadStyles finds out which cell styles show a number as a date or time.
func (b *workbook) loadStyles() error {
	custom := make(map[string]string)
	inCells := false
	return b.eachToken("xl/styles.xml", func(t xml.Token) error {
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "numFmt":
				if len(custom) == maxFormats {
					return fmt.Errorf("%w: more than %d number formats", ErrLimit, maxFormats)
				}
				if id, code := attr(t, "numFmtId"), attr(t, "formatCode"); len(id) <= maxFormat && len(code) <= maxFormat {
					custom[id] = code
				}
			case "cellXfs":
				inCells = true
			case "xf":
				if inCells && len(b.dates) < maxStyles {
					id := attr(t, "numFmtId")
					b.dates = append(b.dates, dateKindOf(id, custom[id]))
				}
			}
		case xml.EndElement:
			if t.Name.Local == "cellXfs" {
				inCells = false
			}
		}
		return nil
	})
}

// dateKindOf knows the built-in formats (18.8.30) and reads the codes of the others.
func dateKindOf(id, code string) dateKind {
	if n, err := strconv.Atoi(id); err == nil && code == "" {
		switch {
		case n >= 14 && n <= 17, n >= 27 && n <= 31, n == 36, n >= 50 && n <= 54, n >= 57 && n <= 58:
			return dateOnly
		case n >= 18 && n <= 21, n >= 32 && n <= 35, n >= 45 && n <= 47, n >= 55 && n <= 56:
			return timeOnly
		case n == 22:
			return dateTime
		}
		return noDate
	}
	var date, clock bool
	quoted, bracket := false, false
	for i := 0; i < len(code); i++ {
		switch c := code[i] | 0x20; {
		case code[i] == '"':
			quoted = !quoted
		case quoted:
		case code[i] == '\\', code[i] == '_', code[i] == '*':
			i++
		case code[i] == '[':
			bracket = true
		case code[i] == ']':
			bracket = false
		case bracket:
			// [h] counts hours; [Red] and [$-409] do not.
			clock = clock || c == 'h' && i > 0 && code[i-1] == '['
		case c == 'y', c == 'd':
			date = true
		case c == 'h', c == 's':
			clock = true
		case code[i] == ';':
			i = len(code)
		}
	}
	switch {
	case date && clock:
		return dateTime
	case date:
		return dateOnly
	case clock:
		return timeOnly
	}
	return noDate
}

// cell is the cell being read.
type cell struct {
	column int
	kind   string
	style  int
	value  strings.Builder
	inText bool
	inRich int
}

func (b *workbook) writeSheet(part string, out *output) error {
	w := csv.NewWriter(out)
	var row []string
	size := 0 // of row, in bytes
	var c cell
	err := b.eachToken(part, func(t xml.Token) error {
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "row":
				row, size = row[:0], 0
			case "c":
				c.column = columnOf(attr(t, "r"), len(row))
				c.kind = attr(t, "t")
				c.style, _ = strconv.Atoi(attr(t, "s"))
				c.value.Reset()
			case "v", "t":
				c.inText = c.inRich == 0
			case "rPh":
				c.inRich++
			}
		case xml.CharData:
			if c.inText && c.value.Len() < maxCell {
				c.value.Write(t)
			}
		case xml.EndElement:
			switch t.Name.Local {
			case "v", "t":
				c.inText = false
			case "rPh":
				c.inRich = max(0, c.inRich-1)
			case "c":
				// What is above the text wanted would be cut off anyway.
				if c.column >= maxColumn || len(row) >= maxColumn || c.value.Len() == 0 || size > out.limit {
					return nil
				}
				for range min(c.column-len(row), maxGap) {
					row = append(row, "")
				}
				value := b.text(&c)
				size += len(value) + 1
				row = append(row, value)
				return b.in.budget.Step(len(value)/2 + 16)
			case "row":
				if len(row) == 0 {
					return nil
				}
				if err := w.Write(row); err != nil {
					return err
				}
				w.Flush()
				return w.Error()
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.Flush()
	return w.Error()
}

// columnOf is the column, from 0, of a reference such as BC12; next if there is none.
func columnOf(ref string, next int) int {
	n := 0
	for i := 0; i < len(ref) && ref[i] >= 'A' && ref[i] <= 'Z' && n < maxColumn; i++ {
		n = n*26 + int(ref[i]-'A') + 1
	}
	if n == 0 {
		return next
	}
	return n - 1
}

func (b *workbook) text(c *cell) string {
	v := c.value.String()
	switch c.kind {
	case "s":
		if i, err := strconv.Atoi(strings.TrimSpace(v)); err == nil {
			return b.shared.get(i)
		}
		return ""
	case "b":
		if strings.TrimSpace(v) == "1" {
			return "TRUE"
		}
		return "FALSE"
	case "", "n":
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		if err != nil {
			return v
		}
		if c.style >= 0 && c.style < len(b.dates) && b.dates[c.style] != noDate {
			return b.date(f, b.dates[c.style])
		}
		// As stored, 0.1 may be 0.10000000000000001.
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return v
}

// date writes a serial day number: days from the epoch on, fractions the time of day (18.17.4).
func (b *workbook) date(f float64, kind dateKind) string {
	// Excel's own bounds; outside them the number is no date.
	if f < 0 || f >= 2_958_466 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	// Before March 1900 the numbers are one off, since Excel takes 1900 for a leap year.
	epoch := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	switch {
	case b.date1904:
		epoch = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	case f >= 1 && f < 60:
		epoch = epoch.AddDate(0, 0, 1)
	}
	days := int(f)
	t := epoch.AddDate(0, 0, days).Add(time.Duration((f - float64(days)) * float64(24*time.Hour))).Round(time.Second)
	switch kind {
	case dateOnly:
		return t.Format(time.DateOnly)
	case timeOnly:
		if days > 0 {
			// A duration above a day.
			return strconv.Itoa(days*24+t.Hour()) + t.Format(":04:05")
		}
		return t.Format(time.TimeOnly)
	default:
		return t.Format(time.DateTime)
	}
}
