package status

import (
	"context"
	"io"
	"time"

	tea "charm.land/bubbletea/v2"
)

// watchScreen shows the status over the whole terminal, again and again, until q or Ctrl-C.
func watchScreen(ctx context.Context, in io.Reader, out io.Writer, ask func(context.Context) ([]byte, error), every time.Duration) error {
	w := &watched{ctx: ctx, ask: ask, every: every}
	_, err := tea.NewProgram(w, tea.WithInput(in), tea.WithOutput(out), tea.WithContext(ctx)).Run()
	if ctx.Err() != nil {
		return nil //nolint:nilerr // that is how it ends
	}
	return err
}

// watched is the screen of a status.
type watched struct {
	ctx   context.Context
	ask   func(context.Context) ([]byte, error)
	every time.Duration

	width, height int
	raw           []byte
	err           error
}

// asked is a status, or why there is none.
type asked struct {
	raw []byte
	err error
}

type tick struct{}

func (w *watched) Init() tea.Cmd { return w.poll }

func (w *watched) poll() tea.Msg {
	raw, err := w.ask(w.ctx)
	return asked{raw, err}
}

func (w *watched) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		w.width, w.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		switch msg.String() {
		case "q", "esc", "ctrl+c", "ctrl+d":
			return w, tea.Quit
		}
	case asked:
		if w.err = msg.err; msg.err == nil {
			w.raw = msg.raw
		}
		return w, tea.Tick(w.every, func(time.Time) tea.Msg { return tick{} })
	case tick:
		return w, w.poll
	}
	return w, nil
}

// View is the latest status; above it, why there is no newer one.
func (w *watched) View() tea.View {
	text := ""
	if w.raw != nil && w.width > 0 {
		page, err := page(w.raw, w.width)
		if text = page; err != nil {
			w.err = err
		}
	}
	if w.err != nil {
		text = "Error: " + w.err.Error() + "\n\n" + text
	}
	v := tea.NewView(text)
	v.AltScreen = true
	return v
}
