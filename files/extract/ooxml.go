package extract

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
)

// maxZipEntries bounds a zip's directory.
const maxZipEntries = 10_000

// archive is a zip whose parts are read within one bound.
type archive struct {
	ctx    context.Context //nolint:containedctx // lives as long as one call of Text
	parts  map[string]*zip.File
	unread int64
}

func openArchive(in *input) (*archive, error) {
	b, err := in.all()
	if err != nil {
		return nil, err
	}
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		if bytes.HasPrefix(b, []byte("\xD0\xCF\x11\xE0")) {
			// A compound file: what Office makes of a document with a password.
			return nil, fmt.Errorf("%w: the document is encrypted, or of an older format", ErrUnsupported)
		}
		return nil, fmt.Errorf("%w: not a zip archive: %w", ErrMalformed, err)
	}
	if len(z.File) > maxZipEntries {
		return nil, fmt.Errorf("%w: a zip archive of %d entries", ErrLimit, len(z.File))
	}
	a := &archive{ctx: in.ctx, parts: make(map[string]*zip.File, len(z.File)), unread: in.limits.Unpacked}
	for _, f := range z.File {
		a.parts[strings.TrimPrefix(f.Name, "/")] = f
	}
	return a, nil
}

// open reads one part; a missing one is nil.
func (a *archive) open(name string) (io.ReadCloser, error) {
	f := a.parts[name]
	if f == nil {
		return nil, nil
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrMalformed, name, err)
	}
	return &partOfArchive{a, r}, nil
}

type partOfArchive struct {
	a *archive
	io.ReadCloser
}

func (p *partOfArchive) Read(b []byte) (int, error) {
	if err := p.a.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := p.ReadCloser.Read(b)
	if p.a.unread -= int64(n); p.a.unread < 0 {
		return 0, fmt.Errorf("%w: it unpacks to too much", ErrLimit)
	}
	return n, err
}

// eachToken calls f for the tokens of an XML part. Text is only valid during the call.
func (a *archive) eachToken(name string, f func(t xml.Token) error) error {
	r, err := a.open(name)
	if err != nil || r == nil {
		return err
	}
	defer func() { _ = r.Close() }()
	d := xml.NewDecoder(r)
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	for {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		switch {
		case err == nil:
		case a.ctx.Err() != nil, errors.Is(err, ErrLimit):
			return err
		default:
			return fmt.Errorf("%w: %s: %w", ErrMalformed, name, err)
		}
		if err := f(t); err != nil {
			return err
		}
	}
}

// wordDocument gives a DOCX's text: paragraphs, headings by their style, list items, tables row by row, notes
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
			w.row = w.row[:0]
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
		if w.tables == 1 && len(w.row) < maxColumns {
			w.row = append(w.row, w.cell.String())
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

// maxColumns bounds a table's width; Excel's own bound is 16,384.
const maxColumns = 16_384

// attr is the value of an attribute, whatever its prefix.
func attr(t xml.StartElement, local string) string {
	for _, a := range t.Attr {
		if a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}

// presentation gives a PPTX's text, slide by slide.
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
