package pdf

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/files/extract/budget"
)

// book makes a PDF as word processors do: pages of 45 lines whose letters are placed with kerning, each in one of eight
// subset fonts with a ToUnicode map, and a drawing of 20 KB on each page.
func book(pages int) []byte {
	var b strings.Builder
	b.WriteString("%PDF-1.7\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj\n2 0 obj <</Type/Pages/Kids[")
	for i := range pages {
		fmt.Fprintf(&b, "%d 0 R ", 100+2*i)
	}
	fmt.Fprintf(&b, "]/Count %d>> endobj\n", pages)
	var fonts strings.Builder
	for i := range 8 {
		fmt.Fprintf(&fonts, "/F%d %d 0 R", i, 10+2*i)
		fmt.Fprintf(&b, "%d 0 obj <</Type/Font/Subtype/Type0/Encoding/Identity-H/ToUnicode %d 0 R/DescendantFonts[<</DW 500/W[32[%s]]>>]>> endobj\n",
			10+2*i, 11+2*i, strings.Repeat("500 ", 96))
		var chars strings.Builder
		chars.WriteString("1 begincodespacerange <0000> <FFFF> endcodespacerange 96 beginbfchar\n")
		for c := 32; c < 127; c++ {
			fmt.Fprintf(&chars, "<%04X> <%04X>\n", c, c)
		}
		chars.WriteString("endbfchar")
		fmt.Fprintf(&b, "%d 0 obj %s endobj\n", 11+2*i, streamOf("/Filter/FlateDecode", deflate(chars.String())))
	}
	const words = "The quick brown fox jumps over the lazy dog and then sits down to read a report about it. "
	for page := range pages {
		var c strings.Builder
		for i := range 800 {
			fmt.Fprintf(&c, "%d.%d %d.5 m %d %d l S\n", i, page, i, i+1, i*2)
		}
		c.WriteString("BT 1 0 0 1 72 720 Tm\n")
		for line := range 45 {
			fmt.Fprintf(&c, "/F%d 11 Tf 0 -14 Td [", line%8)
			for i, letter := range words {
				fmt.Fprintf(&c, "<%04X>", letter)
				if i%3 == 0 {
					fmt.Fprintf(&c, "%d", i%7-3)
				}
			}
			c.WriteString("] TJ\n")
		}
		c.WriteString("ET")
		fmt.Fprintf(&b, "%d 0 obj <</Type/Page/Parent 2 0 R/Contents %d 0 R/Resources<</Font<<%s>>>>>> endobj\n%d 0 obj %s endobj\n",
			100+2*page, 101+2*page, fonts.String(), 101+2*page, streamOf("/Filter/FlateDecode", deflate(c.String())))
	}
	b.WriteString("trailer <</Root 1 0 R>>\n")
	return []byte(b.String())
}

// A book of 300 pages, 1.2 MB of text, takes less than half of what a file may cost.
func TestBookOf300Pages(t *testing.T) {
	data := book(300)
	var out strings.Builder
	spent := budget.New(t.Context(), nil, 0, 0)
	start := time.Now()
	err := Text(spent, data, &out, new(string))
	t.Logf("%d KiB took %v, %d M steps, %d MiB", len(data)>>10, time.Since(start), spent.Steps()/1e6, spent.Memory()>>20)
	if err != nil || !strings.Contains(out.String(), "[Page 300]") || strings.Count(out.String(), "the lazy dog and then sits") != 300*45 {
		t.Errorf("%d bytes of text, %v: %.300q", out.Len(), err, out.String())
	}
	if spent.Steps() > budget.MaxSteps/2 || spent.Memory() > budget.MaxMemory/4 {
		t.Errorf("it took %d M steps and %d MiB", spent.Steps()/1e6, spent.Memory()>>20)
	}
}
