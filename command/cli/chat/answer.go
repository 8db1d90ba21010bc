package chat

import (
	"context"
	"errors"
	"strings"
	"sync"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/client"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/markdown"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/session"
)

// feed hands the pieces of an answer to the screen. Those that come while it draws are handed over together.
type feed struct {
	send func(tea.Msg)

	mu     sync.Mutex
	pieces []piece
	told   bool
}

// piece is a text of one kind.
type piece struct {
	text      string
	reasoning bool
}

// arrived says that the feed has something.
type arrived struct{}

// each adds a piece of an answer as it comes.
func (f *feed) each(c *client.Chunk) error {
	f.add(piece{c.Reasoning, true})
	f.add(piece{c.Text + c.Refusal, false})
	return nil
}

func (f *feed) add(p piece) {
	if p.text == "" {
		return
	}
	f.mu.Lock()
	if n := len(f.pieces); n > 0 && f.pieces[n-1].reasoning == p.reasoning {
		f.pieces[n-1].text += p.text
	} else {
		f.pieces = append(f.pieces, p)
	}
	tell := !f.told
	f.told = true
	f.mu.Unlock()
	if tell {
		f.send(arrived{})
	}
}

func (f *feed) take() []piece {
	f.mu.Lock()
	defer f.mu.Unlock()
	pieces := f.pieces
	f.pieces, f.told = nil, false
	return pieces
}

// answering is an answer that comes: its words, or the reasoning before them.
type answering struct {
	feed      *feed
	label     string // what it does
	look      markdown.Look
	stream    *markdown.Stream // nil before the first piece
	reasoning bool             // what the stream is of
}

// answered says that an answer is over.
type answered struct {
	answer *client.Answer
	err    error
}

// begin asks.
func (s *screen) begin(question string) tea.Cmd {
	ctx, cancel := context.WithCancel(s.ctx)
	f := &feed{send: s.send}
	s.work = &work{cancel: cancel, answer: s.waiting(f, s.look)}
	return func() tea.Msg {
		defer cancel()
		a, err := s.ask(ctx, question, f.each)
		return answered{a, err}
	}
}

// waiting returns the answer before anything of it came.
func (c *conversation) waiting(f *feed, look markdown.Look) *answering {
	return &answering{feed: f, label: "Waiting for " + c.model() + ".", look: look}
}

// arrive has what is finished printed.
func (s *screen) arrive() {
	if s.work != nil && s.work.answer != nil {
		s.queue = append(s.queue, s.work.answer.arrive()...)
	}
}

// arrive takes what the feed has, and returns the lines that are finished by it.
func (a *answering) arrive() []string {
	var done []string
	for _, p := range a.feed.take() {
		if a.stream != nil && a.reasoning != p.reasoning {
			done = append(append(done, linesOf(a.close())...), "")
		}
		if a.stream == nil {
			a.label = "Answering."
			if a.reasoning = p.reasoning; p.reasoning {
				a.label = "Reasoning."
			}
			a.stream = markdown.NewStream(a.styled())
			p.text = strings.TrimLeft(p.text, "\n")
		}
		done = append(done, linesOf(a.dim(a.stream.Write(p.text)))...)
	}
	return done
}

// finish ends the answer, and returns the lines of its rest with a blank one below them.
func (a *answering) finish() []string {
	done, begun := a.arrive(), a.stream != nil
	done = append(done, linesOf(a.close())...)
	if begun {
		done = append(done, "")
	}
	return done
}

// frame returns what still changes, in at most so many lines above the label of an answer.
func (a *answering) frame(height int) string {
	label := faint(ansi.Wrap(a.label+" Ctrl-C stops it.", a.look.Width, ""), a.look)
	tail := a.tail()
	if tail == "" {
		return label
	}
	// What does not fit is printed when the block is whole.
	lines := strings.Split(tail, "\n")
	for i, line := range lines {
		lines[i] = ansi.Truncate(line, a.look.Width, "…")
	}
	lines = lines[max(0, len(lines)-max(1, height)):]
	return strings.Join(lines, "\n") + "\n\n" + label
}

func linesOf(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// styled is the look of what comes: reasoning is faint, and has no other style.
func (a *answering) styled() markdown.Look {
	look := a.look
	if a.reasoning {
		look.Colors = colorprofile.NoTTY
	}
	return look
}

func (a *answering) dim(text string) string {
	if a.reasoning {
		return faint(text, a.look)
	}
	return text
}

func (a *answering) resize(look markdown.Look) {
	if a.look = look; a.stream != nil {
		a.stream.Resize(a.styled())
	}
}

func (a *answering) tail() string {
	if a.stream == nil {
		return ""
	}
	return a.dim(a.stream.Tail())
}

// close ends what comes, and returns the rest of it.
func (a *answering) close() string {
	if a.stream == nil {
		return ""
	}
	rest := a.dim(a.stream.Close())
	a.stream = nil
	return rest
}

// answered prints the rest of an answer, and what it used.
func (s *screen) answered(m answered) {
	s.queue = append(s.queue, s.work.answer.finish()...)
	s.work = nil
	if m.answer != nil {
		if note := noteOf(m.answer); note != "" {
			s.print(s.faint(note))
		}
	}
	switch {
	case errors.Is(m.err, context.Canceled):
		text := "Stopped."
		if m.answer == nil || m.answer.Text == "" {
			text = "Stopped before the answer began; the question is not part of the chat."
		}
		s.print(s.faint(text))
	case m.err != nil:
		s.fail(m.err)
	case m.answer != nil:
		s.print(s.faint(session.Line(m.answer)))
	}
}
