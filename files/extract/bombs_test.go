package extract

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/files/extract/budget"
)

// bomb is a file made to cost far more than its size: want is the error it must end in, nil where it has a text, cut
// or whole.
type bomb struct {
	name, file string
	content    func() io.Reader
	size       int64 // 0: that of what content returns
	want       error
}

// times is s many times, without a string of that size.
type times struct {
	s string
	n int
}

func (t times) writeTo(w io.Writer) {
	per := max(1, 64<<10/len(t.s))
	chunk := strings.Repeat(t.s, per)
	for n := t.n; n > 0; n -= per {
		_, _ = io.WriteString(w, chunk[:min(n, per)*len(t.s)])
	}
}

// mib is s as often as fills n MiB; with the race detector, a fraction of it.
func mib(s string, n int) times { return times{s, n << 20 / len(s) / slow} }

func writeParts(w io.Writer, parts ...any) {
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			_, _ = io.WriteString(w, p)
		case times:
			p.writeTo(w)
		default:
			panic(fmt.Sprintf("%T", p))
		}
	}
}

// part is a file in an archive: its name, then what it is made of.
type part []any

func archiveOf(parts ...part) func() io.Reader {
	return func() io.Reader {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
		for _, p := range parts {
			w, err := z.Create(p[0].(string)) //nolint:errcheck // always
			if err != nil {
				panic(err)
			}
			writeParts(w, p[1:]...)
		}
		if err := z.Close(); err != nil {
			panic(err)
		}
		return &b
	}
}

func word(parts ...any) func() io.Reader {
	return archiveOf(append(part{"word/document.xml"}, parts...))
}

func book(parts ...part) func() io.Reader {
	return archiveOf(append([]part{{"xl/workbook.xml", workbookXML}, {"xl/_rels/workbook.xml.rels", relsXML}}, parts...)...)
}

func sheetOf(parts ...any) part { return append(part{"xl/worksheets/sheet1.xml"}, parts...) }

func slide(parts ...any) func() io.Reader {
	return archiveOf(append(part{"ppt/slides/slide1.xml"}, parts...))
}

func content(parts ...any) func() io.Reader {
	return func() io.Reader {
		var b bytes.Buffer
		writeParts(&b, parts...)
		return &b
	}
}

// pdfOf is a PDF of one page, whose font F1 and form X1 are objects 10 and 11; more objects follow.
func pdfOf(stream string, objects ...any) func() io.Reader {
	return content(append(append([]any{
		"%PDF-1.7\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj\n2 0 obj <</Type/Pages/Kids[3 0 R]>> endobj\n" +
			"3 0 obj <</Type/Page/Contents 4 0 R/Resources<</Font<</F1 10 0 R>>/XObject<</X1 11 0 R>>>>>> endobj\n4 0 obj " + stream + " endobj\n",
	}, objects...), "\ntrailer <</Root 1 0 R>>\n")...)
}

func streamOf(dict, data string) string {
	return fmt.Sprintf("<<%s/Length %d>> stream\n%s\nendstream", dict, len(data), data)
}

// deflated is a stream of parts, compressed as often as asked.
func deflated(dict string, often int, parts ...any) string {
	var data bytes.Buffer
	writeParts(&data, parts...)
	b := data.Bytes()
	for range often {
		var out bytes.Buffer
		w, _ := zlib.NewWriterLevel(&out, zlib.BestSpeed)
		_, _ = w.Write(b)
		_ = w.Close()
		b = out.Bytes()
	}
	return streamOf(dict+"/Filter["+strings.Repeat("/FlateDecode", often)+"]", string(b))
}

// numbered is f of each number below n, joined.
func numbered(from, n int, f func(i int) string) string {
	var b strings.Builder
	for i := from; i < from+n; i++ {
		b.WriteString(f(i))
	}
	return b.String()
}

// directory is a zip whose directory has n entries and says it has one.
func directory(n int) func() io.Reader {
	return func() io.Reader {
		var b bytes.Buffer
		entry := make([]byte, 46+1)
		copy(entry, "PK\x01\x02")
		entry[28] = 1 // the length of the name
		entry[46] = 'x'
		times{string(entry), n}.writeTo(&b)
		end := make([]byte, 22)
		copy(end, "PK\x05\x06")
		binary.LittleEndian.PutUint16(end[10:], uint16(n))            //nolint:gosec // modulo 65,536, as readers compare it
		binary.LittleEndian.PutUint32(end[12:], uint32(n*len(entry))) //nolint:gosec // small
		b.Write(end)
		return &b
	}
}

func bombs() []bomb {
	office := func(name string, of func(parts ...any) func() io.Reader, file string) []bomb {
		return []bomb{
			{name + ": a tag of 60 MiB of attributes", file, of("<w:p ", mib(`a="" `, 60), "/>"), 0, ErrLimit},
			{name + ": an attribute of 60 MiB", file, of(`<w:p a="`, mib("a", 60), `"/>`), 0, ErrLimit},
			{name + ": a text of 60 MiB", file, of("<w:p><w:t>", mib("a", 60)), 0, ErrLimit},
			{name + ": 60 MiB of tags", file, of(mib("<w:p/>", 60)), 0, ErrLimit},
			{name + ": a row of 60 MiB", file, of("<w:tbl><w:tr>", times{"<w:tc><w:p><w:t>" + strings.Repeat("a", 1<<20-64) + "</w:t></w:p></w:tc>", 64 / slow}, "</w:tr></w:tbl>"), 0, nil},
		}
	}
	all := office("DOCX", word, "a.docx")
	all = append(all, office("PPTX", slide, "a.pptx")...)
	var slides []part
	for i := range 2000 / slow {
		slides = append(slides, part{"ppt/slides/slide" + itoa(i) + ".xml", times{"<a/>", 2000}})
	}
	strings16 := strings.Repeat("s", maxCell-1)
	return append(all,
		bomb{"DOCX: an element's name of 60 MiB", "a.docx", word("<", mib("a", 60), "/>"), 0, ErrLimit},
		bomb{"DOCX: a comment of 60 MiB", "a.docx", word("<!--", mib("a", 60), "-->"), 0, ErrLimit},
		bomb{"DOCX: 60 MiB of nested elements", "a.docx", word(mib("<w:del>", 60)), 0, ErrLimit},
		bomb{"DOCX: a directory of 600,000 entries", "a.docx", directory(600_000), 0, ErrLimit},
		bomb{"PPTX: 2,000 slides", "a.pptx", archiveOf(slides...), 0, ErrLimit},
		bomb{"XLSX: a cell of 60 MiB of attributes", "a.xlsx", book(sheetOf("<row><c ", mib(`a="" `, 60), "/></row>")), 0, ErrLimit},
		bomb{"XLSX: 60 MiB of empty rows", "a.xlsx", book(sheetOf(mib("<row/>", 60))), 0, ErrLimit},
		bomb{"XLSX: 16,384 cells of one shared string", "a.xlsx", book(part{"xl/sharedStrings.xml", "<si><t>" + strings16 + "</t></si>"},
			sheetOf("<row>", times{`<c t="s"><v>0</v></c>`, 200_000}, "</row>")), 0, nil},
		bomb{"XLSX: 60 MiB of shared strings", "a.xlsx", book(sheetOf(""), part{"xl/sharedStrings.xml", times{"<si><t>" + strings16 + "</t></si>", 60 * 64 / slow}}), 0, ErrLimit},
		bomb{"XLSX: a million small shared strings", "a.xlsx", book(sheetOf(""), part{"xl/sharedStrings.xml", times{"<si><t>s</t></si>", 1_100_000 / slow}}), 0, ErrLimit},
		bomb{"XLSX: number formats of 60 MiB", "a.xlsx", book(sheetOf(""), part{"xl/styles.xml", numbered(0, 9000/slow, func(i int) string {
			return fmt.Sprintf(`<numFmt numFmtId="%d" formatCode="%s"/>`, i, strings.Repeat("y", 6<<10))
		})}), 0, nil},
		bomb{"XLSX: 60 MiB of cell styles", "a.xlsx", book(sheetOf(""), part{"xl/styles.xml", "<cellXfs>", mib("<xf/>", 60)}), 0, ErrLimit},
		bomb{"XLSX: relations of 60 MiB", "a.xlsx", archiveOf(part{"xl/workbook.xml", workbookXML}, part{"xl/_rels/workbook.xml.rels", numbered(0, 990/slow, func(i int) string {
			return fmt.Sprintf(`<Relationship Id="r%d" Target="%s"/>`, i, strings.Repeat("t", 60<<10))
		})}), 0, ErrMalformed},
		bomb{"XLSX: one sheet under 1,000 names", "a.xlsx", archiveOf(part{"xl/_rels/workbook.xml.rels", relsXML}, sheetOf(times{"<row/>", 100_000}),
			part{"xl/workbook.xml", `<workbook xmlns:r="x"><sheets>`, times{`<sheet name="S" r:id="r1"/>`, maxSheets}}), 0, ErrLimit},
		bomb{"HTML: a tag of 8 MiB of attributes", "a.html", content("<p ", mib("a ", 8), ">end"), 0, nil},
		bomb{"HTML: 8 MiB of attributes in tags of 500 KiB", "a.html", content(times{"<p " + strings.Repeat("a ", 250<<10) + ">", 16}), 0, nil},
		bomb{"HTML: 8 MiB of tags", "a.html", content(mib("<b>", 8)), 0, nil},
		bomb{"HTML: 8 MiB of nested lists", "a.html", content(mib("<ul><li>x", 8)), 0, nil},
		bomb{"HTML: a text of 8 MiB of words", "a.html", content("<p>", mib("w ", 8)), 0, nil},
		bomb{"HTML: a script of 8 MiB", "a.html", content("<script>", mib("a<b ", 8)), 0, nil},
		bomb{"CSV: a row of 8 MiB of commas", "a.csv", content(mib(",", 8)), 0, nil},
		bomb{"CSV: one row over lines in quotes", "a.csv", content(mib(`,,,,,,,,"`+"\n"+`"`, 8)), 0, nil},
		bomb{"CSV: a quote that does not end", "a.csv", content("a,b\n\"", mib("x,y\n", 8)), 0, nil},
		bomb{"JSON: 8 MiB of open arrays", "a.json", content(mib("[", 8)), 0, nil},
		bomb{"JSON: 8 MiB of nested objects", "a.json", content(mib(`{"a":`, 8)), 0, nil},
		bomb{"JSON: 8 MiB of commas and spaces", "a.json", content("[1", mib(" ,  1", 8)), 0, nil},
		bomb{"XML: a tag of 8 MiB of attributes", "a.xml", content("<a ", mib(`a="" `, 8), "/>"), 0, nil},
		bomb{"XML: 8 MiB of nested elements", "a.xml", content(mib("<a>", 8)), 0, ErrLimit},
		bomb{"XML: entities that multiply", "a.xml", content(`<!DOCTYPE l [<!ENTITY a "ha">`, numbered(1, 30, func(i int) string {
			return fmt.Sprintf(`<!ENTITY a%d "%s">`, i, strings.Repeat(fmt.Sprintf("&a%d;", i-1), 10))
		}), "]><l>", mib("&a30;", 1), "</l>"), 0, nil},
		bomb{"text: 400 MiB of escapes that show nothing", "a.txt", func() io.Reader { return io.LimitReader(endless{"\x1b$B\x1b(B"}, 400<<20) }, 400 << 20, nil},
		bomb{"image: a JPEG of 400 MiB of comments", "a.jpg", func() io.Reader {
			return io.MultiReader(strings.NewReader("\xff\xd8"), io.LimitReader(endless{"\xff\xfe\xff\xff" + strings.Repeat("c", 65533)}, 400<<20))
		}, 400 << 20, ErrMalformed},
		bomb{"image: a PNG of 2^32 pixels a side", "a.png", content("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\xff\xff\xff\xff\xff\xff\xff\xff\x08\x02\x00\x00\x00", mib("x", 8)), 0, ErrMalformed},
		bomb{"PDF: 17 MiB of one array", "a.pdf", content("%PDF-1.7 1 0 obj [", mib("1 ", 17), "]"), 0, ErrLimit},
		bomb{"PDF: 17 MiB of arrays in an array", "a.pdf", content("%PDF-1.7 1 0 obj [", mib("[]", 17)), 0, ErrLimit},
		bomb{"PDF: 17 MiB of one dictionary", "a.pdf", content("%PDF-1.7 1 0 obj <<", numbered(0, 17<<20/10, func(i int) string { return fmt.Sprintf("/%07d 1 ", i) })), 0, ErrLimit},
		bomb{"PDF: a string of 17 MiB", "a.pdf", content("%PDF-1.7 1 0 obj (", mib("x", 17), ")"), 0, ErrLimit},
		bomb{"PDF: 17 MiB of objects", "a.pdf", content("%PDF-1.7 ", numbered(1, 17<<20/20, func(i int) string { return fmt.Sprintf("%07d 0 obj 1 ", i) })), 0, ErrLimit},
		bomb{"PDF: a page of 1 GiB", "a.pdf", pdfOf(deflated("", 2, mib(" ", 1<<10))), 0, ErrLimit},
		bomb{"PDF: a page of 1 GiB of run lengths", "a.pdf", pdfOf(strings.Replace(deflated("", 1, mib("\x81 ", 16)), "/FlateDecode", "/FlateDecode/RunLengthDecode", 1)), 0, ErrLimit},
		bomb{"PDF: a page of 10,000 times one stream", "a.pdf", pdfOf("[]", "3 0 obj <</Type/Page/Contents["+strings.Repeat("20 0 R ", 10_000)+"]>> endobj 20 0 obj ",
			deflated("", 1, mib("q ", 1)), " endobj"), 0, ErrLimit},
		bomb{"PDF: object streams of 100 MiB", "a.pdf", pdfOf("<<>>", numbered(20, 100, func(i int) string { return fmt.Sprintf("%d 0 obj ", i) + deflatedMiB + " endobj " })), 0, ErrLimit},
		bomb{"PDF: forms that draw forms", "a.pdf", pdfOf(streamOf("", "/X1 Do"), "10 0 obj 1 endobj 11 0 obj ", streamOf("/Subtype/Form", strings.Repeat("/X1 Do ", 100)), " endobj"), 0, ErrLimit},
		bomb{"PDF: 5,000 fonts of 65,536 characters", "a.pdf", pdfOf(streamOf("", numbered(0, 5000, func(i int) string { return fmt.Sprintf("/F%d 1 Tf ", i) })),
			"3 0 obj <</Type/Page/Contents 4 0 R/Resources<</Font<<", numbered(0, 5000, func(i int) string { return fmt.Sprintf("/F%d %d 0 R ", i, i+20) }), ">>>>>> endobj ",
			numbered(20, 5000, func(i int) string { return fmt.Sprintf("%d 0 obj <</ToUnicode 11 0 R>> endobj ", i) }),
			"11 0 obj ", streamOf("", numbered(0, 256, func(i int) string { return fmt.Sprintf("<%02x00> <%02xff> <0041> endbfrange ", i, i) })), " endobj"), 0, ErrLimit},
		bomb{"PDF: a string of 3 MiB through 256 ranges", "a.pdf", pdfOf(deflated("", 1, "BT /F1 1 Tf <", mib("00", 6), "> Tj ET"),
			"10 0 obj <</Subtype/Type0/ToUnicode 11 0 R>> endobj 11 0 obj ", streamOf("", strings.Repeat("<0000> <ffff> endcodespacerange <01000000> <0100ffff> <0041> endbfrange ", 256)), " endobj"), 0, ErrLimit},
		bomb{"PDF: a font written out at each use", "a.pdf", pdfOf(deflated("", 1, times{"/F1 1 Tf ", 1 << 20}), "10 0 obj <</A 1>> endobj ",
			"3 0 obj <</Type/Page/Contents 4 0 R/Resources<</Font<</F1 <</ToUnicode 11 0 R>> >>>>>> endobj 11 0 obj ", streamOf("", strings.Repeat("<00> <ff> <0041> endbfrange ", 64)), " endobj"), 0, ErrLimit},
		bomb{"PDF: a page tree of 17 MiB", "a.pdf", content("%PDF-1.7 1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj ", numbered(2, 200_000, func(i int) string {
			return fmt.Sprintf("%d 0 obj <</Kids[%d 0 R %d 0 R %d 0 R]>> endobj ", i, i*2, i*2+1, i)
		}), "trailer <</Root 1 0 R>>"), 0, ErrMalformed},
	)
}

var deflatedMiB = deflated("/Type/ObjStm/N 1/First 4", 1, "1 0 ", mib(" ", 1))

// peak runs f, and returns the most memory that was reachable meanwhile beyond what was before, in bytes. The collector
// runs often enough that garbage counts little.
func peak(f func()) int64 {
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	runtime.GC()
	live := func() int64 {
		s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(s)
		return int64(s[0].Value.Uint64()) //nolint:gosec // a heap
	}
	before := live()
	most := before
	done, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for t := time.NewTicker(500 * time.Microsecond); ; {
			select {
			case <-t.C:
				most = max(most, live())
			case <-done:
				t.Stop()
				return
			}
		}
	}()
	f()
	close(done)
	<-watched
	return most - before
}

// A file may cost 64 MiB and a fixed number of steps, whatever it claims. A DOCX of 92 KB once took 1.9 GB and 8 s.
func TestBombs(t *testing.T) {
	lim := Limits{}
	if race {
		lim.Steps = budget.MaxSteps / slow
	}
	var table strings.Builder
	fmt.Fprintf(&table, "| File | Size | Peak memory | Steps | Time | |\n|---|---|---|---|---|---|\n")
	list := bombs()
	if len(list) < 48 {
		t.Errorf("%d bombs", len(list))
	}
	for _, b := range list {
		t.Run(b.name, func(t *testing.T) {
			r := b.content()
			size := b.size
			if buffer, ok := r.(*bytes.Buffer); ok {
				size = int64(buffer.Len())
			}
			lim.Size = size
			var res Result
			var err error
			var took time.Duration
			memory := peak(func() {
				start := time.Now()
				res, err = Text(t.Context(), r, "", b.file, lim)
				took = time.Since(start)
			})
			outcome := "text"
			if err != nil {
				outcome = err.Error()
			} else if res.Truncated {
				outcome = "text, cut"
			}
			fmt.Fprintf(&table, "| %s | %s | %.1f MiB | %.1f M | %.2f s | %s |\n", b.name, sizeOf(size), float64(memory)/(1<<20), float64(res.Steps)/1e6, took.Seconds(), outcome)
			// What is smaller with the detector may end otherwise, but never in an error of no kind.
			if race && err != nil && !errors.Is(err, ErrLimit) && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnsupported) || !race && !errors.Is(err, b.want) {
				t.Errorf("got %v, want %v", err, b.want)
			}
			if memory > budget.Peak || res.Memory > budget.MaxMemory+8<<20 || res.Steps > budget.MaxSteps+1<<20 {
				t.Errorf("it took %d MiB (charged: %d MiB) and %d steps", memory>>20, res.Memory>>20, res.Steps)
			}
			if took > 10*time.Second && !race {
				t.Errorf("it took %v", took)
			}
		})
	}
	t.Logf("what each file cost:\n%s", table.String())
}

func sizeOf(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}
