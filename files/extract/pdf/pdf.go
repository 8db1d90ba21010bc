// Package pdf takes the text out of PDF files (ISO 32000-1), page by page and in the order it is drawn.
//
// The files are strangers'. So nothing here follows what a file claims: objects are found by one pass over the bytes
// instead of by cross-reference tables, which also reads damaged files; nesting, counts, decoded bytes and drawn
// operators are bounded; nothing recurses without a limit, since a stack that overflows ends the process.
package pdf

import (
	"context"
	"errors"
	"fmt"
	"io"
)

var (
	// ErrMalformed is a file that is no PDF, or one without pages.
	ErrMalformed = errors.New("not a readable PDF")
	// ErrEncrypted is a file that cannot be read without a password or a key.
	ErrEncrypted = errors.New("the PDF is encrypted")
	// ErrNoText is a file with pages but no text on them, as scanners make it.
	ErrNoText = errors.New("the PDF holds no text, only images or drawings")
	// ErrLimit is a file that needs more work than is allowed.
	ErrLimit = errors.New("the PDF exceeds the limits of extraction")
)

const (
	maxObjects = 1 << 20
	maxPages   = 10_000
	maxNesting = 64
	maxForms   = 8
	maxStates  = 256
)

// bounds are what a whole file may cost.
type bounds struct {
	decoded   int // bytes that all streams together decode to
	operators int // drawing operators of all pages, forms drawn repeatedly included
	glyphs    int // characters drawn
}

var defaultBounds = bounds{decoded: 96 << 20, operators: 10 << 20, glyphs: 32 << 20}

// Text writes the text of the PDF in data to w. It stops with w's error, with ctx's when ctx ends, or with one of this
// package's. What was written before an error stands.
func Text(ctx context.Context, data []byte, w io.Writer) error {
	return write(ctx, data, w, defaultBounds)
}

func write(ctx context.Context, data []byte, w io.Writer, most bounds) error {
	f := &file{ctx: ctx, data: data, left: most}
	if err := f.load(); err != nil {
		return err
	}
	pages, err := f.pages()
	if err != nil {
		return err
	}
	if len(pages) == 0 {
		return fmt.Errorf("%w: it has no pages", ErrMalformed)
	}
	p := &painter{file: f, fonts: make(map[int]*font)}
	anyText := false
	for i, page := range pages {
		text, err := p.page(page)
		if text != "" {
			anyText = true
			if len(pages) > 1 {
				text = fmt.Sprintf("[Page %d]\n%s", i+1, text)
			}
			if _, err := io.WriteString(w, text+"\n\n"); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
	if !anyText {
		return ErrNoText
	}
	return nil
}
