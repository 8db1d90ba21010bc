package json

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// Unquote returns the string's meaning; an absent String means "".
func (s String) Unquote() string {
	if len(s) < 2 {
		return ""
	}
	if !s.Escaped() {
		return string(s[1 : len(s)-1])
	}
	return string(AppendUnquoted(nil, s))
}

// Escaped reports whether the string holds an escape, so that its bytes are not its meaning.
func (s String) Escaped() bool { return bytes.IndexByte(s, '\\') >= 0 }

// Bytes returns the string's meaning as bytes: a part of s where nothing was escaped, else a new slice.
func (s String) Bytes() []byte {
	if len(s) < 2 {
		return nil
	}
	if !s.Escaped() {
		return s[1 : len(s)-1]
	}
	return AppendUnquoted(nil, s)
}

// Empty reports whether the string is absent or "".
func (s String) Empty() bool { return len(s) <= 2 }

// Blank reports whether the string is absent, empty or holds nothing but white space as Unicode counts it, escaped or
// not: what Bedrock refuses as a text block.
func (s String) Blank() bool {
	if len(s) <= 2 {
		return true
	}
	if c := s[1]; c > ' ' && c < 0x80 && c != '\\' {
		return false // the common case: text begins at once
	}
	for _, c := range string(AppendUnquoted(nil, s)) {
		if !isSpace(c) {
			return false
		}
	}
	return true
}

func isSpace(c rune) bool {
	switch c {
	case '\t', '\n', '\v', '\f', '\r', ' ', 0x85, 0xA0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000:
		return true
	}
	return c >= 0x2000 && c <= 0x200a || c >= 0x1c && c <= 0x1f
}

// Quote returns a String of text; invalid UTF-8 becomes U+FFFD.
func Quote(text string) String { return AppendQuoted(make([]byte, 0, len(text)+2), text) }

// AppendUnquoted appends the meaning of tok, a String that a Reader gave; of another, something. A surrogate without its
// other half becomes U+FFFD, as encoding/json does it.
func AppendUnquoted(dst []byte, tok String) []byte {
	if len(tok) < 2 {
		return dst
	}
	s := tok[1 : len(tok)-1]
	for i := 0; i < len(s); {
		c := s[i]
		if c != '\\' || i+1 == len(s) {
			dst = append(dst, c)
			i++
			continue
		}
		switch e := s[i+1]; e {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			u := unit(s[i:])
			i = min(i+6, len(s))
			if utf16.IsSurrogate(u) {
				low := rune(-1)
				if i+1 < len(s) && s[i] == '\\' && s[i+1] == 'u' {
					low = unit(s[i:])
				}
				if u = utf16.DecodeRune(u, low); u != utf8.RuneError {
					i += 6
				}
			}
			dst = utf8.AppendRune(dst, u)
			continue
		default:
			dst = append(dst, e)
		}
		i += 2
	}
	return dst
}

// unit reads \u and four digits; U+FFFD for one that was cut short.
func unit(esc []byte) rune {
	if len(esc) < 6 {
		return utf8.RuneError
	}
	return hexDigit(esc[2])<<12 | hexDigit(esc[3])<<8 | hexDigit(esc[4])<<4 | hexDigit(esc[5])
}

const hexDigits = "0123456789abcdef"

// AppendQuoted appends text as a JSON string. Only what must be escaped is; invalid UTF-8 becomes U+FFFD.
func AppendQuoted[T ~string | ~[]byte](dst []byte, text T) []byte {
	dst = append(dst, '"')
	dst = AppendEscaped(dst, text)
	return append(dst, '"')
}

// AppendEscaped is AppendQuoted without the quotes, for a string made of several pieces.
func AppendEscaped[T ~string | ~[]byte](dst []byte, text T) []byte {
	from := 0
	for i := 0; i < len(text); {
		c := text[i]
		if plain[c] {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = append(dst, text[from:i]...)
			switch c {
			case '"', '\\':
				dst = append(dst, '\\', c)
			case '\n':
				dst = append(dst, '\\', 'n')
			case '\r':
				dst = append(dst, '\\', 'r')
			case '\t':
				dst = append(dst, '\\', 't')
			default:
				dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
			i++
			from = i
			continue
		}
		r, n := utf8.DecodeRuneInString(string(text[i:min(i+utf8.UTFMax, len(text))]))
		if r == utf8.RuneError && n == 1 {
			dst = append(dst, text[from:i]...)
			dst = append(dst, "\uFFFD"...)
			from = i + 1
		}
		i += n
	}
	return append(dst, text[from:]...)
}
