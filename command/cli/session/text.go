package session

import (
	"strings"

	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/client"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/markdown"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/terminal"
)

// Text returns the messages of a chat; without a look as they are.
func Text(messages []client.Message, look *markdown.Look) string {
	var b strings.Builder
	for _, m := range messages {
		text := m.Text
		if len(m.Images) > 0 {
			text += " [" + count(int64(len(m.Images)), "image") + "]"
		}
		switch {
		case m.Role == "user" && look == nil:
			b.WriteString("› " + strings.ReplaceAll(text, "\n", "\n  ") + "\n\n")
		case m.Role == "user":
			b.WriteString(Question(text, *look) + "\n\n")
		case look == nil:
			b.WriteString(text + "\n\n")
		default:
			b.WriteString(markdown.Render(text, *look) + "\n\n")
		}
	}
	return b.String()
}

// Question returns what the user said, as a chat shows it.
func Question(text string, look markdown.Look) string {
	const mark = "› "
	lines := strings.Split(ansi.Wrap(terminal.Printable(text), max(look.Width-len([]rune(mark)), 1), ""), "\n")
	text = mark + strings.Join(lines, "\n  ")
	if look.Colors <= colorprofile.NoTTY {
		return text
	}
	return "\x1b[1m" + strings.ReplaceAll(text, "\n", "\x1b[22m\n\x1b[1m") + "\x1b[22m"
}
