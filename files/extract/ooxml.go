package extract

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
)

// maxZipEntries bounds a zip's directory.
const maxZipEntries = 10_000

// maxDirectory bounds the bytes read for a zip's directory, which says itself how many entries it has, and may lie.
const maxDirectory = 2 << 20

// archive is a zip whose parts are read within the budget.
type archive struct {
	in    *input
	parts map[string]*zip.File
}

func openArchive(in *input) (*archive, error) {
	b, err := in.all()
	if err != nil {
		return nil, err
	}
	directory := &directoryReader{r: bytes.NewReader(b), left: maxDirectory}
	z, err := zip.NewReader(directory, int64(len(b)))
	if err != nil {
		switch {
		case directory.left < 0:
			return nil, fmt.Errorf("%w: the directory of the zip archive has more than %d MiB", ErrLimit, maxDirectory>>20)
		case bytes.HasPrefix(b, []byte("\xD0\xCF\x11\xE0")):
			// A compound file: what Office makes of a document with a password.
			return nil, fmt.Errorf("%w: the document is encrypted, or of an older format", ErrUnsupported)
		}
		return nil, fmt.Errorf("%w: not a zip archive: %w", ErrMalformed, err)
	}
	directory.left = math.MaxInt
	if len(z.File) > maxZipEntries {
		return nil, fmt.Errorf("%w: a zip archive of %d entries, at most %d are read", ErrLimit, len(z.File), maxZipEntries)
	}
	a := &archive{in: in, parts: make(map[string]*zip.File, len(z.File))}
	for _, f := range z.File {
		a.parts[strings.TrimPrefix(f.Name, "/")] = f
	}
	return a, in.budget.Step(len(z.File) * 64)
}

// directoryReader bounds what archive/zip reads while it looks for the entries.
type directoryReader struct {
	r    *bytes.Reader
	left int
}

func (d *directoryReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := d.r.ReadAt(p, off)
	if d.left -= n; d.left < 0 {
		return 0, errDirectory
	}
	return n, err
}

var errDirectory = errors.New("zip directory too large")

// partSteps is what opening a part costs: the tables of its decompression.
const partSteps = 4096

// open reads one part; a missing one is nil.
func (a *archive) open(name string) (io.ReadCloser, error) {
	f := a.parts[name]
	if f == nil {
		return nil, nil
	}
	if err := a.in.budget.Step(partSteps); err != nil {
		return nil, err
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrMalformed, name, err)
	}
	return r, nil
}

// eachToken calls f for the tokens of an XML part. Text is only valid during the call.
func (a *archive) eachToken(name string, f func(t xml.Token) error) error {
	r, err := a.open(name)
	if err != nil || r == nil {
		return err
	}
	defer func() { _ = r.Close() }()
	a.in.at = name
	tokens := newTokens(r, a.in.budget)
	for {
		t, err := tokens.next()
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			a.in.at = ""
			return nil
		case a.in.budget.Err() != nil:
			return err
		case errors.Is(err, errToken):
			return fmt.Errorf("%w: %s: %w", ErrLimit, name, err)
		default:
			return fmt.Errorf("%w: %s: %w", ErrMalformed, name, err)
		}
		if err := f(t); err != nil {
			return err
		}
	}
}

// wordDocument writes a DOCX's text: paragraphs, headings by their style, list items, tables row by row, notes
// (ECMA-376, part 1, 17).
func wordDocument(in *input, out *output) error {
	a, err := openArchive(in)
	if err != nil {
		return err
	}
	if a.parts["word/document.xml"] == nil {
		return fmt.Errorf("%w: no word/document.xml in it", ErrMalformed)
	}
	for _, part := range []string{"word/document.xml", "word/footnotes.xml", "word/endnotes.xml"} {
		w := wordText{out: out}
		if err := a.eachToken(part, w.token); err != nil {
			return err
		}
	}
	return nil
}

type wordText struct {
	out     *output
	para    strings.Builder
	prefix  string
	inText  bool
	deleted int
	tables  int
	row     []string
	rowSize int
	cell    strings.Builder
}

// maxParagraph bounds one paragraph or cell, in bytes.
const maxParagraph = 1 << 20

func (w *wordText) token(t xml.Token) error {
	switch t := t.(type) {
	case xml.StartElement:
		w.start(t)
	case xml.EndElement:
		return w.end(t.Name.Local)
	case xml.CharData:
		if w.inText && w.deleted == 0 {
			w.add(string(t))
		}
	}
	return nil
}

func (w *wordText) add(s string) {
	if w.para.Len() < maxParagraph {
		w.para.WriteString(s)
	}
}

func (w *wordText) start(t xml.StartElement) {
	switch t.Name.Local {
	case "t":
		w.inText = true
	case "tab":
		w.add("\t")
	case "br", "cr":
		w.add("\n")
	case "del", "moveFrom":
		w.deleted++
	case "pStyle":
		style := strings.ToLower(attr(t, "val"))
		if n, ok := strings.CutPrefix(style, "heading"); ok && len(n) == 1 && n[0] >= '1' && n[0] <= '6' {
			w.prefix = strings.Repeat("#", int(n[0]-'0')) + " "
		} else if style == "title" {
			w.prefix = "# "
		} else if strings.HasPrefix(style, "list") {
			w.prefix = "- "
		}
	case "numPr":
		if w.prefix == "" {
			w.prefix = "- "
		}
	case "tbl":
		w.tables++
	case "tr":
		if w.tables == 1 {
			w.row, w.rowSize = w.row[:0], 0
		}
	}
}

func (w *wordText) end(name string) error {
	switch name {
	case "t":
		w.inText = false
	case "del", "moveFrom":
		w.deleted = max(0, w.deleted-1)
	case "p":
		s := strings.TrimSpace(w.para.String())
		prefix := w.prefix
		w.para.Reset()
		w.prefix = ""
		if s == "" {
			return nil
		}
		if w.tables > 0 {
			if w.cell.Len() > 0 {
				w.cell.WriteByte(' ')
			}
			if w.cell.Len() < maxParagraph {
				w.cell.WriteString(s)
			}
			return nil
		}
		_, err := w.out.WriteString(prefix + s + "\n\n")
		return err
	case "tc":
		// What is above the text wanted would be cut off anyway.
		if w.tables == 1 && len(w.row) < maxColumns && w.rowSize <= w.out.limit {
			w.row = append(w.row, w.cell.String())
			w.rowSize += w.cell.Len() + cellOverhead
		}
		if w.tables == 1 {
			w.cell.Reset()
		}
	case "tr":
		if w.tables == 1 {
			_, err := w.out.WriteString(strings.Join(w.row, " | ") + "\n")
			return err
		}
	case "tbl":
		if w.tables = max(0, w.tables-1); w.tables == 0 {
			_, err := w.out.WriteString("\n")
			return err
		}
	}
	return nil
}

const (
	// maxColumns bounds a table's width; Excel's own bound is 16,384.
	maxColumns = 16_384
	// cellOverhead is what separates two cells.
	cellOverhead = len(" | ")
)

// attr is the value of an attribute, whatever its prefix.
func attr(t xml.StartElement, local string) string {
	for _, a := range t.Attr {
		if a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}

// presentation writes a PPTX's text, slide by slide.
func presentation(in *input, out *output) error {
	a, err := openArchive(in)
	if err != nil {
		return err
	}
	var slides []int
	for name := range a.parts {
		if n, ok := strings.CutPrefix(path.Base(name), "slide"); ok && path.Dir(name) == "ppt/slides" {
			if i, err := strconv.Atoi(strings.TrimSuffix(n, ".xml")); err == nil {
				slides = append(slides, i)
			}
		}
	}
	if len(slides) == 0 {
		return fmt.Errorf("%w: no slides in it", ErrMalformed)
	}
	slices.Sort(slides)
	for _, i := range slides {
		if _, err := fmt.Fprintf(out, "# Slide %d\n\n", i); err != nil {
			return err
		}
		w := wordText{out: out}
		if err := a.eachToken("ppt/slides/slide"+itoa(i)+".xml", w.token); err != nil {
			return err
		}
	}
	return nil
}

func itoa(n int) string { return strconv.Itoa(n) }
