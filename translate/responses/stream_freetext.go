package responses

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// freeTextReader takes the text of a tool of free text out of the pieces of {"input":"…"}, as they come. What it returns is
// still escaped, as it stood in the piece: an escape that is cut in two waits for its end.
type freeTextReader struct {
	state freeTextState
	json  []byte // what came, unquoted, up to the text
	text  []byte // all of the text, without quotes
	held  []byte // the beginning of an escape
}

type freeTextState uint8

const (
	beforeText freeTextState = iota
	inText
	behindText
	noText // the input has another form
)

// maxBefore bounds, in bytes, what may stand before the text.
const maxBefore = 64

// read returns what a piece of the input adds to the text; an empty string for nothing.
func (f *freeTextReader) read(piece json.String) json.String {
	b := piece.Bytes()
	if f.state == beforeText {
		f.json = append(f.json, b...)
		rest, found := textBegins(f.json)
		switch {
		case found:
			f.state, b = inText, rest
		case len(f.json) > maxBefore:
			f.state = noText
		}
	}
	if f.state != inText {
		return nil
	}
	if len(f.held) > 0 {
		b = append(f.held, b...)
		f.held = nil
	}
	n, ended := textEnds(b)
	if ended {
		f.state = behindText
	} else {
		f.held = append([]byte(nil), b[n:]...)
	}
	f.text = append(f.text, b[:n]...)
	return quoted(b[:n])
}

// textBegins returns what stands behind {"input":" and reports whether it has come.
func textBegins(b []byte) (rest []byte, found bool) {
	for _, want := range [...]string{"{", `"input"`, ":", `"`} {
		for len(b) > 0 && (b[0] == ' ' || b[0] == '\n' || b[0] == '\t' || b[0] == '\r') {
			b = b[1:]
		}
		if len(b) < len(want) || string(b[:len(want)]) != want {
			return nil, false
		}
		b = b[len(want):]
	}
	return b, true
}

// textEnds returns how much of b is text without a cut escape at its end, and reports whether its quote has come. The two
// halves of a character beyond the basic plane stay together.
func textEnds(b []byte) (n int, ended bool) {
	for i := 0; i < len(b); {
		switch {
		case b[i] == '"':
			return i, true
		case b[i] != '\\':
			i++
		case i+1 == len(b):
			return i, false
		case b[i+1] != 'u':
			i += 2
		default:
			size := 6
			if i+4 <= len(b) && (b[i+2] == 'd' || b[i+2] == 'D') && (b[i+3] == '8' || b[i+3] == '9' || b[i+3]|0x20 == 'a' || b[i+3]|0x20 == 'b') {
				size = 12
			}
			if i+size > len(b) {
				return i, false
			}
			i += size
		}
	}
	return len(b), false
}

// rest returns the whole text when the input has come to its end, and what of it was not read yet: all of an input of
// another form. all is the input's JSON, escaped once more.
func (f *freeTextReader) rest(all []byte) (text, unread []byte) {
	if f.state == inText || f.state == behindText {
		return f.text, nil
	}
	input := json.AppendUnquoted(nil, quoted(all))
	if json.Valid(input) == nil {
		text = freeText(input)
	} else {
		text = all
	}
	return text, text
}
