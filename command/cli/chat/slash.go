package chat

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/session"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/terminal"
)

// slash is a command within a chat.
type slash struct {
	name, args, help string
	run              func(s *screen, arg string) tea.Cmd
}

// slashes are the commands, in the order of /help. init sets them: /help lists itself.
var slashes []slash

func init() {
	slashes = []slash{
		{"help", "", "lists these", (*screen).help},
		{"model", "[MODEL]", "shows or changes the model", (*screen).setModel},
		{"system", "[PROMPT|none]", "shows or changes the system prompt", (*screen).setSystem},
		{"file", "PATH|ID", "has the chat be about a file", (*screen).attachFile},
		{"image", "PATH|URL", "shows an image with the question", (*screen).attachImage},
		{"files", "[clear]", "lists the files, or leaves them out", (*screen).files},
		{"clear", "", "forgets what was said", (*screen).clear},
		{"save", "[NAME]", "keeps the chat from now on", (*screen).save},
		{"load", "NAME", "goes on with a chat that is kept", (*screen).load},
		{"history", "", "shows what was said", (*screen).history},
		{"tokens", "", "shows what the chat has used", (*screen).tokens},
		{"exit", "", "leaves", (*screen).exit},
	}
}

// command splits a line that is a command. A path that begins with a slash is none.
func command(text string) (name, arg string, ok bool) {
	if !strings.HasPrefix(text, "/") || strings.Contains(text, "\n") {
		return "", "", false
	}
	name, arg, _ = strings.Cut(text[1:], " ")
	return name, strings.TrimSpace(arg), name != "" && !strings.ContainsAny(name, "/.")
}

// completions are the commands whose name begins as what is written.
func completions(text string) []slash {
	name, ok := strings.CutPrefix(text, "/")
	if !ok || strings.ContainsAny(name, " \n") {
		return nil
	}
	var found []slash
	for _, c := range slashes {
		if strings.HasPrefix(c.name, name) {
			found = append(found, c)
		}
	}
	return found
}

// hint says which commands what is written can become.
func (s *screen) hint() string {
	found := completions(s.input.Value())
	switch len(found) {
	case 0:
		return ""
	case 1:
		return ansi.Truncate(strings.TrimSpace("/"+found[0].name+" "+found[0].args)+"  "+found[0].help, s.look.Width, "…")
	}
	names := make([]string, len(found))
	for i, c := range found {
		names[i] = "/" + c.name
	}
	return strings.Join(names, " ")
}

// command runs a command. One may be written as short as it can be told from the others.
func (s *screen) command(name, arg string) tea.Cmd {
	found := completions("/" + name)
	for _, c := range found {
		if c.name == name {
			found = []slash{c}
		}
	}
	if len(found) != 1 {
		s.print(s.faint("There is no /" + terminal.Printable(name) + "; /help lists the commands."))
		return nil
	}
	return found[0].run(s, arg)
}

// say prints what a command did.
func (s *screen) say(format string, args ...any) { s.print(s.faint(fmt.Sprintf(format, args...))) }

func (s *screen) help(string) tea.Cmd {
	var b strings.Builder
	for _, c := range slashes {
		usage := strings.TrimSpace("/" + c.name + " " + c.args)
		if s.look.Width < 60 {
			fmt.Fprintf(&b, "%s\n    %s\n", usage, c.help)
		} else {
			fmt.Fprintf(&b, "%-22s  %s\n", usage, c.help)
		}
	}
	b.WriteString("\nEnter sends. Alt+Enter, Ctrl+J, or \\ at the end of a line, begins a new one.\n" +
		"Up and down bring back what was asked. Ctrl-C stops an answer. Ctrl-D leaves.")
	s.print(s.faint(b.String()))
	return nil
}

func (s *screen) setModel(name string) tea.Cmd {
	if name == "" {
		s.say("The model is %s. 'caddy bedrock models' lists what there is.", s.model())
		return nil
	}
	s.session.Model = name
	s.say("The model is %s from now on.", s.model())
	return nil
}

func (s *screen) setSystem(prompt string) tea.Cmd {
	switch {
	case prompt == "" && s.session.System == "":
		s.say("There is no system prompt.")
	case prompt == "":
		s.say("The system prompt: %s", s.session.System)
	case prompt == "none":
		s.session.System = ""
		s.say("There is no system prompt from now on.")
	default:
		s.session.System = prompt
		s.say("The system prompt is set.")
	}
	return nil
}

// attached says that a file was uploaded, or why not.
type attached struct {
	file session.File
	err  error
}

func (s *screen) attachFile(name string) tea.Cmd {
	if name == "" {
		s.say("Name a file: /file report.pdf")
		return nil
	}
	ctx, cancel := context.WithCancel(s.ctx)
	s.work = &work{label: "Uploading " + terminal.Printable(name) + ".", cancel: cancel}
	return func() tea.Msg {
		defer cancel()
		file, err := s.attach(ctx, unquoted(name), nil)
		return attached{file, err}
	}
}

// unquoted returns a path as a terminal writes one that is dropped on it.
func unquoted(name string) string {
	if n := len(name); n >= 2 && (name[0] == '\'' || name[0] == '"') && name[n-1] == name[0] {
		return name[1 : n-1]
	}
	return name
}

func (s *screen) attached(m attached) {
	s.work = nil
	switch {
	case errors.Is(m.err, context.Canceled):
		s.say("Stopped; the file is not part of the chat.")
	case m.err != nil:
		s.fail(m.err)
	default:
		s.session.Files = append(s.session.Files, m.file)
		s.say("The chat is about %s.", fileNames(s.session.Files))
	}
}

func (s *screen) attachImage(name string) tea.Cmd {
	if name == "" {
		s.say("Name an image: /image photo.png")
		return nil
	}
	u, err := imageURL(unquoted(name))
	if err != nil {
		s.fail(err)
		return nil
	}
	s.images = append(s.images, u)
	s.say("The next question has %d images.", len(s.images))
	return nil
}

func (s *screen) files(arg string) tea.Cmd {
	if arg == "clear" {
		s.session.Files = nil
	}
	if len(s.session.Files) == 0 {
		s.say("The chat is about no file. /file PATH has it be about one.")
	} else {
		s.say("The chat is about %s.", fileNames(s.session.Files))
	}
	return nil
}

func (s *screen) clear(string) tea.Cmd {
	s.session.Messages, s.session.Files, s.images = nil, nil, nil
	if s.session.Name != "" { // what is kept stays
		s.say("What was said is forgotten here. The session '%s' stays as it was; this chat is not kept.", s.session.Name)
		s.session.Name = ""
		return nil
	}
	s.say("What was said is forgotten.")
	return nil
}

func (s *screen) save(name string) tea.Cmd {
	before := *s.session
	switch name {
	case "", s.session.Name:
		if s.session.Name == "" {
			s.say("Name it: /save work")
			return nil
		}
	default:
		s.session.Name, s.session.Updated = name, time.Time{} // what is there under that name is another chat's
	}
	if err := s.session.Save(); err != nil {
		*s.session = before
		s.fail(err)
		return nil
	}
	s.say("The chat is kept as '%s'.", s.session.Name)
	return nil
}

func (s *screen) load(name string) tea.Cmd {
	if name == "" {
		s.say("Name one: /load work. 'caddy bedrock history list' has their names.")
		return nil
	}
	loaded, err := session.Load(name)
	if err != nil {
		s.fail(err)
		return nil
	}
	s.session, s.images = loaded, nil
	s.greet()
	return nil
}

func (s *screen) history(string) tea.Cmd {
	if len(s.session.Messages) == 0 {
		s.say("Nothing was said yet.")
		return nil
	}
	s.print(strings.TrimRight(session.Text(s.session.Messages, &s.look), "\n"))
	return nil
}

func (s *screen) tokens(string) tea.Cmd {
	s.say("%s", s.session.Used.String())
	return nil
}

func (s *screen) exit(string) tea.Cmd {
	s.leaving = true
	return nil
}
