package extract

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/open-bedrock/caddy-bedrock-gateway/files/extract/pdf"
)

// portableDocument writes a PDF's text, page by page.
func portableDocument(in *input, out *output) error {
	b, err := in.all()
	if err != nil {
		return err
	}
	// Readers take a header anywhere in the first KiB (ISO 32000-1, annex H).
	if !bytes.Contains(b[:min(len(b), 1024)], []byte("%PDF-")) {
		return fmt.Errorf("%w: not a PDF", ErrMalformed)
	}
	err = pdf.Text(in.budget, b, out, &in.at)
	for theirs, ours := range map[error]error{
		pdf.ErrMalformed: ErrMalformed, pdf.ErrLimit: ErrLimit, pdf.ErrEncrypted: ErrUnsupported, pdf.ErrNoText: ErrUnsupported,
	} {
		if errors.Is(err, theirs) {
			return fmt.Errorf("%w: %w", ours, err)
		}
	}
	return err
}
