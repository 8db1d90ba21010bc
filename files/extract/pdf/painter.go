package pdf

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// matrix is [a b c d e f] of 8.3.3.
type matrix [6]float64

var identity = matrix{1, 0, 0, 1, 0, 0}

// times is m applied first, then n.
func (m matrix) times(n matrix) matrix {
	return matrix{
		m[0]*n[0] + m[1]*n[2], m[0]*n[1] + m[1]*n[3],
		m[2]*n[0] + m[3]*n[2], m[2]*n[1] + m[3]*n[3],
		m[4]*n[0] + m[5]*n[2] + n[4], m[4]*n[1] + m[5]*n[3] + n[5],
	}
}

// painter runs the drawing operators of pages, as far as they place text (9.4).
type painter struct {
	*file
	fonts map[int]*font
	state
	stack    []state
	tm, line matrix
	layout   layout
}

// state is the part of the graphics state that q and Q keep.
type state struct {
	ctm                        matrix
	font                       *font
	size, charSpace, wordSpace float64
	scale, leading             float64
}

// page draws one page and returns its text.
func (p *painter) page(pg page) (string, error) {
	streams, ok := p.get(pg.contents).(array)
	if !ok {
		streams = array{pg.contents}
	}
	p.state = state{ctm: identity, scale: 1}
	p.stack = p.stack[:0]
	p.layout = layout{}
	err := p.contents(streams, pg.resources)
	b := p.layout.b
	held := 3 * cap(b) // itself, and what is made of it
	if spent := p.budget.Hold(held); spent != nil {
		return "", spent
	}
	defer p.budget.Release(held)
	if spent := p.budget.Step(len(b)); spent != nil {
		return "", spent
	}
	return strings.TrimSpace(string(norm.NFC.Bytes(b))), err
}

// contents draws the streams of a page, which are one stream that was cut anywhere between two tokens (7.8.2).
func (p *painter) contents(streams array, resources dict) error {
	if len(streams) == 1 {
		_, b, err := p.stream(streams[0])
		if err != nil {
			return err
		}
		defer p.budget.Release(len(b))
		return p.run(b, resources, 0)
	}
	var parts [][]byte
	total := 0
	for _, c := range streams {
		_, b, err := p.stream(c)
		if err != nil {
			return err
		}
		parts = append(parts, b)
		total += len(b)
	}
	held := total + len(parts)
	if err := p.budget.Hold(held); err != nil {
		return err
	}
	defer p.budget.Release(held)
	content := make([]byte, 0, held)
	for i, b := range parts {
		content = append(append(content, b...), '\n')
		parts[i] = nil
	}
	p.budget.Release(total)
	return p.run(content, resources, 0)
}

// run draws a content stream. Errors are those of limits.
func (p *painter) run(content []byte, resources dict, forms int) error {
	ps := parser{b: content, budget: p.budget}
	var args []any
	for {
		v, ok := ps.object()
		if !ok {
			return p.budget.Err()
		}
		op, isOp := v.(operator)
		if !isOp {
			if len(args) < 64 {
				args = append(args, v)
			}
			continue
		}
		if err := p.budget.Step(operatorSteps); err != nil {
			return err
		}
		switch op {
		case "BI":
			skipInlineImage(&ps)
		case "Do":
			if err := p.form(args, resources, forms); err != nil {
				return err
			}
		case "Tf":
			if err := p.setFont(args, resources); err != nil {
				return err
			}
		default:
			p.draw(op, args)
		}
		args = args[:0]
	}
}

const (
	// operatorSteps and glyphSteps are what an operator and a drawn character cost besides their bytes.
	operatorSteps = 2
	glyphSteps    = 6
)

// num is the i-th operand; a missing one is 0.
func num(args []any, i int) float64 {
	if i < len(args) {
		if n, ok := args[i].(float64); ok {
			return n
		}
	}
	return 0
}

func matrixOf(args []any) matrix {
	var m matrix
	for i := range m {
		m[i] = num(args, i)
	}
	return m
}

func (p *painter) draw(op operator, args []any) {
	switch op {
	case "q":
		if len(p.stack) < maxStates {
			p.stack = append(p.stack, p.state)
		}
	case "Q":
		if n := len(p.stack); n > 0 {
			p.state = p.stack[n-1]
			p.stack = p.stack[:n-1]
		}
	case "cm":
		p.ctm = matrixOf(args).times(p.ctm)
	case "BT":
		p.tm, p.line = identity, identity
	case "Tc":
		p.charSpace = num(args, 0)
	case "Tw":
		p.wordSpace = num(args, 0)
	case "Tz":
		p.scale = num(args, 0) / 100
	case "TL":
		p.leading = num(args, 0)
	case "Td":
		p.move(num(args, 0), num(args, 1))
	case "TD":
		p.leading = -num(args, 1)
		p.move(num(args, 0), num(args, 1))
	case "Tm":
		p.line = matrixOf(args)
		p.tm = p.line
	case "T*":
		p.move(0, -p.leading)
	case "Tj":
		p.show(args, 0)
	case "'":
		p.move(0, -p.leading)
		p.show(args, 0)
	case "\"":
		p.wordSpace, p.charSpace = num(args, 0), num(args, 1)
		p.move(0, -p.leading)
		p.show(args, 2)
	case "TJ":
		if len(args) == 0 {
			return
		}
		a, _ := args[0].(array)
		for i := range a {
			if n, ok := a[i].(float64); ok {
				p.tm = matrix{1, 0, 0, 1, -n / 1000 * p.size * p.scale, 0}.times(p.tm)
				continue
			}
			p.show(a, i)
		}
	}
}

func (p *painter) move(x, y float64) {
	p.line = matrix{1, 0, 0, 1, x, y}.times(p.line)
	p.tm = p.line
}

// show places the string at args[i].
func (p *painter) show(args []any, i int) {
	if i >= len(args) || p.font == nil {
		return
	}
	s, _ := args[i].(str)
	var text strings.Builder
	start := p.tm
	p.font.glyphs(string(s), func(g glyph) bool {
		if p.budget.Step(p.font.steps) != nil || text.Len() > maxPageText {
			return false
		}
		text.WriteString(g.text)
		advance := g.width/1000*p.size + p.charSpace
		if g.space {
			advance += p.wordSpace
		}
		p.tm = matrix{1, 0, 0, 1, advance * p.scale, 0}.times(p.tm)
		return true
	})
	p.layout.add(text.String(), start.times(p.ctm), p.tm.times(p.ctm), p.size)
}

func (p *painter) setFont(args []any, resources dict) error {
	p.size = num(args, 1)
	p.font = nil
	if len(args) == 0 {
		return nil
	}
	key, _ := args[0].(name)
	v := p.dict(resources["Font"])[key]
	r, isRef := v.(ref)
	if isRef {
		if fo, ok := p.fonts[r.num]; ok {
			p.font = fo
			return nil
		}
	}
	d := p.dict(v)
	if d == nil {
		return nil
	}
	fo, err := p.loadFont(d)
	if err != nil {
		return err
	}
	p.font = fo
	if isRef {
		p.fonts[r.num] = fo
	}
	return nil
}

// form draws a form XObject (8.10), which may draw others.
func (p *painter) form(args []any, resources dict, depth int) error {
	if len(args) == 0 || depth == maxForms {
		return nil
	}
	key, _ := args[0].(name)
	v := p.dict(resources["XObject"])[key]
	if p.dict(v)["Subtype"] != name("Form") {
		return nil
	}
	d, b, err := p.stream(v)
	if err != nil || b == nil {
		return err
	}
	defer p.budget.Release(len(b))
	if r := p.dict(d["Resources"]); r != nil {
		resources = r
	}
	saved, tm, line, height := p.state, p.tm, p.line, len(p.stack)
	if m := p.array(d["Matrix"]); len(m) == 6 {
		p.ctm = matrixOf(m).times(p.ctm)
	}
	err = p.run(b, resources, depth+1)
	p.state, p.tm, p.line = saved, tm, line
	p.stack = p.stack[:min(len(p.stack), height)]
	return err
}

// skipInlineImage passes over the bytes between ID and EI (8.9.7).
func skipInlineImage(ps *parser) {
	for {
		v, ok := ps.object()
		if !ok {
			return
		}
		if v == operator("ID") {
			break
		}
	}
	for i := ps.pos + 1; i+2 < len(ps.b); i++ {
		if isSpace(ps.b[i]) && ps.b[i+1] == 'E' && ps.b[i+2] == 'I' && (i+3 == len(ps.b) || isSpace(ps.b[i+3])) {
			ps.pos = i + 3
			return
		}
	}
	ps.pos = len(ps.b)
}
