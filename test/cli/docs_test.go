package cli_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "write docs/cli.md")

// docsIntro is what docs/cli.md says before the commands.
const docsIntro = `# Command line

` + "`caddy bedrock`" + ` has commands for people and scripts. ` + "`test-aws`" + ` is in every build of the gateway, the others are in ` + "`cmd/caddy`" + `
and in builds with ` + "`command/cli`" + `. From a checkout, with the xcaddy that this repository pins:

` + "```sh" + `
go tool -modfile=tools/go.mod xcaddy build v2.11.9 \
	--replace github.com/open-bedrock/caddy-bedrock-gateway=. \
	--with github.com/open-bedrock/caddy-bedrock-gateway@v0.0.0 \
	--with github.com/open-bedrock/caddy-bedrock-gateway/command/cli
` + "```" + `

Results go to the standard output, questions and messages to the standard error. An error names its cause and the next step:

` + "```" + `
Error: serving :8000 without a key would let whoever reaches it spend your money
  → set API_KEY ('caddy bedrock config set API_KEY …') or pass --api-key;
    --insecure serves without one all the same
` + "```" + `

| Exit code | Meaning |
|---|---|
| 0 | it is done |
| 1 | it could not be done: the message says why |
| 2 | the command line is wrong: an unknown flag, a missing argument, a value that was refused |
| 3 | no gateway answered |
| 4 | a gateway answered with an error |
| 130 | it was ended by Ctrl-C |

` + "`.env`" + ` has the names and the syntax of Open Bedrock Server: quotes, ` + "`export`" + `, comments behind a blank, ` + "`${NAME}`" + ` for
other variables. Variables of the environment come first. Caddy's own ` + "`--envfile`" + ` reads the same files, but ends a value at any ` + "`#`" + `,
also within quotes.

Caddy's own completion knows the commands and their flags: ` + "`caddy completion bash`" + `, ` + "`zsh`" + `, ` + "`fish`" + ` or ` + "`powershell`" + ` prints it.

The rest of this page is what ` + "`--help`" + ` says. ` + "`go test ./test/cli -run Docs -update`" + ` writes it.
`

// commands returns `caddy bedrock` as Caddy makes it.
func commands(t *testing.T) *cobra.Command {
	t.Helper()
	c, ok := caddycmd.Commands()["bedrock"]
	if !ok {
		t.Fatal("the command is not registered")
	}
	root, cmd := &cobra.Command{Use: "caddy"}, &cobra.Command{Use: c.Name, Short: c.Short, Long: c.Long}
	c.CobraFunc(cmd)
	root.AddCommand(cmd)
	return cmd
}

// walk calls each with the command and all below it that people see.
func walk(cmd *cobra.Command, each func(*cobra.Command)) {
	each(cmd)
	for _, c := range cmd.Commands() {
		if !c.Hidden && c.Name() != "help" {
			walk(c, each)
		}
	}
}

func document(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(docsIntro)
	walk(commands(t), func(cmd *cobra.Command) {
		if !cmd.HasParent() || cmd.HasAvailableSubCommands() && cmd.Parent().Name() == "caddy" {
			return // the page itself
		}
		b.WriteString("\n## " + cmd.CommandPath() + "\n\n```\n" + strings.TrimSuffix(cmd.UseLine(), " [flags]") + "\n```\n\n" + strings.TrimSpace(escape(cmd.Long)) + "\n")
		if cmd.Example != "" {
			b.WriteString("\n```sh\n")
			for line := range strings.SplitSeq(cmd.Example, "\n") {
				b.WriteString(strings.TrimPrefix(strings.TrimSpace(line), "$ ") + "\n")
			}
			b.WriteString("```\n")
		}
		if flags := strings.TrimRight(cmd.LocalFlags().FlagUsagesWrapped(80), "\n"); flags != "" {
			b.WriteString("\n```\n" + flags + "\n```\n")
		}
	})
	return b.String()
}

// escape keeps Markdown from reading placeholders as HTML.
func escape(text string) string { return strings.ReplaceAll(text, "<", `\<`) }

// docs/cli.md is what the commands say of themselves.
func TestDocs(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "cli.md")
	want := document(t)
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil { //nolint:gosec // a page
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ReplaceAll(string(got), "\r\n", "\n") != want {
		t.Error("docs/cli.md is not what the commands say of themselves: run 'go test ./test/cli -run Docs -update', and read what changed")
	}
}

// Help fits a terminal, and says what somebody needs who has not seen the command before.
func TestHelp(t *testing.T) {
	long := regexp.MustCompile(`\S+`)
	walk(commands(t), func(cmd *cobra.Command) {
		name := cmd.CommandPath()
		if cmd.Short == "" || cmd.Long == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: Short %q, Long %q", name, cmd.Short, cmd.Long)
		}
		if !cmd.HasAvailableSubCommands() && cmd.Example == "" {
			t.Errorf("%s has no example", name)
		}
		for line := range strings.SplitSeq(cmd.Long+"\n"+cmd.Example, "\n") {
			if len([]rune(line)) > 80 && len(long.FindAllString(line, 2)) > 1 || line != strings.TrimRight(line, " \t") {
				t.Errorf("%s: a line of its help does not fit 80 columns: %q", name, line)
			}
		}
	})
}

// Caddy's own completion knows the commands.
func TestCompletion(t *testing.T) {
	h := newHome(t)
	for args, want := range map[string][]string{
		"bedrock ":             {"chat", "config", "files", "keys", "models", "serve", "status", "test-aws", "usage"},
		"bedrock config ":      {"check", "set", "show", "test-aws"},
		"bedrock serve --lis":  {"--listen"},
		"bedrock keys new --k": {"--keys-file"},
	} {
		got := h.caddy(t, "", append([]string{"__complete"}, strings.Split(args, " ")...)...)
		var words []string
		for line := range strings.Lines(got.stdout) {
			word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
			words = append(words, word)
		}
		for _, w := range want {
			if !slices.Contains(words, w) {
				t.Errorf("%q: no %s among %q", args, w, words)
			}
		}
	}
	if got := h.caddy(t, "", "completion", "bash"); got.code != 0 || !strings.Contains(got.stdout, "__complete") {
		t.Errorf("%.200s%.200s", got.stdout, got.err)
	}
}
