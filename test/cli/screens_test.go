package cli_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

const written = `# A title

A paragraph with **bold** and *slanted* words, ` + "`code`" + `, and a [link](https://example.com/docs) in it.

1. one item that is long enough to be wrapped on a narrow terminal
2. another
   - nested

` + "```go\nfunc main() { fmt.Println(\"a line of code that is long\") }\n```" + `

| Name | Price |
|---|--:|
| widget | 1.50 |
| gadget with a long name | 12.00 |

> a quote
`

// The same chat on terminals of three widths: pasted Markdown, what it becomes, and the commands.
func TestChatOnTerminals(t *testing.T) {
	h := newHome(t)
	serveGateway(t, h, "")
	for name, columns := range map[string]int{"narrow": 40, "usual": 80, "wide": 132} {
		m := h.terminal(t, columns, 24, "bedrock", "chat")
		m.await(t, prompt)
		m.paste(t, written)
		m.await(t, `> a quote\n*$`)
		m.press(t, "Enter")
		m.await(t, `tokens/s|out · \$[\d.]+\s·\s[\d.]+\sms`)
		m.await(t, prompt)
		m.enter(t, "/tokens")
		m.await(t, `tokens\s+out`)
		m.await(t, prompt)
		m.enter(t, "/help")
		m.await(t, `Ctrl-D leaves.\n\n`+prompt)
		m.write(t, "/f")
		m.await(t, `/file /files`)
		m.golden(t, "chat-"+name, (*tmux).screen)
		m.press(t, "C-c")
		m.await(t, prompt)
		m.press(t, "C-d")
		m.ended(t)
	}
}

// Ctrl-C stops an answer, and not the program; what came of it is part of the chat.
func TestAnswerStopped(t *testing.T) {
	h := newHome(t)
	serveGateway(t, h, "")
	m := h.terminal(t, 80, 24, "bedrock", "chat", "--session", "stopped")
	m.await(t, prompt)
	m.enter(t, "[[fault:hang@4]] a question whose answer does not end")
	m.await(t, `You said: a\n\nAnswering. Ctrl-C stops it.`)
	m.golden(t, "stopped-before", (*tmux).screen)
	m.press(t, "C-c")
	m.await(t, `Stopped.\n\n`+prompt)
	m.enter(t, "[[fault:hang]] nothing at all")
	m.await(t, `Waiting for gpt-4o-mini. Ctrl-C stops it.`)
	m.press(t, "Escape")
	m.await(t, `is not part of the\s+chat.\n\n`+prompt)
	m.press(t, "Up", "Up") // what was asked before
	m.await(t, `› \[\[fault:hang@4\]\] a question`)
	m.press(t, "C-c")
	m.await(t, prompt)
	m.enter(t, "[[fault:exception=x@0]][[fault:status=503]] an error")
	m.await(t, `Error: .*\n(.*\n)*\n`+prompt)
	m.press(t, "C-c")
	m.await(t, `Ctrl-D or /exit leaves.`)
	m.golden(t, "stopped", (*tmux).screen)
	m.press(t, "C-d")
	m.ended(t)
	has{args: "history show stopped", stdout: []string{"You said: a\n"}, err: []string{"tokens"}}.check(t, h)
}

func TestSessionResumed(t *testing.T) {
	h := newHome(t)
	serveGateway(t, h, "")
	m := h.terminal(t, 80, 24, "bedrock", "chat", "--session", "work", "--model", "gpt-4o")
	m.await(t, prompt)
	m.enter(t, "My name is Ada.")
	m.await(t, `You said: My name is Ada.\n\n.* in .*\n\n`+prompt)
	m.enter(t, "/exit")
	m.ended(t)

	m = h.terminal(t, 80, 24, "bedrock", "chat", "--session", "work")
	m.await(t, prompt)
	m.enter(t, "What is it?")
	m.await(t, `You said: What is it\?\n\n.* in .*\n\n`+prompt)
	m.enter(t, "/history")
	m.await(t, `/history\n(.*\n)*› What is it\?\n(.*\n)*`+prompt)
	m.enter(t, "/save copy")
	m.await(t, `kept as 'copy'.\n\n`+prompt)
	m.enter(t, "/clear")
	m.await(t, `is not kept.\n\n`+prompt)
	m.enter(t, "/load work")
	m.await(t, `36 tokens in(.*\n)*`+prompt)
	m.enter(t, "/save copy") // which another chat has
	m.await(t, `another chat's now\n(.*\n)*`+prompt)
	m.golden(t, "resumed", (*tmux).screen)
	m.enter(t, "/exit")
	m.ended(t)

	m = h.terminal(t, 80, 24, "bedrock", "history", "list")
	m.ended(t)
	m.golden(t, "history-list", (*tmux).screen)
	m = h.terminal(t, 40, 24, "bedrock", "history", "show", "work")
	m.ended(t)
	m.golden(t, "history-show", (*tmux).screen)
}

func TestFileAskedAbout(t *testing.T) {
	h := newHome(t)
	serveGateway(t, h, "")
	h.file(t, "data.csv", "name,value\nwidget,41\n")
	m := h.terminal(t, 80, 24, "bedrock", "chat")
	m.await(t, prompt)
	m.enter(t, "/file missing.csv")
	m.await(t, `Error: .*\n(.*\n)*\n`+prompt)
	m.enter(t, "/file data.csv")
	m.await(t, `The chat is about data.csv`)
	m.await(t, prompt)
	m.write(t, `How much is \`) // a new line
	m.press(t, "Enter")
	m.await(t, `How much is\n`)
	m.write(t, "a widget?")
	m.press(t, "M-Enter")
	m.write(t, "Please.")
	m.await(t, "a widget\\?\n  Please.")
	m.press(t, "Enter")
	m.await(t, `widget,41(.*\n)*.* in .*\n\n`+prompt)
	m.enter(t, "/files")
	m.await(t, `/files\n\nThe chat is about data.csv .*\n(.*\n)*\n`+prompt)
	m.golden(t, "file", (*tmux).screen)
}

// Reasoning is faint, and there are colors where they are wanted.
func TestReasoningAndColors(t *testing.T) {
	h := newHome(t)
	serveGateway(t, h, "")
	defaults := strings.NewReplacer("\x1b[39m", "", "\x1b[49m", "")
	colors := regexp.MustCompile(`\x1b\[(\d+;)*[349]\d`)
	for _, env := range []string{"", "NO_COLOR=yes"} {
		h := &home{dir: h.dir, work: h.work, env: append(slices.Clip(h.env), env)}
		m := h.terminal(t, 80, 24, "bedrock", "chat", "--model", claude, "--effort", "low", "Say `code`")
		m.ended(t)
		styled := m.styled(t)
		if !strings.Contains(styled, "\x1b[2mThe user said: Say") {
			t.Errorf("the reasoning is not faint: %q", styled)
		}
		if env == "" {
			m.golden(t, "once", (*tmux).screen)
		}
		if has := colors.MatchString(defaults.Replace(styled)); has != (env == "") {
			t.Errorf("%q: colors %t: %q", env, has, styled)
		}
	}
}

// The other commands, on a terminal that is wide enough for their tables and on one that is not.
func TestListsOnTerminals(t *testing.T) {
	h := newHome(t)
	g := serveGateway(t, h, "")
	g.call(t, `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hello!"}]}`)
	h.file(t, "data.csv", "name,value\nwidget,41\n")
	has{args: "files upload data.csv", stdout: []string{"file-"}}.check(t, h)
	for name, columns := range map[string]int{"narrow": 40, "wide": 132} {
		for _, args := range []string{"models --filter claude-haiku", "models --filter nothing", "files list", "status", "usage --by model usage.log"} {
			m := h.terminal(t, columns, 24, append([]string{"bedrock"}, strings.Fields(args)...)...)
			m.ended(t)
			m.golden(t, strings.NewReplacer(" --", "-", " ", "-", ".log", "").Replace(args)+"-"+name, (*tmux).screen)
		}
	}
	m := h.terminal(t, 80, 24, "bedrock", "status", "--watch", "--interval", "100ms")
	m.await(t, `gpt-4o-mini +1 `)
	g.call(t, `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hello!"}]}`)
	m.await(t, `gpt-4o-mini +2 `)
	m.press(t, "q")
	m.ended(t)
}
