package chat

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"charm.land/bubbles/v2/textarea"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/failure"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/markdown"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/session"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/terminal"
)

// noTerminal is the profile of what gets no terminal codes.
const noTerminal = colorprofile.NoTTY

// screen is a chat on a terminal. What is over is printed and scrolls away with the terminal's own lines; below it stands what still
// changes: the answer that comes, or the line that is edited.
type screen struct {
	*conversation
	ctx    context.Context
	send   func(tea.Msg)
	look   markdown.Look
	height int

	input   textarea.Model
	asked   recall
	work    *work // nil while the user writes
	queue   []string
	drawn   bool // the first frame was: what is printed before it has blank lines above it
	busy    bool // a part of the queue is being printed
	leaving bool
}

// work is what the user waits for.
type work struct {
	label  string // what it is, if it is no answer
	cancel context.CancelFunc
	answer *answering // nil if it is none
}

// talk is a chat, line by line.
func (c *conversation) talk(cmd *cobra.Command) error {
	s := newScreen(cmd, c)
	s.greet()
	text := strings.Join(s.queue, "\n") + "\n"
	s.queue = nil
	if _, err := io.WriteString(cmd.OutOrStdout(), text); err != nil {
		return err
	}
	p := tea.NewProgram(s, tea.WithInput(cmd.InOrStdin()), tea.WithOutput(cmd.OutOrStdout()), tea.WithColorProfile(s.look.Colors))
	s.send = p.Send
	_, err := p.Run()
	if errors.Is(err, tea.ErrInterrupted) {
		return context.Canceled
	}
	return err
}

func newScreen(cmd *cobra.Command, c *conversation) *screen {
	out := cmd.OutOrStdout()
	s := &screen{conversation: c, ctx: cmd.Context(), look: markdown.Look{Width: terminal.Width(out) - 1, Colors: terminal.Colors(out)}}
	s.input = newInput()
	s.resize(terminal.Width(out), 24)
	for _, m := range c.session.Messages {
		if m.Role == "user" {
			s.asked.add(m.Text)
		}
	}
	return s
}

// greet says what the chat is about.
func (s *screen) greet() {
	s.print(s.faint("Chat with " + s.model() + ". /help lists the commands, Ctrl-D leaves."))
	if s.session.Name != "" && len(s.session.Messages) > 0 {
		last := s.session.Messages[max(0, len(s.session.Messages)-2):]
		s.print(s.faint("Session '"+s.session.Name+"' ("+s.session.Used.String()+"). The end of it:") + "\n\n" +
			strings.TrimRight(session.Text(last, &s.look), "\n"))
	}
	if len(s.session.Files) > 0 {
		s.print(s.faint("About " + fileNames(s.session.Files)))
	}
}

// firstFrame is after how long the first frame has surely been drawn: 60 are in a second.
const firstFrame = 50 * time.Millisecond

// drawn says that it was.
type drawn struct{}

// Init begins with an empty line.
func (s *screen) Init() tea.Cmd {
	first := tea.Tick(firstFrame, func(time.Time) tea.Msg { return drawn{} })
	return tea.Batch(first, s.input.Focus())
}

// Update is called with all that happens, one after the other.
func (s *screen) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		s.resize(msg.Width, msg.Height)
	case tea.KeyPressMsg:
		cmd = s.key(msg)
	case tea.PasteMsg:
		cmd = s.paste(msg)
	case arrived:
		s.arrive()
	case answered:
		s.answered(msg)
	case attached:
		s.attached(msg)
	case printed:
		s.busy = false
	case drawn:
		s.drawn = true
	default:
		s.input, cmd = s.input.Update(msg)
	}
	if s.leaving && !s.busy && len(s.queue) == 0 {
		return s, tea.Quit
	}
	return s, tea.Batch(cmd, s.flush())
}

func (s *screen) resize(width, height int) {
	s.look.Width, s.height = max(width-1, 1), height
	s.input.SetWidth(max(width-1, 4))
	s.input.MaxHeight = max(1, min(10, height/2))
	if s.work != nil && s.work.answer != nil {
		s.work.answer.resize(s.look)
	}
}

// printed says that a part of the queue was printed.
type printed struct{}

// print has lines printed above what changes, with a blank one below them.
func (s *screen) print(text string) { s.queue = append(s.queue, strings.Split(text+"\n", "\n")...) }

// flush prints the next part of the queue: one at a time, for commands that are given together are run in any order, and no more
// lines than the terminal has above what changes.
func (s *screen) flush() tea.Cmd {
	if s.busy || !s.drawn || len(s.queue) == 0 {
		return nil
	}
	room, n := max(1, s.height-s.highest()-1), 0
	for n < len(s.queue) {
		room -= 1 + ansi.StringWidth(s.queue[n])/(s.look.Width+1)
		if n > 0 && room < 0 {
			break
		}
		n++
	}
	text := strings.Join(s.queue[:n], "\n")
	s.queue, s.busy = s.queue[n:], true
	if text == "" {
		text = " " // which is printed, unlike nothing
	}
	return tea.Sequence(tea.Println(text), func() tea.Msg { return printed{} })
}

// View returns what changes, and the cursor in it.
func (s *screen) View() tea.View {
	v := tea.NewView(s.content())
	if s.work == nil && !s.leaving {
		v.Cursor = s.input.Cursor()
	}
	return v
}

func (s *screen) content() string {
	switch {
	case s.leaving:
		if s.busy || len(s.queue) > 0 {
			return " " // above a frame without any line, bubbletea prints a line too low
		}
		return ""
	case s.work == nil:
		text := s.input.View()
		if hint := s.hint(); hint != "" {
			text += "\n" + s.faint(hint)
		}
		return text
	}
	if s.work.answer == nil {
		return s.faint(s.work.label + " Ctrl-C stops it.")
	}
	return s.work.answer.frame(s.height / 2)
}

// highest returns the most lines that a frame has: half of the terminal's for what is written, or comes, and a few about it. Which
// frame stands on the terminal is not known, for bubbletea draws by a clock of its own; to print more lines than there is room for
// above it would leave pieces of it among them.
func (s *screen) highest() int { return s.height/2 + 4 }

// faint returns a text in lines of the terminal, each faint.
func (s *screen) faint(text string) string {
	return faint(ansi.Wrap(text, s.look.Width, ""), s.look)
}

func faint(text string, look markdown.Look) string {
	if look.Colors <= noTerminal || text == "" {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if line != "" {
			lines[i] = "\x1b[2m" + line + "\x1b[22m"
		}
	}
	return strings.Join(lines, "\n")
}

// fail prints an error as all commands do.
func (s *screen) fail(err error) {
	var b strings.Builder
	failure.Print(&b, err)
	s.print(ansi.Wrap(terminal.Printable(strings.TrimRight(b.String(), "\n")), s.look.Width, ""))
}
