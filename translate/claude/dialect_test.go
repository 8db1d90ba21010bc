package claude_test

import (
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/claude"
)

var _ translate.Dialect = claude.Dialect{}

func TestNameIsTheOneThatDetectGives(t *testing.T) {
	if name := (claude.Dialect{}).Name(); name != "claude" {
		t.Errorf("Name() = %q", name)
	}
}
