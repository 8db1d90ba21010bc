package extract

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/open-bedrock/caddy-bedrock-gateway/files/extract/budget"
)

func TestType(t *testing.T) {
	pdf := []byte("%PDF-1.7\n")
	for _, c := range []struct {
		declared, filename string
		head               []byte
		want               string
	}{
		{"text/csv", "a.json", nil, "text/csv"},
		{"Text/CSV; header=present; charset=UTF-16", "a", nil, "text/csv; charset=utf-16"},
		{"application/octet-stream", "data.csv", nil, "text/csv"},
		{"", "DATA.CSV", nil, "text/csv"},
		{"application/octet-stream", "a.pdf", pdf, "application/pdf"},
		{"application/octet-stream", "noextension", pdf, "application/pdf"},
		{"application/octet-stream", "a.unknown", []byte("hello"), "text/plain"},
		{"application/octet-stream", "a", []byte{0, 1, 2, 3}, "application/octet-stream"},
		{"application/vnd.ms-excel", "export.csv", nil, "text/csv"},
		{"application/vnd.ms-excel", "export.xls", nil, "application/vnd.ms-excel"},
		{"nonsense", "a.md", nil, "text/markdown"},
		{"text/<script>", "a.md", nil, "text/markdown"},
		{"text/plain\r\nX-Evil: 1", "a.md", nil, "text/markdown"},
		{"text/plain; charset=\"a\r\nb\"", "a.md", nil, "text/plain"},
		{"text/html; charset", "a.md", nil, "text/html"},
	} {
		if got := Type(c.declared, c.filename, c.head); got != c.want {
			t.Errorf("Type(%q, %q) = %q, want %q", c.declared, c.filename, got, c.want)
		}
	}
}

// zipOf makes an archive of parts.
func zipOf(t testing.TB, parts ...[2]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, p := range parts {
		w, err := z.Create(p[0])
		if err == nil {
			_, err = io.WriteString(w, p[1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const (
	workbookXML = `<workbook xmlns:r="x"><sheets><sheet name="S" r:id="r1"/></sheets></workbook>`
	relsXML     = `<Relationships><Relationship Id="r1" Target="worksheets/sheet1.xml"/></Relationships>`
)

// Input made to exhaust a reader must end in an error or a bounded text, quickly and in little memory.
func TestHostileInput(t *testing.T) {
	noise := make([]byte, 200_000)
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same noise each time
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	bomb := strings.Repeat("<x>", 2<<20)
	laughs := `<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><l>&b;&b;</l>`
	sheet := [2]string{"xl/worksheets/sheet1.xml", ""}
	book := func(parts ...[2]string) []byte {
		return zipOf(t, append(parts, [2]string{"xl/workbook.xml", workbookXML}, [2]string{"xl/_rels/workbook.xml.rels", relsXML})...)
	}
	for _, c := range []struct {
		name, file string
		content    []byte
		want       error // nil: a text
		has        string
	}{
		{"noise as text", "a.txt", noise, ErrUnsupported, ""},
		{"noise as CSV", "a.csv", noise, ErrUnsupported, ""},
		{"noise as JSON", "a.json", noise, ErrUnsupported, ""},
		{"noise as XML", "a.xml", noise, ErrUnsupported, ""},
		{"noise as HTML", "a.html", noise, ErrUnsupported, ""},
		{"noise as DOCX", "a.docx", noise, ErrMalformed, ""},
		{"noise as XLSX", "a.xlsx", noise, ErrMalformed, ""},
		{"noise as an image", "a.png", noise, ErrMalformed, ""},
		{"noise as PDF", "a.pdf", noise, ErrMalformed, ""},
		{"PDF of nothing", "a.pdf", []byte("%PDF-1.7"), ErrMalformed, ""},
		{"unknown", "a.bin", noise, ErrUnsupported, ""},
		{"deep JSON array", "a.json", []byte(strings.Repeat("[", 2<<20)), nil, "["},
		{"deep JSON objects", "a.json", []byte(strings.Repeat(`{"a":`, 1<<20)), nil, "a"},
		{"deep valid JSON", "a.json", []byte(strings.Repeat("[", 9000) + strings.Repeat("]", 9000)), nil, "[]"},
		{"closing JSON", "a.json", []byte(strings.Repeat("]", 2<<20)), nil, "]"},
		{"deep XML", "a.xml", []byte(bomb), ErrLimit, ""},
		{"deep HTML", "a.html", []byte(strings.Repeat("<div>", 1<<20)), nil, ""},
		{"deep lists", "a.html", []byte(strings.Repeat("<ul><li>x", 200<<10)), nil, "x"},
		{"endless tag", "a.html", []byte("<p " + strings.Repeat("a", 6<<20)), nil, ""},
		{"entity expansion", "a.xml", []byte(laughs), nil, "&amp;b;&amp;b;"},
		{"unclosed quote in CSV", "a.csv", []byte(`a,b` + "\n" + `"` + strings.Repeat("x,y\n", 1<<20)), nil, "x,y"},
		{"huge cell", "a.csv", []byte("a,b\n" + strings.Repeat("c", 500_000) + ",d\n"), nil, "…"},
		{"many columns", "a.csv", []byte(strings.Repeat("c,", 1<<20)), nil, "c,c"},
		{"zip bomb in DOCX", "a.docx", zipOf(t, [2]string{"word/document.xml", "<w:document><!--" + strings.Repeat("x", 20<<20)}), ErrLimit, ""},
		{"zip bomb of one text", "a.docx", zipOf(t, [2]string{"word/document.xml", "<w:t>" + strings.Repeat("a", 20<<20)}), ErrLimit, ""},
		{"DOCX without a document", "a.docx", zipOf(t, [2]string{"x", "y"}), ErrMalformed, ""},
		{"DOCX of broken XML", "a.docx", zipOf(t, [2]string{"word/document.xml", "<w:p><w:t>x</w:p"}), ErrMalformed, ""},
		{"zip of many entries", "a.docx", manyEntries(t), ErrLimit, ""},
		{"empty rows in XLSX", "a.xlsx", book([2]string{sheet[0], strings.Repeat("<row/>", 2<<20)}), ErrLimit, ""},
		{"shared strings in XLSX", "a.xlsx", book(sheet, [2]string{"xl/sharedStrings.xml", strings.Repeat("<si/>", 1<<20)}), ErrLimit, ""},
		{"far cells in XLSX", "a.xlsx", book([2]string{sheet[0], strings.Repeat(`<row><c r="XFD1"><v>1</v></c><c r="ZZZZZZ1"><v>2</v></c></row>`, 10_000)}), nil, ",1\n"},
		{"dates out of bounds in XLSX", "a.xlsx", book(
			[2]string{sheet[0], `<row><c s="0"><v>1e300</v></c><c s="0"><v>-5</v></c><c s="0"><v>NaN</v></c><c s="9"><v>1</v></c><c t="s"><v>7</v></c></row>`},
			[2]string{"xl/styles.xml", `<cellXfs><xf numFmtId="14"/></cellXfs>`}), nil, ",-5,"},
		{"image with a false size", "a.png", []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\xff\xff\xff\xff\xff\xff\xff\xff\x08\x02\x00\x00\x00\x00\x00\x00\x00"), ErrMalformed, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			start := time.Now()
			res, err := Text(t.Context(), bytes.NewReader(c.content), "", c.file, Limits{Text: 64 << 10, Input: 8 << 20, Steps: 6 << 20, Memory: 32 << 20})
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Errorf("got %.100q, %v; want %v", res.Text, err, c.want)
			}
			if !strings.Contains(res.Text, c.has) || len(res.Text) > 64<<10+256 {
				t.Errorf("got %d bytes, %.300q; want %q in it", len(res.Text), res.Text, c.has)
			}
			// Allocated in all, not held: a bound on both. It is an order above what is seen, for slow machines.
			if mem := after.TotalAlloc - before.TotalAlloc; took > 20*time.Second || mem > 2<<30 {
				t.Errorf("took %v and %d MiB", took, mem>>20)
			}
		})
	}
}

func manyEntries(t testing.TB) []byte {
	t.Helper()
	parts := make([][2]string, maxZipEntries+1)
	for i := range parts {
		parts[i][0] = itoa(i)
	}
	return zipOf(t, parts...)
}

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name, file, content string
		limit               int64
		want                string
		truncated           bool
	}{
		{"text that fits exactly", "a.txt", "0123456789", 10, "0123456789", false},
		{"text cut", "a.txt", "0123456789x", 10, "0123456789", true},
		{"never half a character", "a.txt", "12345678é", 9, "12345678", true},
		{"CSV cut in a row", "a.csv", "a,b\nc,d\ne,f\n", 9, "a,b\nc,d\ne", true},
		{"JSON cut", "a.json", `{"a":[{"b":1},{"b":2}]}`, 20, "{\n  \"a\": [\n    {\n   ", true},
		{"HTML cut", "a.html", "<p>0123456789x</p>", 10, "0123456789", true},
		{"XML cut", "a.xml", "<a><b>1</b><b>2</b></a>", 10, "<a>\n  <b>1", true},
		{"empty", "a.txt", "", 10, "", false},
		{"NUL is dropped", "a.txt", strings.Repeat("x", 5000) + "\x00y", 1 << 20, strings.Repeat("x", 5000) + "y", false},
		{"old line ends", "a.txt", "a\rb\r\nc\n", 20, "a\nb\nc\n", false},
	} {
		res, err := Text(t.Context(), strings.NewReader(c.content), "", c.file, Limits{Text: c.limit})
		if err != nil || res.Text != c.want || res.Truncated != c.truncated {
			t.Errorf("%s: got %q, truncated %v, %v; want %q, %v", c.name, res.Text, res.Truncated, err, c.want, c.truncated)
		}
	}
}

// endless never ends: only a limit can end what reads it.
type endless struct{ s string }

func (e endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		n += copy(p[n:], e.s)
	}
	return n, nil
}

func TestEndlessInputEnds(t *testing.T) {
	for file, s := range map[string]string{
		"a.txt": "word ", "a.csv": "a,b\n", "a.jsonl": "{}\n", "a.json": "[1,", "a.html": "<p>x", "a.xml": "<a>x</a>",
		"a.md": "é", "a.docx": "PK", "a.xlsx": "PK", "a.pdf": "1 0 obj ", "a.png": "x",
	} {
		res, err := Text(t.Context(), endless{s}, "", file, Limits{Text: 100_000, Input: 1 << 20})
		ok := err == nil && res.Truncated || errors.Is(err, ErrLimit) || errors.Is(err, ErrMalformed)
		if !ok || len(res.Text) > 100_000 {
			t.Errorf("%s: %d bytes, truncated %v, %v", file, len(res.Text), res.Truncated, err)
		}
	}
}

func TestTimeAndContext(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Text(gone, endless{"x"}, "", "a.txt", Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := Text(t.Context(), endless{"x"}, "", "a.txt", Limits{Time: time.Nanosecond}); !errors.Is(err, ErrLimit) {
		t.Errorf("out of time: %v", err)
	}
	// The reader's own error comes through as it is.
	if _, err := Text(t.Context(), io.MultiReader(strings.NewReader(strings.Repeat("x", 9000)), broken{}), "", "a.txt", Limits{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("broken reader: %v", err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

func fuzz(f *testing.F, file string) {
	f.Helper()
	samples, err := filepath.Glob("testdata/golden/*" + filepath.Ext(file))
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range samples {
		b, err := os.ReadFile(s) //nolint:gosec // a sample
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { check(t, b, "", file) })
}

// check asserts what holds for any content: the errors, the text, and what it costs.
func check(t *testing.T, b []byte, mediaType, file string) {
	t.Helper()
	extract := func() (Result, error) {
		return Text(t.Context(), bytes.NewReader(b), mediaType, file, Limits{Text: 10_000, Input: 1 << 20, Size: int64(len(b)), Time: 5 * time.Second})
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	res, err := extract()
	runtime.ReadMemStats(&after)
	if err != nil && (strings.Contains(err.Error(), "parser failed") || errors.Is(err, ErrTime) || res.Text != "") {
		t.Fatalf("%v, with text %q", err, res.Text)
	}
	if err != nil && !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrLimit) {
		t.Fatalf("an error of none of the kinds: %v", err)
	}
	if !utf8.ValidString(res.Text) || strings.ContainsRune(res.Text, 0) || len(res.Text) > 10_000 {
		t.Fatalf("bad text of %d bytes: %q", len(res.Text), res.Text)
	}
	if res.Steps > budget.MaxSteps+1<<20 || res.Memory > budget.MaxMemory+8<<20 {
		t.Fatalf("it is charged %d steps and %d bytes", res.Steps, res.Memory)
	}
	// What was allocated in all bounds what was held; only where that is too much is it worth watching.
	if after.TotalAlloc-before.TotalAlloc > budget.MaxMemory {
		if held := peak(func() { _, _ = extract() }); held > budget.Peak {
			t.Fatalf("%d bytes take %d MiB", len(b), held>>20)
		}
	}
}

// FuzzCharset reads text in the charset that its type declares.
func FuzzCharset(f *testing.F) {
	for _, name := range []string{"utf-8", "utf-16", "utf-16le", "iso-2022-jp", "gb18030", "big5", "euc-jp", "shift_jis", "euc-kr", "koi8-r", "x-user-defined", "replacement"} {
		f.Add([]byte("Text \x1b$B\xff\xfe\x81\x30"), name)
	}
	f.Fuzz(func(t *testing.T, b []byte, name string) { check(t, b, "text/plain; charset="+name, "a.txt") })
}

func FuzzText(f *testing.F)         { fuzz(f, "a.txt") }
func FuzzCSV(f *testing.F)          { fuzz(f, "a.csv") }
func FuzzJSON(f *testing.F)         { fuzz(f, "a.json") }
func FuzzXML(f *testing.F)          { fuzz(f, "a.xml") }
func FuzzHTML(f *testing.F)         { fuzz(f, "a.html") }
func FuzzDOCX(f *testing.F)         { fuzz(f, "a.docx") }
func FuzzXLSX(f *testing.F)         { fuzz(f, "a.xlsx") }
func FuzzPresentation(f *testing.F) { fuzz(f, "a.pptx") }
func FuzzImage(f *testing.F)        { fuzz(f, "a.png") }
func FuzzPDF(f *testing.F)          { fuzz(f, "a.pdf") }
