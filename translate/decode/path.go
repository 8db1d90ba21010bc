// Package decode holds what the decoders of request bodies share: where they are, and the room for what they make.
package decode

import "strconv"

// deepest is the longest path: messages.0.content.0.content.0.source.content.0.source.data.
const deepest = 12

// Path is where in a body a decoder is, for the errors' param: the names of members and the places in lists. The zero
// Path is the body itself.
type Path struct {
	steps [deepest]step
	depth int
}

// step is a member's name and, in a list, an index; -1 for none.
type step struct {
	key   []byte
	index int
}

// At notes that the decoder stands before the value of the member named key; level counts from 0.
func (p *Path) At(level int, key []byte) {
	p.steps[level] = step{key, -1}
	p.depth = level + 1
}

// Item notes that the decoder stands before the i-th element of the list at level.
func (p *Path) Item(level, i int) {
	p.steps[level].index = i
	p.depth = level + 1
}

// Cut makes p the path of its first levels.
func (p *Path) Cut(levels int) { p.depth = levels }

// Depth is how many levels p has; 0 for the body itself.
func (p *Path) Depth() int { return p.depth }

// Text writes the path, an index between before and after: messages[2].content[0].image_url.url with brackets.
func (p *Path) Text(before, after string) string {
	var b []byte
	for i, s := range p.steps[:p.depth] {
		if i > 0 {
			b = append(b, '.')
		}
		b = append(b, s.key...)
		if s.index >= 0 {
			b = append(b, before...)
			b = strconv.AppendInt(b, int64(s.index), 10)
			b = append(b, after...)
		}
	}
	return string(b)
}
