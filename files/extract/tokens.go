package extract

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"

	"github.com/open-bedrock/caddy-bedrock-gateway/files/extract/budget"
)

const (
	// maxMarkup bounds one tag, comment or declaration, in bytes. The decoder keeps a tag's attributes as values of their
	// own, which take up to twenty times what they have in the file.
	maxMarkup = 256 << 10
	// maxRun bounds the text between two tags, in bytes.
	maxRun = 2 << 20
	// tokenSteps is what a token costs besides its bytes.
	tokenSteps = 16
)

// errToken is a token above its bound.
var errToken = errors.New("XML token too large")

// tokens reads the tokens of an XML document. encoding/xml has a whole token in memory, however large; so its bytes pass
// through here one by one, and the token at hand is counted.
type tokens struct {
	r      io.ByteReader
	budget *budget.Budget
	d      *xml.Decoder

	read   int  // bytes of the token at hand
	limit  int  // its bound
	begun  bool // its first byte is known
	last   byte
	inText bool // the last token was text, and ended at the < of the next
}

func newTokens(r io.Reader, b *budget.Budget) *tokens {
	t := &tokens{r: bufio.NewReaderSize(r, sniffLen), budget: b}
	t.d = xml.NewDecoder(t)
	// Office writes UTF-8, and other text has been decoded before.
	t.d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	return t
}

// next returns the next token, whose text is valid until the call after it. Errors are io.EOF, errToken, those of the
// budget and of the reader, and xml's own.
func (t *tokens) next() (xml.Token, error) {
	t.read, t.limit, t.begun = 0, maxMarkup, t.inText && t.last == '<'
	token, err := t.d.RawToken()
	if spent := t.budget.Step(t.read + tokenSteps); spent != nil {
		return nil, spent
	}
	_, t.inText = token.(xml.CharData)
	return token, err
}

// ReadByte implements io.ByteReader, which the decoder asks for.
func (t *tokens) ReadByte() (byte, error) {
	c, err := t.r.ReadByte()
	if err != nil {
		return 0, err
	}
	if !t.begun {
		t.begun = true
		if c != '<' {
			t.limit = maxRun
		}
	}
	t.last = c
	if t.read++; t.read > t.limit {
		if t.limit == maxRun {
			return 0, fmt.Errorf("%w: a text of more than %d KiB", errToken, maxRun>>10)
		}
		return 0, fmt.Errorf("%w: a tag of more than %d KiB", errToken, maxMarkup>>10)
	}
	return c, nil
}

// Read implements io.Reader. The decoder asks for single bytes alone.
func (t *tokens) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c, err := t.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = c
	return 1, nil
}
