package pdf

import (
	"slices"
	"strings"
	"unicode/utf16"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"

	"github.com/open-bedrock/caddy-bedrock-gateway/files/extract/budget"
)

// font says what the codes in shown strings mean, and how wide they are.
type font struct {
	// composite fonts have codes of more than one byte (9.7).
	composite bool
	toUnicode *cmap
	// simple is the text of each code of a simple font.
	simple [256]string
	// charset decodes the codes of a composite font with one of the predefined CJK encodings.
	charset encoding.Encoding
	widths  map[int]float64 // in thousandths of the font size
	missing float64
	// steps is what a glyph costs: its code is looked for in ranges one by one.
	steps int
}

// glyph is one shown code.
type glyph struct {
	text  string
	width float64
	// space says that word spacing applies: the single-byte code 32 (9.3.3).
	space bool
}

// predefined are the charsets of the predefined CMaps (9.7.5.2), by what their names have in them.
var predefined = []struct {
	in      string
	charset encoding.Encoding
}{
	{"UCS2", unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)},
	{"UTF16", unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)},
	{"GB", simplifiedchinese.GBK},
	{"RKSJ", japanese.ShiftJIS},
	{"EUC-H", japanese.EUCJP},
	{"EUC-V", japanese.EUCJP},
	{"B5", traditionalchinese.Big5},
	{"ETen", traditionalchinese.Big5},
	{"KSC", korean.EUCKR},
}

const (
	// fontSteps is what loading a font costs besides its objects.
	fontSteps = 4096
	// fontSize is what a font takes besides its maps, in bytes, and mappingSize what an entry of those takes.
	fontSize    = 8 << 10
	mappingSize = 96
)

// loadFont reads a font. It is held until the end of the file.
func (f *file) loadFont(d dict) (*font, error) {
	fo, err := f.readFont(d)
	if err != nil {
		return nil, err
	}
	size := fontSize + mappingSize*len(fo.widths)
	fo.steps = glyphSteps
	if m := fo.toUnicode; m != nil {
		fo.steps += len(m.ranges)/2 + len(m.spaces)/2
		size += mappingSize*len(m.one) + rangeSize*len(m.ranges)
	}
	if err := f.budget.Hold(size); err != nil {
		return nil, err
	}
	return fo, f.budget.Step(fontSteps + size/8)
}

func (f *file) readFont(d dict) (*font, error) {
	fo := &font{widths: make(map[int]float64), missing: 500}
	_, b, err := f.stream(d["ToUnicode"])
	if err != nil {
		return nil, err
	}
	if b != nil {
		fo.toUnicode = parseCMap(b, f.budget)
		f.budget.Release(len(b))
	}
	if d["Subtype"] == name("Type0") {
		fo.composite = true
		f.compositeWidths(fo, d)
		if n, ok := f.get(d["Encoding"]).(name); ok && !strings.HasPrefix(string(n), "Identity") {
			for _, p := range predefined {
				if strings.Contains(string(n), p.in) {
					fo.charset = p.charset
					break
				}
			}
		}
		return fo, nil
	}
	f.simpleEncoding(fo, d)
	first := toInt(f.get(d["FirstChar"]))
	for i, w := range f.array(d["Widths"]) {
		if w, ok := f.get(w).(float64); ok && i < 256 {
			fo.widths[first+i] = w
		}
	}
	if w, ok := f.get(f.dict(d["FontDescriptor"])["MissingWidth"]).(float64); ok && w > 0 {
		fo.missing = w
	}
	return fo, nil
}

// maxWidths bounds the widths kept of one font; codes have two bytes.
const maxWidths = 1 << 16

// compositeWidths reads the W array (9.7.4.3): "c [w1 w2 …]" and "first last w".
func (f *file) compositeWidths(fo *font, d dict) {
	var descendant dict
	if a := f.array(d["DescendantFonts"]); len(a) > 0 {
		descendant = f.dict(a[0])
	}
	fo.missing = 1000
	if w, ok := f.get(descendant["DW"]).(float64); ok {
		fo.missing = w
	}
	a := f.array(descendant["W"])
	for i := 0; i+1 < len(a) && len(fo.widths) < maxWidths; {
		first := toInt(f.get(a[i]))
		switch second := f.get(a[i+1]).(type) {
		case array:
			for j, w := range second {
				if w, ok := f.get(w).(float64); ok && j < maxWidths {
					fo.widths[first+j] = w
				}
			}
			i += 2
		case float64:
			if i+2 >= len(a) {
				return
			}
			if w, ok := f.get(a[i+2]).(float64); ok {
				for c := first; c <= min(toInt(second), first+maxWidths) && len(fo.widths) < maxWidths; c++ {
					fo.widths[c] = w
				}
			}
			i += 3
		default:
			return
		}
	}
}

// simpleEncoding fills the table of a simple font: a base encoding, changed by Differences (9.6.6).
func (f *file) simpleEncoding(fo *font, d dict) {
	base := name("")
	var differences array
	switch e := f.get(d["Encoding"]).(type) {
	case name:
		base = e
	case dict:
		base, _ = f.get(e["BaseEncoding"]).(name)
		differences = f.array(e["Differences"])
	}
	var table encoding.Encoding = charmap.Windows1252
	if base == "MacRomanEncoding" {
		table = charmap.Macintosh
	}
	fontName, _ := f.get(d["BaseFont"]).(name)
	switch decoder := table.NewDecoder(); {
	case base == "" && strings.Contains(string(fontName), "Symbol"):
		fo.simple = symbolEncoding
	case base == "" && strings.Contains(string(fontName), "Dingbats"):
		// Pictures; their codes as letters would be noise.
	default:
		for c := range 256 {
			if s, err := decoder.String(string([]byte{byte(c)})); err == nil && s != "\uFFFD" && c >= ' ' {
				fo.simple[c] = s
			}
		}
		if base == "" || base == "StandardEncoding" {
			// Where StandardEncoding differs for text (D.2): its quotes, dashes and ligatures.
			for c, s := range standardDifferences {
				fo.simple[c] = s
			}
		}
	}
	code := 0
	for _, v := range differences {
		switch v := f.get(v).(type) {
		case float64:
			code = toInt(v)
		case name:
			if code >= 0 && code < 256 {
				fo.simple[code] = glyphText(string(v))
			}
			code++
		}
	}
}

// glyphs cuts a shown string into its codes, until each returns false.
func (fo *font) glyphs(s string, each func(glyph) bool) {
	if !fo.composite {
		for i := range len(s) {
			c := s[i]
			g := glyph{text: fo.simple[c], width: fo.width(int(c)), space: c == ' '}
			if fo.toUnicode != nil {
				if t, ok := fo.toUnicode.text(int(c), 1); ok {
					g.text = t
				}
			}
			if !each(g) {
				return
			}
		}
		return
	}
	if fo.toUnicode == nil && fo.charset != nil {
		text, err := fo.charset.NewDecoder().String(s)
		if err != nil {
			return
		}
		for _, r := range text {
			w := fo.missing
			if r < 0x2E80 {
				w /= 2 // half width
			}
			if !each(glyph{text: string(r), width: w, space: r == ' '}) {
				return
			}
		}
		return
	}
	for len(s) > 0 {
		n := 2
		if fo.toUnicode != nil {
			n = fo.toUnicode.codeLen(s)
		}
		n = min(n, len(s))
		code := 0
		for i := range n {
			code = code<<8 | int(s[i])
		}
		s = s[n:]
		g := glyph{width: fo.width(code), space: n == 1 && code == ' '}
		if fo.toUnicode != nil {
			g.text, _ = fo.toUnicode.text(code, n)
		}
		if !each(g) {
			return
		}
	}
}

func (fo *font) width(code int) float64 {
	if w, ok := fo.widths[code]; ok {
		return w
	}
	return fo.missing
}

// cmap maps codes to text (9.10.3).
type cmap struct {
	// one is by code and its length in bytes.
	one    map[mapping]string
	ranges []cmapRange
	// spaces say how many bytes a code has.
	spaces []codeSpace
}

// mapping is a code and its length in bytes.
type mapping struct {
	code uint32
	size uint8
}

type cmapRange struct {
	lo, hi, size int
	text         []rune
}

type codeSpace struct {
	size   int
	lo, hi string
}

const (
	maxMappings = 1 << 16
	// maxExpanded is the length from which a range is kept as one.
	maxExpanded = 256
	// maxRanges bounds those: a font has 65,536 codes, and each range at least maxExpanded of them.
	maxRanges = 256
	rangeSize = 320
	maxSpaces = 64
)

func parseCMap(b []byte, spent *budget.Budget) *cmap {
	m := &cmap{one: make(map[mapping]string)}
	p := parser{b: b, budget: spent}
	var stack []any
	for {
		v, ok := p.object()
		if !ok {
			return m
		}
		op, isOp := v.(operator)
		if !isOp {
			if len(stack) < 1024 {
				stack = append(stack, v)
			}
			continue
		}
		switch op {
		case "endcodespacerange":
			for ; len(stack) >= 2 && len(m.spaces) < maxSpaces; stack = stack[2:] {
				lo, _ := stack[0].(str)
				hi, _ := stack[1].(str)
				if len(lo) > 0 && len(lo) == len(hi) && len(lo) <= 4 {
					m.spaces = append(m.spaces, codeSpace{len(lo), string(lo), string(hi)})
				}
			}
		case "endbfchar":
			for ; len(stack) >= 2; stack = stack[2:] {
				code, size := codeOf(stack[0])
				m.set(code, size, textOf(stack[1]))
			}
		case "endbfrange":
			for ; len(stack) >= 3; stack = stack[3:] {
				lo, size := codeOf(stack[0])
				hi, _ := codeOf(stack[1])
				m.setRange(lo, hi, size, stack[2])
				if spent.Step(min(max(hi-lo, 0), maxExpanded)*8) != nil {
					return m
				}
			}
		}
		stack = stack[:0]
	}
}

func codeOf(v any) (code, size int) {
	s, _ := v.(str)
	if len(s) > 4 {
		return 0, 0
	}
	for i := range len(s) {
		code = code<<8 | int(s[i])
	}
	return code, len(s)
}

// textOf is a string of UTF-16.
func textOf(v any) string {
	s, ok := v.(str)
	if !ok {
		return ""
	}
	units := make([]uint16, 0, len(s)/2)
	if len(s) == 1 {
		units = append(units, uint16(s[0]))
	}
	for i := 0; i+1 < len(s) && i < 128; i += 2 {
		units = append(units, uint16(s[i])<<8|uint16(s[i+1]))
	}
	return string(utf16.Decode(units))
}

func (m *cmap) set(code, size int, text string) {
	if size > 0 && len(m.one) < maxMappings {
		m.one[mapping{uint32(code), uint8(size)}] = text //nolint:gosec // codes have at most four bytes
	}
}

func (m *cmap) setRange(lo, hi, size int, to any) {
	if size == 0 || hi < lo {
		return
	}
	if texts, ok := to.(array); ok {
		for i, t := range texts {
			if lo+i <= hi {
				m.set(lo+i, size, textOf(t))
			}
		}
		return
	}
	text := []rune(textOf(to))
	if len(text) == 0 {
		return
	}
	if hi-lo < maxExpanded && len(m.one)+hi-lo < maxMappings {
		// Many small ranges are common, and each glyph would go through them.
		for code := lo; code <= hi; code++ {
			key := mapping{uint32(code), uint8(size)} //nolint:gosec // codes have at most four bytes
			if _, ok := m.one[key]; !ok {
				m.one[key] = shifted(text, code-lo)
			}
		}
		return
	}
	if len(m.ranges) < maxRanges {
		m.ranges = append(m.ranges, cmapRange{lo, hi, size, text})
	}
}

// shifted is the text with n added to its last character.
func shifted(text []rune, n int) string {
	text = slices.Clone(text)
	text[len(text)-1] += rune(n) //nolint:gosec // codes have at most 31 bits
	return string(text)
}

func (m *cmap) text(code, size int) (string, bool) {
	if t, ok := m.one[mapping{uint32(code), uint8(size)}]; ok {
		return t, true
	}
	for _, r := range m.ranges {
		if r.size == size && code >= r.lo && code <= r.hi {
			return shifted(r.text, code-r.lo), true
		}
	}
	return "", false
}

// codeLen is how many bytes the code at the start of s has.
func (m *cmap) codeLen(s string) int {
	for _, sp := range m.spaces {
		if len(s) < sp.size {
			continue
		}
		in := true
		for i := range sp.size {
			in = in && s[i] >= sp.lo[i] && s[i] <= sp.hi[i]
		}
		if in {
			return sp.size
		}
	}
	if len(m.spaces) > 0 {
		return m.spaces[0].size
	}
	return 2
}
