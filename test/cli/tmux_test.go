package cli_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

var updateScreens = flag.Bool("update-screens", false, "write the goldens of screens")

// tmux is a terminal with a command in it.
type tmux struct {
	socket string
	env    []string
}

// terminal runs a command in a terminal of that many columns and lines until the test ends. It is tmux's: the keys and the screen
// are those of a person.
func (h *home) terminal(t *testing.T, columns, lines int, args ...string) *tmux {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("no tmux")
	}
	dir, err := os.MkdirTemp("", "tmux") // t.TempDir is too long for a socket's path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	conf := filepath.Join(dir, "conf")
	// The command's last screen stays when it has ended. A paste that is bracketed is so without a client.
	if err := os.WriteFile(conf, []byte("set -g remain-on-exit on\nset -g remain-on-exit-format ''\nset -g default-terminal tmux-256color\nset -g status off\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := h.command(t.Context(), args...)
	term := &tmux{socket: filepath.Join(dir, "s"), env: append(cmd.Env, "LC_ALL=C.UTF-8", "TERM=xterm-256color", "SHELL=/bin/sh")}
	start := []string{"-u", "-f", conf, "new-session", "-d", "-c", h.work, "-x", strconv.Itoa(columns), "-y", strconv.Itoa(lines)}
	term.run(t, append(start, cmd.Args...)...)
	t.Cleanup(func() { _ = term.command("kill-server").Run() }) // it may be over
	return term
}

func (m *tmux) command(args ...string) *exec.Cmd {
	cmd := exec.Command("tmux", append([]string{"-S", m.socket}, args...)...) //nolint:gosec,noctx // the tests' own arguments, and it ends at once
	cmd.Env = m.env
	return cmd
}

func (m *tmux) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := m.command(args...).Output()
	if err != nil {
		exit, _ := errors.AsType[*exec.ExitError](err)
		if exit == nil {
			exit = new(exec.ExitError)
		}
		t.Fatalf("tmux %q: %v: %s", args, err, exit.Stderr)
	}
	return string(out)
}

// write sends keys as they are.
func (m *tmux) write(t *testing.T, text string) {
	t.Helper()
	m.run(t, "send-keys", "-l", text)
}

// press sends keys by tmux's names: Enter, C-c, Up.
func (m *tmux) press(t *testing.T, keys ...string) {
	t.Helper()
	m.run(t, append([]string{"send-keys"}, keys...)...)
}

// enter writes a line and sends it.
func (m *tmux) enter(t *testing.T, line string) {
	t.Helper()
	m.write(t, line)
	m.press(t, "Enter")
}

// paste pastes a text as terminals do.
func (m *tmux) paste(t *testing.T, text string) {
	t.Helper()
	load := m.command("load-buffer", "-")
	load.Stdin = strings.NewReader(text)
	if out, err := load.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	m.run(t, "paste-buffer", "-p")
}

// screen returns all that stands on the terminal, and what scrolled away.
func (m *tmux) screen(t *testing.T) string {
	t.Helper()
	return strings.TrimRight(m.run(t, "capture-pane", "-p", "-S", "-"), "\n") + "\n"
}

// whole returns the screen with the lines that are wider than it in one piece: those of Caddy's log can be told from others then.
func (m *tmux) whole(t *testing.T) string {
	t.Helper()
	return trailing.ReplaceAllString(strings.TrimRight(m.run(t, "capture-pane", "-pJ", "-S", "-"), "\n")+"\n", "")
}

var trailing = regexp.MustCompile(`(?m) +$`)

// styled returns the screen with its escape codes.
func (m *tmux) styled(t *testing.T) string {
	t.Helper()
	return m.run(t, "capture-pane", "-pe", "-S", "-")
}

// await returns when the screen matches.
func (m *tmux) await(t *testing.T, pattern string) {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		screen := m.screen(t)
		if re.MatchString(screen) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the screen does not show %q:\n%s", pattern, screen)
		}
	}
}

// prompt is the line that waits for a question.
const prompt = `› Ask something\n*$`

// ended returns when the command has ended.
func (m *tmux) ended(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(time.Minute); m.run(t, "display-message", "-p", "#{pane_dead}") != "1\n"; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it did not end:\n%s", m.screen(t))
		}
	}
}

// hides returns when the terminal does not show what is typed. A prompt stands there a moment before.
func (m *tmux) hides(t *testing.T) {
	t.Helper()
	tty := strings.TrimSpace(m.run(t, "display-message", "-p", "#{pane_tty}"))
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		state, err := exec.CommandContext(t.Context(), "sh", "-c", "stty -a < "+tty).CombinedOutput() //nolint:gosec // a device that tmux names
		if err != nil {
			t.Fatalf("%v: %s", err, state)
		}
		if bytes.Contains(state, []byte("-echo ")) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the terminal shows what is typed:\n%s", m.screen(t))
		}
	}
}

// varying is what is another one each time, and what stands in its place.
var varying = []struct {
	re   *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`(\d+ out(?:\s\(\d+\sthinking\))?)\s·\s(\$[\d.]+)\s·\s[\d.]+\s(?:ms|s)(?:\s·\s\d+\stokens/s)?`), "$1 · $2 · TIME"},
	{regexp.MustCompile(`file-[0-9a-f]{32}`), "file-ID"},
	{regexp.MustCompile(`20\d\d-\d\d-\d\d \d\d:\d\d`), "DAY AND TIME"},
	{regexp.MustCompile(`Created: \S+`), "Created: TIME"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "HOST"},
	{regexp.MustCompile(`for [\d.]+ m?s\n`), "for TIME\n"},
	{regexp.MustCompile(`Gateway \S+\n`), "Gateway VERSION\n"},
	{regexp.MustCompile(`sk-[A-Z2-7]{52}`), "sk-KEY"},
	{regexp.MustCompile(`(?m)^(alice|bob  )  [0-9a-f]{8} `), "$1  HASH     "},
	{regexp.MustCompile(`ASIA[A-Z0-9]{16}`), "ASIAKEY"},
	{regexp.MustCompile(`until 20\d\d-\S+Z`), "until TIME"},
	{regexp.MustCompile(`localhost:\d{5}`), "localhost:PORT"},
	{regexp.MustCompile(`(?m)^20\d\d/.*\n`), ""}, // a line of Caddy's log
}

// golden returns when the screen is the one that somebody looked at. Read is (*tmux).screen, or another way to read it.
func (m *tmux) golden(t *testing.T, name string, read func(*tmux, *testing.T) string) {
	t.Helper()
	path := filepath.Join("testdata", "screens", name+".txt")
	if *updateScreens {
		time.Sleep(time.Second) // what comes then is looked at by a person
		if err := os.WriteFile(path, []byte(same(read(m, t))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		screen := same(read(m, t))
		if screen == string(want) {
			return
		}
		if time.Now().After(end) {
			t.Errorf("%s: the screen is\n%s\nand was\n%s\n-update-screens writes it anew", name, screen, want)
			return
		}
	}
}

// same returns a screen without what varies.
func same(screen string) string {
	screen = strings.TrimLeft(screen, "\n")
	for _, v := range varying {
		screen = v.re.ReplaceAllString(screen, v.with)
	}
	return screen
}
