package session

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/client"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/terminal"
)

// Used is what the answers of a chat have used.
type Used struct {
	Answers int    `json:"answers"`
	Input   int64  `json:"input_tokens"`
	Output  int64  `json:"output_tokens"`
	Cost    string `json:"cost,omitempty"` // dollars, of the answers whose cost is known
	Unknown int    `json:"answers_without_cost,omitempty"`
}

// maxCost bounds the digits of a cost that is added.
const maxCost = 40

// Add adds an answer.
func (u *Used) Add(a *client.Answer) {
	u.Answers++
	if a.Usage != nil {
		u.Input += a.Usage.Input
		u.Output += a.Usage.Output
	}
	cost, ok := new(big.Rat).SetString(a.Cost)
	if !ok || len(a.Cost) > maxCost || strings.ContainsAny(a.Cost, "eE/") {
		u.Unknown++
		return
	}
	if before, ok := new(big.Rat).SetString(u.Cost); ok {
		cost.Add(cost, before)
	}
	u.Cost = strings.TrimSuffix(strings.TrimRight(cost.FloatString(12), "0"), ".")
}

// String says it in a line.
func (u *Used) String() string {
	text := fmt.Sprintf("%s in · %s out", count(u.Input, "token"), count(u.Output, "token"))
	if u.Cost != "" {
		text += " · " + dollars(u.Cost)
		if u.Unknown > 0 {
			text += " and " + count(int64(u.Unknown), "answer") + " of unknown cost"
		}
	}
	return text
}

// Line says what one answer used, and how fast it came, in a line.
func Line(a *client.Answer) string {
	var parts []string
	if u := a.Usage; u != nil {
		in := strconv.FormatInt(u.Input, 10) + " in"
		if u.Details.Cached > 0 {
			in += fmt.Sprintf(" (%d cached)", u.Details.Cached)
		}
		out := strconv.FormatInt(u.Output, 10) + " out"
		if u.OutputDetails.Reasoning > 0 {
			out += fmt.Sprintf(" (%d thinking)", u.OutputDetails.Reasoning)
		}
		parts = append(parts, in, out)
	}
	if a.Cost != "" {
		parts = append(parts, dollars(a.Cost))
	}
	parts = append(parts, terminal.Duration(a.Took))
	if speed := a.TokensPerSecond(); speed > 0 && a.Usage.Output > 1 {
		parts = append(parts, strconv.FormatFloat(speed, 'f', 0, 64)+" tokens/s")
	}
	return strings.Join(parts, " · ")
}

func dollars(amount string) string { return "$" + terminal.Printable(amount) }

func count(n int64, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.FormatInt(n, 10) + " " + what
}
