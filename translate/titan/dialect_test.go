package titan_test

import (
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/titan"
)

var _ translate.Dialect = titan.Dialect{}

func TestNameIsTheOneThatDetectGives(t *testing.T) {
	if name := (titan.Dialect{}).Name(); name != "titan" {
		t.Errorf("Name() = %q", name)
	}
}
