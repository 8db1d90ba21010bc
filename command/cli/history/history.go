// Package history is the commands for the chats that are kept.
package history

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/failure"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/markdown"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/session"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/terminal"
)

// New returns `caddy bedrock history` and what is below it.
func New() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "history",
		Short: "Lists, shows and deletes the chats that are kept",
		Long: `Works with the chats that 'caddy bedrock chat --session NAME' keeps. They are
files that their owner alone can read, in the directory bedrock/sessions of
Caddy's data directory: https://caddyserver.com/docs/conventions#data-directory.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(list(), show(), remove())
	return cmd
}

// complete completes the names of sessions.
func complete(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	all, _ := session.List() // what can be read
	found := make([]cobra.Completion, 0, len(all))
	for _, s := range all {
		found = append(found, cobra.CompletionWithDesc(s.Name, s.Title()))
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}

func list() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "Lists the chats, the latest first",
		Long:    `Lists the chats that are kept, the latest first. Times are UTC.`,
		Example: `  $ caddy bedrock history list`,
		Args:    cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "Print a JSON array, without the messages")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		all, failed := session.List()
		if asJSON {
			for _, s := range all {
				s.Messages = nil
			}
			if all == nil {
				all = []*session.Session{}
			}
			if err := json.NewEncoder(cmd.OutOrStdout()).Encode(all); err != nil {
				return err
			}
			return failed
		}
		if len(all) == 0 && failed == nil {
			cmd.PrintErrln("No chat is kept. 'caddy bedrock chat --session NAME' keeps one.")
		}
		const title = 40
		t := terminal.Table{Header: []string{"NAME", "LAST USED", "ANSWERS", "ABOUT"}, Right: []bool{false, false, true}}
		for _, s := range all {
			t.Rows = append(t.Rows, []string{s.Name, s.Updated.Format("2006-01-02 15:04"), fmt.Sprint(s.Used.Answers), ansi.Truncate(terminal.Printable(s.Title()), title, "…")})
		}
		if err := t.Write(cmd.OutOrStdout()); err != nil {
			return err
		}
		return failed
	}
	return cmd
}

func show() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "Shows a chat",
		Long: `Shows a chat that is kept: what was asked and answered, and what it used. On a
terminal its Markdown is rendered.`,
		Example:           `  $ caddy bedrock history show trip`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: complete,
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "Print the chat as it is kept")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := session.Load(args[0])
		if err != nil {
			return err
		}
		out := cmd.OutOrStdout()
		if asJSON {
			return json.NewEncoder(out).Encode(s)
		}
		text := session.Text(s.Messages, nil)
		if terminal.Is(out) {
			text = session.Text(s.Messages, &markdown.Look{Width: terminal.Width(out), Colors: terminal.Colors(out)})
		}
		if _, err := io.WriteString(out, text); err != nil {
			return err
		}
		cmd.PrintErrln(s.Used.String())
		return nil
	}
	return cmd
}

func remove() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "delete NAME…",
		Short: "Deletes chats",
		Long: `Deletes chats that are kept, for good. Files that they are about stay with the
gateway: 'caddy bedrock files delete'.`,
		Example:           `  $ caddy bedrock history delete trip`,
		ValidArgsFunction: complete,
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return failure.Usagef("'caddy bedrock history list' has the names", "no chat is named")
		}
		for _, name := range args {
			if err := session.Delete(name); err != nil {
				return err
			}
			cmd.PrintErrln("deleted " + name)
		}
		return nil
	}
	return cmd
}
