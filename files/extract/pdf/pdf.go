// Package pdf takes the text out of PDF files (ISO 32000-1), page by page and in the order it is drawn.
//
// The files are strangers'. So nothing here follows what a file claims: objects are found by one pass over the bytes
// instead of by cross-reference tables, which also reads damaged files; nesting and counts are bounded; what is parsed,
// decoded and drawn is charged to a budget; nothing recurses without a limit, since a stack that overflows ends the
// process.
package pdf

import (
	"errors"
	"fmt"
	"io"

	"github.com/open-bedrock/caddy-bedrock-gateway/files/extract/budget"
)

var (
	// ErrMalformed is a file that is no PDF, or one without pages.
	ErrMalformed = errors.New("not a readable PDF")
	// ErrEncrypted is a file that cannot be read without a password or a key.
	ErrEncrypted = errors.New("the PDF is encrypted")
	// ErrNoText is a file with pages but no text on them, as scanners make it.
	ErrNoText = errors.New("the PDF holds no text, only images or drawings")
	// ErrLimit is a file that needs more work than is allowed.
	ErrLimit = errors.New("the PDF is too large")
)

const (
	maxObjects = 1 << 18
	maxPages   = 10_000
	maxNesting = 64
	maxForms   = 8
	maxStates  = 256
)

// Text writes the text of the PDF in data to w, and notes in at which page it is on. It stops with w's error, with one of
// this package's, or with the budget's: the file's bytes are held by the caller, and all else is charged here. What was
// written before an error stands.
func Text(b *budget.Budget, data []byte, w io.Writer, at *string) error {
	f := &file{budget: b, data: data}
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
		*at = fmt.Sprintf("page %d", i+1)
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
	*at = ""
	if err := b.Err(); err != nil {
		return err
	}
	if !anyText {
		return ErrNoText
	}
	return nil
}
