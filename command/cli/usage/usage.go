// Package usage is the command that sums usage logs.
package usage

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/failure"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/terminal"
)

// New returns `caddy bedrock usage`.
func New() *cobra.Command {
	var since string
	by := []string{"user"}
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "usage FILE…",
		Short: "Sums usage logs",
		Long: `Sums the usage logs that the word usage_log of the gateway writes: calls, tokens
and costs, by user, model or day, or by several of them: --by user,day. Files
that Caddy has rolled and compressed (.gz) are read as they are; - is standard
input.

Users are those of the keys. The model is the one that the client asked for.
Days are those of UTC. Cost is in dollars, and exact; calls whose model has no
price have none, and are counted under UNPRICED. Failed calls count as calls.

--since takes a day (2026-11-01), a time (2026-11-01T12:00:00Z) or how long ago
it was (24h, 30d).

Lines that are no lines of a usage log are left out, and standard error says how
many they were.`,
		Example: `  $ caddy bedrock usage /var/log/caddy/usage.log
  $ caddy bedrock usage --since 30d --by user,model /var/log/caddy/usage*`,
	}
	f := cmd.Flags()
	f.StringVar(&since, "since", "", "Only calls since this day, time, or that long ago")
	f.StringSliceVar(&by, "by", by, "What to sum by: user, model, day; several with commas")
	f.BoolVar(&asJSON, "json", false, "Print the sums as JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return failure.Usagef("docs/observability.md says how a usage log is written", "no file is named")
		}
		s := sums{by: by, groups: map[string]*sum{}}
		for _, b := range by {
			if !slices.Contains([]string{"user", "model", "day"}, b) {
				return failure.Usagef("use user, model or day", "'%s' is nothing to sum by", b)
			}
		}
		if since != "" {
			var err error
			if s.since, err = parseSince(since, time.Now()); err != nil {
				return err
			}
		}
		for _, name := range args {
			if err := s.readFile(cmd.InOrStdin(), name); err != nil {
				return err
			}
		}
		return s.show(cmd, asJSON)
	}
	return cmd
}

// parseSince reads a day, a time, or how long ago it was.
func parseSince(text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	hours := text
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n < 100_000 {
			hours = strconv.Itoa(24*n) + "h"
		}
	}
	if d, err := time.ParseDuration(hours); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, failure.Usagef("write 2026-11-01, 2026-11-01T12:00:00Z, 24h or 30d", "--since '%s' is no time", text)
}

// readFile reads one log, or standard input.
func (s *sums) readFile(stdin io.Reader, name string) error {
	in := stdin
	if name != "-" {
		f, err := os.Open(name) //nolint:gosec // the user names it
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // it was read
		in = f
	}
	if err := s.read(in); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// show prints the groups and their total.
func (s *sums) show(cmd *cobra.Command, asJSON bool) error {
	if s.foreign > 0 {
		cmd.PrintErrf("%s lines are no lines of a usage log and were left out\n", humanize.Comma(s.foreign))
	}
	if s.lines == 0 {
		return failure.Newf("write one with the word 'usage_log'; docs/observability.md has an example", "there is no line of a usage log")
	}
	groups := s.sorted()
	if len(groups) == 0 && !asJSON {
		cmd.PrintErrln("There are no calls since then.")
	}
	if asJSON {
		return writeJSON(cmd.OutOrStdout(), s.by, groups)
	}
	t := terminal.Table{}
	for _, b := range s.by {
		t.Header = append(t.Header, strings.ToUpper(b))
		t.Right = append(t.Right, false)
	}
	t.Header = append(t.Header, "CALLS", "FAILED", "INPUT", "OUTPUT", "CACHE READ", "CACHE WRITE", "COST", "UNPRICED")
	t.Right = append(t.Right, slices.Repeat([]bool{true}, 8)...)
	for _, g := range groups {
		t.Rows = append(t.Rows, g.row(g.key))
	}
	if onTerminal := terminal.Is(cmd.OutOrStdout()); onTerminal && len(groups) > 1 {
		key := make([]string, len(s.by))
		key[0] = "total"
		t.Rows = append(t.Rows, s.total.row(key))
	}
	return t.Write(cmd.OutOrStdout())
}

func (g *sum) row(key []string) []string {
	cells := make([]string, 0, len(key)+8)
	for _, k := range key {
		if k == "" {
			k = "-"
		}
		cells = append(cells, k)
	}
	for _, n := range []int64{g.Calls, g.Failed, g.Input, g.Output, g.CacheRead, g.CacheWrite} {
		cells = append(cells, strconv.FormatInt(n, 10))
	}
	cost := "-"
	if g.priced {
		cost = g.dollars()
	}
	return append(cells, cost, strconv.FormatInt(g.Unpriced, 10))
}

// writeJSON writes an object for each group, with its key by name.
func writeJSON(w io.Writer, by []string, groups []*sum) error {
	type group struct {
		User  *string `json:"user,omitempty"`
		Model *string `json:"model,omitempty"`
		Day   *string `json:"day,omitempty"`
		*sum
		Cost *json.Number `json:"cost"` // null where nothing has a price
	}
	list := make([]group, 0, len(groups))
	for _, g := range groups {
		o := group{sum: g}
		for i, b := range by {
			switch key := &g.key[i]; b {
			case "user":
				o.User = key
			case "model":
				o.Model = key
			case "day":
				o.Day = key
			}
		}
		if g.priced {
			n := json.Number(g.dollars())
			o.Cost = &n
		}
		list = append(list, o)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(list)
}
