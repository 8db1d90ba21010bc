package extract

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/open-bedrock/caddy-bedrock-gateway/files/extract/budget"
)

// readableHTML gives what a reader of the page sees: headings, paragraphs, lists, links with their targets, tables row
// by row, preformatted text; no scripts, styles or hidden parts. It works on tokens, without a tree, so depth costs
// nothing.
func readableHTML(in *input, out *output) error {
	// Markup is often many times the text.
	b, more, err := in.prefix(out.limit * 2 * readAhead)
	if err != nil {
		return err
	}
	out.truncated = more
	p := page{out: out}
	for len(b) > 0 && p.err == nil {
		n, err := p.tokens(b, in.budget)
		if !errors.Is(err, html.ErrBufferExceeded) {
			return err
		}
		b = b[n:]
		b = b[p.oversized(b):]
	}
	p.write("\n")
	return p.err
}

// tokens writes what the tokens of b show, up to the first one that is too large, and returns how far it came.
func (p *page) tokens(b []byte, spent *budget.Budget) (n int, err error) {
	z := html.NewTokenizer(bytes.NewReader(b))
	z.SetMaxBuf(maxTokenHTML)
	for p.err == nil {
		kind := z.Next()
		if kind == html.ErrorToken {
			if err := z.Err(); !errors.Is(err, io.EOF) {
				return n, err
			}
			p.write("\n")
			return n, p.err
		}
		size := len(z.Raw())
		n += size
		if err := spent.Step(2*size + tokenSteps); err != nil {
			return n, err
		}
		switch kind { //nolint:exhaustive // comments and doctypes show nothing
		case html.TextToken:
			p.text(z.Text())
		case html.StartTagToken, html.SelfClosingTagToken:
			p.start(z)
		case html.EndTagToken:
			name, _ := z.TagName()
			p.end(atom.Lookup(name))
		}
	}
	return n, p.err
}

// maxTokenHTML bounds one tag or text in memory: the tokenizer keeps what takes two bytes in a tag, an attribute, in 32.
const maxTokenHTML = 512 << 10

// oversized handles the token at the start of b, which is above maxTokenHTML, and returns its length. Text is written as
// it stands. A tag is passed over: it is an image that is written out in its own address, or an attack.
func (p *page) oversized(b []byte) int {
	end := func(mark string) int {
		if i := bytes.Index(b, []byte(mark)); i >= 0 {
			return i + len(mark)
		}
		return len(b)
	}
	switch {
	case p.skip == atom.Script || p.skip == atom.Style:
		// Raw text, in which nothing but its own end counts.
		switch i := bytes.Index(b, []byte("</"+p.skip.String())); {
		case i < 0:
			return len(b)
		case i > 0:
			return i
		}
		p.skip = 0
		return end(">")
	case bytes.HasPrefix(b, []byte("<!--")):
		return end("-->")
	case b[0] == '<':
		var quote byte
		for i, c := range b {
			switch {
			case quote != 0:
				if c == quote {
					quote = 0
				}
			case (c == '"' || c == '\'') && b[i-1] == '=':
				quote = c
			case c == '>':
				return i + 1
			}
		}
		return len(b)
	}
	n := bytes.IndexByte(b, '<')
	if n < 0 {
		n = len(b)
	}
	const piece = 64 << 10 // folding white space takes eight times the text
	for i := 0; i < n; i += piece {
		p.text(b[i:min(i+piece, n)])
	}
	return n
}

// unseen are the elements whose content no reader sees.
var unseen = map[atom.Atom]bool{
	atom.Script: true, atom.Style: true, atom.Noscript: true, atom.Template: true, atom.Svg: true, atom.Math: true,
	atom.Iframe: true, atom.Object: true, atom.Select: true,
}

// blocks begin and end a line; those of 2 an empty one.
var blocks = map[atom.Atom]int{
	atom.P: 2, atom.Div: 1, atom.Section: 2, atom.Article: 2, atom.Header: 1, atom.Footer: 1, atom.Main: 1, atom.Nav: 1,
	atom.Aside: 2, atom.Form: 1, atom.Ul: 2, atom.Ol: 2, atom.Dl: 2, atom.Dt: 1, atom.Dd: 1, atom.Li: 1, atom.Table: 2,
	atom.Tr: 1, atom.Blockquote: 2, atom.Pre: 2, atom.Figure: 2, atom.Figcaption: 1, atom.Address: 1, atom.Fieldset: 1,
	atom.H1: 2, atom.H2: 2, atom.H3: 2, atom.H4: 2, atom.H5: 2, atom.H6: 2, atom.Hr: 2, atom.Title: 2, atom.Caption: 1,
	atom.Body: 1, atom.Option: 1, atom.Summary: 1, atom.Details: 1,
}

var headings = map[atom.Atom]string{
	atom.H1: "# ", atom.H2: "## ", atom.H3: "### ", atom.H4: "#### ", atom.H5: "##### ", atom.H6: "###### ", atom.Title: "# ",
}

// page writes text as it would be laid out: white space folded, and empty lines only between blocks.
type page struct {
	out *output
	err error

	skip      atom.Atom // the unseen element we are in, and how deep in others of its kind
	skipDepth int
	pre       int
	lists     []int // the number of the last item; -1 in an unordered list
	href      string
	cells     int

	breaks int  // lines to begin before the next text
	space  bool // a space before the next text
	any    bool // something is written
}

func (p *page) write(s string) {
	if p.err == nil {
		_, p.err = p.out.WriteString(s)
	}
}

// lineBreak asks for n line ends before the next text; several blocks that end together ask once.
func (p *page) lineBreak(n int) {
	p.breaks = max(p.breaks, n)
	p.space = false
}

// put writes visible text behind what was asked for before it.
func (p *page) put(s string) {
	if p.any && p.breaks > 0 {
		p.write(strings.Repeat("\n", p.breaks))
	} else if p.any && p.space {
		p.write(" ")
	}
	p.breaks, p.space, p.any = 0, false, true
	p.write(s)
}

func (p *page) text(b []byte) {
	if p.skip != 0 {
		return
	}
	if p.pre > 0 {
		if len(b) > 0 {
			p.put(string(b))
		}
		return
	}
	words := strings.Fields(string(b))
	if len(words) == 0 {
		p.space = p.space || len(b) > 0
		return
	}
	if strings.IndexByte(" \t\n\r\f", b[0]) >= 0 {
		p.space = true
	}
	p.put(strings.Join(words, " "))
	p.space = strings.IndexByte(" \t\n\r\f", b[len(b)-1]) >= 0
}

func (p *page) start(z *html.Tokenizer) {
	name, hasAttr := z.TagName()
	tag := atom.Lookup(name)
	if p.skip != 0 {
		if tag == p.skip {
			p.skipDepth++
		}
		return
	}
	var href, alt string
	hidden := false
	for hasAttr {
		var key, value []byte
		key, value, hasAttr = z.TagAttr()
		switch string(key) {
		case "href":
			href = strings.TrimSpace(string(value))
		case "alt":
			alt = strings.TrimSpace(string(value))
		case "hidden":
			hidden = true
		}
	}
	if (unseen[tag] || hidden && !void[tag]) && tag != 0 {
		p.skip, p.skipDepth = tag, 1
		return
	}
	if n := blocks[tag]; n > 0 {
		p.lineBreak(n)
	}
	switch tag {
	case atom.Br:
		p.lineBreak(min(p.breaks+1, 2))
	case atom.Hr:
		p.put("---")
		p.lineBreak(2)
	case atom.Pre:
		p.pre++
	case atom.Ul, atom.Ol:
		if len(p.lists) > 0 {
			p.breaks = 1
		}
		first := -1
		if tag == atom.Ol {
			first = 0
		}
		if len(p.lists) < maxDepth {
			p.lists = append(p.lists, first)
		}
	case atom.Li:
		p.item()
	case atom.Tr:
		p.cells = 0
	case atom.Td, atom.Th:
		if p.cells++; p.cells > 1 {
			p.space = false
			p.put(" | ")
		}
	case atom.A:
		p.href = href
	case atom.Img:
		if alt != "" {
			p.put("[image: " + strings.Join(strings.Fields(alt), " ") + "]")
		}
	default:
		if h := headings[tag]; h != "" {
			p.put(h)
		}
	}
}

// void elements have no end, so that they cannot begin a hidden part.
var void = map[atom.Atom]bool{
	atom.Img: true, atom.Br: true, atom.Hr: true, atom.Input: true, atom.Meta: true, atom.Link: true, atom.Col: true,
	atom.Area: true, atom.Base: true, atom.Embed: true, atom.Source: true, atom.Track: true, atom.Wbr: true,
}

// item writes a list item's mark, indented by the depth of its list.
func (p *page) item() {
	mark := "- "
	if n := len(p.lists); n > 0 {
		if p.lists[n-1] >= 0 {
			p.lists[n-1]++
			mark = itoa(p.lists[n-1]) + ". "
		}
		mark = strings.Repeat("  ", min(n-1, maxIndent)) + mark
	}
	p.put(mark)
}

func (p *page) end(tag atom.Atom) {
	if p.skip != 0 {
		if tag == p.skip {
			if p.skipDepth--; p.skipDepth == 0 {
				p.skip = 0
			}
		}
		return
	}
	switch tag {
	case atom.Pre:
		p.pre = max(0, p.pre-1)
	case atom.Ul, atom.Ol:
		if n := len(p.lists); n > 0 {
			p.lists = p.lists[:n-1]
		}
		if len(p.lists) > 0 {
			p.lineBreak(1)
			return
		}
	case atom.A:
		// A target within the page, or one that only a browser can act on, tells a reader nothing.
		if h := p.href; h != "" && !strings.HasPrefix(h, "#") && !strings.HasPrefix(strings.ToLower(h), "javascript:") &&
			!strings.HasPrefix(strings.ToLower(h), "data:") {
			space := p.space
			p.space = true
			p.put("(" + h + ")")
			p.space = space
		}
		p.href = ""
	}
	if n := blocks[tag]; n > 0 {
		p.lineBreak(n)
	}
}
