package pdf

import (
	"strconv"
	"strings"
)

// standardDifferences is where StandardEncoding (ISO 32000-1, D.2) has other text than Windows-1252.
var standardDifferences = map[int]string{
	0x27: "’", 0x60: "‘", 0xA4: "⁄", 0xA6: "ƒ", 0xA8: "¤", 0xA9: "'", 0xAA: "“", 0xAC: "‹", 0xAD: "›", 0xAE: "fi",
	0xAF: "fl", 0xB1: "–", 0xB2: "†", 0xB3: "‡", 0xB4: "·", 0xB7: "•", 0xB8: "‚", 0xB9: "„", 0xBA: "”", 0xBC: "…",
	0xBD: "‰", 0xC1: "`", 0xC2: "´", 0xC3: "ˆ", 0xC4: "˜", 0xC5: "¯", 0xC6: "˘", 0xC7: "˙", 0xC8: "¨", 0xCA: "˚",
	0xCB: "¸", 0xCD: "˝", 0xCE: "˛", 0xCF: "ˇ", 0xD0: "—", 0xE1: "Æ", 0xE3: "ª", 0xE8: "Ł", 0xE9: "Ø", 0xEA: "Œ",
	0xEB: "º", 0xF1: "æ", 0xF5: "ı", 0xF8: "ł", 0xF9: "ø", 0xFA: "œ", 0xFB: "ß",
}

// symbolEncoding is the Symbol font's letters (D.5); its other signs are left out.
var symbolEncoding = func() (t [256]string) {
	const upper, lower = "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ", "αβχδεφγηιϕκλμνοπθρστυϖωξψζ"
	for c := byte(' '); c < 0x7F; c++ {
		t[c] = string(c)
	}
	for i, r := range []rune(upper) {
		t['A'+i] = string(r)
	}
	for i, r := range []rune(lower) {
		t['a'+i] = string(r)
	}
	for c, s := range map[int]string{
		0xA3: "≤", 0xB1: "±", 0xB3: "≥", 0xB4: "×", 0xB7: "•", 0xB8: "÷", 0xB9: "≠", 0xBA: "≡", 0xBB: "≈", 0xA5: "∞",
		0xAE: "→", 0xB0: "°", 0xD6: "√", 0xE5: "∑", 0xF2: "∫", 0xD2: "®", 0xD3: "©", 0xD4: "™", 0x2D: "−",
	} {
		t[c] = s
	}
	return t
}()

// glyphNames are the names of characters in the Adobe Glyph List (https://github.com/adobe-type-tools/agl-aglfn) that
// fonts of European languages use, besides letters and digits that name themselves.
const glyphNames = `space   exclam ! quotedbl " numbersign # dollar $ percent % ampersand & quotesingle ' parenleft ( parenright )
asterisk * plus + comma , hyphen - period . slash / zero 0 one 1 two 2 three 3 four 4 five 5 six 6 seven 7 eight 8 nine 9
colon : semicolon ; less < equal = greater > question ? at @ bracketleft [ backslash \ bracketright ] asciicircum ^
underscore _ grave ` + "`" + ` braceleft { bar | braceright } asciitilde ~ exclamdown ¡ cent ¢ sterling £ currency ¤ yen ¥
brokenbar ¦ section § dieresis ¨ copyright © ordfeminine ª guillemotleft « logicalnot ¬ sfthyphen - registered ® macron ¯
degree ° plusminus ± twosuperior ² threesuperior ³ acute ´ mu µ paragraph ¶ periodcentered · cedilla ¸ onesuperior ¹
ordmasculine º guillemotright » onequarter ¼ onehalf ½ threequarters ¾ questiondown ¿ multiply × divide ÷
AE Æ ae æ Eth Ð eth ð Oslash Ø oslash ø Thorn Þ thorn þ germandbls ß OE Œ oe œ Lslash Ł lslash ł dotlessi ı Dcroat Đ
dcroat đ florin ƒ circumflex ˆ caron ˇ breve ˘ dotaccent ˙ ring ˚ ogonek ˛ tilde ˜ hungarumlaut ˝ endash – emdash —
quoteleft ‘ quoteright ’ quotesinglbase ‚ quotedblleft “ quotedblright ” quotedblbase „ dagger † daggerdbl ‡ bullet •
ellipsis … perthousand ‰ guilsinglleft ‹ guilsinglright › fraction ⁄ Euro € trademark ™ minus − partialdiff ∂ Delta Δ
product ∏ summation ∑ radical √ infinity ∞ integral ∫ approxequal ≈ notequal ≠ lessequal ≤ greaterequal ≥ lozenge ◊
Omega Ω pi π fi fi fl fl ff ff ffi ffi ffl ffl arrowright → arrowleft ← arrowup ↑ arrowdown ↓ nbspace   checkmark ✓`

// accents are the ends of the names of accented letters.
var accents = map[string]rune{
	"grave": '\u0300', "acute": '\u0301', "circumflex": '\u0302', "tilde": '\u0303', "macron": '\u0304', "breve": '\u0306',
	"dotaccent": '\u0307', "dieresis": '\u0308', "ring": '\u030A', "hungarumlaut": '\u030B', "caron": '\u030C',
	"cedilla": '\u0327', "ogonek": '\u0328', "commaaccent": '\u0326',
}

var byGlyphName = func() map[string]string {
	m := map[string]string{"space": " ", "nbspace": " "}
	fields := strings.Fields(strings.NewReplacer("space   ", "", "nbspace   ", "").Replace(glyphNames))
	for i := 0; i+1 < len(fields); i += 2 {
		m[fields[i]] = fields[i+1]
	}
	return m
}()

// glyphText is the text of a glyph's name: one of the list's, a letter itself, a letter with an accent, or a number in
// the forms uni20AC and u20AC; a suffix after a dot is a variant of the same character.
func glyphText(n string) string {
	n, _, _ = strings.Cut(n, ".")
	if t, ok := byGlyphName[n]; ok {
		return t
	}
	if len(n) == 1 {
		return n
	}
	if n == "" || len(n) > 64 {
		return ""
	}
	if digits, ok := strings.CutPrefix(n, "uni"); ok && len(digits)%4 == 0 {
		var text strings.Builder
		for ; len(digits) > 0; digits = digits[4:] {
			c, err := strconv.ParseUint(digits[:4], 16, 16)
			if err != nil {
				return ""
			}
			text.WriteRune(rune(c))
		}
		return text.String()
	}
	if digits, ok := strings.CutPrefix(n, "u"); ok && len(digits) >= 4 && len(digits) <= 6 {
		if c, err := strconv.ParseUint(digits, 16, 21); err == nil {
			return string(rune(c)) //nolint:gosec // 21 bits
		}
	}
	if accent, ok := accents[n[1:]]; ok {
		return string([]rune{rune(n[0]), accent})
	}
	return ""
}
