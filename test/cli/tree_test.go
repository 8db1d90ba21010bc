package cli_test

import (
	"strings"
	"testing"
)

// Scripts tell a wrong command line from a failure by the exit code.
func TestUnknownCommand(t *testing.T) {
	h := newHome(t)
	got := h.caddy(t, "", "bedrock", "nonsense")
	if got.code == 0 || !strings.Contains(got.err, `unknown command "nonsense"`) {
		t.Errorf("%+v", got)
	}
}
