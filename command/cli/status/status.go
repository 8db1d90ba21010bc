// Package status is the command that shows what a gateway knows of itself.
package status

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/client"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/failure"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/terminal"
	"github.com/open-bedrock/caddy-bedrock-gateway/status"
)

const path = "/bedrock_gateway/status"

// wide is the width where there is no terminal that would break lines.
const wide = 1000

// maxStatus bounds a status, in bytes: 50 models, 50 users, and the upstreams.
const maxStatus = 16 << 20

// New returns `caddy bedrock status`.
func New() *cobra.Command {
	var address string
	var watch, asJSON bool
	every := 2 * time.Second
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Shows the state of a gateway, its upstreams, models and users",
		Long: `Shows what the gateway knows of itself: its upstreams, their health and their
last error, and what models and users have used since it began. It asks the
admin endpoint of the Caddy that runs here, as 'caddy reload' does. With
--server-url it asks a gateway elsewhere, which must have the word status_page;
a user and a password go into the URL: https://ops:secret@ai.example.com.

--watch shows it again every two seconds, until q or Ctrl-C. Where it is not
written to a terminal, that is one status after the other, and with --json a
line for each.`,
		Example: `  $ caddy bedrock status
  $ caddy bedrock status --watch
  $ caddy bedrock status --json | jq '.upstreams[] | select(.healthy | not)'`,
		Args: cobra.NoArgs,
	}
	elsewhere := client.Flags(cmd)
	f := cmd.Flags()
	f.StringVar(&address, "address", "", "The admin endpoint (default: CADDY_ADMIN, or else localhost:2019)")
	f.BoolVarP(&watch, "watch", "w", false, "Show it again and again")
	f.DurationVar(&every, "interval", every, "How often, with --watch")
	f.BoolVar(&asJSON, "json", false, "Print the status as JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if every < 100*time.Millisecond {
			return failure.Usagef("use --interval 2s", "--interval is at least 100ms")
		}
		ask := func(context.Context) ([]byte, error) { return askAdmin(address) }
		if cmd.Flags().Changed("server-url") {
			c, err := elsewhere()
			if err != nil {
				return err
			}
			ask = func(ctx context.Context) ([]byte, error) { return c.Status(ctx, path) }
		}
		out := cmd.OutOrStdout()
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
		defer stop()
		if watch && !asJSON && terminal.Is(out) && terminal.Is(cmd.InOrStdin()) {
			return watchScreen(ctx, cmd.InOrStdin(), out, ask, every)
		}
		for {
			raw, err := ask(ctx)
			if err == nil {
				err = show(out, raw, asJSON)
			}
			if err != nil || !watch {
				return err
			}
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(every):
			}
		}
	}
	return cmd
}

// askAdmin asks the admin endpoint of the Caddy that runs here.
func askAdmin(address string) ([]byte, error) {
	address, err := caddycmd.DetermineAdminAPIAddress(address, nil, "", "")
	if err != nil {
		return nil, err
	}
	res, err := caddycmd.AdminAPIRequest(address, http.MethodGet, path, nil, nil)
	if err != nil {
		return nil, &failure.Error{
			Code: failure.Unreachable, Cause: fmt.Errorf("no Caddy answers at %s: %w", address, err),
			Next: "name its admin endpoint with --address, or ask a gateway that has the word status_page with --server-url",
		}
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	return io.ReadAll(io.LimitReader(res.Body, maxStatus))
}

// show prints a status.
func show(w io.Writer, raw []byte, asJSON bool) error {
	if asJSON {
		var b bytes.Buffer
		if err := json.Compact(&b, raw); err != nil {
			return notStatus(err)
		}
		b.WriteByte('\n')
		_, err := b.WriteTo(w)
		return err
	}
	width := wide
	if terminal.Is(w) {
		width = terminal.Width(w)
	}
	text, err := page(raw, width)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text)
	return err
}

func notStatus(err error) error {
	return fmt.Errorf("what answered is no status of a gateway: %w", err)
}

// page returns a status for a terminal of that width.
func page(raw []byte, width int) (string, error) {
	var r status.Report
	if err := json.Unmarshal(raw, &r); err != nil {
		return "", notStatus(err)
	}
	if r.Upstreams == nil {
		return "", notStatus(errors.New("it has no upstreams"))
	}
	return report(&r, width), nil
}
