package extract

import (
	"bytes"
	"fmt"
	"mime"
	"regexp"
	"unicode/utf8"

	"github.com/wlynxg/chardet"
	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"
)

// prefix reads up to n bytes of text, decoded to UTF-8 with plain line ends, and reports whether there is more. It is how
// all text formats read: what they hold in memory is bounded by the text that is wanted, not by the file.
func (in *input) prefix(n int) (text []byte, more bool, err error) {
	dec, err := in.decoder()
	if err != nil {
		return nil, false, err
	}
	n = min(n, maxText)
	text, err = in.budget.ReadAll(transform.NewReader(in, dec), n+1)
	if err != nil {
		return nil, false, err
	}
	if len(text) > n {
		more = true
		text = text[:n]
		for i := 0; i < utf8.UTFMax && len(text) > 0 && !utf8.Valid(text[max(0, len(text)-utf8.UTFMax):]); i++ {
			text = text[:len(text)-1]
		}
	}
	return plainLineEnds(text), more, in.budget.Step(len(text) / 4)
}

// plainLineEnds makes \r\n and \r of b, which it overwrites, \n.
func plainLineEnds(b []byte) []byte {
	first := bytes.IndexByte(b, '\r')
	if first < 0 {
		return b
	}
	to := b[:first]
	for i := first; i < len(b); i++ {
		switch {
		case b[i] != '\r':
			to = append(to, b[i])
		case i+1 == len(b) || b[i+1] != '\n':
			to = append(to, '\n')
		}
	}
	return to
}

// xmlEncoding finds the encoding that an XML declaration names.
var xmlEncoding = regexp.MustCompile(`^\s*<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']`)

// decoder chooses the charset: a byte order mark, else the pattern of UTF-16, else UTF-8 if it is valid, else what the
// declared type, an XML declaration or an HTML meta element says, else what the letters tell, else Windows-1252. Content that is binary by all of
// them is ErrUnsupported.
func (in *input) decoder() (transform.Transformer, error) {
	head, _ := in.Peek(sniffLen) // Text has seen its error
	if e := byMark(head); e != nil {
		return e.NewDecoder(), nil
	}
	if e := wide(head); e != nil {
		return e.NewDecoder(), nil
	}
	if isBinary(head) {
		return nil, fmt.Errorf("%w: %s with binary content", ErrUnsupported, in.mediaType)
	}
	if validPrefix(head) {
		return &mixed{}, nil
	}
	for _, name := range []string{in.charsetParam(), firstMatch(xmlEncoding, head)} {
		if e, canonical := charset.Lookup(name); e != nil && canonical != "utf-8" {
			return e.NewDecoder(), nil
		}
	}
	if bareOf(in.mediaType) == htmlType {
		if e, name, _ := charset.DetermineEncoding(head, ""); name != "utf-8" && name != "windows-1252" {
			return e.NewDecoder(), nil
		}
	}
	if e := guess(head); e != nil {
		return e.NewDecoder(), nil
	}
	return &mixed{}, nil
}

// guessable are the charsets that a guess by letter frequency is trusted for, and how the WHATWG's standard calls them:
// those of scripts that look like nothing else. Among the Latin ones it is no better than chance, and Windows-1252 is
// the most likely of them.
var guessable = map[string]string{
	"GB2312": "gb18030", "GB18030": "gb18030", "GBK": "gb18030", "Big5": "big5", "EUC-TW": "", "EUC-KR": "euc-kr",
	"CP949": "euc-kr", "SHIFT_JIS": "shift_jis", "CP932": "shift_jis", "EUC-JP": "euc-jp",
	"Windows-1251": "windows-1251", "KOI8-R": "koi8-r", "ISO-8859-5": "iso-8859-5", "IBM866": "ibm866",
	"Windows-1253": "windows-1253", "ISO-8859-7": "iso-8859-7", "Windows-1255": "windows-1255", "TIS-620": "windows-874",
}

// minConfidence is from where on a guess is better than Windows-1252; real text of two lines has 0.6 to 0.99.
const minConfidence = 0.55

func guess(head []byte) encoding.Encoding {
	// Cut behind the last line, or a character of two bytes may be cut in two.
	if i := bytes.LastIndexByte(head, '\n'); i > 0 && len(head) == sniffLen {
		head = head[:i]
	}
	r := chardet.Detect(head)
	if r.Confidence < minConfidence {
		return nil
	}
	e, _ := charset.Lookup(guessable[r.Encoding])
	return e
}

func (in *input) charsetParam() string {
	_, params, err := mime.ParseMediaType(in.declared)
	if err != nil {
		return ""
	}
	return params["charset"]
}

func firstMatch(re *regexp.Regexp, b []byte) string {
	if m := re.FindSubmatch(b); m != nil {
		return string(m[1])
	}
	return ""
}

// byMark knows the byte order marks; the longer ones come first, since UTF-32's begins with UTF-16's.
func byMark(head []byte) encoding.Encoding {
	switch {
	case bytes.HasPrefix(head, []byte{0xEF, 0xBB, 0xBF}):
		return unicode.UTF8BOM
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE, 0, 0}), bytes.HasPrefix(head, []byte{0, 0, 0xFE, 0xFF}):
		return utf32.UTF32(utf32.BigEndian, utf32.ExpectBOM)
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE}), bytes.HasPrefix(head, []byte{0xFE, 0xFF}):
		return unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM)
	}
	return nil
}

// wide recognises UTF-16 without a mark by its zero bytes, which in text of Latin letters stand on one side of every
// pair and never on the other.
func wide(head []byte) encoding.Encoding {
	if len(head) < 4 {
		return nil
	}
	pairs := len(head) / 2
	var even, odd int
	for i := range pairs {
		if head[2*i] == 0 {
			even++
		}
		if head[2*i+1] == 0 {
			odd++
		}
	}
	switch {
	case odd*10 >= pairs*6 && even == 0:
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case even*10 >= pairs*6 && odd == 0:
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	}
	return nil
}

// isBinary reports whether head holds what no text in a byte-wise charset does: a NUL, or many control characters.
func isBinary(head []byte) bool {
	controls := 0
	for _, c := range head {
		switch {
		case c == 0:
			return true
		case c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != '\v' && c != '\b' && c != 0x1B, c == 0x7F:
			controls++
		}
	}
	// Noise has one byte in nine; text has the odd stray one.
	return controls*50 > len(head)
}

// validPrefix reports whether head is UTF-8, save for a character cut at its end.
func validPrefix(head []byte) bool {
	for i := 0; i < utf8.UTFMax && len(head) > 0; i++ {
		if utf8.Valid(head) {
			return true
		}
		if i == utf8.UTFMax-1 || len(head) < sniffLen-utf8.UTFMax {
			return false
		}
		head = head[:len(head)-1]
	}
	return utf8.Valid(head)
}

// mixed passes UTF-8 through and takes each byte that is not for Windows-1252: right for files in either charset, and
// the best to be had for those in both.
type mixed struct{ transform.NopResetter }

// Transform implements transform.Transformer.
func (*mixed) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		if !atEOF && !utf8.FullRune(src[nSrc:]) {
			return nDst, nSrc, transform.ErrShortSrc
		}
		r, n := utf8.DecodeRune(src[nSrc:])
		if r == utf8.RuneError && n == 1 {
			r = charmap.Windows1252.DecodeByte(src[nSrc])
		}
		if nDst+utf8.RuneLen(r) > len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		nDst += utf8.EncodeRune(dst[nDst:], r)
		nSrc += n
	}
	return nDst, nSrc, nil
}
