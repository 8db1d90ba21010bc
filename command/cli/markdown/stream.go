// Package markdown shows Markdown on a terminal while it comes. What is finished is given out once, and scrolls away; the block
// that still grows is drawn anew with each piece of it.
//
// goldmark reads it, and chroma reads code: Caddy has both. glamour is not used: it joins the paragraphs of a list's item to one
// word, and begins the second line of an item where its mark stands.
package markdown

import (
	"bytes"
	"strings"

	"github.com/alecthomas/chroma/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/terminal"
)

// Look is how a terminal wants its text.
type Look struct {
	Width  int // columns
	Colors colorprofile.Profile
}

// minWidth is the least number of columns that text is laid out in.
const minWidth = 10

// reader is what models write: CommonMark, with GitHub's tables, strikethrough, task lists and bare links.
var reader = goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser()

// Render returns a whole text as lines of the terminal.
func Render(source string, look Look) string {
	s := NewStream(look)
	var b strings.Builder
	b.WriteString(s.Write(source))
	if rest := s.Close(); rest != "" {
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(rest)
	}
	return b.String()
}

// Stream renders one text. It is not safe for concurrent use.
type Stream struct {
	look    Look
	render  renderer
	pending []byte // what is not given out yet
	scanned int    // how much of it was looked at for finished blocks
	given   bool   // something was given out: the next block stands a line below it
}

// NewStream returns a Stream of a text that is still empty.
func NewStream(look Look) *Stream {
	look.Width = max(look.Width, minWidth)
	return &Stream{look: look, render: renderer{lexers: map[string]chroma.Lexer{}}}
}

// Resize changes the look of what is not given out yet.
func (s *Stream) Resize(look Look) {
	look.Width = max(look.Width, minWidth)
	s.look = look
}

// Write adds a piece of the text. It returns the lines of the blocks that are finished by it, rendered; "" if there are none.
func (s *Stream) Write(piece string) string {
	s.pending = append(s.pending, terminal.Printable(piece)...)
	// Only whole lines are looked at: the beginning of a line may still become anything.
	end := bytes.LastIndexByte(s.pending, '\n') + 1
	if end <= s.scanned {
		return ""
	}
	s.scanned = end
	n := finished(s.pending[:end])
	if n == 0 {
		return ""
	}
	done := s.rendered(s.pending[:n])
	s.pending, s.scanned = s.pending[n:], end-n
	return s.spaced(done)
}

// finished returns how many bytes of whole lines no later line can change: all before the last block.
//
// A later definition of a link can: then its mark stays as it was written.
func finished(lines []byte) int {
	last := reader.Parse(text.NewReader(lines)).LastChild()
	if last == nil || last.PreviousSibling() == nil || last.Pos() <= 0 {
		return 0
	}
	return bytes.LastIndexByte(lines[:last.Pos()], '\n') + 1
}

// Tail returns the block that still grows, rendered; "" if there is none.
func (s *Stream) Tail() string {
	tail := s.rendered(s.pending)
	if tail != "" && s.given {
		return "\n" + tail
	}
	return tail
}

// Close returns the rest of the text, rendered, as Write does.
func (s *Stream) Close() string {
	rest := s.rendered(s.pending)
	s.pending, s.scanned = nil, 0
	return s.spaced(rest)
}

// spaced puts the blank line between blocks.
func (s *Stream) spaced(done string) string {
	if done == "" {
		return ""
	}
	if s.given {
		done = "\n" + done
	}
	s.given = true
	return done
}

// rendered returns Markdown as lines of the terminal.
func (s *Stream) rendered(source []byte) string {
	if len(bytes.TrimSpace(source)) == 0 {
		return ""
	}
	s.render.source = source
	lines := s.render.blocks(reader.Parse(text.NewReader(source)), s.look.Width, true)
	for i, line := range lines {
		lines[i] = fit(line, s.look.Width)
	}
	var b strings.Builder
	w := colorprofile.Writer{Forward: &b, Profile: s.look.Colors}
	_, _ = w.Write([]byte(strings.Join(lines, "\n"))) // a Builder takes everything
	return b.String()
}
