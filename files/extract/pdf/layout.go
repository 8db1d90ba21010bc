package pdf

import (
	"bytes"
	"math"
)

// Gaps in units of the text's height, from many files: a word space is 0.25 on the average and rarely below 0.15; wider
// than 2 is a column; a baseline that moves by half a height is another line, by more than 2 another paragraph.
const (
	wordGap      = 0.15
	columnGap    = 2
	lineGap      = 0.5
	paragraphGap = 2
)

// maxPageText bounds the text of one page, in bytes. A dense page has 10 KB.
const maxPageText = 4 << 20

// layout puts pieces of text behind one another, with the spaces and line ends that their places on the page show.
type layout struct {
	b []byte
	// Of the last piece: the direction of its line, its end along and across that direction, and its height.
	any    bool
	dx, dy float64
	x, y   float64
	height float64
}

// add places text whose line runs from one matrix to the other.
func (l *layout) add(text string, from, to matrix, size float64) {
	if text == "" || len(l.b) > maxPageText {
		return
	}
	dx, dy := from[0], from[1]
	length := math.Hypot(dx, dy)
	if length == 0 || math.IsNaN(length) || math.IsInf(length, 0) {
		dx, dy, length = 1, 0, 1
	}
	dx, dy = dx/length, dy/length
	height := math.Abs(size) * math.Hypot(from[2], from[3])
	if height == 0 || math.IsNaN(height) {
		height = 1
	}
	startX, startY := from[4]*dx+from[5]*dy, -from[4]*dy+from[5]*dx
	if l.any {
		unit := math.Max(height, l.height)
		across := math.Abs(startY-l.y) / unit
		gap := (startX - l.x) / unit
		switch {
		case dx*l.dx+dy*l.dy < 0.99, across > paragraphGap:
			l.lines("\n\n")
		case across > lineGap:
			l.lines("\n")
		case gap > columnGap:
			l.space(text, '\t')
		case gap > wordGap, gap < -1:
			// Back on the same line is text drawn out of order.
			l.space(text, ' ')
		}
	}
	l.b = append(l.b, text...)
	l.any, l.dx, l.dy, l.height = true, dx, dy, height
	l.x, l.y = to[4]*dx+to[5]*dy, -to[4]*dy+to[5]*dx
}

func (l *layout) lines(ends string) {
	l.b = append(bytes.TrimRight(l.b, " \t\n"), ends...)
}

// space writes a gap, unless there is one already.
func (l *layout) space(next string, gap byte) {
	if n := len(l.b); n == 0 || isSpace(l.b[n-1]) || isSpace(next[0]) {
		return
	}
	l.b = append(l.b, gap)
}
