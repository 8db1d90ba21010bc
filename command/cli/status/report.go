package status

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/terminal"
	"github.com/open-bedrock/caddy-bedrock-gateway/status"
)

// report returns a status in words and tables, for a terminal of that width.
func report(r *status.Report, width int) string {
	var b strings.Builder
	version := terminal.Printable(strings.TrimSpace("Gateway " + r.Version))
	fmt.Fprintf(&b, "%s\nSince %s UTC, for %s\n%s under way, %s\n", version, r.Since.Format("2006-01-02 15:04"),
		terminal.Duration(r.Time.Sub(r.Since)), count(r.InFlight.Requests, "call"), count(r.InFlight.Streams, "stream"))
	b.WriteString("\n" + upstreams(r).Text(width))
	if len(r.Models) > 0 {
		b.WriteString("\n" + uses("MODEL", r.Models).Text(width))
	}
	if len(r.Users) > 0 {
		b.WriteString("\n" + uses("USER", r.Users).Text(width))
	}
	return b.String()
}

func count(n int64, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.FormatInt(n, 10) + " " + what
}

func upstreams(r *status.Report) *terminal.Table {
	t := &terminal.Table{
		Header: []string{"UPSTREAM", "KIND", "STATE", "CALLS/MIN", "FIRST TOKEN", "LAST ERROR", "CREDENTIALS"},
		Right:  []bool{false, false, false, true},
	}
	for _, u := range r.Upstreams {
		state := "healthy"
		switch {
		case !u.Healthy:
			state = "failing"
		case len(u.FailingModels) > 0:
			state = "failing for " + strings.Join(u.FailingModels, ", ")
		}
		row := []string{u.Name, u.Kind, state, strconv.FormatInt(u.CallsPerMinute, 10), "", "", ""}
		if u.FirstTokenP50 != nil && u.FirstTokenP95 != nil {
			row[4] = fmt.Sprintf("%s, 95%% in %s", seconds(*u.FirstTokenP50), seconds(*u.FirstTokenP95))
		}
		if e := u.LastError; e != nil {
			row[5] = fmt.Sprintf("%s, %s ago", e.Cause, terminal.Duration(r.Time.Sub(e.Time)))
		}
		if u.CredentialsExpires != nil {
			row[6] = "expire in " + terminal.Duration(u.CredentialsExpires.Sub(r.Time))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func seconds(s float64) string { return terminal.Duration(time.Duration(s * float64(time.Second))) }

// uses is a table of what models or users have used.
func uses(what string, rows []status.Use) *terminal.Table {
	t := &terminal.Table{
		Header: []string{what, "CALLS", "FAILED", "INPUT", "OUTPUT", "CACHE READ", "CACHE WRITE", "COST"},
		Right:  []bool{false, true, true, true, true, true, true, true},
	}
	for i := range rows {
		u := &rows[i]
		name := u.Name
		switch {
		case u.Rest > 0:
			name = fmt.Sprintf("%d others", u.Rest)
		case name == "":
			name = "-"
		}
		row := append(make([]string, 0, 8), name)
		for _, n := range []int64{u.Calls, u.Failed, u.Input, u.Output, u.CacheRead, u.CacheWrite} {
			row = append(row, strconv.FormatInt(n, 10))
		}
		cost := ""
		if u.Cost != nil {
			cost = strconv.FormatFloat(*u.Cost, 'f', 6, 64)
		}
		t.Rows = append(t.Rows, append(row, cost))
	}
	return t
}
