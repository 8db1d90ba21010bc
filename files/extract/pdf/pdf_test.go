package pdf

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/ascii85"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/open-bedrock/caddy-bedrock-gateway/files/extract/budget"
)

// document makes a PDF of one page from its content stream and further objects, from 10 on. The page's fonts are F1, of
// object 10, and its forms X1, of object 11.
func document(content string, objects ...string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj\n2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj\n" +
		"3 0 obj <</Type/Page/Contents 4 0 R/Resources<</Font<</F1 10 0 R>>/XObject<</X1 11 0 R>>>>>> endobj\n")
	fmt.Fprintf(&b, "4 0 obj <</Length %d>> stream\n%s\nendstream endobj\n", len(content), content)
	for i, o := range objects {
		fmt.Fprintf(&b, "%d 0 obj %s endobj\n", 10+i, o)
	}
	b.WriteString("trailer <</Root 1 0 R>>\n")
	return b.Bytes()
}

const helvetica = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"

func textOfFile(t testing.TB, data []byte) (string, error) {
	t.Helper()
	var out strings.Builder
	err := Text(budget.New(t.Context(), nil, 0, 0), data, &out, new(string))
	return strings.TrimRight(out.String(), "\n"), err
}

func streamOf(dict, data string) string {
	return fmt.Sprintf("<<%s/Length %d>> stream\n%s\nendstream", dict, len(data), data)
}

func deflate(s string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

func TestText(t *testing.T) {
	toUnicode := streamOf("", "1 begincodespacerange <00> <80> endcodespacerange 1 begincodespacerange <8100> <FFFF> endcodespacerange "+
		"2 beginbfchar <41> <0041> <8101> <D83DDCC4> endbfchar 2 beginbfrange <8201> <8203> <0061> <8301> <8302> [<0066006C> <005A>] endbfrange")
	for _, c := range []struct {
		name, content string
		objects       []string
		want          string
	}{
		{"words and lines", "BT /F1 10 Tf (Hello) Tj 30 0 Td (world) Tj 0 -12 Td (next) Tj 0 -30 Td (paragraph) Tj ET", []string{helvetica}, "Hello world\nnext\n\nparagraph"},
		{"kerning is no space", "BT /F1 10 Tf [(W) 80 (orld) -300 (wide)] TJ ET", []string{helvetica}, "World wide"},
		{"columns", "BT /F1 10 Tf (a) Tj 100 0 Td (b) Tj ET", []string{helvetica}, "a\tb"},
		{"T* ' and \"", "BT /F1 10 Tf 12 TL (a) Tj T* (b) Tj (c) ' 1 2 (d) \" ET", []string{helvetica}, "a\nb\nc\nd"},
		{"scaled and turned", "q 0 2 -2 0 100 100 cm BT /F1 10 Tf (up) Tj 40 0 Td (there) Tj ET Q BT /F1 10 Tf 1 0 0 1 0 0 Tm (level) Tj ET", []string{helvetica}, "up\tthere\n\nlevel"},
		{"escapes", `BT /F1 10 Tf (a\(b\)\\ \101\12x \(\r) Tj <4A 4b4> Tj ET`, []string{helvetica}, "a(b)\\ Ax (JK@"},
		{"WinAnsi", "BT /F1 10 Tf (\x80 \x93q\x94 \xe4) Tj ET", []string{helvetica}, "€ “q” ä"},
		{"differences", "BT /F1 10 Tf (ABCDE) Tj ET", []string{"<</Subtype/Type1/Encoding<</Differences[65/eacute/fi/uni20AC/a.alt/scaron]>>>>"}, "éfi€aš"},
		{"standard quotes", "BT /F1 10 Tf (`q') Tj ET", []string{"<</Subtype/Type1/BaseFont/Times>>"}, "‘q’"},
		{"ToUnicode of mixed lengths", "BT /F1 10 Tf <41810182028301> Tj ET", []string{"<</Subtype/Type0/ToUnicode 11 0 R/DescendantFonts[<</DW 1000>>]>>", toUnicode}, "A📄bfl"},
		{"a CJK encoding", "BT /F1 10 Tf <b1b1bea9> Tj ET", []string{"<</Subtype/Type0/Encoding/GBK-EUC-H/DescendantFonts[<<>>]>>"}, "北京"},
		{"forms", "BT /F1 10 Tf (before) Tj ET /X1 Do", []string{helvetica, streamOf("/Subtype/Form/Matrix[1 0 0 1 0 -12]", "BT /F1 10 Tf (in form) Tj ET /X1 Do")}, "before\nin form\nin form\nin form\nin form\nin form\nin form\nin form\nin form"},
		{"inline image", "BI /W 2 /H 1 ID \xff(no)Tj \x00 EI BT /F1 10 Tf (text) Tj ET", []string{helvetica}, "text"},
		{"comment", "BT /F1 10 Tf % (no) Tj\n(yes) Tj ET", []string{helvetica}, "yes"},
		{"no font", "BT (lost) Tj /F1 10 Tf (kept) Tj ET", []string{helvetica}, "kept"},
	} {
		if got, err := textOfFile(t, document(c.content, c.objects...)); err != nil || got != c.want {
			t.Errorf("%s: got %q, %v; want %q", c.name, got, err, c.want)
		}
	}
}

func TestFilters(t *testing.T) {
	plain := "BT /F1 10 Tf (filtered text) Tj ET"
	// Every row its own predictor of PNG, five columns.
	predicted := ""
	rows := plain + strings.Repeat(" ", (5-len(plain)%5)%5)
	above := make([]byte, 5)
	for i := 0; i < len(rows); i += 5 {
		row, filter := []byte(rows[i:i+5]), byte(i/5%3)
		line := append([]byte{filter}, row...)
		for j := range row {
			switch filter {
			case 1:
				if j > 0 {
					line[j+1] = row[j] - row[j-1]
				}
			case 2:
				line[j+1] = row[j] - above[j]
			}
		}
		above = row
		predicted += string(line)
	}
	for filter, data := range map[string]string{
		"/FlateDecode":                  deflate(plain),
		"/ASCIIHexDecode":               fmt.Sprintf("%x>", plain),
		"/ASCII85Decode":                encode85(plain),
		"[/ASCIIHexDecode/FlateDecode]": fmt.Sprintf("%x>", deflate(plain)),
		"/RunLengthDecode":              string([]byte{byte(len(plain) - 1)}) + plain + "\x80",
		"/FlateDecode/DecodeParms<</Predictor 15/Columns 5>>": deflate(predicted),
		"/LZWDecode":                 lzwCodes(plain),
		"/FlateDecode /Cut true":     deflate(plain + strings.Repeat(" % more and more", 50))[:60],
		"/FlateDecode/Length 12":     deflate(plain),
		"/FlateDecode/Length 99 0 R": deflate(plain),
	} {
		doc := document("", helvetica)
		doc = bytes.Replace(doc, []byte("/Contents 4 0 R"), []byte("/Contents [20 0 R]"), 1)
		doc = append(doc, "20 0 obj <</Filter "+filter+">> stream\n"+data+"\nendstream endobj\n"...)
		got, err := textOfFile(t, doc)
		if err != nil || got != "filtered text" {
			t.Errorf("%s: got %q, %v", filter, got, err)
		}
	}
}

func encode85(s string) string {
	var b bytes.Buffer
	w := ascii85.NewEncoder(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return "<~" + b.String() + "~>"
}

// lzwCodes writes s in codes of 9 bits, each a byte of its own.
func lzwCodes(s string) string {
	codes := []int{256}
	for _, c := range []byte(s) {
		codes = append(codes, int(c))
	}
	codes = append(codes, 257)
	var out []byte
	var bits, have uint
	for _, c := range codes {
		bits, have = bits<<9|uint(c), have+9
		for have >= 8 {
			out = append(out, byte(bits>>(have-8)))
			have -= 8
		}
	}
	return string(append(out, byte(bits<<(8-have))))
}

func TestStructures(t *testing.T) {
	inner := "<</Type/Catalog/Pages 2 0 R>> <</Type/Pages/Kids[3 0 R]>> <</Type/Page/Contents 4 0 R/Resources<</Font<</F1 10 0 R>>>>>>"
	second := strings.Index(inner, "<</Type/Pages")
	third := strings.Index(inner, "<</Type/Page/")
	head := fmt.Sprintf("1 0 2 %d 3 %d ", second, third)
	content := "4 0 obj " + streamOf("", "BT /F1 10 Tf (text) Tj ET") + " endobj 10 0 obj " + helvetica + " endobj "
	for name, doc := range map[string]string{
		"object stream":   "%PDF-1.5 " + content + "9 0 obj " + streamOf(fmt.Sprintf("/Type/ObjStm/N 3/First %d/Filter/FlateDecode", len(head)), deflate(head+inner)) + " endobj 12 0 obj " + streamOf("/Type/XRef/Root 1 0 R", "") + " endobj",
		"no trailer":      strings.Replace(string(document("BT /F1 10 Tf (text) Tj ET", helvetica)), "trailer", "", 1),
		"changed later":   string(document("BT /F1 10 Tf (old) Tj ET", helvetica)) + "4 0 obj " + streamOf("", "BT /F1 10 Tf (text) Tj ET") + " endobj",
		"wrong length":    strings.Replace(string(document("BT /F1 10 Tf (text) Tj ET", helvetica)), "/Length 2", "/Length 9", 1),
		"embedded file":   strings.Replace(string(document("BT /F1 10 Tf (text) Tj ET", helvetica)), "trailer", "30 0 obj "+streamOf("", "1 0 obj (no) endobj 4 0 obj (no) endobj")+" endobj trailer", 1),
		"tree in circles": strings.Replace(string(document("BT /F1 10 Tf (text) Tj ET", helvetica)), "/Kids[3 0 R]", "/Kids[2 0 R 3 0 R 2 0 R 3 0 R]", 1),
	} {
		if got, err := textOfFile(t, []byte(doc)); err != nil || got != "text" {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

func TestErrors(t *testing.T) {
	for name, c := range map[string]struct {
		doc  string
		want error
	}{
		"empty":     {"", ErrMalformed},
		"no pages":  {"%PDF-1.4 1 0 obj <</Type/Catalog>> endobj", ErrMalformed},
		"encrypted": {string(document("", helvetica)) + "trailer <</Root 1 0 R/Encrypt<</Filter/Standard>>>>", ErrEncrypted},
		"no text":   {string(document("0 0 10 10 re f", helvetica)), ErrNoText},
	} {
		if _, err := textOfFile(t, []byte(c.doc)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// Files made to run forever, to fill memory or to overflow the stack end in an error or a text, soon.
func TestHostileFiles(t *testing.T) {
	bomb := deflate(strings.Repeat(" ", 20<<20))
	fan := streamOf("/Subtype/Form", strings.Repeat("/X1 Do ", 100))
	for name, doc := range map[string][]byte{
		"deep arrays":          []byte("%PDF 1 0 obj " + strings.Repeat("[", 200_000)),
		"deep dicts":           []byte("%PDF 1 0 obj " + strings.Repeat("<</a", 200_000)),
		"endless string":       []byte("%PDF " + strings.Repeat("1 0 obj (", 200_000)),
		"streams without end":  []byte("%PDF " + strings.Repeat("1 0 obj <<>> stream ", 200_000)),
		"trailers without end": []byte("%PDF " + strings.Repeat("trailer <<", 200_000)),
		"many objects":         []byte("%PDF " + strings.Repeat("1 0 obj 1 ", 200_000)),
		"reference to itself":  append(document("", helvetica), "3 0 obj 3 0 R endobj"...),
		"length in circles":    append(document("", helvetica), "4 0 obj <</Length 4 0 R>> stream x endstream endobj"...),
		"bomb":                 document("", streamOf("/Filter/FlateDecode", bomb)),
		"bomb as content":      append(document("", helvetica), "4 0 obj "+streamOf("/Filter/FlateDecode", bomb)+" endobj"...),
		"bomb as font":         document("BT /F1 1 Tf ET", "<</ToUnicode 11 0 R>>", streamOf("/Filter/FlateDecode", bomb)),
		"bomb in a bomb":       append(document("", helvetica), "4 0 obj "+streamOf("/Filter[/FlateDecode/FlateDecode]", deflate(bomb))+" endobj"...),
		"fan of forms":         document("/X1 Do", helvetica, fan),
		"huge string":          document("BT /F1 1 Tf ("+strings.Repeat("x", 2<<20)+") Tj ET", helvetica),
		"deep states":          document(strings.Repeat("q ", 200_000), helvetica),
		"mad numbers":          document("BT /F1 1e308 Tf 1e308 1e308 1e308 1e308 1e308 1e308 cm 99999999999999999999 Tc (a) Tj (b) Tj ET", helvetica),
		"mad widths":           document("BT /F1 1 Tf <0001> Tj ET", "<</Subtype/Type0/DescendantFonts[<</W[0 999999999 1 -5 1e300 [1] 3 [4] 5]>>]>>"),
		"mad ranges":           document("BT /F1 1 Tf <0001> Tj ET", "<</Subtype/Type0/ToUnicode 11 0 R>>", streamOf("", strings.Repeat("<00000000> <ffffffff> <0041> endbfrange ", 100_000))),
		"mad columns":          append(document("", helvetica), "4 0 obj "+streamOf("/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 65535/Colors 65535/BitsPerComponent 65535>>", deflate("x"))+" endobj"...),
		"wide page tree":       append(document("", helvetica), "2 0 obj <</Kids["+strings.Repeat("2 0 R ", 200_000)+"]>> endobj"...),
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			start := time.Now()
			var out bytes.Buffer
			err := Text(budget.New(ctx, nil, 16<<20, 24<<20), doc, &out, new(string))
			known := err == nil || errors.Is(err, budget.ErrSteps) || errors.Is(err, budget.ErrMemory) || errors.Is(err, ErrMalformed) || errors.Is(err, ErrLimit) || errors.Is(err, ErrNoText) || errors.Is(err, context.DeadlineExceeded)
			if took := time.Since(start); !known || took > 20*time.Second || !utf8.Valid(out.Bytes()) {
				t.Errorf("%v after %v, %d bytes", err, took, out.Len())
			}
		})
	}
}

func FuzzPDF(f *testing.F) {
	for _, sample := range []string{"../testdata/golden/report.pdf", "../testdata/golden/unicode.pdf", "testdata/open-rc4-128.pdf", "testdata/open-aes-256.pdf"} {
		b, err := os.ReadFile(sample)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add(document("BT /F1 10 Tf 12 TL (Hello) Tj T* [(W) 80 (orld)] TJ ET /X1 Do BI /W 1 ID x EI", helvetica, streamOf("/Subtype/Form", "q 1 0 0 1 2 3 cm Q")))
	f.Add(document("BT /F1 10 Tf <0041> Tj ET", "<</Subtype/Type0/ToUnicode 11 0 R/DescendantFonts[<</DW 1000/W[1 [2 3] 4 5 6]>>]>>",
		streamOf("", "<0000> <ffff> endcodespacerange <0041> <0042> endbfchar <0050> <0060> <0061> endbfrange")))
	f.Fuzz(func(t *testing.T, b []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		var out bytes.Buffer
		start := time.Now()
		if err := Text(budget.New(ctx, nil, 0, 0), b, &out, new(string)); errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 10*time.Second {
			t.Fatalf("%d bytes take longer than %v", len(b), time.Since(start))
		}
		if !utf8.Valid(out.Bytes()) {
			t.Fatalf("not UTF-8: %q", out.Bytes())
		}
	})
}

// Files that only forbid printing or copying are encrypted with an empty password; those with another are refused.
func TestEncryption(t *testing.T) {
	want, err := os.ReadFile("../testdata/golden/report.pdf.golden")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"rc4-40", "rc4-128", "aes-128", "aes-256-r5", "aes-256"} {
		b, err := os.ReadFile("testdata/open-" + kind + ".pdf")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := textOfFile(t, b); err != nil || got != strings.TrimSpace(string(want)) {
			t.Errorf("%s: %q, %v", kind, got, err)
		}
	}
	b, err := os.ReadFile("testdata/locked.pdf")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := textOfFile(t, b); !errors.Is(err, ErrEncrypted) {
		t.Errorf("with a password: %v", err)
	}
}
