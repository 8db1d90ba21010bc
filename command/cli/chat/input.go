package chat

import (
	"strings"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textarea"
	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/session"
)

// maxLines bounds what is written or pasted, in lines. The line editor's own bound is a little above, and it would cut off what is
// over that in silence.
const maxLines = 9000

// newInput returns an empty line to edit, which grows with what is written.
func newInput() textarea.Model {
	in := textarea.New()
	in.ShowLineNumbers = false
	in.CharLimit = 0
	in.DynamicHeight, in.MinHeight, in.MaxContentHeight = true, 1, maxLines+500
	in.Placeholder = "Ask something"
	in.SetPromptFunc(2, func(p textarea.PromptInfo) string {
		if p.LineNumber == 0 {
			return "› "
		}
		return "  "
	})
	// Enter sends; the keys of a new line are those that terminals can tell from it.
	in.KeyMap.InsertNewline = key.NewBinding(key.WithKeys("alt+enter", "ctrl+j", "shift+enter"))
	plain := textarea.StyleState{Placeholder: lipgloss.NewStyle().Faint(true), Selection: lipgloss.NewStyle().Reverse(true)}
	styles := in.Styles()
	styles.Focused, styles.Blurred = plain, plain
	styles.Cursor.Blink, styles.Cursor.Color = false, nil
	in.SetStyles(styles)
	in.SetVirtualCursor(false)
	return in
}

// recall is what was asked, for the arrow keys.
type recall struct {
	all   []string
	at    int    // the one that is shown; len(all) for what is being written
	draft string // what is being written, while another one is shown
}

func (r *recall) add(text string) {
	if len(r.all) == 0 || r.all[len(r.all)-1] != text {
		r.all = append(r.all, text)
	}
	r.at, r.draft = len(r.all), ""
}

// move returns the one before or after that which is shown; false if there is none.
func (r *recall) move(by int, shown string) (string, bool) {
	to := r.at + by
	if to < 0 || to > len(r.all) {
		return "", false
	}
	if r.at == len(r.all) {
		r.draft = shown
	}
	if r.at = to; to == len(r.all) {
		return r.draft, true
	}
	return r.all[to], true
}

// key is called with each key.
func (s *screen) key(k tea.KeyPressMsg) tea.Cmd {
	name := k.String()
	if s.work != nil { // what is written meanwhile is not lost
		switch name {
		case "ctrl+c", "esc":
			s.work.cancel()
			return nil
		case "enter", "up", "down", "tab":
			return nil
		}
		return s.edit(k)
	}
	switch text := s.input.Value(); name {
	case "ctrl+c":
		if text == "" {
			s.print(s.faint("Ctrl-D or /exit leaves."))
		}
		s.input.Reset()
		return nil
	case "ctrl+d":
		if text == "" {
			s.leaving = true
			return nil
		}
	case "enter":
		if before, ok := strings.CutSuffix(text, `\`); ok {
			s.input.SetValue(before + "\n")
			return nil
		}
		return s.submit(text)
	case "up":
		if s.input.Line() == 0 && s.input.LineInfo().RowOffset == 0 {
			return s.recalled(-1)
		}
	case "down":
		if info := s.input.LineInfo(); s.input.Line() == s.input.LineCount()-1 && info.RowOffset == info.Height-1 {
			return s.recalled(+1)
		}
	case "tab":
		if found := completions(text); len(found) == 1 {
			s.input.SetValue("/" + found[0].name + " ")
		}
		return nil
	}
	return s.edit(k)
}

func (s *screen) edit(msg tea.Msg) tea.Cmd {
	var cmd tea.Cmd
	s.input, cmd = s.input.Update(msg)
	return cmd
}

func (s *screen) recalled(by int) tea.Cmd {
	if text, ok := s.asked.move(by, s.input.Value()); ok {
		s.input.SetValue(text)
	}
	return nil
}

func (s *screen) paste(p tea.PasteMsg) tea.Cmd {
	if s.input.LineCount()+strings.Count(p.Content, "\n") > maxLines {
		s.print("That is too long to be pasted. Keep it in a file, and attach it: /file PATH")
		return nil
	}
	return s.edit(p)
}

// submit sends what is written: a question, or a command.
func (s *screen) submit(text string) tea.Cmd {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	s.input.Reset()
	s.asked.add(text)
	s.print(session.Question(text, s.look))
	if name, arg, ok := command(text); ok {
		return s.command(name, arg)
	}
	return s.begin(text)
}
