// Package models is the command that lists what a gateway has.
package models

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/client"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/failure"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/terminal"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// New returns `caddy bedrock models`.
func New() *cobra.Command {
	var filter string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "models",
		Short: "Lists the models of a gateway",
		Long: `Lists the models that the gateway has for this key: the name to ask for, whose
it is, and what it is for. A line on standard error names each upstream whose
models could not be listed.

--filter keeps the models whose name contains a text, or matches it where it has
a star: 'claude', 'us.anthropic.*'. Capital letters count as small ones.

--json prints the gateway's own listing.`,
		Example: `  $ caddy bedrock models
  $ caddy bedrock models --filter 'us.anthropic.*'
  $ caddy bedrock models --json | jq -r '.data[].id'`,
		Args: cobra.NoArgs,
	}
	ask := client.Flags(cmd)
	cmd.Flags().StringVarP(&filter, "filter", "f", "", "Only models whose name has this text, or matches it (*)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "Print the listing as JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := ask()
		if err != nil {
			return err
		}
		list, err := c.Models(cmd.Context())
		if err != nil {
			return err
		}
		return show(cmd, list, filter, asJSON)
	}
	return cmd
}

func show(cmd *cobra.Command, list *client.Models, filter string, asJSON bool) error {
	var shown []client.Model
	var bad error
	list.Data = slices.DeleteFunc(list.Data, func(raw json.RawMessage) bool {
		var m client.Model
		if err := json.Unmarshal(raw, &m); err != nil {
			bad = fmt.Errorf("the listing has an entry that is no model: %w", err)
		}
		if !matches(filter, m.ID) {
			return true
		}
		shown = append(shown, m)
		return false
	})
	if bad != nil {
		return bad
	}
	for _, e := range list.Errors {
		cmd.PrintErrln(terminal.Printable("The models of " + e.Upstream + " could not be listed: " + e.Message))
	}
	out := cmd.OutOrStdout()
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		return enc.Encode(list)
	}
	if len(shown) == 0 {
		if filter == "" {
			return failure.Newf("'caddy bedrock status' shows what the gateway knows of its upstreams", "this gateway has no models for this key")
		}
		return failure.Newf("leave --filter out to see them all", "no model matches '%s'", filter)
	}
	t := terminal.Table{Header: []string{"MODEL", "OWNER", "PURPOSE"}}
	for _, m := range shown {
		t.Rows = append(t.Rows, []string{m.ID, m.OwnedBy, m.Purpose})
	}
	return t.Write(out)
}

// matches reports whether a filter, which is a part of the name or a pattern, keeps a model.
func matches(filter, id string) bool {
	filter, id = strings.ToLower(filter), strings.ToLower(id)
	if p := upstream.NewPattern(filter); !p.Literal() {
		return p.Match(id)
	}
	return strings.Contains(id, filter)
}
