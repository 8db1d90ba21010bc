// Package files is the commands for the files that a gateway keeps.
package files

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/client"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/failure"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/terminal"
)

// New returns `caddy bedrock files` and what is below it.
func New() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "files",
		Short: "Uploads, lists, fetches and deletes files of a gateway",
		Long: `Works with the files that the gateway keeps for this key. A chat can be asked
about them: 'caddy bedrock chat --file ID'.

Transfers that take longer than a second show how far they are on standard
error, if that is a terminal.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(upload(), list(), get(), remove())
	return cmd
}

func upload() *cobra.Command {
	var purpose string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "upload FILE…",
		Short: "Uploads files",
		Long: `Uploads files and prints the id of each. A file is read while it is sent, and
may be of any size that the gateway takes.`,
		Example: `  $ caddy bedrock files upload report.pdf data.csv
  $ id=$(caddy bedrock files upload report.pdf --json | jq -r .id)`,
	}
	ask := client.Flags(cmd)
	cmd.Flags().StringVar(&purpose, "purpose", "user_data", "What the files are for: user_data, assistants, batch …")
	cmd.Flags().BoolVar(&asJSON, "json", false, "Print the gateway's answers as JSON, one a line")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return failure.Usagef("name the files to upload", "no file is named")
		}
		c, err := ask()
		if err != nil {
			return err
		}
		for _, path := range args {
			bar := terminal.NewProgress(cmd.ErrOrStderr(), filepath.Base(path))
			f, err := c.Upload(cmd.Context(), path, purpose, bar.Show)
			bar.Close()
			if err != nil {
				return err
			}
			if err := printFile(cmd.OutOrStdout(), f, asJSON); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

func printFile(w io.Writer, f *client.File, asJSON bool) error {
	if asJSON {
		return printRaw(w, f.Raw)
	}
	return (&terminal.Table{Header: header, Right: right, Rows: [][]string{row(f)}}).Write(w)
}

// printRaw prints an answer on one line.
func printRaw(w io.Writer, raw []byte) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(json.RawMessage(raw))
}

var (
	header = []string{"ID", "NAME", "SIZE", "PURPOSE", "CREATED", "EXPIRES"}
	right  = []bool{false, false, true}
)

func row(f *client.File) []string {
	day := func(unix int64) string {
		if unix == 0 {
			return ""
		}
		return time.Unix(unix, 0).UTC().Format("2006-01-02 15:04")
	}
	return []string{f.ID, f.Filename, humanize.IBytes(uint64(max(f.Bytes, 0))), f.Purpose, day(f.CreatedAt), day(f.ExpiresAt)}
}

func list() *cobra.Command {
	var purpose string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Lists the files, newest first",
		Long: `Lists the files that the gateway keeps for this key, newest first. Times are
UTC.`,
		Example: `  $ caddy bedrock files list --purpose user_data`,
		Args:    cobra.NoArgs,
	}
	ask := client.Flags(cmd)
	cmd.Flags().StringVar(&purpose, "purpose", "", "Only the files that are for this")
	cmd.Flags().BoolVar(&asJSON, "json", false, "Print a JSON array")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := ask()
		if err != nil {
			return err
		}
		files, err := c.Files(cmd.Context(), purpose)
		if err != nil {
			return err
		}
		if asJSON {
			objects := make([]json.RawMessage, len(files))
			for i := range files {
				objects[i] = files[i].Raw
			}
			raw, err := json.Marshal(objects)
			if err != nil {
				return err
			}
			return printRaw(cmd.OutOrStdout(), raw)
		}
		if len(files) == 0 {
			cmd.PrintErrln("There are no files.")
			return nil
		}
		t := terminal.Table{Header: header, Right: right}
		for i := range files {
			t.Rows = append(t.Rows, row(&files[i]))
		}
		return t.Write(cmd.OutOrStdout())
	}
	return cmd
}

func get() *cobra.Command {
	var output string
	var force, asJSON bool
	cmd := &cobra.Command{
		Use:   "get ID",
		Short: "Fetches a file",
		Long: `Fetches a file into the working directory, under the name that it was uploaded
with, or to --output; '-' is standard output. A file that is there is not
overwritten without --force, and one that does not come whole is not kept.

--json prints what the gateway knows of the file, and fetches nothing unless
--output says where to.`,
		Example: `  $ caddy bedrock files get file-abc123
  $ caddy bedrock files get file-abc123 --output - | head`,
		Args: cobra.ExactArgs(1),
	}
	ask := client.Flags(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "", "The file to write; - for standard output (default: the file's own name)")
	cmd.Flags().BoolVar(&force, "force", false, "Overwrite a file that is there")
	cmd.Flags().BoolVar(&asJSON, "json", false, "Print what the gateway knows of the file as JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := ask()
		if err != nil {
			return err
		}
		f, err := c.File(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		if asJSON {
			if output == "-" {
				return failure.Usagef("leave one of them out", "--json and --output - both write to standard output")
			}
			if err := printRaw(cmd.OutOrStdout(), f.Raw); err != nil || output == "" {
				return err
			}
		}
		if output == "-" {
			return fetch(cmd, c, f, cmd.OutOrStdout())
		}
		if output == "" {
			if output = localName(f.Filename); output == "" {
				return failure.Newf("say where to with --output", "the file's name %q is none of a file here", f.Filename)
			}
		}
		if err := fetchTo(cmd, c, f, output, force); err != nil {
			return err
		}
		if !asJSON {
			cmd.PrintErrln(terminal.Printable(output))
		}
		return nil
	}
	return cmd
}

// localName returns the name under which a file is kept here: that of the upload, which somebody else may have chosen, without any
// directory; "" if nothing is left.
func localName(name string) string {
	name = filepath.Base(strings.ReplaceAll(terminal.Printable(name), `\`, "/"))
	if strings.HasPrefix(name, ".") || !filepath.IsLocal(name) {
		return ""
	}
	return name
}

// fetchTo fetches a file beside its place, and moves it there when it is whole.
func fetchTo(cmd *cobra.Command, c *client.Client, f *client.File, path string, force bool) error {
	if _, err := os.Lstat(path); err == nil && !force {
		return failure.Newf("overwrite it with --force, or name another with --output", "%s is there", path)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".fetch-*")
	if err != nil {
		return err
	}
	err = errors.Join(fetch(cmd, c, f, tmp), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}

func fetch(cmd *cobra.Command, c *client.Client, f *client.File, w io.Writer) error {
	bar := terminal.NewProgress(cmd.ErrOrStderr(), f.Filename)
	defer bar.Close()
	return c.Download(cmd.Context(), f.ID, w, bar.Show)
}

func remove() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "delete ID…",
		Short:   "Deletes files",
		Long:    `Deletes files from the gateway, for good.`,
		Example: `  $ caddy bedrock files delete file-abc123`,
	}
	ask := client.Flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "Print the gateway's answers as JSON, one a line")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return failure.Usagef("'caddy bedrock files list' has the ids", "no file is named")
		}
		c, err := ask()
		if err != nil {
			return err
		}
		return removeAll(cmd.Context(), cmd, c, args, asJSON)
	}
	return cmd
}

// removeAll deletes what it can, and returns what it could not.
func removeAll(ctx context.Context, cmd *cobra.Command, c *client.Client, ids []string, asJSON bool) error {
	var failed error
	for _, id := range ids {
		raw, err := c.DeleteFile(ctx, id)
		switch {
		case err != nil && failed == nil:
			failed = err
		case err != nil:
			failed = fmt.Errorf("%w\n%w", failed, err)
		case asJSON:
			if err := printRaw(cmd.OutOrStdout(), raw); err != nil {
				return err
			}
		default:
			cmd.PrintErrln("deleted " + terminal.Printable(id))
		}
	}
	return failed
}
