// Package keys is `caddy bedrock keys`: the keys of a keys file, made, listed and revoked.
package keys

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/open-bedrock/caddy-bedrock-gateway/auth"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/failure"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/replace"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/terminal"
)

// New returns the command with those below it.
func New() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Makes, lists and revokes keys of a keys file",
		Long: `Makes, lists and revokes the keys that clients send, in the file that
'keys_file' of api_key_auth names. The file keeps hashes of keys, no keys. The
gateway reads it again within a second of a change; nothing needs a reload.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newNew(), newList(), newRevoke())
	return cmd
}

func addKeysFile(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVarP(file, "keys-file", "f", "", "The keys file")
}

func checkKeysFile(file string) error {
	if file == "" {
		return failure.Usagef("add --keys-file and the file that 'keys_file' of the Caddyfile names", "no keys file is named")
	}
	return nil
}

// edit changes the file, and sees to it that the gateway will read what it becomes.
func edit(file string, change func(lines string, entries []auth.Entry) (string, error)) error {
	err := replace.Edit(file, func(old []byte) ([]byte, error) {
		entries, err := auth.ParseFile(old)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		text, err := change(string(old), entries)
		if err != nil {
			return nil, err
		}
		if _, err := auth.ParseFile([]byte(text)); err != nil {
			return nil, fmt.Errorf("the gateway would not read the new file: %w", err)
		}
		return []byte(text), nil
	})
	switch f := new(failure.Error); {
	case err == nil:
		return nil
	case errors.As(err, &f):
		return f
	case errors.Is(err, fs.ErrPermission):
		return failure.Newf("run it as the owner of the file and of its folder", "%s was not changed: %w", file, err)
	}
	return failure.Newf("correct the file, or name another by --keys-file", "%s was not changed: %w", file, err)
}

func newList() *cobra.Command {
	var file string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Lists the keys of a keys file",
		Long: `Lists the keys of a keys file: whose each is, the beginning of its hash, the
models it allows, and until when it is good.`,
		Example: `  $ caddy bedrock keys list --keys-file keys`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkKeysFile(file); err != nil {
				return err
			}
			raw, err := os.ReadFile(file) //nolint:gosec // the user names it
			if err == nil && len(raw) > replace.MaxSize {
				err = fmt.Errorf("%s: larger than %d bytes", file, replace.MaxSize)
			}
			if err != nil {
				return failure.New(err, "name the file that 'keys_file' of the Caddyfile names")
			}
			entries, err := auth.ParseFile(raw)
			if err != nil {
				return failure.Newf("correct the line: the gateway does not read the file either", "%s: %w", file, err)
			}
			return list(cmd.OutOrStdout(), entries, time.Now(), asJSON)
		},
	}
	addKeysFile(cmd, &file)
	cmd.Flags().BoolVar(&asJSON, "json", false, "Print JSON, an object a line")
	return cmd
}

// listed is a key in JSON.
type listed struct {
	User    string   `json:"user"`
	ID      string   `json:"id"`
	Models  []string `json:"models,omitempty"`
	Tags    []string `json:"tags,omitempty"`
	Expires string   `json:"expires,omitempty"`
	Expired bool     `json:"expired,omitempty"`
}

func list(w io.Writer, entries []auth.Entry, now time.Time, asJSON bool) error {
	table := terminal.Table{Header: []string{"USER", "ID", "MODELS", "GOOD UNTIL", "TAGS"}}
	out := json.NewEncoder(w)
	for _, e := range entries {
		expired := !e.Expires.IsZero() && !now.Before(e.Expires)
		if asJSON {
			l := listed{User: e.User, ID: e.ID, Models: e.Models, Tags: e.Tags, Expired: expired}
			if !e.Expires.IsZero() {
				l.Expires = e.Expires.Format(time.RFC3339)
			}
			if err := out.Encode(l); err != nil {
				return err
			}
			continue
		}
		models, until := "all", "it is revoked"
		if len(e.Models) > 0 {
			models = strings.Join(e.Models, ",")
		}
		switch {
		case expired:
			until = e.Expires.Format(time.RFC3339) + ", over"
		case !e.Expires.IsZero():
			until = e.Expires.Format(time.RFC3339)
		}
		table.Rows = append(table.Rows, []string{e.User, e.ID, models, until, strings.Join(e.Tags, ",")})
	}
	if asJSON {
		return nil
	}
	return table.Write(w)
}

func newRevoke() *cobra.Command {
	var file, id string
	var all bool
	cmd := &cobra.Command{
		Use:   "revoke USER",
		Short: "Revokes a user's key",
		Long: `Removes a user's key from a keys file; the gateway refuses it within a second.
Where the user has several, --id says which, by the beginning of its hash that
'keys list' shows, or --all revokes them all.`,
		Example: `  $ caddy bedrock keys revoke alice --keys-file keys
  $ caddy bedrock keys revoke alice --id 3f2a9c01 --keys-file keys`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkKeysFile(file); err != nil {
				return err
			}
			if id != "" && all {
				return failure.Usagef("leave one of them out", "--id and --all exclude each other")
			}
			revoked := 0
			err := edit(file, func(text string, entries []auth.Entry) (string, error) {
				lines, err := chosen(entries, args[0], id, all)
				if err != nil {
					return "", err
				}
				revoked = len(lines)
				return without(text, lines), nil
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.ErrOrStderr(), "%d of %s's keys revoked.\n", revoked, args[0])
			return err
		},
	}
	addKeysFile(cmd, &file)
	cmd.Flags().StringVar(&id, "id", "", "The beginning of the key's hash, as 'keys list' shows it")
	cmd.Flags().BoolVar(&all, "all", false, "Revoke all keys of the user")
	return cmd
}

// chosen returns the numbers of the lines that have the keys to revoke.
func chosen(entries []auth.Entry, user, id string, all bool) (map[int]bool, error) {
	lines := map[int]bool{}
	var ids []string
	for _, e := range entries {
		if e.User != user {
			continue
		}
		ids = append(ids, e.ID)
		if id == "" || strings.HasPrefix(e.ID, strings.ToLower(id)) {
			lines[e.Line] = true
		}
	}
	switch {
	case len(ids) == 0:
		return nil, failure.Newf("'caddy bedrock keys list' shows whose there are", "%s has no key in this file", user)
	case len(lines) == 0:
		return nil, failure.Newf("choose one of "+strings.Join(ids, ", "), "%s has no key whose hash begins with %s", user, id)
	case len(lines) > 1 && !all:
		return nil, failure.Usagef("choose one by --id: "+strings.Join(ids, ", ")+"; --all revokes them all", "%s has %d such keys", user, len(lines))
	}
	return lines, nil
}

// without returns the text without lines of these numbers.
func without(text string, lines map[int]bool) string {
	var b strings.Builder
	n := 0
	for line := range strings.Lines(text) {
		if n++; !lines[n] {
			b.WriteString(line)
		}
	}
	return b.String()
}
