package command_test

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/open-bedrock/caddy-bedrock-gateway/command"
)

func init() {
	command.Add(func() *cobra.Command {
		return &cobra.Command{Use: "example", Short: "Is added by another package", Run: func(cmd *cobra.Command, _ []string) {
			cmd.Println("example ran")
		}}
	})
}

// Caddy panics where a command's name is registered twice, so another package must be able to add to the tree.
func TestAdd(t *testing.T) {
	a := newAccount(t)
	if code, out, _ := a.caddy(t, nil, "bedrock"); code != 0 || !strings.Contains(out, "example") || !strings.Contains(out, "test-aws") {
		t.Errorf("exit code %d, stdout:\n%s", code, out)
	}
	if code, out, errs := a.caddy(t, nil, "bedrock", "example"); code != 0 || !strings.Contains(out+errs, "example ran") {
		t.Errorf("exit code %d, stdout:\n%s\nstderr:\n%s", code, out, errs)
	}
}
