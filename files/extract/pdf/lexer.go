package pdf

import (
	"fmt"
	"math"
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/files/extract/budget"
)

// The objects of PDF (7.3) are, in Go: nil, bool, float64, str, name, array, dict and ref; a stream is its dict. In
// content streams there are operators too, and while parsing the delimiters that end arrays and dicts.
type (
	str      string
	name     string
	array    []any
	dict     map[name]any
	ref      struct{ num int }
	operator string
)

// parser reads objects out of bytes. It never fails: what is not understood is skipped, and the end is ok == false. Where
// the budget ends, or an object is larger than one may be, all parsing ends, and the budget's Err says so.
type parser struct {
	b   []byte
	pos int
	// refs says that "1 0 R" is a reference, as everywhere but in content streams.
	refs   bool
	depth  int
	budget *budget.Budget
	// memory is what the outermost object being read takes so far, in bytes.
	memory int
}

const (
	// maxObject bounds the memory of one object that is not a stream. The largest of honest files are the widths of
	// a font with 65,536 glyphs.
	maxObject = 4 << 20
	// valueSize is about what one value takes: its interface, what that points to, and its share of an array or a map.
	valueSize = 32
	// objectSteps is what an object costs besides its bytes, which are half a step each.
	objectSteps = 4
)

// take charges n bytes to the outermost object; false: it has too many, and parsing ended.
func (p *parser) take(n int) bool {
	if p.memory += n; p.memory <= maxObject {
		return true
	}
	if p.budget.Err() == nil {
		_ = p.budget.Fail(fmt.Errorf("%w: an object of more than %d MiB", ErrLimit, maxObject>>20))
	}
	p.pos = len(p.b)
	return false
}

// Character classes of 7.2.2.
func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

func isDelimiter(c byte) bool {
	switch c {
	case '(', ')', '<', '>', '[', ']', '{', '}', '/', '%':
		return true
	}
	return false
}

func (p *parser) skipSpace() {
	for p.pos < len(p.b) {
		switch c := p.b[p.pos]; {
		case isSpace(c):
			p.pos++
		case c == '%':
			for p.pos < len(p.b) && p.b[p.pos] != '\n' && p.b[p.pos] != '\r' {
				p.pos++
			}
		default:
			return
		}
	}
}

// object is the next object, operator or closing delimiter.
func (p *parser) object() (v any, ok bool) {
	if p.depth == 0 {
		p.memory = 0
	}
	from := p.pos
	v, ok = p.next()
	if p.depth > 0 {
		// The outermost object pays for all of its bytes.
		from = p.pos
	}
	if p.budget.Step((p.pos-from)/2+objectSteps) != nil {
		p.pos = len(p.b)
		return nil, false
	}
	return v, ok && p.take(valueSize)
}

func (p *parser) next() (v any, ok bool) {
	p.skipSpace()
	if p.pos >= len(p.b) {
		return nil, false
	}
	switch c := p.b[p.pos]; c {
	case '/':
		p.pos++
		return p.name(), true
	case '(':
		p.pos++
		return p.literal(), true
	case '<':
		p.pos++
		if p.pos < len(p.b) && p.b[p.pos] == '<' {
			p.pos++
			return p.dict()
		}
		return p.hex(), true
	case '[':
		p.pos++
		return p.array()
	case '>':
		p.pos++
		if p.pos < len(p.b) && p.b[p.pos] == '>' {
			p.pos++
		}
		return operator(">>"), true
	case ']', '{', '}', ')':
		p.pos++
		return operator(c), true
	}
	word := p.word()
	if !p.take(len(word)) {
		return nil, false
	}
	switch word {
	case "true", "false":
		return word == "true", true
	case "null":
		return nil, true
	}
	if n, ok := number(word); ok {
		if p.refs && n >= 0 && n == math.Trunc(n) && n < maxObjects*16 {
			if r, ok := p.reference(int(n)); ok {
				return r, true
			}
		}
		return n, true
	}
	return operator(word), true
}

func (p *parser) word() string {
	start := p.pos
	for p.pos < len(p.b) && !isSpace(p.b[p.pos]) && !isDelimiter(p.b[p.pos]) {
		p.pos++
	}
	return string(p.b[start:min(p.pos, start+maxWord)])
}

// maxWord bounds what is kept of a name, a number or an operator. Names have at most 127 bytes (annex C).
const maxWord = 1 << 10

// number reads what PDF writers call a number; some write "--5" or "1.-2".
func number(word string) (float64, bool) {
	if word == "" || len(word) > 40 {
		return 0, false
	}
	digits := false
	for i := range len(word) {
		switch c := word[i]; {
		case c >= '0' && c <= '9':
			digits = true
		case c == '+' || c == '-' || c == '.':
		default:
			return 0, false
		}
	}
	n, err := strconv.ParseFloat(word, 64)
	if err != nil {
		return 0, digits || word == "-" || word == "."
	}
	return n, true
}

// reference looks for "G R" behind the number of an object.
func (p *parser) reference(num int) (ref, bool) {
	i := p.pos
	for i < len(p.b) && isSpace(p.b[i]) && i < p.pos+8 {
		i++
	}
	start := i
	for i < len(p.b) && p.b[i] >= '0' && p.b[i] <= '9' && i < start+6 {
		i++
	}
	if i == start {
		return ref{}, false
	}
	space := i
	for i < len(p.b) && isSpace(p.b[i]) && i < space+8 {
		i++
	}
	if i == space || i >= len(p.b) || p.b[i] != 'R' {
		return ref{}, false
	}
	if i+1 < len(p.b) && !isSpace(p.b[i+1]) && !isDelimiter(p.b[i+1]) {
		return ref{}, false
	}
	p.pos = i + 1
	return ref{num}, true
}

func (p *parser) name() name {
	var b []byte
	for p.pos < len(p.b) && !isSpace(p.b[p.pos]) && !isDelimiter(p.b[p.pos]) {
		c := p.b[p.pos]
		if c == '#' && p.pos+2 < len(p.b) {
			hi, lo := hexDigit(p.b[p.pos+1]), hexDigit(p.b[p.pos+2])
			if hi >= 0 && lo >= 0 {
				c = byte(hi<<4 | lo)
				p.pos += 2
			}
		}
		if len(b) < maxWord {
			b = append(b, c)
		}
		p.pos++
	}
	p.take(len(b))
	return name(b)
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func (p *parser) hex() str {
	var b []byte
	half := -1
	for p.pos < len(p.b) && len(b) < maxObject {
		c := p.b[p.pos]
		p.pos++
		if c == '>' {
			break
		}
		d := hexDigit(c)
		switch {
		case d < 0:
		case half < 0:
			half = d
		default:
			b = append(b, byte(half<<4|d))
			half = -1
		}
	}
	if half >= 0 {
		b = append(b, byte(half<<4))
	}
	p.take(len(b))
	return str(b)
}

// literal reads a string in parentheses (7.3.4.2).
func (p *parser) literal() str {
	var b []byte
	open := 1
	defer func() { p.take(len(b)) }()
	for p.pos < len(p.b) && len(b) < maxObject {
		c := p.b[p.pos]
		p.pos++
		switch c {
		case '(':
			open++
		case ')':
			if open--; open == 0 {
				return str(b)
			}
		case '\r':
			c = '\n'
			if p.pos < len(p.b) && p.b[p.pos] == '\n' {
				p.pos++
			}
		case '\\':
			if p.pos == len(p.b) {
				return str(b)
			}
			c = p.b[p.pos]
			p.pos++
			switch c {
			case 'n':
				c = '\n'
			case 'r':
				c = '\r'
			case 't':
				c = '\t'
			case 'b':
				c = '\b'
			case 'f':
				c = '\f'
			case '\r':
				if p.pos < len(p.b) && p.b[p.pos] == '\n' {
					p.pos++
				}
				continue
			case '\n':
				continue
			default:
				if c >= '0' && c <= '7' {
					n := int(c - '0')
					for i := 0; i < 2 && p.pos < len(p.b) && p.b[p.pos] >= '0' && p.b[p.pos] <= '7'; i++ {
						n = n<<3 | int(p.b[p.pos]-'0')
						p.pos++
					}
					c = byte(n)
				}
			}
		}
		b = append(b, c)
	}
	return str(b)
}

// nested begins an array or a dict; too deep a nesting ends all parsing.
func (p *parser) nested() bool {
	if p.depth == maxNesting {
		p.pos = len(p.b)
		return false
	}
	p.depth++
	return true
}

func (p *parser) array() (any, bool) {
	if !p.nested() {
		return nil, false
	}
	defer func() { p.depth-- }()
	a := array{}
	for {
		v, ok := p.object()
		if !ok {
			return a, len(a) > 0
		}
		if op, ok := v.(operator); ok {
			if op == "]" {
				return a, true
			}
			if op == ">>" || op == "endobj" {
				return a, true
			}
			continue
		}
		a = append(a, v)
	}
}

func (p *parser) dict() (any, bool) {
	if !p.nested() {
		return nil, false
	}
	defer func() { p.depth-- }()
	d := dict{}
	for {
		k, ok := p.object()
		if !ok {
			return d, len(d) > 0
		}
		switch k := k.(type) {
		case name:
			v, ok := p.object()
			if !ok {
				return d, true
			}
			if op, isOp := v.(operator); isOp {
				if op == ">>" || op == "endobj" || op == "stream" {
					return d, true
				}
				continue
			}
			d[k] = v
		case operator:
			if k == ">>" || k == "endobj" {
				return d, true
			}
		}
	}
}
